"""The adversarial losses against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import adversarial_losses as losses
from mtnet_tf.losses import letter_loss
from tests.training import two_replicas

LOGITS = np.random.default_rng(0).normal(0, 2, (5, 7)).astype(np.float32)
RIGHT, *OTHERS = LOGITS


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def test_gan_cls_of_dcmavg():
    """Its discriminator maximises log S_r + (log(1 - S_w) + log(1 - S_f)) / 2."""
    s_r, s_w, s_f = map(sigmoid, LOGITS[:3])
    maximised = np.log(s_r) + (np.log(1 - s_w) + np.log(1 - s_f)) / 2
    found = losses.discriminator_loss(RIGHT, OTHERS[:1], OTHERS[1:2])
    assert float(found) == pytest.approx(-maximised.mean(), rel=1e-5)
    assert float(losses.generator_loss(OTHERS[1])) == pytest.approx(-np.log(s_f).mean(), rel=1e-5)


def test_the_joint_corresponding_loss_of_cmcgan():
    """2 log S(r, r) + half of log(1 - S) of two mismatched and two generated pairs."""
    s, *wrong_and_fake = map(sigmoid, LOGITS)
    maximised = 2 * np.log(s) + sum(np.log(1 - other) for other in wrong_and_fake) / 2
    found = losses.discriminator_loss(RIGHT, OTHERS[:2], OTHERS[2:])
    assert float(found) == pytest.approx(-maximised.mean(), rel=1e-5)


def test_mismatched_pairs_may_weigh_more_than_made_ones():
    """The true pairs then weigh more too, as much as all others."""
    s, *others = map(sigmoid, LOGITS)
    weights = [4, 4, 1, 1]
    maximised = 5 * np.log(s) + sum(w * np.log(1 - x) for w, x in zip(weights, others)) / 2
    found = losses.discriminator_loss(RIGHT, OTHERS[:2], OTHERS[2:], mismatched_weight=4)
    assert float(found) == pytest.approx(-maximised.mean(), rel=1e-5)


def test_hinge():
    expected = np.maximum(0, 1 - RIGHT) + sum(np.maximum(0, 1 + x) for x in OTHERS[:2]) / 2
    found = losses.discriminator_loss(RIGHT, OTHERS[:1], OTHERS[1:2], "hinge")
    assert float(found) == pytest.approx(expected.mean(), rel=1e-5)
    found = losses.generator_loss(OTHERS[0], "hinge")
    assert float(found) == pytest.approx(-OTHERS[0].mean(), rel=1e-5)


@pytest.mark.parametrize("form", ["gan_cls", "hinge"])
def test_the_losses_of_a_large_logit_are_finite(form):
    huge = np.full(3, 1e4, np.float32)
    assert np.isfinite(losses.discriminator_loss(-huge, [huge], [huge], form))
    assert np.isfinite(losses.generator_loss(-huge, form))


def test_consistency_is_the_mean_absolute_difference():
    a, b = np.random.default_rng(1).normal(size=(2, 3, 4, 5, 1)).astype(np.float32)
    assert float(losses.consistency_loss(a, b)) == pytest.approx(np.abs(a - b).mean(), rel=1e-5)


def all_losses(rows):
    """Of some rows of eight pairs: of both adversarial forms, of the cycles, of the letters."""
    random = np.random.default_rng(1)
    logits, images, again = (
        tf.gather(random.normal(size=shape).astype(np.float32), rows)
        for shape in ((8,), (8, 2, 2, 1), (8, 2, 2, 1))
    )
    letters = tf.gather(random.integers(0, 3, (8, 4)), rows)
    of_letters = tf.gather(random.normal(size=(8, 4, 3)).astype(np.float32), rows)
    return tf.stack(
        [
            losses.discriminator_loss(logits, [-logits], [logits]),
            losses.generator_loss(logits),
            losses.generator_loss(logits, "hinge"),
            losses.consistency_loss(images, again),
            letter_loss(letters, of_letters, "sum"),
        ]
    )


def shares_of_two(strategy):
    """What both replicas have, each of its half of the rows."""

    def share():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return all_losses(tf.range(4) + 4 * replica)

    found = strategy.experimental_local_results(strategy.run(share))
    return [share.numpy().tolist() for share in found]


def test_two_replicas_have_shares_of_the_mean_of_the_batch():
    shares = two_replicas.call("test_adversarial_losses.shares_of_two", package="tests")
    np.testing.assert_allclose(np.sum(shares, axis=0), all_losses(tf.range(8)), rtol=1e-5)
