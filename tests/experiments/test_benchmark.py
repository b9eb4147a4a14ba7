"""The benchmark: what it compares is equal, what it counts is exact, what it prints is complete.

No speed is asserted.
"""

import dataclasses
import itertools
import json
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments import benchmarking
from experiments.benchmarking import (
    describing,
    encoders,
    matrix_product,
    optimizer_update,
    throughput,
    timing,
)
from experiments.benchmarking.scoring import distorted_pairs
from experiments.benchmarking.setting import configure
from experiments.benchmarking.synthetic import synthetic_words
from mtnet_tf import config as config_lib
from mtnet_tf.config import AudioGeneratorConfig, DataConfig, OptimizerConfig, preset
from mtnet_tf.errors import InputError
from mtnet_tf.layers import bfloat16
from mtnet_tf.layers.dilated_conv2d import DilatedConv2D
from mtnet_tf.metrics import METRICS, Scorer
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.models.operations import forward_flops
from tests import programs

ROOT = pathlib.Path(__file__).parents[2]


class FakeProduct:
    flops = 10**9

    def __call__(self):
        pass


@pytest.fixture(scope="module")
def setting(tiny_config):
    return benchmarking.Setting(
        config=tiny_config,
        seconds=0.01,
        products={"float32": FakeProduct()},
        device="cpu",
    )


def operations(model):
    function = tf.function(lambda x: model(x, training=True)).get_concrete_function(
        tf.TensorSpec([4, *model.input_shape[1:]], model.inputs[0].dtype)
    )
    return {operation.type for operation in function.graph.get_operations()}


def test_images_in_colour_are_no_digits():
    """So their network sees the mirror image too, as that of a data set in colour does."""
    colour = "data.image_shape=[32,32,3]"
    config = configure("small", [colour])
    assert config == config_lib.override(preset("small"), [colour, "data.digit_size=null"])
    assert configure("small", []) == preset("small")
    with pytest.raises(InputError, match="digit_size=20 has no effect: the benchmark of images in"):
        configure("small", [colour, "data.digit_size=20"])


def test_plain_keras_is_the_same_network(tiny_config):
    """Equal loss and gradients from the same weights, by other operations."""
    model = encoders.encoder_with_head(tiny_config)
    plain = encoders.of_plain_keras(model)
    own = {type(layer) for layer in plain.layers if not type(layer).__module__.startswith("keras.")}
    assert {cls.__name__ for cls in own} == {"PerImageStandardization"}
    assert "SpaceToBatchND" in operations(plain)
    assert "SpaceToBatchND" not in operations(model)
    assert "FusedBatchNormV3" in operations(model)
    assert "FusedBatchNormV3" not in operations(plain)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (16, 12, 12, 1), dtype=np.uint8)
    labels = random.integers(0, 10, 16, dtype=np.int32)
    (loss, gradients), (plain_loss, plain_gradients) = (
        encoders.gradient_step(network, images, labels)() for network in (model, plain)
    )
    assert float(loss) == pytest.approx(float(plain_loss), rel=1e-5)
    assert float(loss) > 1.0  # of ten classes, untrained
    for ours, theirs in zip(gradients, plain_gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5, rtol=1e-3)
    assert encoders.relative_distance(gradients, plain_gradients) < 1e-4


def test_interleaved_is_the_same_network(tiny_config):
    """Pixels of different parity meet in the global average alone."""
    config = config_lib.override(tiny_config, ["image_encoder.pool_after=[]"])
    model = encoders.encoder_with_head(config)
    twin = encoders.interleaved(model, config)
    assert not {op for op in operations(twin) if "SpaceToBatch" in op}
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (16, 12, 12, 1), dtype=np.uint8)
    labels = random.integers(0, 10, 16, dtype=np.int32)
    (loss, gradients), (twin_loss, twin_gradients) = (
        encoders.gradient_step(network, images, labels)() for network in (model, twin)
    )
    assert float(loss) == pytest.approx(float(twin_loss), rel=1e-5)
    assert encoders.relative_distance(gradients, twin_gradients) < 1e-4
    with pytest.raises(InputError, match="without pooling"):
        encoders.interleaved(model, tiny_config)


def test_relative_distance_by_hand():
    ours, reference = [np.array([[3.0, 0.0]]), np.array([4.0])], [np.zeros([1, 2]), np.array([2.0])]
    assert encoders.relative_distance(ours, reference) == pytest.approx(np.sqrt(9 + 4) / 2)


def test_flops_by_hand(monkeypatch):
    monkeypatch.setattr(bfloat16, "_cpu_multiplies_bfloat16", lambda: True)
    image = keras.Input((8, 6, 3))
    x = keras.layers.Conv2D(4, 1)(image)
    x = DilatedConv2D(5, 3, dilation_rate=2, dtype="mixed_bfloat16")(x)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32")(keras.layers.ReLU()(x))
    model = keras.Model(image, keras.layers.Dense(7)(x))
    assert forward_flops(model, 2) == {
        "float32": 2 * (2 * 8 * 6 * 4 * 3 + 2 * 5 * 7),
        "bfloat16": 2 * (2 * 8 * 6 * 5 * 9 * 4),
    }


def test_flops_of_a_transposed_convolution_are_those_of_the_convolution():
    image, small = keras.Input((8, 6, 3)), keras.Input((4, 3, 5))
    there = keras.Model(image, keras.layers.Conv2D(5, 4, strides=2, padding="same")(image))
    back = keras.layers.Conv2DTranspose(3, 4, strides=2, padding="same")(small)
    expected = {"float32": 2 * 4 * 3 * 5 * 4 * 4 * 3}
    assert forward_flops(there, 1, training=False) == expected
    assert forward_flops(keras.Model(small, back), 1, training=False) == expected


def test_flops_of_an_unknown_operation_are_refused():
    image = keras.Input((8, 6, 3))
    model = keras.Model(image, keras.layers.DepthwiseConv2D(3)(image))
    with pytest.raises(ValueError, match="DepthwiseConv2dNative"):
        forward_flops(model, 2)


@pytest.mark.parametrize("name", ["tiny", pytest.param("released", marks=pytest.mark.slow)])
def test_flops_of_a_preset_are_those_of_its_layers(name):
    config = preset(name)
    config = dataclasses.replace(
        config, audio_generator=AudioGeneratorConfig(num_blocks=0, hidden_units=(50,))
    )
    encoder, mapper = config.image_encoder, config.cross_modal_mapper.units
    (size, _, channels), products = config.data.image_shape, 0
    for k, width in enumerate(encoder.widths, 1):
        rows = size * 3  # read by the three taps, which lie two pixels apart
        if size <= 4:  # padding is left out
            rows = sum(0 <= y + dy < size for y in range(size) for dy in (-2, 0, 2))
        products += size * size * channels * width + 2 * rows * rows * width * width
        channels = width
        if k in encoder.pool_after:
            size //= 2
    units = [channels, *encoder.feature_units, *mapper, 50, config.data.audio_length]
    products += sum(a * b for a, b in itertools.pairwise(units))
    products += encoder.feature_units[-1] * config.data.num_classes
    assert forward_flops(build_mtnet(config), 3) == {"float32": 3 * 2 * products}


def test_share_of_peak_by_hand(setting, monkeypatch):
    """The time of the operations at the products' speed over that of the step, median of turns."""
    monkeypatch.setattr(
        throughput, "forward_flops", lambda *_: {"float32": 10**9, "bfloat16": 3 * 10**10}
    )
    seconds = {
        "step": np.array([0.24, 0.48, 0.36]),
        "float32": np.array([0.01, 0.02, 0.03]),  # of 10^9 operations
        "bfloat16": np.array([0.02, 0.04, 0.06]),  # of 6 * 10^10
    }
    monkeypatch.setattr(throughput, "by_turns", lambda calls, _: {n: seconds[n] for n in calls})
    bfloat16 = FakeProduct()
    bfloat16.flops = 6 * 10**10
    products = {"float32": FakeProduct(), "bfloat16": bfloat16}
    setting = dataclasses.replace(setting, products=products)
    assert throughput.step_figures(setting, None, None, 9) == {
        "batch_size": 9,
        "images_per_second": 25.0,
        "spread": [18.75, 37.5],
        "seconds_per_step": 0.36,
        "gflop_per_step": 93.0,
        "gflops_per_second": 258.3,
        "share_of_peak": 0.25,
        "dtypes": {"float32": 0.03226, "bfloat16": 0.9677},
    }


def test_matrix_product(monkeypatch):
    monkeypatch.setattr(matrix_product, "_LONG_ENOUGH_SECS", 0.0001)
    product = matrix_product.MatrixProduct("float32")
    factors, result = product._factors, product()
    assert product.flops == 2 * len(result) ** 3
    np.testing.assert_allclose(result[:3], factors[0].numpy()[:3] @ factors[1].numpy(), atol=1e-3)


def test_turns_alternate_and_are_exact(monkeypatch):
    """On a clock that only the calls move, where the first call is slow and each turn slower."""
    clock, made = [0.0], []

    def call(name, seconds):
        clock[0] += 100.0 if name not in made else seconds * (1 + len(made) / 1000)
        made.append(name)

    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
    seconds = timing.by_turns({"a": lambda: call("a", 1.0), "b": lambda: call("b", 4.0)}, 16.0)
    assert (len(seconds["a"]), len(seconds["b"])) == (16, 16)
    np.testing.assert_allclose(seconds["b"] / seconds["a"], 4.0, rtol=0.01)
    assert list(seconds["a"]) == sorted(seconds["a"])
    measured = "".join(made)
    assert measured.endswith(
        "aabb" * 16
    )  # a second a turn, one call at least, after one that opens it
    assert len(timing.seconds_per_call(lambda: call("b", 4.0), 0.1)) == 5
    ratio = timing.speed_ratio(np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 12.0]))
    assert ratio == {"ratio": 2.0, "ratio_spread": [1.0, 3.0]}
    assert timing.rates(np.array([0.5, 0.25, 1.0]), 10, "images") == {
        "images_per_second": 20.0,
        "spread": [10.0, 40.0],
    }


@pytest.mark.parametrize("momentum", [0.9, 0.5])
@pytest.mark.parametrize("name", ["rmsprop", "adam", "nesterov"])
def test_updates_agree_with_keras(name, momentum):
    config = OptimizerConfig(name=name, learning_rate=1e-2, momentum=momentum, epsilon=1e-6)
    figures = optimizer_update.compare_updates(config, [(30, 20), (20,)], 0.0)
    assert figures["num_weights"] == 620
    assert figures["largest_difference"] < 1e-5
    assert figures["milliseconds"] > 0 and figures["keras_milliseconds"] > 0


def test_neither_optimiser_keeps_an_average_of_the_weights(monkeypatch):
    """It would be a pass over all weights that the other does not make."""
    updater, timed = optimizer_update._updater, []
    monkeypatch.setattr(
        optimizer_update,
        "_updater",
        lambda own, *args, **kw: timed.append(own) or updater(own, *args, **kw),
    )
    optimizer_update.compare_updates(OptimizerConfig(average_decay=0.9), [(2,)], 0.0)
    assert [optimizer.use_ema for optimizer in timed] == [False, False]


def test_pytorch_has_the_same_network(setting):
    """Equal loss from the same weights, with everything that an encoder can have."""
    pytest.importorskip("torch")
    from experiments.benchmarking import training_parts

    for name, changes in (
        ("tiny", []),
        ("small", []),
        ("released", ["image_encoder.widths=[8,8]"]),
        ("paper", ["image_encoder.widths=[8,8]", "training.precision=mixed_bfloat16"]),
    ):
        changes = [*changes, "training.joint.batch_size=4", "data.image_shape=[12,12,3]"]
        config = config_lib.override(preset(name), changes)
        figures = training_parts.pytorch(dataclasses.replace(setting, config=config))
        assert figures["against"] in ("contiguous", "channels_last")
        ours, *theirs = figures["loss"]
        bfloat16 = config.training.precision == "mixed_bfloat16"
        assert theirs == pytest.approx([ours, ours], rel=0.02 if bfloat16 else 1e-5)


def test_synthetic_words_can_be_scored():
    """By every metric, so that their speed is that of scoring; and no waveform comes twice."""
    references = synthetic_words(4, DataConfig())
    pairs = distorted_pairs(references)
    index, generated = (np.array(values) for values in zip(*(next(pairs) for _ in range(4))))
    scores, _ = Scorer(references).score_and_correlate(generated, index)
    for metric in set(METRICS) - {"stoi_classic"}:
        assert not any(np.isnan(score.value) for score in scores[metric]), metric
    again = np.array([next(pairs)[1] for _ in range(50)])
    assert len({waveform.tobytes() for waveform in [*generated, *again]}) == 54


def test_what_is_described_has_no_stage_1(setting, tmp_path, monkeypatch):
    """Also where a loss asks for the audio feature, which stage 1 makes."""
    config = config_lib.override(setting.config, ["loss.audio_feature_weight=0.1"])
    trained = []
    monkeypatch.setattr(describing, "train", lambda config, *_: trained.append(config.loss))
    describing._one_step_run(dataclasses.replace(setting, config=config), tmp_path)
    (loss,) = trained
    assert (loss.representation_weight, loss.audio_feature_weight) == (None, None)


@pytest.mark.parametrize("part", ["train_step", "generator", "autoencoder_stage", "input"])
def test_parts(part, setting):
    check(part, benchmarking.measure(part, setting))


def check(part, figures):
    """Every number is positive, JSON takes it, and a median lies within its spread."""
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    for key, value in figures.items():
        if isinstance(value, dict):
            check(part, value)
        elif key != "left_out":
            may_be_zero = key.startswith(("largest_difference", "relative_distance"))
            assert may_be_zero or np.all(np.array(value) > 0), (part, key)
    if "spread" in figures:
        (rate,) = [
            key for key in figures if re.fullmatch("(images|recordings|pairs)_per_second", key)
        ]
        assert figures["spread"][0] <= figures[rate] <= figures["spread"][1]
    expected = {
        "train_step": {"batch_size", "images_per_second", "gflops_per_second", "share_of_peak"},
        "plain_keras": {"ours", "plain_keras_float32", "ratio", "ratio_spread", "loss"},
        "autoencoder_stage": {"recordings_per_second", "num_steps", "estimated_seconds"},
        "evaluation": {"corr2d", "pesq", "stoi", "all_metrics", "pool"},
        "describe": {"cold_start_seconds", "warm_milliseconds_p50", "warm_milliseconds_p95"},
    }
    if "peak_mib" in figures:
        assert expected.get(part, set()) <= set(figures)


def run(*arguments):
    return programs.run("benchmark", *arguments)


def test_an_unknown_part_is_one_error():
    done = run("--parts=encoder,decoder")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--parts: there is no part 'decoder'. The parts are: train_step, num_" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e6"])
def test_seconds_without_end_are_one_error(seconds):
    done = run(f"--seconds={seconds}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: --seconds must be at most 86,400. Received: --seconds=" in done.stderr


def test_values_out_of_range_are_one_error():
    done = run("--batch_size=100000")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: training.joint.batch_size must be at most 65,536. Received" in done.stderr


@pytest.mark.slow
def test_the_program(tmp_path):
    parts = ["train_step", "num_pairs", "encoder", "plain_keras", "interleaved", "optimizer"]
    parts += ["evaluation", "describe"]
    done = run(
        "--preset=tiny",
        "--override=image_encoder.widths=[8,16]",
        "--override=image_encoder.pool_after=[1]",
        "--override=audio_generator.num_blocks=1",
        "--seconds=0.05",
        "--batch_size=8",
        f"--parts={','.join(parts)}",
        f"--output={tmp_path / 'b.json'}",
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert json.loads((tmp_path / "b.json").read_text()) == result
    assert result["command"].startswith("python -m experiments.benchmark --preset=tiny")
    assert set(result["matmul_gflops_per_second"]) == {"float32", "bfloat16", "float16"}
    figures = result["presets"]["tiny"]
    assert list(figures) == ["precision", *parts]
    assert figures["precision"] == "float32"
    for part in parts:
        check(part, figures[part])
    assert figures["train_step"]["batch_size"] == 8
    # As many terms as the encoder and everything after it have.
    assert figures["train_step"]["gflop_per_step"] > figures["encoder"]["gflop_per_step"]
    assert figures["plain_keras"]["relative_distance_of_gradients"] < 0.01
    assert figures["optimizer"]["largest_difference"] < 1e-5
    assert (
        result["peak_mib"] >= figures["describe"]["peak_mib"] >= figures["train_step"]["peak_mib"]
    )
