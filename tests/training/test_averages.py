"""Moving averages of the weights, and Nesterov's momentum: against NumPy, and kept by a stage."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import config as config_lib
from mtnet_tf.config import OptimizerConfig, StageConfig, TrainingConfig
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training import loop
from mtnet_tf.training.session import Session
from mtnet_tf.training.stage import SupervisedStage
from mtnet_tf.training.update import Update
from tests.training import two_replicas

START = np.array([3.0, -4.0])
FACTORS = np.array([0.5, 2.0])  # the loss is half the sum of factor * weight^2
STEADY = {"learning_rate": 0.1, "schedule": "constant", "warmup_steps": 0}


def make_update(scale=None, **options):
    """A variable at `START`, and its update; `scale` is that of the loss, None for none."""
    weights = keras.Variable(START.astype(np.float32))
    update = Update([weights], OptimizerConfig(**STEADY, **options), 10, scale_loss=bool(scale))
    if scale:
        update.optimizers[0].dynamic_scale.assign(scale)
    return weights, update


def step(weights, update, factors=FACTORS):
    def losses():
        factor = tf.constant(factors, tf.float32)
        return {"total": tf.reduce_sum(factor * tf.square(weights.value)) / 2}

    return tf.function(lambda: update(losses))()


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_nesterov_is_its_equations(clip_norm):
    """Sutskever's form: the gradient's step, from a point that the velocity has moved ahead."""
    weights, update = make_update(name="nesterov", momentum=0.7, clip_norm=clip_norm)
    ahead, velocity = START.copy(), np.zeros(2)
    for _ in range(6):
        # What an optimiser holds as the weight is the point ahead.
        gradient = FACTORS * ahead
        if clip_norm:
            gradient = gradient / max(1.0, np.linalg.norm(gradient) / clip_norm)
        weight = ahead - 0.7 * velocity
        velocity = 0.7 * velocity - 0.1 * gradient
        weight += velocity
        ahead = weight + 0.7 * velocity
        step(weights, update)
        np.testing.assert_allclose(weights.numpy(), ahead, rtol=1e-5)


def test_nesterov_equals_keras():
    weights, update = make_update(name="nesterov", momentum=0.9)
    theirs = keras.Variable(START.astype(np.float32))
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    for _ in range(5):
        step(weights, update)
        optimizer.apply([tf.constant(FACTORS, tf.float32) * theirs.value], [theirs])
    np.testing.assert_allclose(weights.numpy(), theirs.numpy(), rtol=1e-6)


@pytest.mark.parametrize("scale", [None, 64.0])
@pytest.mark.parametrize("name", ["rmsprop", "adam", "nesterov"])
def test_averages_are_those_of_numpy(name, scale):
    """From the weights after the first step on. What is trained is not touched by them."""
    weights, update = make_update(scale, name=name, average_decay=0.6)
    plain, update_of_plain = make_update(scale, name=name)
    average = None
    for _ in range(5):
        step(weights, update)
        step(plain, update_of_plain)
        last = weights.numpy()
        np.testing.assert_array_equal(last, plain.numpy())
        average = last if average is None else 0.6 * average + 0.4 * last
        with update.averaged():
            np.testing.assert_allclose(weights.numpy(), average, rtol=1e-5)
        np.testing.assert_array_equal(weights.numpy(), last)
    assert np.abs(average - last).min() > 1e-3
    update.keep_averages()
    np.testing.assert_allclose(weights.numpy(), average, rtol=1e-5)


def test_without_averages_the_last_weights_are_kept():
    weights, update = make_update()
    step(weights, update)
    last = weights.numpy()
    with update.averaged():
        np.testing.assert_array_equal(weights.numpy(), last)
    update.keep_averages()
    np.testing.assert_array_equal(weights.numpy(), last)


def test_the_last_weights_come_back_after_an_error():
    weights, update = make_update(average_decay=0.9)
    for _ in range(3):
        step(weights, update)
    last = weights.numpy()
    with pytest.raises(KeyboardInterrupt), update.averaged():
        assert np.abs(weights.numpy() - last).min() > 1e-4
        raise KeyboardInterrupt
    np.testing.assert_array_equal(weights.numpy(), last)


def test_a_step_that_overflows_is_not_averaged():
    """Neither before the first step that is taken, when there is no average, nor later."""
    weights, update = make_update(64.0, average_decay=0.6)
    assert float(step(weights, update, [np.inf, 1.0])["skipped_steps"]) == 1
    with update.averaged():
        np.testing.assert_array_equal(weights.numpy(), START)
    update.keep_averages()
    np.testing.assert_array_equal(weights.numpy(), START)
    step(weights, update)
    first = weights.numpy()
    assert float(step(weights, update, [np.inf, 1.0])["skipped_steps"]) == 1
    with update.averaged():
        np.testing.assert_allclose(weights.numpy(), first, rtol=1e-6)
    step(weights, update)
    last = weights.numpy()
    with update.averaged():
        # A skipped step leaves the recurrence where it was.
        np.testing.assert_allclose(weights.numpy(), 0.6 * first + 0.4 * last, rtol=1e-5)


def after_four_steps(strategy):
    """The averages, and the weights that are there again behind them; each replica has a share."""
    replicas = strategy.num_replicas_in_sync
    with strategy.scope():
        weights, update = make_update(average_decay=0.6)

    def losses():
        factor = tf.constant(FACTORS / replicas, tf.float32)
        return {"total": tf.reduce_sum(factor * tf.square(weights.value)) / 2}

    take_step = tf.function(lambda: strategy.run(lambda: update(losses)))
    for _ in range(4):
        take_step()
    with update.averaged():
        averages = [x.numpy().tolist() for x in strategy.experimental_local_results(weights.value)]
    last = [x.numpy().tolist() for x in strategy.experimental_local_results(weights.value)]
    return averages, last


def test_two_replicas_have_the_averages_of_one():
    both = two_replicas.call("test_averages.after_four_steps")
    for of_two, (of_one,) in zip(both, after_four_steps(tf.distribute.get_strategy())):
        np.testing.assert_allclose(of_two, [of_one, of_one], rtol=1e-6)


class Line(SupervisedStage):
    """Fits a line, and keeps what its weights are after each step and in each validation."""

    name = "line"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.after_steps, self.validated, self.pictured = [], [], []
        take_step = self.train_step

        def train_step(batch):
            figures = take_step(batch)
            self.after_steps.append(self.weights())
            return figures

        self.train_step = train_step

    def weights(self):
        return np.concatenate([w.numpy().ravel() for w in self.model.trainable_weights])

    def losses(self, batch, training):
        error = self.model(batch["x"], training=training)[:, 0] - batch["y"]
        return {"total": tf.reduce_mean(tf.square(error))}

    def validate(self):
        self.validated.append(self.weights())
        return {"validation_total": float(np.abs(self.weights()).sum())}

    def write_pictures(self, step):
        self.pictured.append(self.weights())


OPTIMIZER = OptimizerConfig(name="nesterov", momentum=0.5, average_decay=0.8, **STEADY)
PRECISIONS = ["float32", "mixed_float16"]


def train_line(path, precision):
    """Runs the stage in a run folder from where it stands, and returns it."""
    training = TrainingConfig(checkpoint_secs=0, log_steps=4, validations=3, precision=precision)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input([5]), keras.layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=[12, 5]).astype(np.float32)
    stage_config = StageConfig(batch_size=4, epochs=4, optimizer=OPTIMIZER)
    stage = Line(model, stage_config, training, {"x": x, "y": x.sum(-1)})
    run = RunFolder(path)
    with run.lock():
        Session(run, training).run_stage(stage)
    return stage


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_averages_are_validated_and_kept(precision, tmp_path):
    stage = train_line(tmp_path, precision)
    average, averages = stage.after_steps[0], [stage.after_steps[0]]
    for last in stage.after_steps[1:]:
        average = 0.8 * average + 0.2 * last
        averages.append(average)
    assert len(averages) == 12
    expected = [averages[number - 1] for number in (4, 8, 12)]
    np.testing.assert_allclose(stage.validated, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(stage.pictured, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(stage.weights(), stage.validated[-1])
    assert np.abs(stage.weights() - stage.after_steps[-1]).max() > 1e-2
    # A run that has ended keeps the averages too, and not the weights of its checkpoint.
    again = train_line(tmp_path, precision)
    assert again.after_steps == []
    np.testing.assert_array_equal(again.weights(), stage.weights())


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dies_at", [5, 8])
def test_averages_resume(dies_at, precision, tmp_path, monkeypatch):
    """Killed between two validations, and in the step of one."""
    whole = train_line(tmp_path / "whole", precision)
    check = loop._check

    def dying_check(stage_name, pending):
        if pending[-1][0] == dies_at:
            raise KeyboardInterrupt
        return check(stage_name, pending)

    monkeypatch.setattr(loop, "_check", dying_check)
    with pytest.raises(KeyboardInterrupt):
        train_line(tmp_path / "parts", precision)
    monkeypatch.setattr(loop, "_check", check)
    parts = train_line(tmp_path / "parts", precision)
    assert len(parts.after_steps) == 12 - (dies_at - 1)
    np.testing.assert_array_equal(parts.after_steps, whole.after_steps[dies_at - 1 :])
    np.testing.assert_array_equal(parts.weights(), whole.weights())


def test_the_averages_of_both_stages_arrive(tiny_config, synthetic_data):
    from tests.training.stages import autoencoder_stage, joint_stage

    config = config_lib.override(
        tiny_config,
        [
            "training.autoencoder.optimizer.average_decay=0.4",
            "training.joint.optimizer.average_decay=0.6",
        ],
    )
    for build, decay in ((autoencoder_stage, 0.4), (joint_stage, 0.6)):
        optimizer = build(config, synthetic_data).update.optimizers[0]
        assert (optimizer.use_ema, optimizer.ema_momentum) == (True, decay)
        assert not build(tiny_config, synthetic_data).update.optimizers[0].use_ema
