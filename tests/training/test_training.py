"""Algorithm 1 on synthetic data: it learns, resumes to the same bits, and refuses bad input."""

import dataclasses
import json
import types

import keras
import numpy as np
import pytest

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.config import OptimizerConfig
from mtnet_tf.data.pairs import DataError
from mtnet_tf.files import InUseError
from mtnet_tf.models.mtnet import build_test_network
from mtnet_tf.models.operations import forward_flops
from mtnet_tf.runs.run_folder import RunFolder, RunFolderError
from mtnet_tf.systems.train import train
from mtnet_tf.systems.trained import load_network
from mtnet_tf.training import algorithm1, loop
from mtnet_tf.training.stages.autoencoder import AutoencoderStage
from mtnet_tf.training.stages.joint import JointStage
from tests.systems.trainings import assert_resumes_to_the_same_bits, of_four_images

# All that the paper does not have, at once.
SGD = OptimizerConfig(name="nesterov", learning_rate=0.05, average_decay=0.5, clip_norm=1)
BEYOND_THE_PAPER = [
    "data.digit_size=null",
    "image_encoder.average_flips=true",
    "image_encoder.dilation_rates=[1, 2]",
    "image_encoder.residual_zero_init=true",
    "augmentation.alternating_flip=true",
    "augmentation.translation=1",
    "loss.label_smoothing=0.1",
    "loss.smooth_l1_threshold=0.5",
    "loss.audio_feature_weight=0.5",
    "loss.generation_target=softmax_word",
    "loss.generation_gradient=0.002",  # with the whole of it the encoder believes in one word
    "loss.spectral_weight=0.1",
    "training.autoencoder.optimizer.average_decay=0.5",
    "training.joint.optimizer.average_decay=0.5",
    "training.image_encoder_optimizer=" + json.dumps(dataclasses.asdict(SGD)),
]

# Shifted images take longer.
LEARNS_BEYOND = [*BEYOND_THE_PAPER, "training.joint.epochs=1000"]


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param([], id="paper"),
        pytest.param(LEARNS_BEYOND, id="beyond", marks=pytest.mark.slow),
    ],
)
def test_overfits_four_examples(overrides, tiny_config, synthetic_data, tmp_path):
    config = config_lib.override(
        tiny_config,
        [
            "training.autoencoder.epochs=150",
            "training.joint.epochs=300",
            "training.joint.batch_size=4",
            "training.joint.optimizer.learning_rate=0.002",
            "training.autoencoder.optimizer.learning_rate=0.002",
            "training.log_steps=50",
            "training.checkpoint_secs=1000",
            "audio_generator.num_blocks=3",  # the paper's
            "loss.decay_weight=0",
            *overrides,
        ],
    )
    data = of_four_images(synthetic_data)
    four = data.train
    run = RunFolder(tmp_path / "run")
    model = train(config, data, run, "cpu")
    outputs = model({"image": four.images}, training=False)
    true = data.recordings.float_waveforms()[four.recordings]
    assert (outputs["logits"].numpy().argmax(-1) == four.labels).all()
    error = np.square(outputs["waveform"].numpy() - true).sum() / np.square(true).sum()
    assert error < 0.05
    features = np.load(run / "audio_features.npz")["audio_feature"][four.recordings]
    phi = outputs["cross_modal_representation"].numpy()
    cosine = (
        (features * phi).sum(-1) / np.linalg.norm(features, axis=-1) / np.linalg.norm(phi, axis=-1)
    )
    assert cosine.min() > 0.95


@pytest.mark.parametrize("overrides", [[], BEYOND_THE_PAPER], ids=["paper", "beyond"])
def test_resume_equals_uninterrupted(overrides, tiny_config, synthetic_data, tmp_path):
    """Killed in stage 1 or in stage 2, without a last checkpoint, and continued: the same bits."""
    config = config_lib.override(tiny_config, ["image_encoder.dropout_rate=0.2", *overrides])
    assert_resumes_to_the_same_bits(config, synthetic_data, tmp_path, "autoencoder", "joint")


@pytest.mark.parametrize(
    "validations, steps", [(5, 12), (15, 20), (60, 100), (5, 5), (7, 3), (1, 9)]
)
def test_validations_are_evenly_spread_and_as_many_as_asked_for(validations, steps):
    stage = types.SimpleNamespace(num_validations=validations, num_steps=steps)
    found = [step for step in range(1, steps + 1) if loop._is_validation_step(stage, step)]
    assert len(found) == min(validations, steps) and found[-1] == steps
    apart = np.diff([0, *found])
    assert apart.max() - apart.min() <= 1
    assert not loop._is_validation_step(
        types.SimpleNamespace(num_validations=0, num_steps=steps), steps
    )


def test_a_precision_is_chosen_and_written_down(tiny_config, synthetic_data, tmp_path):
    config = config_lib.override(tiny_config, ["training.precision=auto"])
    config = systems.configure("gen_only", config)
    run = RunFolder(tmp_path / "run")
    train(config, synthetic_data, run, "cpu")
    assert run.config().training.precision in ("float32", "mixed_bfloat16")


def test_fresh_weights_are_not_frozen(tiny_config, synthetic_data, tmp_path):
    config = config_lib.override(tiny_config, ['training.frozen=["image_encoder"]'])
    with pytest.raises(config_lib.ConfigError, match="training.frozen must be empty"):
        train(config, synthetic_data, RunFolder(tmp_path / "run"), "cpu")


def test_non_finite_loss_names_step_and_term(tiny_config, synthetic_data, tmp_path, monkeypatch):
    config = systems.configure("gen_only", tiny_config)
    run = RunFolder(tmp_path / "run")
    losses = JointStage.losses

    def broken(self, batch, training):
        found = losses(self, batch, training)
        bad = keras.ops.where(self.update.optimizers[0].iterations >= 4, float("nan"), 0.0)
        return {
            **found,
            "generation": found["generation"] + bad,
            "total": found["total"] + bad,
        }

    monkeypatch.setattr(JointStage, "losses", broken)
    with pytest.raises(loop.NonFiniteLossError, match="step 5: the term generation is not finite"):
        train(config, synthetic_data, run, "cpu")
    assert sorted(p.name for p in (run / "checkpoints/joint").glob("*.index")) == [
        "ckpt-3.index",
        "ckpt-4.index",
    ]


def test_a_look_that_is_not_finite_stops_the_training(
    tiny_config, synthetic_data, tmp_path, monkeypatch
):
    config = config_lib.override(tiny_config, ["training.validations=1"])
    autoencoder = algorithm1.build_audio_autoencoder(config)
    stage = AutoencoderStage(autoencoder, config, synthetic_data)
    monkeypatch.setattr(stage, "validate", lambda: {"nearest_cosine": float("nan")})
    with pytest.raises(loop.NonFiniteLossError, match="step 10: the term nearest_cosine is not"):
        loop.run_stage(stage, RunFolder(tmp_path), config.training)
    lines = (tmp_path / "train_log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4, 6, 8]


@pytest.fixture(scope="module")
def finished(tiny_config, synthetic_data, tmp_path_factory):
    run = RunFolder(tmp_path_factory.mktemp("finished") / "run")
    train(tiny_config, synthetic_data, run, "cpu")
    return run


def test_finished_run_is_not_trained_again(finished, tiny_config, synthetic_data):
    before = (finished / "model.keras").stat().st_mtime_ns
    train(tiny_config, synthetic_data, finished, "cpu")
    assert (finished / "model.keras").stat().st_mtime_ns == before
    recorded = finished.environment()
    assert recorded["steps"] == 9  # 4 epochs of 18 pairs, batches of 8
    assert recorded["images_seen"] == 72
    assert recorded["training_seconds"] > 0
    assert recorded["versions"]["tensorflow"]
    spoken = build_test_network(load_network(finished))
    assert recorded["flops_per_image"] == forward_flops(spoken, 1)["float32"]


def test_a_layer_whose_operations_are_not_counted_does_not_cost_the_training(
    tiny_config, synthetic_data, tmp_path, monkeypatch, caplog
):
    def refuse(*arguments, **options):
        raise ValueError("The operations of DepthwiseConv2dNative (x) are not counted.")

    monkeypatch.setattr("mtnet_tf.systems.train.forward_flops", refuse)
    run = RunFolder(tmp_path / "run")
    config = config_lib.override(tiny_config, ["training.joint.epochs=0.5"])
    train(systems.configure("gen_only", config), synthetic_data, run, "cpu")
    assert run.is_finished()
    assert run.environment()["flops_per_image"] is None
    assert "DepthwiseConv2dNative (x) are not counted" in caplog.text


def test_changed_configuration_is_refused_with_the_difference(
    finished, tiny_config, synthetic_data
):
    changed = config_lib.override(tiny_config, ["training.joint.epochs=5"])
    with pytest.raises(RunFolderError, match=r"training.joint.epochs: 4.0 -> 5.0"):
        train(changed, synthetic_data, finished, "cpu")


def test_second_process_is_refused(tiny_config, synthetic_data, tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.lock(), pytest.raises(InUseError, match="Another process is using"):
        train(tiny_config, synthetic_data, RunFolder(run.path), "cpu")


def test_stage_1_is_shared_by_an_ablation(finished, tiny_config, synthetic_data, tmp_path):
    run = RunFolder(tmp_path / "no_holes")
    config = systems.configure("no_holes", tiny_config)
    train(config, synthetic_data, run, "cpu", shared=[finished])
    features = [np.load(r / "audio_features.npz")["audio_feature"] for r in (finished, run)]
    np.testing.assert_array_equal(*features)
    assert not (run / "checkpoints/autoencoder").exists()


def test_another_stage_1_is_not_taken_over(finished, tiny_config, synthetic_data, tmp_path):
    run = RunFolder(tmp_path / "other")
    config = config_lib.override(tiny_config, ["training.seed=1"])
    train(config, synthetic_data, run, "cpu", shared=[finished])
    assert (run / "checkpoints/autoencoder").is_dir()
    features = [np.load(r / "audio_features.npz")["audio_feature"] for r in (finished, run)]
    assert not np.array_equal(*features)


def test_stage_2_is_the_same_whoever_ran_stage_1(finished, tiny_config, synthetic_data, tmp_path):
    run = RunFolder(tmp_path / "again")
    model = train(tiny_config, synthetic_data, run, "cpu", shared=[finished])
    for a, b in zip(model.get_weights(), load_network(finished).get_weights()):
        np.testing.assert_array_equal(a, b)
    assert run.environment()["stage1"] == finished.environment()["stage1"]


@pytest.mark.parametrize(
    "change, same",
    [
        ("training.joint.epochs=1", True),
        ("image_encoder.dilation_rates=[1]", True),
        ("training.autoencoder.epochs=3", False),
        ("augmentation.translation=1", True),
        ("training.joint.optimizer.average_decay=0.9", True),
        ("training.autoencoder.optimizer.average_decay=0.9", False),
        ("training.seed=1", False),
        ("loss.reconstruction_decay_weight=0", False),
        ("loss.reconstruction=sum_squared_error", False),
        ("training.autoencoder_epoch=pairs", False),
        ("audio_autoencoder.hidden_units=[25,16,12,16,24]", False),
        ("initialization.kernel_scale=0.5", False),
        ("batch_norm.momentum=0.5", False),
        ("data.validation_seed=7", False),
    ],
)
def test_only_an_equal_stage_1_is_taken_over(change, same, tiny_config, synthetic_data):
    keys = [
        algorithm1.stage1_key(config, synthetic_data)
        for config in (tiny_config, config_lib.override(tiny_config, [change]))
    ]
    assert (keys[0] == keys[1]) == same


def test_other_recordings_have_a_stage_1_of_their_own(tiny_config, synthetic_data):
    fingerprint = {**synthetic_data.metadata, "recordings_fingerprint": "f" * 64}
    others = [
        dataclasses.replace(synthetic_data, name="other/one_recording"),
        dataclasses.replace(synthetic_data, metadata=fingerprint),
    ]
    keys = {algorithm1.stage1_key(tiny_config, data) for data in (synthetic_data, *others)}
    assert len(keys) == 3


def test_a_part_of_a_data_set_has_a_stage_1_of_its_own(tiny_config, synthetic_data):
    pairs = synthetic_data.train
    one = pairs.take(np.flatnonzero(pairs.recordings == pairs.recordings[0]))
    part = dataclasses.replace(synthetic_data, train=one)
    keys = [algorithm1.stage1_key(tiny_config, data) for data in (synthetic_data, part)]
    assert keys[0] != keys[1]


def test_data_that_does_not_fit_is_refused(tiny_config, synthetic_data, tmp_path):
    of_four = ["data.num_classes=4", "data.image_shape=[14,14,1]"]
    of_three_voices = ["voice.conditioning=film", "data.num_voices=3"]
    for overrides, found, wanted in (
        (of_four, "'image_shape': (12, 12, 1), 'num_classes': 3", "(14, 14, 1), 'num_classes': 4"),
        (of_three_voices, "'num_voices': 2", "'num_voices': 3"),
    ):
        config = config_lib.override(tiny_config, overrides)
        with pytest.raises(DataError) as caught:
            train(config, synthetic_data, RunFolder(tmp_path / "run"), "cpu")
        assert f"it has {{{found}}}, and the network is" in str(caught.value)
        assert f"{wanted}}}." in str(caught.value)


def test_run_folder_without_a_network(tmp_path, tiny_config):
    with pytest.raises(RunFolderError, match="is no run folder"):
        RunFolder(tmp_path).config()
    RunFolder(tmp_path).begin(tiny_config, "0", "cpu")
    with pytest.raises(RunFolderError, match="has not finished"):
        load_network(RunFolder(tmp_path))
    (tmp_path / "model.keras").write_bytes(b"half")
    with pytest.raises(RunFolderError, match="cannot be read"):
        load_network(RunFolder(tmp_path))
