"""training.precision and training.jit_compile: what they compute, that it learns, what is saved."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.layers import bfloat16
from mtnet_tf.models.image_encoder import build_image_encoder
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.runs import devices
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.train import train
from mtnet_tf.systems.trained import load_network
from mtnet_tf.training.stages.joint import JointStage


def with_precision(config, precision):
    return config_lib.override(config, [f"training.precision={precision}"])


def first_losses(config, data):
    keras.utils.set_random_seed(0)
    features = np.random.default_rng(0).normal(size=(9, 12)).astype(np.float32)
    stage = JointStage(build_mtnet(config), config, data, features)
    batch = next(iter(stage.batches(0)))
    if config.training.precision == "mixed_float16":
        # The scale starts so high that the first steps overflow.
        stage.update.optimizers[0].dynamic_scale.assign(64.0)
    return {name: float(value) for name, value in stage.train_step(batch).items()}


@pytest.fixture(scope="module")
def float32_losses(tiny_config, synthetic_data):
    return first_losses(tiny_config, synthetic_data)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_what_is_computed_in_low_precision(tiny_config, precision):
    config = config_lib.override(tiny_config, ["image_encoder.residual_batch_norm=true"])
    encoder = build_image_encoder(with_precision(config, precision))
    low = precision.removeprefix("mixed_")
    for layer in encoder.layers:
        if layer.name.startswith(("trans", "res", "pool")) and "_bn" not in layer.name:
            assert (layer.compute_dtype, layer.output.dtype) == (low, low), layer.name
        else:
            assert layer.compute_dtype == "float32", layer.name
    assert {weight.dtype for weight in encoder.weights} == {"float32"}


@pytest.mark.parametrize(
    "precision, tolerance", [("mixed_bfloat16", 0.05), ("mixed_float16", 0.005)]
)
def test_losses_of_the_first_step(
    tiny_config, synthetic_data, float32_losses, precision, tolerance
):
    found = first_losses(with_precision(tiny_config, precision), synthetic_data)
    assert found.pop("skipped_steps", 0.0) == 0.0
    assert found.keys() == float32_losses.keys()
    for name, value in float32_losses.items():
        rel = 4 * tolerance if name == "gradient_norm" else tolerance
        assert found[name] == pytest.approx(value, rel=rel), name


@pytest.mark.slow
def test_xla_computes_the_same(tiny_config, synthetic_data, float32_losses):
    config = config_lib.override(tiny_config, ["training.jit_compile=true"])
    assert first_losses(config, synthetic_data) == pytest.approx(float32_losses, rel=1e-4)


@pytest.mark.slow
def test_a_low_precision_run_ends_in_a_float32_network(tiny_config, synthetic_data, tmp_path):
    config = with_precision(systems.configure("gen_only", tiny_config), "mixed_bfloat16")
    config = config_lib.override(config, ["training.joint.epochs=40", "training.log_steps=30"])
    run = RunFolder(tmp_path / "run")
    train(config, synthetic_data, run, "cpu")
    model = load_network(run)
    parts = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    assert {layer.compute_dtype for part in parts for layer in part.layers} == {"float32"}
    lines = [json.loads(line) for line in (run / "train_log.jsonl").read_text().splitlines()]
    assert lines[-1]["total"] < 0.7 * lines[0]["total"]


def test_an_overflow_in_float16_leaves_out_the_step(tiny_config, synthetic_data):
    config = with_precision(tiny_config, "mixed_float16")
    keras.utils.set_random_seed(0)
    model = build_mtnet(config)
    features = np.ones((9, 12), np.float32)
    stage = JointStage(model, config, synthetic_data, features)
    stage.update.optimizers[0].dynamic_scale.assign(1e30)
    before = [weight.numpy() for weight in model.trainable_weights]
    losses = stage.train_step(next(iter(stage.batches(0))))
    assert np.isfinite(float(losses["total"])) and float(losses["skipped_steps"]) == 1.0
    for old, weight in zip(before, model.trainable_weights):
        np.testing.assert_array_equal(old, weight.numpy())
    assert float(stage.update.optimizers[0].dynamic_scale) == pytest.approx(5e29)


@pytest.mark.parametrize(
    "flags, precision",
    [
        ("fpu avx512f amx_bf16", "mixed_bfloat16"),
        ("avx512_bf16", "mixed_bfloat16"),
        ("fpu avx2 avx512f", "float32"),
    ],
)
def test_auto_on_a_cpu(tmp_path, flags, precision):
    cpuinfo = pathlib.Path(tmp_path / "cpuinfo")
    cpuinfo.write_text(f"model name: some\nflags : {flags}\n")
    flag = bfloat16.bfloat16_flag(cpuinfo)
    assert devices._cpu_precision(flag)[0] == precision


def test_auto_on_a_cpu_that_hides_its_flags(tmp_path):
    assert bfloat16.bfloat16_flag(tmp_path / "none") is None


@pytest.mark.parametrize(
    "capability, precision",
    [((9, 0), "mixed_bfloat16"), ((7, 5), "mixed_float16"), ((6, 1), "float32")],
)
def test_auto_on_a_gpu_is_said(tiny_config, monkeypatch, caplog, capability, precision):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["gpu"])
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda gpu: {"compute_capability": capability},
    )
    with caplog.at_level("INFO"):
        config = devices.choose_precision(with_precision(tiny_config, "auto"), "gpu")
    assert config.training.precision == precision
    assert f"auto: {precision}" in caplog.text
    assert devices.choose_precision(config, "gpu") is config
