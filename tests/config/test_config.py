import dataclasses
import json

import pytest

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.config import PRESETS, preset


@pytest.mark.parametrize("name", list(PRESETS))
def test_json_round_trip(name):
    config = preset(name)
    assert config.preset == name
    assert config_lib.from_json(config_lib.to_json(config)) == config


def test_override():
    config = config_lib.override(
        preset("paper"),
        [
            "training.joint.epochs=2",
            "image_encoder.widths=[8, 16]",
            "loss.representation_weight=null",
            "preset=mine",
        ],
    )
    assert config.training.joint.epochs == 2.0
    assert config.image_encoder.widths == (8, 16)
    assert config.loss.representation_weight is None
    assert config.preset == "mine"


@pytest.mark.parametrize(
    "assignment, message",
    [
        ("training.joint.epoch=2", "Did you mean training.joint.epochs"),
        ("nonsense=1", "The keys are: preset, system"),
        ("training.joint.epochs", "key=value"),
        ("training.joint.epochs=many", "must be a number"),
        ("training.joint.batch_size=1.5", "must be a whole number"),
        ("image_encoder.standardize=1", "must be true or false"),
        ("image_encoder.kernel_size=4", r"must be odd. Received: image_encoder.kernel_size=4"),
        ("image_encoder.pool_after=[6]", "must name blocks from 1 to 5"),
        ("image_encoder.dilation_rate=2", "Did you mean image_encoder.dilation_rates"),
        (
            "image_encoder.dilation_rates=[1, 2]",
            "must have one number, or one of each of the 5 blocks. Received:"
            " image_encoder.dilation_rates=",
        ),
        ("image_encoder.dilation_rates=[]", "must have from 1 to 32 entries"),
        ("loss.label_smoothing=1", "loss.label_smoothing"),
        ("loss.smooth_l1_threshold=0", "loss.smooth_l1_threshold"),
        ("augmentation.translation=-1", "augmentation.translation"),
        ("training.joint.optimizer.average_decay=1", "optimizer.average_decay"),
        ("training.adversarial.optimizer.average_decay=0.9", "optimizer.average_decay must be 0"),
        ("training.discriminator_optimizer.average_decay=0.9", "average_decay must be 0: an adv"),
        ("cross_modal_mapper.units=[10, 10]", "size of the audio feature, 1024"),
        ("loss.generation=mse", "must be one of smooth_l1"),
        (
            "training.joint.sampling=slices",
            "training.joint.sampling must be one of permutation, contiguous_slices",
        ),
    ],
)
def test_bad_override(assignment, message):
    with pytest.raises(config_lib.ConfigError, match=message):
        config_lib.override(preset("paper"), [assignment])


def test_an_override_that_was_lost_is_one_error():
    given = ["training.joint.epochs=2", "training.seed=1", "training.seed=3"]
    config = config_lib.override(preset("tiny"), given)
    config_lib.require_kept(config, given, "the plan")
    later = config_lib.override(config, ["training.joint.epochs=5", "training.precision=auto"])
    message = "--override=training.joint.epochs=2 has no effect: the plan sets .* 2.0 -> 5.0"
    with pytest.raises(config_lib.ConfigError, match=message):
        config_lib.require_kept(later, given, "the plan")


def test_bad_json():
    with pytest.raises(config_lib.ConfigError, match="not JSON"):
        config_lib.from_json("{")
    values = json.loads(config_lib.to_json(preset("tiny")))
    values["old"] = 1
    del values["loss"]
    with pytest.raises(config_lib.ConfigError, match="unknown: old; missing: loss"):
        config_lib.from_json(json.dumps(values))


def test_a_configuration_of_an_earlier_version_means_what_it_meant():
    """Run folders, and the networks that ship with the package, outlive a new field."""
    values = json.loads(config_lib.to_json(preset("tiny")))
    del values["voice"], values["data"]["num_voices"], values["loss"]["letters"]
    del values["adversarial"]["conditioning"], values["adversarial"]["mismatched_weight"]
    del values["spectrogram_inverter"]["input_noise"]
    assert config_lib.from_json(json.dumps(values)) == preset("tiny")


def test_unknown_preset_and_system():
    with pytest.raises(
        config_lib.ConfigError, match="paper, released, small, tuned, compact, tiny"
    ):
        preset("large")
    with pytest.raises(
        config_lib.ConfigError, match="gen_only, gen_rep, no_holes, autoencoder, dcmavg"
    ):
        systems.configure("hole", preset("tiny"))


def test_the_rows_change_what_table_3_says():
    base = preset("paper")
    changed = {}
    for name in [system.name for system in systems.of_table("3")]:
        config = systems.configure(name, base)
        assert config.system == name
        lines = config_lib.differences(dataclasses.replace(base, system=name), config)
        changed[name] = {line.partition(":")[0] for line in lines}
    assert changed == {
        "gen_only": {"loss.perceptual_weight", "loss.representation_weight"},
        "gen_rep": {"loss.perceptual_weight"},
        "no_holes": {"image_encoder.dilation_rates", "audio_generator.dilation_rate"},
        "autoencoder": {"audio_generator.kind"},
        "mtnet": set(),
    }


@pytest.mark.parametrize("name", config_lib.PRESETS)
def test_every_system_takes_every_preset(name):
    for system in systems.names():
        assert systems.configure(system, preset(name)).system == system


def test_the_audio_feature_is_spoken_only_where_there_is_one():
    config = config_lib.override(preset("paper"), ["loss.audio_feature_weight=1"])
    with pytest.raises(config_lib.ConfigError, match="without it there is no audio feature"):
        config_lib.override(config, ["loss.representation_weight=null"])
    assert systems.configure("gen_only", config).loss.audio_feature_weight is None
    for row in ("gen_rep", "no_holes", "autoencoder"):
        assert systems.configure(row, config).loss.audio_feature_weight == 1


def test_the_softmax_layer_names_words_only_where_there_is_one():
    config = config_lib.override(preset("paper"), ["loss.generation_target=softmax_word"])
    for weight in ("null", "0"):
        with pytest.raises(config_lib.ConfigError, match="no softmax layer learns to name a word"):
            config_lib.override(config, [f"loss.perceptual_weight={weight}"])
    for row in ("gen_only", "gen_rep"):
        assert systems.configure(row, config).loss.generation_target == "true_word"
    for row in ("no_holes", "autoencoder", "mtnet"):
        assert systems.configure(row, config).loss.generation_target == "softmax_word"


def test_a_configuration_from_before_the_rates_of_each_block_is_refused():
    values = json.loads(config_lib.to_json(preset("tiny")))
    del values["image_encoder"]["dilation_rates"]
    values["image_encoder"]["dilation_rate"] = 2
    with pytest.raises(config_lib.ConfigError, match="unknown: dilation_rate; ") as error:
        config_lib.from_json(json.dumps(values))
    assert "\n" not in str(error.value)
