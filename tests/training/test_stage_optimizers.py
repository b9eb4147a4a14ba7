"""The optimisers of the two stages: every field arrives, and what a step is."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from mtnet_tf import config as config_lib
from mtnet_tf.config import OptimizerConfig
from tests.training.stages import autoencoder_stage, joint_stage

OPTIMIZERS = [  # every field of an optimiser, no two values alike
    ("rmsprop", 0.011, 0.71, 0.61, 3e-3, 0.4, 0.13, 5.0, 1),
    ("rmsprop", 0.023, 0.83, 0.52, 7e-2, 0.7, 0.29, 3.0, 2),
]


def optimizer_overrides(stage, values):
    fields = "name learning_rate rho momentum epsilon initial_mean_square"
    fields += " final_learning_rate_fraction clip_norm warmup_steps"
    return [f"training.{stage}.optimizer.{f}={v}" for f, v in zip(fields.split(), values)]


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_every_field_of_an_optimizer_arrives_in_its_stage(schedule, tiny_config, synthetic_data):
    config = config_lib.override(
        tiny_config,
        [
            *optimizer_overrides("autoencoder", OPTIMIZERS[0]),
            *optimizer_overrides("joint", OPTIMIZERS[1]),
            f"training.autoencoder.optimizer.schedule={schedule}",
            f"training.joint.optimizer.schedule={schedule}",
            "training.autoencoder.epochs=40",
            "training.joint.epochs=20",
        ],
    )
    for build, values in zip((autoencoder_stage, joint_stage), OPTIMIZERS):
        stage = build(config, synthetic_data)
        _, rate, rho, momentum, epsilon, start, fraction, clip_norm, warmup = values
        optimizer = stage.update.optimizers[0]
        found = optimizer.rho, optimizer.momentum, optimizer.epsilon, optimizer.global_clipnorm
        assert found == (rho, momentum, epsilon, clip_norm)
        np.testing.assert_allclose(optimizer._mean_squares[0], start)
        rates = [float(optimizer._learning_rate(step)) for step in (0, warmup - 1, stage.num_steps)]
        last = rate * fraction if schedule == "cosine" else rate
        assert rates == pytest.approx([rate / warmup, rate, last], rel=1e-5)
        assert stage.update.learning_rates()[0] == pytest.approx(rate / warmup)


def test_a_warm_up_takes_at_most_a_tenth_of_its_stage(tiny_config, synthetic_data):
    config = config_lib.override(
        tiny_config,
        ["training.autoencoder.optimizer.warmup_steps=500", "training.autoencoder.epochs=40"],
    )
    stage = autoencoder_stage(config, synthetic_data)
    rates = [float(stage.update.optimizers[0]._learning_rate(step)) for step in (0, 1, 2, 3, 4)]
    top = config.training.autoencoder.optimizer.learning_rate
    np.testing.assert_allclose(rates[:4], [top / 4, top / 2, top * 3 / 4, top], rtol=1e-5)


def test_adam_gets_its_fields(tiny_config, synthetic_data):
    config = config_lib.override(
        tiny_config,
        [
            f"training.joint.optimizer.{field}"
            for field in (
                "name=adam",
                "epsilon=1e-5",
                "clip_norm=2",
                "warmup_steps=0",
                "momentum=0.8",
            )
        ],
    )
    optimizer = joint_stage(config, synthetic_data).update.optimizers[0]
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert (optimizer.epsilon, optimizer.global_clipnorm) == (1e-5, 2.0)
    assert (optimizer.beta_1, optimizer.beta_2) == (0.8, 0.999)


def test_image_encoder_and_softmax_layer_may_have_an_optimiser_of_their_own(
    tiny_config, synthetic_data
):
    still = OptimizerConfig(learning_rate=1e-20, schedule="constant", warmup_steps=0)
    config = config_lib.override(
        tiny_config,
        ["training.image_encoder_optimizer=" + json.dumps(dataclasses.asdict(still))],
    )
    stage = joint_stage(config, synthetic_data)
    before = [variable.numpy() for variable in stage.model.trainable_variables]
    rates = stage.learning_rates()
    stage.train_step(next(iter(stage.batches(0))))
    moved = {
        variable.path
        for variable, value in zip(stage.model.trainable_variables, before)
        if np.abs(variable.numpy() - value).max() > 1e-15
    }
    speech_side = [stage.model.get_layer(n) for n in ("cross_modal_mapper", "audio_generator")]
    assert moved == {v.path for layer in speech_side for v in layer.trainable_variables}
    assert rates["learning_rate_image_encoder"] == pytest.approx(1e-20)
    assert rates["learning_rate"] > 1e-6


def test_a_step_is_rmsprop_on_the_gradient_of_the_total(tiny_config, synthetic_data):
    """The first update of every weight of stage 2, from the gradients of `losses`."""
    import tensorflow as tf

    config = config_lib.override(
        tiny_config,
        [
            *optimizer_overrides("joint", OPTIMIZERS[1]),
            "training.joint.optimizer.clip_norm=null",
            "image_encoder.dropout_rate=0",
        ],
    )
    stage = joint_stage(config, synthetic_data)
    batch = next(iter(stage.batches(0)))
    variables = stage.model.trainable_variables
    with tf.GradientTape() as tape:
        total = stage.losses(batch, training=True)["total"]
    gradients = [g.numpy().astype(np.float64) for g in tape.gradient(total, variables)]
    before = [v.numpy() for v in variables]
    rate, rho, epsilon, start = stage.update.learning_rates()[0], 0.83, 7e-2, 0.7
    figures = stage.train_step(batch)
    norm = np.sqrt(sum(np.square(g).sum() for g in gradients))
    assert float(figures["gradient_norm"]) == pytest.approx(norm, rel=1e-3)
    for old, new, g in zip(before, variables, gradients):
        step = rate * g / np.sqrt(rho * start + (1 - rho) * g**2 + epsilon)
        np.testing.assert_allclose(new.numpy(), old - step, rtol=1e-4, atol=2e-6, err_msg=new.path)
