"""Whether a stage has learned something: figures over features that a loss alone does not show.

A stage 1 that has collapsed gives every word nearly the same audio feature. Eq. 7 then asks stage 2 for one and the same
representation whatever the image, and no loss of stage 2 tells.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mtnet_tf.config import TrainingConfig
from mtnet_tf.errors import InputError

_SATURATED = 0.99  # |tanh| beyond this passes less than 2 % of the gradient


class CollapseError(InputError):
    """A stage 1 that ended without features that stage 2 can learn from."""


@dataclasses.dataclass(frozen=True)
class FeatureDiagnosis:
    """What stage 1 has learned, over the recordings of the training split.

    Attributes:
        reconstruction_error: summed squared error of the reconstructions, over the energy of the recordings; 0 is
            perfect, 1 is what silence has.
        saturation: share of the features' values beyond 0.99 in magnitude.
        nearest_cosine: largest cosine of the features of two different words; None where there is one word.
        nearest_words: those two words.
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
        """Raises CollapseError for a reconstruction worse than silence, or for two words too near to tell apart."""
        remedy = (
            "Lower training.autoencoder.optimizer.learning_rate, set training.autoencoder.optimizer.clip_norm, or train"
            " for more training.autoencoder.epochs, in a new run folder."
        )
        # Written so that NaN is refused too.
        if not self.reconstruction_error < config.max_reconstruction_error:
            raise CollapseError(
                f"Stage 1 has not learned the recordings: its squared error is {self.reconstruction_error:.4g} of their"
                f" energy (silence has 1), training.max_reconstruction_error is {config.max_reconstruction_error:g}."
                f" {remedy}"
            )
        if self.nearest_cosine is not None and not self.nearest_cosine < config.max_feature_cosine:
            raise CollapseError(
                f"Stage 1 does not tell words apart: the audio features of {' and '.join(self.nearest_words)} have the"
                f" cosine {self.nearest_cosine:.4f}, training.max_feature_cosine is {config.max_feature_cosine:g}."
                f" {remedy}"
            )


def diagnose_features(
    audio: np.ndarray,
    reconstruction: np.ndarray,
    features: np.ndarray,
    words: list[str],
) -> FeatureDiagnosis:
    """Returns the diagnosis of stage 1.

    Args:
        audio, reconstruction: float32 [R, L_s].
        features: float32 [R, features], of the same recordings.
        words: the word of each.
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
    """Returns the share of values, outputs of a tanh, beyond 0.99 in magnitude."""
    return float(np.mean(np.abs(features) > _SATURATED))


def nearest_words(
    features: np.ndarray, words: list[str]
) -> tuple[float | None, tuple[str, str] | None]:
    """Returns the largest cosine of two rows of different words, and these words; None twice where there is one word.

    Args:
        features: float [n, features].
        words: the word of each row.
    """
    words = np.asarray(words)
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit = (features / np.maximum(norms, 1e-12)).astype(np.float64)
    cosines = np.where(words[:, None] == words[None, :], -np.inf, unit @ unit.T)
    row, column = np.unravel_index(np.argmax(cosines), cosines.shape)
    if np.isneginf(cosines[row, column]):
        return None, None
    return float(cosines[row, column]), (str(words[row]), str(words[column]))
