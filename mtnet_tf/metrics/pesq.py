"""PESQ: predicted quality of speech, ITU-T P.862."""

import math
from typing import Literal

import numpy as np
import pesq as package

from mtnet_tf.metrics.denormals import flushed
from mtnet_tf.metrics.resampling import resample_polyphase
from mtnet_tf.metrics.score import GENERATED, REFERENCE, Score, failure
from mtnet_tf.metrics.signals import as_pair

_Mode = Literal["nb", "wb"]
NARROW_BAND: _Mode = "nb"
WIDE_BAND: _Mode = "wb"
SAMPLE_RATES = {NARROW_BAND: 8000, WIDE_BAND: 16000}


def pesq(reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050) -> Score:
    """Computes the raw P.862 score, narrow band at 8 kHz: the scale of the paper's tables.

    Args:
        reference: float [num_samples] in [-1, 1], the recording.
        generated: float [num_samples] in [-1, 1], as long as the reference.
        sample_rate: Hz; resampled with `scipy.signal.resample_poly`.

    Returns:
        A Score, about -0.5 to 4.5; a failure where a signal is not finite or silent, where both are
        shorter than 0.25 s, where the reference holds nothing that P.862 takes for speech, or where
        the generated signal has no power in the telephone band.

    Raises:
        ValueError: wrong shapes or types, unequal lengths, or an impossible sample rate.
    """
    return raw_from_lqo(pesq_lqo(reference, generated, sample_rate))


def pesq_lqo(reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050) -> Score:
    """Computes MOS-LQO, narrow band at 8 kHz (P.862.1).

    Args:
        reference: as in `pesq`.
        generated: as in `pesq`.
        sample_rate: Hz.

    Returns:
        A Score from 1.0 to 4.55; a failure as in `pesq`.

    Raises:
        ValueError: as in `pesq`.
    """
    return _score_pair(reference, generated, sample_rate, NARROW_BAND)


def pesq_lqo_wb(reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050) -> Score:
    """Computes MOS-LQO, wide band at 16 kHz (P.862.2).

    Args:
        reference: as in `pesq`.
        generated: as in `pesq`.
        sample_rate: Hz.

    Returns:
        A Score from 1.0 to 4.64; a failure as in `pesq`.

    Raises:
        ValueError: as in `pesq`.
    """
    return _score_pair(reference, generated, sample_rate, WIDE_BAND)


def raw_from_lqo(score: Score) -> Score:
    """Returns the raw P.862 score behind a narrow-band MOS-LQO: the inverse of P.862.1."""
    if math.isnan(score.value):
        return score
    return Score((4.6607 - math.log((4.999 - score.value) / (score.value - 0.999))) / 1.4945)


def _score_pair(reference: np.ndarray, generated: np.ndarray, sample_rate: int, mode: _Mode):
    reference, generated, failed = as_pair(reference, generated, sample_rate)
    if failed:
        return failed
    rate = SAMPLE_RATES[mode]
    return score_resampled(
        *(resample_polyphase(x, sample_rate, rate) for x in (reference, generated)), mode
    )


def score_resampled(reference: np.ndarray, generated: np.ndarray, mode: _Mode) -> Score:
    """Computes MOS-LQO of two finite, equally long signals at the mode's sample rate.

    Args:
        reference: float64 [num_samples] at SAMPLE_RATES[mode].
        generated: float64 [num_samples] at SAMPLE_RATES[mode].
        mode: NARROW_BAND or WIDE_BAND.

    Returns:
        A Score, as `pesq_lqo` or `pesq_lqo_wb` returns.
    """
    for samples, name in ((reference, REFERENCE), (generated, GENERATED)):
        if not np.any(samples):
            return failure(f"the {name} signal is silent", name)
    try:
        with flushed():
            value = package.pesq(SAMPLE_RATES[mode], reference, generated, mode)
    except package.BufferTooShortError:
        return failure("PESQ needs signals of at least 0.25 s", REFERENCE)
    except package.NoUtterancesError:
        return failure("PESQ finds no utterance in the reference signal", REFERENCE)
    # What the package makes of a NaN result: there is no power within the telephone band.
    except ValueError:
        return failure("PESQ finds no power in the generated signal", GENERATED)
    return Score(float(value))
