"""Figures over features that say whether a stage has learned something.

A loss alone does not say it. A stage 1 that has collapsed gives every word nearly the same audio
feature. Eq. 7 then asks stage 2 for one representation whatever the image, and no loss of stage 2
shows that.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mtnet_tf.config import TrainingConfig
from mtnet_tf.data.slices import slices
from mtnet_tf.errors import InputError

_ROWS = 1000  # features that are compared with all others at once
_SATURATED = 0.99  # a tanh beyond this magnitude passes less than 2 % of the gradient


class CollapseError(InputError):
    """Stage 1 ended without features that stage 2 can learn from."""


@dataclasses.dataclass(frozen=True)
class FeatureDiagnosis:
    """What stage 1 has learned, over the recordings of the training split.

    Attributes:
        reconstruction_error: the summed squared error of the reconstructions, divided by the
            energy of the recordings: 0 is perfect, and silence has 1.
        saturation: the share of the features' values beyond 0.99 in magnitude.
        nearest_cosine: the largest cosine of the features of two different words; None where there
            is one word only.
        nearest_words: those two words, or None.
    """

    reconstruction_error: float
    saturation: float
    nearest_cosine: float | None
    nearest_words: tuple[str, str] | None

    def figures(self) -> dict[str, float]:
        """Returns the numbers alone, for a log."""
        values = {
            "reconstruction_error": self.reconstruction_error,
            "feature_saturation": self.saturation,
            "nearest_cosine": self.nearest_cosine,
        }
        return {name: value for name, value in values.items() if value is not None}

    def check(self, config: TrainingConfig) -> None:
        """Refuses features that stage 2 cannot learn from.

        Args:
            config: has the largest error and the largest cosine that are allowed.

        Raises:
            CollapseError: the reconstruction is too bad, or two words are too near to tell apart.
        """
        remedy = (
            "Lower training.autoencoder.optimizer.learning_rate, set"
            " training.autoencoder.optimizer.clip_norm, or train for more"
            " training.autoencoder.epochs, in a new run folder."
        )
        # Both conditions are negated so that NaN is refused too.
        if not self.reconstruction_error < config.max_reconstruction_error:
            raise CollapseError(
                "Stage 1 has not learned the recordings: its squared error is"
                f" {self.reconstruction_error:.4g} of their energy (silence has 1), and"
                f" training.max_reconstruction_error is {config.max_reconstruction_error:g}."
                f" {remedy}"
            )
        if self.nearest_cosine is not None and not self.nearest_cosine < config.max_feature_cosine:
            raise CollapseError(
                "Stage 1 does not tell words apart: the audio features of"
                f" {' and '.join(self.nearest_words)} have the cosine {self.nearest_cosine:.4f},"
                f" and training.max_feature_cosine is {config.max_feature_cosine:g}. {remedy}"
            )


def diagnose_features(
    audio: np.ndarray,
    reconstruction: np.ndarray,
    features: np.ndarray,
    words: list[str],
) -> FeatureDiagnosis:
    """Returns the diagnosis of stage 1.

    Args:
        audio: the recordings, float32 [R, L_s].
        reconstruction: what the autoencoder makes of them, float32 [R, L_s].
        features: their audio features, float32 [R, features].
        words: the word of each recording.
    """
    error = np.square(reconstruction - audio, dtype=np.float64).sum()
    cosine, pair = nearest_words(features, words)
    return FeatureDiagnosis(
        reconstruction_error=float(error / np.square(audio, dtype=np.float64).sum()),
        saturation=saturation(features),
        nearest_cosine=cosine,
        nearest_words=pair,
    )


def saturation(features: np.ndarray) -> float:
    """Returns the share of saturated values.

    Args:
        features: outputs of a tanh, of any shape. Those beyond 0.99 in magnitude are saturated.
    """
    return float(np.mean(np.abs(features) > _SATURATED))


def nearest_words(
    features: np.ndarray, words: list[str]
) -> tuple[float | None, tuple[str, str] | None]:
    """Returns the largest cosine of two rows of different words, and these words.

    Args:
        features: float [n, features].
        words: the word of each row.

    Returns:
        (cosine, (word, word)), or (None, None) where there is one word only.
    """
    words = np.asarray(words)
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit = (features / np.maximum(norms, 1e-12)).astype(np.float64)
    largest, pair = -np.inf, None
    for rows in slices(len(words), _ROWS):  # all at once would take the memory of n * n
        cosines = unit[rows] @ unit.T
        cosines[words[rows, None] == words[None, :]] = -np.inf
        row, column = np.unravel_index(np.argmax(cosines), cosines.shape)
        if cosines[row, column] > largest:
            largest, pair = float(cosines[row, column]), (words[rows][row], words[column])
    return (None, None) if pair is None else (largest, tuple(map(str, pair)))
