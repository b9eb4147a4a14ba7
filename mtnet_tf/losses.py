"""The losses of MT-Net (Eqs. 4, 6, 7, 9, 10, 11) and their forms in the published scripts.

They are pure functions to scalars. The data terms and the weight decay are separate functions,
because Eqs. 4, 7 and 9 each carry a decay term that Eq. 11 gathers into one.

Where a batch is spread over replicas, each function returns its replica's share: the *sum* over the
replicas is the loss of the whole batch. A mean is over the whole batch
(`tf.nn.compute_average_loss`), a decay is counted once (`tf.nn.scale_regularization_loss`). On one
replica these are the plain mean and the plain sum.
"""

from collections.abc import Sequence
from typing import Literal

import keras
import tensorflow as tf

from mtnet_tf.config import LossConfig

# The forms that are sums over the batch; the others are means.
_SUMS = ("sum_cross_entropy", "normalized_squared_error", "sum_squared_error")


def perceptual_loss(
    labels: tf.Tensor,
    logits: tf.Tensor,
    form: Literal["mean_cross_entropy", "sum_cross_entropy"] = "mean_cross_entropy",
) -> tf.Tensor:
    """Computes L_per (Eq. 4), the cross-entropy of the true class under the softmax.

    Args:
        labels: int [batch].
        logits: float32 [batch, num_classes], before the softmax.
        form: The mean over the batch (paper) or the sum (published scripts).

    Returns:
        float32 scalar.
    """
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    if form == "sum_cross_entropy":
        return tf.reduce_sum(loss)
    return tf.nn.compute_average_loss(loss)


def representation_loss(
    audio_feature: tf.Tensor,
    representation: tf.Tensor,
    form: Literal["cosine", "normalized_squared_error"] = "cosine",
) -> tf.Tensor:
    """Computes L_rep (Eq. 7), the distance of phi from phi^A.

    "cosine" is 1 - cosine of the two vectors, averaged over the batch: no other form of Eq. 7 is
    independent of the batch size. "normalized_squared_error" (published scripts) is the squared
    difference of the L2-normalised vectors, 2 (1 - cosine), summed over the batch.

    Args:
        audio_feature: float32 [batch, features], phi^A.
        representation: float32 [batch, features], phi.
        form: Of the two above.

    Returns:
        float32 scalar.
    """
    audio_feature = tf.math.l2_normalize(audio_feature, axis=-1)
    representation = tf.math.l2_normalize(representation, axis=-1)
    if form == "normalized_squared_error":
        return tf.reduce_sum(tf.square(audio_feature - representation))
    return tf.nn.compute_average_loss(1.0 - tf.reduce_sum(audio_feature * representation, axis=-1))


def smooth_l1(x: tf.Tensor) -> tf.Tensor:
    """Computes Gamma of Eq. 10 elementwise: x^2 / 2 where |x| < 1, else |x| - 1/2.

    Args:
        x: float32 of any shape.

    Returns:
        float32 of the same shape.
    """
    magnitude = tf.abs(x)
    clipped = tf.minimum(magnitude, 1.0)
    # Both branches at once, in few passes over the samples.
    return clipped * (magnitude - 0.5 * clipped)


def generation_loss(
    audio: tf.Tensor,
    waveform: tf.Tensor,
    form: Literal["smooth_l1", "mean_smooth_l1", "normalized_squared_error"] = "smooth_l1",
) -> tf.Tensor:
    """Computes L_gen (Eqs. 9-10), the L1 norm of Gamma(a^tr - a^gen).

    "smooth_l1" is the *sum* over the samples, averaged over the batch. "mean_smooth_l1" averages
    over the samples too: with it the generated waveform stays silent. "normalized_squared_error"
    (published scripts) is the squared difference of the L2-normalised waveforms, summed over
    samples and batch.

    Args:
        audio: float32 [batch, L_s], the recordings a^tr.
        waveform: float32 [batch, L_s], the generated waveforms a^gen.
        form: Of the three above.

    Returns:
        float32 scalar.
    """
    if form == "normalized_squared_error":
        return tf.reduce_sum(
            tf.square(
                tf.math.l2_normalize(audio, axis=-1) - tf.math.l2_normalize(waveform, axis=-1)
            )
        )
    reduce = tf.reduce_mean if form == "mean_smooth_l1" else tf.reduce_sum
    return tf.nn.compute_average_loss(reduce(smooth_l1(audio - waveform), axis=-1))


def reconstruction_loss(
    audio: tf.Tensor,
    reconstruction: tf.Tensor,
    weights: tf.Tensor,
    form: Literal["half_mean_squared_error", "sum_squared_error"] = "half_mean_squared_error",
) -> tf.Tensor:
    """Computes L_rec (Eq. 6), the squared error of the autoencoder without the decay.

    Args:
        audio: float32 [batch, L_s].
        reconstruction: float32 [batch, L_s].
        weights: float32 [batch], how often each recording is used, scaled to mean 1 over all
            recordings. In expectation the loss is that of drawing the recordings of all pairs.
        form: 1 / (2N) of the summed squared error (paper), or the plain sum (published scripts).

    Returns:
        float32 scalar.
    """
    squared_error = weights * tf.reduce_sum(tf.square(audio - reconstruction), axis=-1)
    return (
        tf.reduce_sum(squared_error)
        if form == "sum_squared_error"
        else 0.5 * tf.nn.compute_average_loss(squared_error)
    )


def weight_decay(variables: Sequence[keras.Variable]) -> tf.Tensor:
    """Computes the decay term of Eqs. 6 and 11, the sum of the squares of all kernels.

    Args:
        variables: Of a network; biases and the normalisation's weights are left out.

    Returns:
        float32 scalar.
    """
    kernels = [v for v in variables if v.path.endswith("kernel")]
    # l2_loss is half the sum of squares, in one kernel.
    return 2.0 * tf.nn.scale_regularization_loss(
        tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
    )


def joint_weights(config: LossConfig) -> dict[str, float]:
    """Returns {term: weight} of Eq. 11, of the terms that the configuration has.

    Args:
        config: The part of the run's configuration.
    """
    weights = {
        "generation": config.generation_weight,
        "perceptual": config.perceptual_weight,
        "representation": config.representation_weight,
        "decay": config.decay_weight or None,
    }
    return {term: weight for term, weight in weights.items() if weight is not None}


def summed_over_batch(config: LossConfig) -> set[str]:
    """Returns the terms of Eq. 11 whose form is a sum over the batch, so that they grow with it.

    Args:
        config: The part of the run's configuration.
    """
    forms = {term: getattr(config, term) for term in ("perceptual", "representation", "generation")}
    return {term for term, form in forms.items() if form in _SUMS}


def joint_loss(
    config: LossConfig,
    batch: dict[str, tf.Tensor],
    outputs: dict[str, tf.Tensor],
    variables: Sequence[keras.Variable],
) -> dict[str, tf.Tensor]:
    """Computes L_joint (Eq. 11).

    Args:
        config: The forms and weights of the terms.
        batch: "label" int [batch]; "audio" float32 [batch, L_s]; "audio_feature" float32
            [batch, features], only where the representation loss has a weight.
        outputs: Of `models.mtnet.build_mtnet`.
        variables: The trainable variables of the joint network, for the decay.

    Returns:
        {term: float32 scalar}, unweighted, and their weighted sum "total".
    """
    forms = {
        "generation": lambda: generation_loss(
            batch["audio"], outputs["waveform"], config.generation
        ),
        "perceptual": lambda: perceptual_loss(batch["label"], outputs["logits"], config.perceptual),
        "representation": lambda: representation_loss(
            batch["audio_feature"], outputs["cross_modal_representation"], config.representation
        ),
        "decay": lambda: weight_decay(variables),
    }
    weights = joint_weights(config)
    return _with_total({term: forms[term]() for term in weights}, weights)


def autoencoder_loss(
    config: LossConfig,
    audio: tf.Tensor,
    reconstruction: tf.Tensor,
    weights: tf.Tensor,
    variables: Sequence[keras.Variable],
) -> dict[str, tf.Tensor]:
    """Computes the loss of the autoencoder (Eq. 6), the reconstruction and the decay.

    Args:
        config: The form of the reconstruction and the weight of the decay.
        audio: As in `reconstruction_loss`.
        reconstruction: As in `reconstruction_loss`.
        weights: As in `reconstruction_loss`.
        variables: The trainable variables of the autoencoder, for the decay.

    Returns:
        {term: float32 scalar}, unweighted, and their weighted sum "total".
    """
    terms = {
        "reconstruction": reconstruction_loss(audio, reconstruction, weights, config.reconstruction)
    }
    if config.reconstruction_decay_weight:
        terms["decay"] = weight_decay(variables)
    return _with_total(terms, {"reconstruction": 1.0, "decay": config.reconstruction_decay_weight})


def _with_total(terms: dict[str, tf.Tensor], weights: dict[str, float]):
    return {**terms, "total": tf.add_n([weights[name] * loss for name, loss in terms.items()])}
