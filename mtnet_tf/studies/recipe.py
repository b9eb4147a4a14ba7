"""What each part of a training recipe brings, on the validation part of the training split.

A change is a handful of overrides of its base, and is trained as long as its base. No change looks
at the test split. `small` and `tuned` have what helped (BUILD_NOTES.md, "The recipe").
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal

import keras

from mtnet_tf import config as config_lib
from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.trained import train


@dataclasses.dataclass(frozen=True)
class Change:
    """One change of a recipe.

    Attributes:
        label: what a table calls it.
        overrides: assignments as `config.override` takes them.
        base: the change that it starts from; None for the preset.
    """

    label: str
    overrides: tuple[str, ...] = ()
    base: str | None = "baseline"


_JOINT = "training.joint."
_OPTIMIZER = "training.joint.optimizer."
_ENCODER = "image_encoder."

# What `small` was before the search. Every change of the first round starts here.
_BASELINE = (
    "training.precision=mixed_bfloat16",
    _JOINT + "epochs=2",
    _JOINT + "batch_size=64",
    _OPTIMIZER + "name=rmsprop",
    _OPTIMIZER + "learning_rate=0.0002",
    _OPTIMIZER + "warmup_steps=200",
    _OPTIMIZER + "rho=0.9",
    _OPTIMIZER + "epsilon=1e-7",
    _ENCODER + "pool_after=[1,2]",
    _ENCODER + "residual_batch_norm=false",
    "augmentation.alternating_flip=false",
    "augmentation.translation=0",
)

# Eq. 9 sums over some 20,000 samples. At weight 1 it is nearly the whole gradient of the encoder.
_BALANCED = ("loss.generation_weight=0.02",)

CHANGES = {
    "baseline": Change("`small` before the search, two epochs", _BASELINE, base=None),
    "generation_weight": Change(
        "generation loss weighs .05, not 1", ("loss.generation_weight=0.05",)
    ),
    "balanced": Change("generation loss weighs .02, not 1", _BALANCED),
    "pool_124": Change(
        "pooled after blocks 1, 2 and 4 (2.8 epochs: equal time)",
        (_ENCODER + "pool_after=[1,2,4]", _JOINT + "epochs=2.8"),
        "balanced",
    ),
    "epsilon": Change(
        "RMSProp with epsilon 1e-3, rate 3e-3",
        (_OPTIMIZER + "epsilon=1e-3", _OPTIMIZER + "learning_rate=0.003"),
        "balanced",
    ),
    "batch_norm": Change(
        "BN in the residual branch", (_ENCODER + "residual_batch_norm=true",), "balanced"
    ),
    "nesterov": Change(
        "Nesterov SGD, rate .1, batches of 128",
        (
            _OPTIMIZER + "name=nesterov",
            _OPTIMIZER + "learning_rate=0.1",
            _JOINT + "batch_size=128",
        ),
        "balanced",
    ),
    "other_weights": Change(
        "instead: perceptual loss weighs 25, representation loss 50",
        ("loss.perceptual_weight=25", "loss.representation_weight=50"),
    ),
    "small_5": Change(
        "BN in the branch, flip, translation, smoothing .1, batches of 128, rate 5e-4, 5 epochs",
        (
            _ENCODER + "residual_batch_norm=true",
            "augmentation.alternating_flip=true",
            "augmentation.translation=2",
            "loss.label_smoothing=0.1",
            _JOINT + "batch_size=128",
            _JOINT + "epochs=5",
            _OPTIMIZER + "learning_rate=0.0005",
        ),
        "pool_124",
    ),
    "no_holes_5": Change("the same without holes", (_ENCODER + "dilation_rates=[1]",), "small_5"),
    "no_norm_5": Change(
        "the same without BN in the branch", (_ENCODER + "residual_batch_norm=false",), "small_5"
    ),
    "flips_5": Change(
        "the same, averaged over the mirror image at test time",
        (_ENCODER + "average_flips=true",),
        "small_5",
    ),
    "zero_5": Change(
        "the same, each branch starts at zero", (_ENCODER + "residual_zero_init=true",), "small_5"
    ),
    "average_5": Change(
        "the same, averaged weights (EMA, decay .998)",
        (_OPTIMIZER + "average_decay=0.998",),
        "small_5",
    ),
    "threshold_5": Change(
        "the same, smooth L1 with threshold .02", ("loss.smooth_l1_threshold=0.02",), "small_5"
    ),
}


def changed(name: str, config: Config) -> Config:
    """Returns a configuration with a change, after the changes that it starts from.

    Args:
        name: a key of `CHANGES`.
        config: the configuration to change.

    Raises:
        ConfigError: there is no change of that name.
    """
    if name not in CHANGES:
        raise config_lib.ConfigError(
            f"There is no change {name!r}. The changes are: {', '.join(CHANGES)}."
        )
    change = CHANGES[name]
    if change.base is not None:
        config = changed(change.base, config)
    return config_lib.override(config, list(change.overrides))


def try_change(
    config: Config,
    data: AudioDescriptions,
    run: RunFolder,
    device: Literal["cpu", "gpu"],
) -> dict[str, Any]:
    """Trains with a changed recipe, or goes on where it was stopped.

    Args:
        config: of the training (`changed`).
        data: the data set.
        run: the run folder. The stage 1 of another one beside it is taken over where it is equal.
        device: what the training runs on, for the record.

    Returns:
        {"looks": [{"step" and the figures of `JointStage.validate`}], "training_seconds",
        "images_seen", "num_parameters", "training_command", "training_hardware"}, as JSON types.

    Raises:
        ConfigError: the validation split is empty.
    """
    if not len(data.validation):
        raise config_lib.ConfigError(
            "A recipe is chosen on the validation part of the training split, and there is none:"
            " set data.validation_fraction, such as to 0.05."
        )
    train(config, data, run, device, shared=run.neighbours(), keep="model")
    keras.backend.clear_session()
    lines = map(json.loads, (run / "train_log.jsonl").read_text(encoding="utf-8").splitlines())
    looks = [
        {key: value for key, value in line.items() if key == "step" or "validation" in key}
        for line in lines
        if line["stage"] == "joint" and "validation_total" in line
    ]
    record = run.environment()
    of_training = {f"training_{key}": record[key] for key in ("command", "git_commit", "hardware")}
    kept = ("training_seconds", "images_seen", "num_parameters")
    return {"looks": looks, **of_training, **{key: record[key] for key in kept}}
