"""The losses of MT-Net (Eqs. 4, 6, 7, 9, 10, 11), in the paper's forms and the published scripts'.

All are pure functions that return scalars. The data terms and the weight decay are separate
functions: Eqs. 4, 7 and 9 each carry a decay term, and Eq. 11 gathers the three into one.

Where a batch is spread over replicas, each function returns its replica's share. The *sum* over the
replicas is the loss of the whole batch: a mean is over the whole batch
(`tf.nn.compute_average_loss`), and the decay is counted once (`tf.nn.scale_regularization_loss`).
On one replica these are the plain mean and the plain sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import tensorflow as tf

from mtnet_tf.config import LossConfig

if TYPE_CHECKING:
    import keras

# Of the spectral loss: samples, with hops of a quarter; and what is silence in a bin.
_SPECTRAL_WINDOWS = (2048, 1024, 512)
_SILENT_POWER = 1e-4
# The forms that are sums over the batch; the others are means.
_SUMS = ("sum_cross_entropy", "normalized_squared_error", "sum_squared_error")


def perceptual_loss(
    labels: tf.Tensor,
    logits: tf.Tensor,
    form: Literal["mean_cross_entropy", "sum_cross_entropy"] = "mean_cross_entropy",
    label_smoothing: float = 0.0,
) -> tf.Tensor:
    """Returns L_per (Eq. 4): the cross-entropy of the true class under the softmax.

    Args:
        labels: int [batch].
        logits: float32 [batch, num_classes], before the softmax.
        form: the mean over the batch (paper) or the sum (released).
        label_smoothing: the part of the target that is spread evenly over all classes.
    """
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    if label_smoothing:
        of_all = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=-1)
        loss = (1.0 - label_smoothing) * loss + label_smoothing * of_all
    if form == "sum_cross_entropy":
        return tf.reduce_sum(loss)
    return tf.nn.compute_average_loss(loss)


def letter_loss(
    letters: tf.Tensor, logits: tf.Tensor, form: Literal["mean", "sum"] = "mean"
) -> tf.Tensor:
    """Returns the cross-entropy of the letters of each word and of its end, averaged over words.

    Args:
        letters: int32 [batch, steps], each word followed by zeros; the first of them is its end.
        logits: float32 [batch, steps, symbols], before the softmax.
        form: the mean over the letters of a word, or their sum: -log of the word's probability, as
            Eq. 4 is for a classifier.
    """
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=letters, logits=logits)
    before = tf.pad(letters[:, :-1], [[0, 0], [1, 0]], constant_values=1)
    counted = tf.cast(before != 0, tf.float32)
    loss = tf.reduce_sum(counted * loss, axis=-1)
    if form == "mean":
        loss /= tf.reduce_sum(counted, axis=-1)
    return tf.nn.compute_average_loss(loss)


def representation_loss(
    audio_feature: tf.Tensor,
    representation: tf.Tensor,
    form: Literal["cosine", "batch_cosine", "normalized_squared_error"] = "cosine",
) -> tf.Tensor:
    """Returns L_rep (Eq. 7): 1 minus the cosine of phi^A and phi.

    The paper's form is taken per example and then averaged, because no other reading of Eq. 7 is
    independent of the batch size. "batch_cosine" is Eq. 7 to the letter, which sums over the batch
    inside the cosine; spread over replicas, it is taken on each of them. The released form is the
    squared difference of the L2-normalised vectors, summed over the batch: 2 (1 - cosine), summed.

    Args:
        audio_feature: phi^A, float32 [batch, features].
        representation: phi, float32 [batch, features].
        form: one of these.
    """
    if form == "batch_cosine":
        product = tf.reduce_sum(audio_feature * representation)
        norms = tf.norm(audio_feature) * tf.norm(representation)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return (1.0 - tf.math.divide_no_nan(product, norms)) / replicas
    audio_feature = tf.math.l2_normalize(audio_feature, axis=-1)
    representation = tf.math.l2_normalize(representation, axis=-1)
    if form == "normalized_squared_error":
        return tf.reduce_sum(tf.square(audio_feature - representation))
    return tf.nn.compute_average_loss(1.0 - tf.reduce_sum(audio_feature * representation, axis=-1))


def smooth_l1(x: tf.Tensor, threshold: float = 1.0) -> tf.Tensor:
    """Returns Gamma of Eq. 10, elementwise: x^2 / 2 where |x| < 1, else |x| - 1/2.

    Where a network does not know the word, the square asks for the mean of the words that it may
    be: they sound together. The absolute value asks for their median, the likelier word alone.

    Args:
        x: of any shape.
        threshold: t, 1 in the paper: x^2 / (2t) where |x| < t, else |x| - t/2.
    """
    magnitude = tf.abs(x)
    clipped = tf.minimum(magnitude, threshold)
    # Both branches at once, in few passes over the samples.
    return clipped * (magnitude - 0.5 * clipped) / threshold


def generation_loss(
    audio: tf.Tensor,
    waveform: tf.Tensor,
    form: Literal["smooth_l1", "mean_smooth_l1", "normalized_squared_error"] = "smooth_l1",
    threshold: float = 1.0,
) -> tf.Tensor:
    """Returns L_gen (Eqs. 9-10): the L1 norm of Gamma(a^tr - a^gen).

    The paper's form is the *sum* over the samples, averaged over the batch. "mean_smooth_l1"
    averages over the samples too; with it the generated waveform hardly leaves the average of all
    words. The released form is the squared difference of the L2-normalised waveforms, summed over
    samples and batch.

    Args:
        audio: a^tr, float32 [batch, L_s] in [-1, 1].
        waveform: a^gen, float32 [batch, L_s] in [-1, 1].
        form: one of these.
        threshold: of `smooth_l1`.
    """
    if form == "normalized_squared_error":
        return tf.reduce_sum(
            tf.square(
                tf.math.l2_normalize(audio, axis=-1) - tf.math.l2_normalize(waveform, axis=-1)
            )
        )
    reduce = tf.reduce_mean if form == "mean_smooth_l1" else tf.reduce_sum
    return tf.nn.compute_average_loss(reduce(smooth_l1(audio - waveform, threshold), axis=-1))


def spectral_loss(audio: tf.Tensor, waveform: tf.Tensor) -> tf.Tensor:
    """Returns the distance of several short-time spectra, which is not of the paper.

    With A and B the magnitudes of both, it is the sum over Hann windows of 2048, 1024 and 512
    samples, a quarter of a window apart, of mean(|A - B| + |log A - log B|), averaged over the
    batch. It does not see phases, which the ear hardly hears either.

    Args:
        audio: a^tr, float32 [batch, L_s] in [-1, 1].
        waveform: a^gen, float32 [batch, L_s] in [-1, 1].
    """

    def spectrum(x: tf.Tensor, window: int) -> tf.Tensor:
        # The magnitude itself has no gradient at 0, which padding has.
        power = tf.square(tf.abs(tf.signal.stft(x, window, window // 4, pad_end=True)))
        return tf.sqrt(power + _SILENT_POWER)

    distances = []
    for window in _SPECTRAL_WINDOWS:
        true, generated = spectrum(audio, window), spectrum(waveform, window)
        difference = tf.abs(true - generated) + tf.abs(tf.math.log(true / generated))
        distances.append(tf.reduce_mean(difference, axis=[1, 2]))
    return tf.nn.compute_average_loss(tf.add_n(distances))


def reconstruction_loss(
    audio: tf.Tensor,
    reconstruction: tf.Tensor,
    weights: tf.Tensor,
    form: Literal["half_mean_squared_error", "sum_squared_error"] = "half_mean_squared_error",
) -> tf.Tensor:
    """Returns L_rec (Eq. 6): 1 / (2N) of the summed squared error, or the plain sum (released).

    Args:
        audio: float32 [batch, L_s] in [-1, 1].
        reconstruction: float32 [batch, L_s] in [-1, 1].
        weights: float32 [batch], how often each recording is used, scaled to mean 1 over all of
            them. In expectation the loss is then that of drawing the recordings of all pairs.
        form: the paper's or the released one.
    """
    squared_error = weights * tf.reduce_sum(tf.square(audio - reconstruction), axis=-1)
    return (
        tf.reduce_sum(squared_error)
        if form == "sum_squared_error"
        else 0.5 * tf.nn.compute_average_loss(squared_error)
    )


def weight_decay(variables: Sequence[keras.Variable]) -> tf.Tensor:
    """Returns the decay term of Eqs. 6 and 11: the sum of the squares of all kernels.

    Args:
        variables: the trainable variables of a network; biases and normalisation are left out.
            Where no kernel is among them, the term is 0.
    """
    kernels = [v for v in variables if v.path.endswith("kernel")]
    if not kernels:
        return tf.constant(0.0)
    # l2_loss is half the sum of squares, in one kernel.
    return 2.0 * tf.nn.scale_regularization_loss(
        tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
    )


def joint_weights(config: LossConfig) -> dict[str, float]:
    """Returns {term: weight} of Eq. 11, of the terms that the configuration has."""
    weights = {
        "generation": config.generation_weight,
        "audio_feature_generation": config.audio_feature_weight,
        "spectral": config.spectral_weight,
        "perceptual": config.perceptual_weight,
        "representation": config.representation_weight,
        "decay": config.decay_weight or None,
    }
    return {term: weight for term, weight in weights.items() if weight is not None}


def summed_over_batch(config: LossConfig) -> set[str]:
    """Returns the terms of Eq. 11 whose form is a sum over the batch: they grow with it."""
    forms = {term: getattr(config, term) for term in ("perceptual", "representation", "generation")}
    forms["audio_feature_generation"] = config.generation
    return {term for term, form in forms.items() if form in _SUMS}


def joint_loss(
    config: LossConfig,
    batch: Mapping[str, tf.Tensor],
    outputs: Mapping[str, tf.Tensor],
    variables: Sequence[keras.Variable],
) -> dict[str, tf.Tensor]:
    """Returns L_joint (Eq. 11) and its terms.

    Args:
        config: the form of each term and its weight.
        batch: {"label" int [batch], "audio" float32 [batch, L_s], "audio_feature" float32 [batch,
            features]}; the last only where the representation loss has a weight.
        outputs: of `models.mtnet.build_mtnet`, and "audio_feature_waveform", what the generator
            makes of the audio feature, only where that has a weight.
        variables: the trainable variables of the joint network, for the decay.

    Returns:
        {term: scalar float32}, unweighted, and their weighted sum "total".
    """

    def generation(waveform: str) -> tf.Tensor:
        return generation_loss(
            batch["audio"], outputs[waveform], config.generation, config.smooth_l1_threshold
        )

    forms = {
        "generation": lambda: generation("waveform"),
        "audio_feature_generation": lambda: generation("audio_feature_waveform"),
        "spectral": lambda: spectral_loss(batch["audio"], outputs["waveform"]),
        "perceptual": lambda: perceptual_loss(
            batch["label"], outputs["logits"], config.perceptual, config.label_smoothing
        ),
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
    """Returns the loss of Eq. 6 and its terms, reconstruction and decay, as `joint_loss` does.

    Args:
        config: the form of the reconstruction and the weight of the decay.
        audio: as in `reconstruction_loss`.
        reconstruction: as in `reconstruction_loss`.
        weights: as in `reconstruction_loss`.
        variables: the trainable variables of the autoencoder, for the decay.
    """
    terms = {
        "reconstruction": reconstruction_loss(audio, reconstruction, weights, config.reconstruction)
    }
    if config.reconstruction_decay_weight:
        terms["decay"] = weight_decay(variables)
    return _with_total(terms, {"reconstruction": 1.0, "decay": config.reconstruction_decay_weight})


def _with_total(terms: dict[str, tf.Tensor], weights: Mapping[str, float]) -> dict[str, tf.Tensor]:
    return {**terms, "total": tf.add_n([weights[name] * loss for name, loss in terms.items()])}
