"""How the paper's optimiser can be read, and what each reading does to a stage.

Section 4.3 gives "RMSProp", an "initial learning rate" of 1e-3, a momentum of .9 and a "weight
decay" of .0005. It does not give the schedule, rho, epsilon, the start of the mean square, or
whether gradients are clipped. Each reading keeps what the text gives, or says what it changes. It
differs from the reading `text` in the fields that its `overrides` name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from typing import Any, Literal

import keras
import numpy as np

from mtnet_tf import config as config_lib
from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.runs.layout import LOG
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies.divergence import DIVERGENCES, divergence
from mtnet_tf.training.algorithm1 import learn_audio_features
from mtnet_tf.training.loop import check_finite, run_stage
from mtnet_tf.training.session import Session
from mtnet_tf.training.stages.autoencoder import AutoencoderStage
from mtnet_tf.training.stages.joint import JointStage

# A stage 1 is ended at this reconstruction error, ten times that of silence.
_GIVE_UP = 10.0
# A stage 2 is ended where this share of phi is saturated.
_GIVE_UP_SATURATION = 0.9


@dataclasses.dataclass(frozen=True)
class Reading:
    """One way to read section 4.3.

    Attributes:
        label: what a table calls it.
        overrides: assignments as `config.override` takes them. "{stage}" stands for the name of
            the stage.
    """

    label: str
    overrides: tuple[str, ...] = ()


_OPTIMIZER = "training.{stage}.optimizer."
# The reading `text`, which every reading starts from.
_TEXT = (
    _OPTIMIZER + "name=rmsprop",
    _OPTIMIZER + "learning_rate=0.001",
    _OPTIMIZER + "momentum=0.9",
    _OPTIMIZER + "rho=0.9",
    _OPTIMIZER + "epsilon=1e-7",
    _OPTIMIZER + "initial_mean_square=1",
    _OPTIMIZER + "schedule=cosine",
    _OPTIMIZER + "warmup_steps=500",
    _OPTIMIZER + "clip_norm=null",
    "initialization.kernel_scale=1",
)
READINGS = {
    "text": Reading("rho .9, epsilon 1e-7, warm-up, cosine: as most libraries have it"),
    "tf1_epsilon": Reading("TensorFlow 1's epsilon, 1e-10", (_OPTIMIZER + "epsilon=1e-10",)),
    "decay_is_rho": Reading('"decay 0.0005" as TensorFlow 1\'s rho', (_OPTIMIZER + "rho=0.0005",)),
    "rho_99": Reading("rho .99: `paper`", (_OPTIMIZER + "rho=0.99",)),
    "small_start": Reading(
        "weights start with a tenth of the variance", ("initialization.kernel_scale=0.1",)
    ),
    "constant": Reading(
        "constant rate, no warm-up",
        (_OPTIMIZER + "schedule=constant", _OPTIMIZER + "warmup_steps=0"),
    ),
    "clip": Reading("gradients clipped to norm 1", (_OPTIMIZER + "clip_norm=1",)),
    "epsilon_1e-3": Reading("epsilon 1e-3", (_OPTIMIZER + "epsilon=0.001",)),
    "epsilon_1": Reading("epsilon 1", (_OPTIMIZER + "epsilon=1",)),
    "epsilon_1_no_warmup": Reading(
        "epsilon 1, no warm-up", (_OPTIMIZER + "epsilon=1", _OPTIMIZER + "warmup_steps=0")
    ),
    "scripts": Reading(
        "the published scripts': Adam 1e-4, constant",
        (
            _OPTIMIZER + "name=adam",
            _OPTIMIZER + "learning_rate=0.0001",
            _OPTIMIZER + "epsilon=1e-8",
            _OPTIMIZER + "schedule=constant",
            _OPTIMIZER + "warmup_steps=0",
            "initialization.kernel_scale=0.1",
        ),
    ),
}


def read(name: str, stage: Literal["autoencoder", "joint"], config: Config, seed: int) -> Config:
    """Returns a configuration in which the optimiser of a stage is read in one way.

    Args:
        name: of the reading, a key of `READINGS`.
        stage: the stage whose optimiser it is.
        config: the configuration to change.
        seed: of the training.

    Raises:
        ConfigError: there is no reading of that name.
    """
    if name not in READINGS:
        raise config_lib.ConfigError(
            f"There is no reading {name!r}. The readings are: {', '.join(READINGS)}."
        )
    assignments = [line.format(stage=stage) for line in (*_TEXT, *READINGS[name].overrides)]
    return config_lib.override(config, [*assignments, f"training.seed={seed}"])


def try_autoencoder(config: Config, data: AudioDescriptions) -> dict[str, Any]:
    """Trains stage 1 and returns what came out, as JSON types.

    The stage is looked at as often as `training.validations` says. It ends early where a look finds
    an error of ten times that of silence.

    Args:
        config: of the training (`read`).
        data: the data set.

    Returns:
        {"num_steps": the steps of the whole stage, "looks": an entry a validation, "log": the lines
        of the log}, and "diverged" (`divergence`) where a loss or a figure of a validation was not
        finite. An entry is {"step", "reconstruction_error", "feature_saturation",
        "nearest_cosine"}.
    """
    keras.utils.set_random_seed(config.training.seed)
    stage = _WatchedAutoencoderStage(build_audio_autoencoder(config), config, data)
    with _temporary_run() as run:
        return _watch(stage, run, config)


def try_joint(
    config: Config, data: AudioDescriptions, device: Literal["cpu", "gpu"]
) -> dict[str, Any]:
    """Trains both stages and returns what came out of stage 2, as JSON types.

    The stage is looked at as often as `training.validations` says. It ends early where a look finds
    more than nine tenths of phi saturated.

    Args:
        config: of the training (`read`).
        data: the data set.
        device: what the training runs on, for the record.

    Returns:
        As `try_autoencoder`. An entry is {"step"} and the figures of `JointStage.validate`. Where
        stage 1 diverged or has learned too little, "diverged" says it, and the rest is empty.

    Raises:
        ConfigError: the validation split is empty.
    """
    data.require_validation("The readings of stage 2 are looked at")
    with _temporary_run() as run:
        run.begin(config, data.metadata["recordings_fingerprint"], device)
        try:
            features = learn_audio_features(config, data, Session(run, config.training))
        except DIVERGENCES as error:
            return {"num_steps": 0, "looks": [], "log": [], "diverged": divergence(error)}
        keras.utils.set_random_seed(config.training.seed)
        stage = _WatchedJointStage(build_mtnet(config), config, data, features)
        return _watch(stage, run, config)


class _GivenUp(Exception):
    """A validation has found nothing left to learn from."""


def _watch(stage: _Watched, run: RunFolder, config: Config) -> dict[str, Any]:
    """Runs a stage to its end, or to where it is lost, and returns what came out."""
    ending = {}
    try:
        run_stage(stage, run, config.training)
    except _GivenUp:
        pass
    except DIVERGENCES as error:
        ending["diverged"] = divergence(error)
    found = {"num_steps": stage.num_steps, "looks": stage.looks, "log": _log_of(run, stage.name)}
    return found | ending


class _Watched:
    """Keeps what each validation of a stage has found, and ends a stage that is lost."""

    def __init__(self, *arguments: Config | AudioDescriptions | keras.Model | np.ndarray) -> None:
        super().__init__(*arguments)
        self.looks = []

    def validate(self) -> dict[str, float]:
        figures = super().validate()
        step = int(self.update.optimizers[0].iterations.numpy())
        check_finite(self.name, step, figures)
        self.looks.append({"step": step, **figures})
        if self.is_lost(figures):
            raise _GivenUp
        return figures


class _WatchedAutoencoderStage(_Watched, AutoencoderStage):
    def is_lost(self, figures: dict[str, float]) -> bool:
        return figures["reconstruction_error"] >= _GIVE_UP


class _WatchedJointStage(_Watched, JointStage):
    def is_lost(self, figures: dict[str, float]) -> bool:
        return figures["validation_phi_saturation"] > _GIVE_UP_SATURATION


@contextlib.contextmanager
def _temporary_run() -> Iterator[RunFolder]:
    """Yields a run folder that is gone afterwards: a full-width checkpoint of stage 1 has 2 GB."""
    with tempfile.TemporaryDirectory(prefix="mtnet_reading_") as folder:
        yield RunFolder(folder)


def _log_of(run: RunFolder, stage: str) -> list[dict]:
    # There is no log where the first look ended the stage.
    lines = run.log() if (run / LOG).is_file() else []
    return [line for line in lines if line["stage"] == stage]
