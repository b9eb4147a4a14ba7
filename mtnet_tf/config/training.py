"""The fields of the losses and of Algorithm 1."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from mtnet_tf.config.kinds import SMALLEST, Epsilon, Fraction, LossWeight, Name, Seed
from mtnet_tf.config.ranges import Length, Range


@dataclass(frozen=True)
class LossConfig:
    """Eqs. 4, 6, 7, 9, 10, 11: the form of each term and its weight. None drops the term.

    Attributes:
        perceptual: Eq. 4, its mean (paper) or its sum (released) over the batch.
        label_smoothing: in [0, 1), the part of the target of Eq. 4 that is spread over all words.
        representation: Eq. 7, as 1 - cosine of each example, or of the batch as one vector, or as
            squared error of the normalised vectors.
        letters: of the text decoder of I2T2A, the mean or the sum over the letters of a word.
        generation: Eqs. 9-10 summed over the samples, averaged over them, or as squared error of
            the normalised waveforms.
        smooth_l1_threshold: from 1e-30 to 1e6. Gamma (Eq. 10) is squared below it, absolute above;
            1 in the paper, where the threshold is larger than nearly all errors.
        reconstruction: Eq. 6, or the plain sum of squared errors.
        perceptual_weight: eta_1, from 0 to 1e6, or None.
        representation_weight: eta_2, from 0 to 1e6, or None.
        generation_weight: eta_3, from 1e-30 to 1e6.
        generation_gradient: from 0 to 1, the part of the gradient of Eq. 9 that passes on to the
            cross-modal mapper, and so to the image encoder.
        generation_target: whose recording Eq. 9 compares with in training: the image's own, or that
            of the word that the softmax layer names at that moment (hard bootstrapping, Reed et al.
            2015). The second needs the perceptual loss. For DCMAVG, which trains its classifier
            first: which recording the discriminator takes as true. CMCGAN and I2T2A ignore it.
        audio_feature_weight: from 0 to 1e6, of the generation loss of what the generator makes of
            the true audio feature phi^A in place of phi, or None. It needs the representation loss.
        spectral_weight: from 0 to 1e6, of a multi-resolution spectral loss beside Eq. 9, or None.
        decay_weight: eta_4 times "weight decay 0.0005", from 0 to 1e6, on kernels.
        reconstruction_decay_weight: lambda_2 of Eq. 6, from 0 to 1e6.
    """

    perceptual: Literal["mean_cross_entropy", "sum_cross_entropy"] = "mean_cross_entropy"
    label_smoothing: Fraction = 0.0
    representation: Literal["cosine", "batch_cosine", "normalized_squared_error"] = "cosine"
    letters: Literal["mean", "sum"] = "mean"
    generation: Literal["smooth_l1", "mean_smooth_l1", "normalized_squared_error"] = "smooth_l1"
    smooth_l1_threshold: Annotated[float, Range(least=SMALLEST, most=1e6)] = 1.0
    reconstruction: Literal["half_mean_squared_error", "sum_squared_error"] = (
        "half_mean_squared_error"
    )
    perceptual_weight: LossWeight | None = 0.5
    representation_weight: LossWeight | None = 1.0
    generation_weight: Annotated[float, Range(least=SMALLEST, most=1e6)] = 1.0
    generation_gradient: Annotated[float, Range(least=0, most=1)] = 1.0
    generation_target: Literal["true_word", "softmax_word"] = "true_word"
    audio_feature_weight: LossWeight | None = None
    spectral_weight: LossWeight | None = None
    decay_weight: LossWeight = 0.8 * 0.0005
    reconstruction_decay_weight: LossWeight = 0.0005

    def without_audio_feature(self) -> LossConfig:
        """Returns the losses without the two terms that need the audio feature of stage 1."""
        return replace(self, representation_weight=None, audio_feature_weight=None)


@dataclass(frozen=True)
class AugmentationConfig:
    """How training images are moved. The paper mentions nothing of the kind.

    Attributes:
        alternating_flip: whether each image is mirrored in every other epoch, half of the images in
            the first. Images of digits are never mirrored.
        translation: from 0 to 1024 pixels. Each image is shifted by up to so many in either
            direction, anew in each epoch; what comes in is the mirror image of the border.
    """

    alternating_flip: bool = False
    translation: Annotated[int, Range(least=0, most=1024)] = 0


@dataclass(frozen=True)
class OptimizerConfig:
    """RMSProp, section 4.3; the schedule is linear warm-up, then constant or cosine decay.

    Attributes:
        name: "rmsprop", "adam", or "nesterov": SGD with Nesterov's momentum.
        learning_rate: after the warm-up, from 1e-30 to 10.
        schedule: what follows the warm-up.
        warmup_steps: from 0 to 1e9. A warm-up takes at most a tenth of the stage.
        final_learning_rate_fraction: where the cosine ends, from 0 to 1.
        rho: decay of the mean square, in [0, 1); of rmsprop alone. The paper gives none; with 0.9
            both stages collapse at full width (BUILD_NOTES.md, "Readings of the optimiser").
        momentum: in [0, 1); beta_1 of Adam.
        epsilon: from 1e-30 to 10. It is added inside the root of rmsprop, and to the root of adam;
            nesterov has none.
        initial_mean_square: from 0 to 1e6; of rmsprop alone. TensorFlow 1 has 1, Keras 3 has 0.
        clip_norm: largest global norm of the gradients, from 1e-30 to 1e9, or None for any.
        average_decay: in [0, 1), of an exponential moving average of the weights, a step. The
            average is what is validated and kept; 0 keeps the last weights.
    """

    name: Literal["rmsprop", "adam", "nesterov"] = "rmsprop"
    learning_rate: Annotated[float, Range(least=SMALLEST, most=10)] = 1e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: Annotated[int, Range(least=0, most=10**9)] = 500
    final_learning_rate_fraction: Annotated[float, Range(least=0, most=1)] = 0.01
    rho: Fraction = 0.99
    momentum: Fraction = 0.9
    epsilon: Epsilon = 1e-7
    initial_mean_square: Annotated[float, Range(least=0, most=1e6)] = 1.0
    clip_norm: Annotated[float, Range(least=SMALLEST, most=1e9)] | None = None
    average_decay: Fraction = 0.0


def _of_gans(learning_rate: float) -> OptimizerConfig:
    return OptimizerConfig(
        name="adam",
        learning_rate=learning_rate,
        schedule="constant",
        warmup_steps=0,
        momentum=0.5,
        epsilon=1e-8,
    )


@dataclass(frozen=True)
class StageConfig:
    """One stage of Algorithm 1.

    Attributes:
        batch_size: rows of a batch, from 1 to 65,536.
        epochs: passes over the data, in (0, 1e6]; a fraction is allowed.
        optimizer: of this stage.
        sampling: how batches are drawn. "permutation": each epoch has a random order of its own.
            "contiguous_slices" (released): each batch is a random run of neighbouring rows.
    """

    batch_size: Annotated[int, Range(least=1, most=65_536)]
    epochs: Annotated[float, Range(above=0, most=1e6)]
    optimizer: OptimizerConfig = OptimizerConfig()
    sampling: Literal["permutation", "contiguous_slices"] = "permutation"


@dataclass(frozen=True)
class TrainingConfig:
    """Algorithm 1.

    Attributes:
        seed: of the weights, the batches and the dropout, from 0 to 2^32 - 1.
        autoencoder: stage 1, lines 1-3.
        autoencoder_epoch: what an epoch of stage 1 goes through once: the distinct "recordings", or
            the "pairs", of which the published scripts hold one waveform each. A batch is of
            distinct recordings in both.
        max_reconstruction_error: stage 1 ends in an error where its squared error over the
            recordings' energy is not below this, in (0, 1e6]. Silence has 1.
        max_feature_cosine: stage 1 ends in an error where the audio features of two different words
            have a cosine that is not below this, in (-1, 2].
        joint: stage 2, lines 4-7.
        frozen: names of layers, at most 64, whose weights stage 2 leaves as they are, such as
            image_encoder. For a network that begins with the weights of another one.
        image_encoder_optimizer: moves the image encoder and the softmax layer in stage 2. None:
            the optimiser of `joint` moves all.
        adversarial: of DCMAVG and CMCGAN; its optimiser moves the generators.
        discriminator_optimizer: of DCMAVG and CMCGAN.
        inverter: of DCMAVG and CMCGAN; an epoch is a pass over the distinct recordings.
        checkpoint_secs: wall-clock seconds between checkpoints, from 0 to 1e9.
        log_steps: steps between lines of the log, from 1 to 1e9.
        precision: of the feature maps of the image encoder and of the adversarial networks, where
            nearly all the arithmetic is: float32, mixed_bfloat16, mixed_float16 (with loss
            scaling), or auto, what the device is fast at. Weights, statistics, FC layers, the audio
            generator and losses are float32 whatever is set, and so is the network that is saved.
        jit_compile: whether the training step is compiled with XLA.
        validations: how often a stage is validated, from 0 to 1e6: its audio features, or the
            validation part. 0: at its end alone. Whatever else it is, an adversarial stage is
            validated as often as it has epochs, rounded.
    """

    seed: Seed = 0
    autoencoder: StageConfig = StageConfig(batch_size=100, epochs=500)
    autoencoder_epoch: Literal["recordings", "pairs"] = "recordings"
    max_reconstruction_error: Annotated[float, Range(above=0, most=1e6)] = 1.0
    max_feature_cosine: Annotated[float, Range(above=-1, most=2)] = 0.99
    joint: StageConfig = StageConfig(batch_size=64, epochs=50)
    frozen: Annotated[tuple[Name, ...], Length(0, 64)] = ()
    image_encoder_optimizer: OptimizerConfig | None = None
    adversarial: StageConfig = StageConfig(batch_size=64, epochs=35, optimizer=_of_gans(5e-4))
    discriminator_optimizer: OptimizerConfig = _of_gans(1e-4)
    inverter: StageConfig = StageConfig(batch_size=100, epochs=500)
    checkpoint_secs: Annotated[float, Range(least=0, most=1e9)] = 120.0
    log_steps: Annotated[int, Range(least=1, most=10**9)] = 20
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"] = "float32"
    jit_compile: bool = False
    validations: Annotated[int, Range(least=0, most=10**6)] = 5
