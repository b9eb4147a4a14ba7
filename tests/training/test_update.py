"""One update: what it reports of its gradients, with loss scaling and on two replicas."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf.config import OptimizerConfig
from mtnet_tf.training.update import Update
from tests.training import two_replicas

CONFIG = OptimizerConfig(learning_rate=0.1, schedule="constant", warmup_steps=0)
CLIPPED = OptimizerConfig(learning_rate=0.1, schedule="constant", warmup_steps=0, clip_norm=1.0)


def take_step(config, strategy, factors, scale=None):
    """Returns the figures and the weights after a step down the sum of (factor * weight).

    Args:
        config: of the optimiser.
        strategy: each replica takes one row of the factors.
        factors: the gradient is their sum over the rows.
        scale: of the loss; None for no loss scaling.
    """
    with strategy.scope():
        weights = keras.Variable([3.0, 4.0])
        update = Update([weights], config, 10, scale_loss=scale is not None)
        if scale is not None:
            update.optimizers[0].dynamic_scale.assign(scale)

    def replica_step():
        own = tf.distribute.get_replica_context().replica_id_in_sync_group
        row = tf.gather(tf.constant(factors), own)

        def losses():
            return {"total": tf.reduce_sum(row * tf.convert_to_tensor(weights))}

        return update(losses)

    @tf.function
    def step():
        figures = strategy.run(replica_step)
        return {
            name: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for name, value in figures.items()
        }

    figures = {name: float(value) for name, value in step().items()}
    return figures, weights.numpy().tolist()


def test_the_norm_is_that_before_clipping():
    figures, weights = take_step(CLIPPED, tf.distribute.get_strategy(), [[3.0, 4.0]])
    assert figures == {"total": 25.0, "gradient_norm": 5.0}
    # The gradient is clipped to [0.6, 0.8]; the mean square starts at 1, with rho .99.
    clipped = np.array([0.6, 0.8])
    moved = 0.1 * clipped / np.sqrt(0.99 + 0.01 * clipped**2)
    np.testing.assert_allclose(weights, np.array([3.0, 4.0]) - moved, rtol=1e-5)


def test_loss_scaling_changes_neither_norm_nor_step():
    plain = take_step(CONFIG, tf.distribute.get_strategy(), [[3.0, 4.0]])
    scaled = take_step(CONFIG, tf.distribute.get_strategy(), [[3.0, 4.0]], scale=1024.0)
    assert scaled[0] == plain[0] | {"skipped_steps": 0.0}
    np.testing.assert_allclose(scaled[1], plain[1], rtol=1e-6)


def test_an_overflow_moves_nothing_and_is_counted():
    figures, weights = take_step(
        CONFIG, tf.distribute.get_strategy(), [[3.0, 4.0]], scale=float(np.finfo(np.float32).max)
    )
    assert figures == {"total": 25.0, "gradient_norm": 0.0, "skipped_steps": 1.0}
    assert weights == [3.0, 4.0]


@pytest.mark.parametrize("scale", [None, 1024.0])
def test_variables_apart_have_an_optimiser_of_their_own(scale):
    near, far = keras.Variable([3.0]), keras.Variable([4.0])
    sgd = dataclasses.replace(CONFIG, name="nesterov", learning_rate=0.5, momentum=0.0)
    update = Update([near, far], CONFIG, 10, apart=([near], sgd), scale_loss=scale is not None)
    for optimizer in update.optimizers if scale else ():
        optimizer.dynamic_scale.assign(scale)
    figures = update(lambda: {"total": 2 * near.value[0] + 3 * far.value[0]})
    assert near.numpy() == pytest.approx([3 - 0.5 * 2])
    assert far.numpy() == pytest.approx([4 - 0.1 * 3 / np.sqrt(0.99 + 0.01 * 9)])
    assert float(figures["gradient_norm"]) == pytest.approx(np.sqrt(13))
    assert update.learning_rates() == pytest.approx([0.1, 0.5])


def test_an_overflow_on_one_side_moves_neither():
    """Then both scales stay equal, and the loss has only one."""
    near, far = keras.Variable([3.0]), keras.Variable([4.0])
    update = Update([near, far], CONFIG, 10, apart=([near], CONFIG), scale_loss=True)
    before = float(update.optimizers[0].dynamic_scale)
    figures = update(lambda: {"total": near.value[0] * np.float32(np.inf) + far.value[0]})
    assert float(figures["skipped_steps"]) == 1
    assert (near.numpy(), far.numpy()) == ([3.0], [4.0])
    assert [float(optimizer.dynamic_scale) for optimizer in update.optimizers] == [before / 2] * 2


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_a_row_that_is_read_twice_has_one_gradient(name):
    """An embedding's gradient comes in slices, of which several may be of one row."""
    config = dataclasses.replace(CONFIG, name=name)

    def step(read):
        table = keras.Variable([[3.0], [4.0]])
        update = Update([table], config, 10)
        return update(lambda: {"total": tf.reduce_sum(read(table))}), table.numpy()

    in_slices = step(lambda table: tf.gather(tf.convert_to_tensor(table), [0, 0, 1]))
    sliced = step(lambda table: tf.nn.embedding_lookup(table.value, [0, 0, 1]))
    for figures, found in (in_slices, sliced):
        assert float(figures["gradient_norm"]) == pytest.approx(np.sqrt(2**2 + 1))
        np.testing.assert_array_equal(found, in_slices[1])


def test_the_scale_of_the_loss_is_that_of_what_moves():
    """Where all of one side is frozen, its optimiser sees no gradient, and so no overflow."""
    near = keras.Variable([3.0])
    update = Update([near], CONFIG, 10, apart=([near], CONFIG), scale_loss=True)
    before = float(update.optimizers[1].dynamic_scale)
    for _ in range(2):
        figures = update(lambda: {"total": near.value[0] * np.float32(np.inf)})
        assert float(figures["skipped_steps"]) == 1
    assert float(update.optimizers[1].dynamic_scale) == before / 4
    update.optimizers[0].dynamic_scale.assign(2 * before)
    update(lambda: {"total": 2 * near.value[0]})
    assert near.numpy() == pytest.approx([3 - 0.1 * 2 / np.sqrt(0.99 + 0.01 * 4)])


def take_step_of_two(strategy):
    return take_step(CLIPPED, strategy, [[1.0, 2.0], [2.0, 2.0]])


def test_two_replicas_take_the_step_of_the_whole_batch():
    figures, weights = two_replicas.call("test_update.take_step_of_two")
    whole = take_step(CLIPPED, tf.distribute.get_strategy(), [[3.0, 4.0]])
    assert figures == pytest.approx(whole[0])
    np.testing.assert_allclose(weights, whole[1], rtol=1e-6)


def test_it_is_built_before_its_first_step():
    """A checkpoint is restored before any step: it finds what the optimiser holds."""
    weights = keras.Variable([3.0, 4.0])
    names = {variable.name for variable in Update([weights], CONFIG, 10).optimizers[0].variables}
    assert any("moment" in name for name in names)


def test_the_learning_rate_follows_the_steps_of_the_stage():
    config = OptimizerConfig(learning_rate=1.0, warmup_steps=500)
    update = Update([keras.Variable([1.0])], config, 100)
    assert update.learning_rates()[0] == pytest.approx(0.1)
    update.optimizers[0].iterations.assign(100)
    assert update.learning_rates()[0] == pytest.approx(0.01)
