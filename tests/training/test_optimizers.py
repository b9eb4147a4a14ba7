import keras
import numpy as np
import pytest

from mtnet_tf.config import OptimizerConfig
from mtnet_tf.training.optimizers import RMSProp, WarmupSchedule, build_optimizer


@pytest.mark.parametrize("initial_mean_square", [0.0, 1.0])
def test_rmsprop_is_its_equations(initial_mean_square):
    """Against NumPy in float64, over steps with gradients of very different sizes."""
    random = np.random.default_rng(0)
    weight = keras.Variable(random.normal(size=(5, 3)).astype(np.float32))
    optimizer = RMSProp(
        0.01, rho=0.8, momentum=0.7, epsilon=1e-6, initial_mean_square=initial_mean_square
    )
    expected = weight.numpy().astype(np.float64)
    mean_square, moment = np.full_like(expected, initial_mean_square), np.zeros_like(expected)
    for step in range(20):
        gradient = (random.normal(size=(5, 3)) * 10.0 ** (step % 5 - 2)).astype(np.float32)
        optimizer.apply_gradients([(keras.ops.convert_to_tensor(gradient), weight)])
        mean_square = 0.8 * mean_square + 0.2 * gradient.astype(np.float64) ** 2
        moment = 0.7 * moment + 0.01 * gradient / np.sqrt(mean_square + 1e-6)
        expected -= moment
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_rmsprop_from_zero_equals_keras():
    random = np.random.default_rng(1)
    start = random.normal(size=(4,)).astype(np.float32)
    ours, theirs = keras.Variable(start), keras.Variable(start)
    options = {"learning_rate": 1e-2, "rho": 0.9, "momentum": 0.9, "epsilon": 1e-7}
    a, b = RMSProp(**options), keras.optimizers.RMSprop(**options)
    for _ in range(10):
        gradient = keras.ops.convert_to_tensor(random.normal(size=(4,)).astype(np.float32))
        a.apply_gradients([(gradient, ours)])
        b.apply_gradients([(gradient, theirs)])
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)


def test_rmsprop_clips_the_global_norm():
    weight = keras.Variable(np.zeros([2], np.float32))
    optimizer = RMSProp(1.0, rho=0.0, epsilon=1.0, global_clipnorm=1.0)
    optimizer.apply_gradients(
        [(keras.ops.convert_to_tensor(np.array([30.0, 40.0], np.float32)), weight)]
    )
    clipped = np.array([0.6, 0.8])
    np.testing.assert_allclose(weight.numpy(), -clipped / np.sqrt(clipped**2 + 1.0), rtol=1e-5)


def test_rmsprop_config_round_trip():
    optimizer = build_optimizer(OptimizerConfig(), 1000)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()


def test_schedule():
    schedule = WarmupSchedule(1e-3, 10, 110, "cosine", 0.01)
    rates = [float(schedule(step)) for step in (0, 4, 9, 10, 60, 110, 500)]
    np.testing.assert_allclose(rates, [1e-4, 5e-4, 1e-3, 1e-3, 1e-3 * 0.505, 1e-5, 1e-5], rtol=1e-5)
    constant = WarmupSchedule(1e-3, 10, 110, "constant", 0.01)
    np.testing.assert_allclose(
        [float(constant(step)) for step in (4, 10, 500)], [5e-4, 1e-3, 1e-3], rtol=1e-6
    )
