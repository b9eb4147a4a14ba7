"""The losses of the adversarial systems of Table 4.

As in `losses`, each function returns its replica's share of a mean over the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import tensorflow as tf

Form = Literal["gan_cls", "hinge"]


def discriminator_loss(
    right: tf.Tensor,
    mismatched: Sequence[tf.Tensor],
    made: Sequence[tf.Tensor],
    form: Form = "gan_cls",
    mismatched_weight: float = 1.0,
) -> tf.Tensor:
    """Returns the loss of a matching-aware discriminator, which is to be minimised.

    With S the sigmoid of a logit, "gan_cls" maximises log S of true pairs, and log(1 - S) of pairs
    that are made or do not belong together. Each kind of the latter has the weight 1/2, those that
    do not belong together `mismatched_weight` times that. The true pairs weigh as much as all of
    them: with a `mismatched_weight` of 1, as in both papers, 1 in DCMAVG, which has two kinds, and
    2 in CMCGAN, which has four. "hinge" has -max(0, 1 - logit) and -max(0, 1 + logit) for the
    logarithms.

    Args:
        right: logits of true pairs, float32 [batch].
        mismatched: logits of each kind of true samples that do not belong together, float32
            [batch].
        made: logits of each kind of pairs with a made sample, float32 [batch].
        form: one of these.
        mismatched_weight: of a mismatched pair beside a made one.
    """
    true = _hinge if form == "hinge" else tf.nn.softplus
    weights = [mismatched_weight] * len(mismatched) + [1.0] * len(made)
    others = [w * true(other) for w, other in zip(weights, [*mismatched, *made])]
    loss = sum(weights) * true(-right) + tf.add_n(others)
    return 0.5 * tf.nn.compute_average_loss(loss)


def _hinge(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(1.0 + x)


def generator_loss(fake: tf.Tensor, form: Form = "gan_cls") -> tf.Tensor:
    """Returns the loss of the generator: -log S of its pairs for "gan_cls", -logit for "hinge".

    Args:
        fake: logits of pairs with what it made, float32 [batch].
        form: one of these.
    """
    return tf.nn.compute_average_loss(-fake if form == "hinge" else tf.nn.softplus(-fake))


def consistency_loss(true: tf.Tensor, again: tf.Tensor) -> tf.Tensor:
    """Returns the cycle consistency loss (CMCGAN): the mean absolute difference after a cycle.

    Args:
        true: images or spectrograms, float32 [batch, height, width, channels].
        again: what came back, of the same shape.
    """
    return tf.nn.compute_average_loss(tf.reduce_mean(tf.abs(true - again), axis=[1, 2, 3]))
