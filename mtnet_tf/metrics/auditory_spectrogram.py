"""The auditory spectrogram of the NSL toolbox: `wav2aud` with [10 10 -2 0], as in Lip2AudSpec.

The filters' coefficients lie in `cochlear_filters.npz`. NOTICE, at the top of the repository, says
where they come from.
"""

import functools
import importlib.resources
import io
import math

import numpy as np

from mtnet_tf.metrics.resampling import resample_polyphase
from mtnet_tf.metrics.signals import as_signal, check_sample_rate, failure_reason

SAMPLE_RATE = 16000
NUM_CHANNELS = 128
SAMPLES_PER_FRAME = 160  # 10 ms
TIME_CONSTANT_MS = 10


def auditory_spectrogram(samples: np.ndarray, sample_rate: int = 22050) -> np.ndarray:
    """Computes what the inner ear makes of a sound: energy over time and logarithmic frequency.

    The signal passes 129 cochlear band-pass filters. Neighbouring channels are subtracted (lateral
    inhibition), rectified (half-wave) and integrated with a leak over 10 ms. Every 10 ms there is
    one value. There is no compression and no model of the hair cells.

    Args:
        samples: Float [num_samples], finite.
        sample_rate: Samples per second, in Hz. Any other rate than 16 kHz is resampled with
            `scipy.signal.resample_poly` first.

    Returns:
        float64 [ceil(duration_secs * 100), 128], at least 0. Channel k lies between the centre
        frequencies of the filters k and k + 1; that of filter k is 440 * 2^((k - 31) / 24) Hz.

    Raises:
        ValueError: The shape or type is wrong, samples are not finite or beyond MAX_MAGNITUDE, or
            the sample rate is not a positive whole number.
    """
    check_sample_rate(sample_rate)
    samples = as_signal(samples, "given")
    reason = failure_reason(samples, "given")
    if reason:
        raise ValueError(f"No auditory spectrogram: {reason}.")
    return spectrogram_16k(resample_polyphase(samples, sample_rate, SAMPLE_RATE))


def spectrogram_16k(samples: np.ndarray) -> np.ndarray:
    """Computes the auditory spectrogram of a signal at 16 kHz.

    Args:
        samples: float64 [num_samples] at 16 kHz, finite.

    Returns:
        As `auditory_spectrogram`.
    """
    # The module compiles when it is first imported, which `--help` need not wait for.
    from mtnet_tf.metrics import _cochlear_kernel

    num_frames = -(-len(samples) // SAMPLES_PER_FRAME)
    padded = np.zeros(num_frames * SAMPLES_PER_FRAME)
    padded[: len(samples)] = samples
    alpha = math.exp(-1.0 / (TIME_CONSTANT_MS * SAMPLE_RATE / 1000))
    return _cochlear_kernel.run(padded, _filters(), alpha, NUM_CHANNELS)


@functools.cache
def _filters():
    from mtnet_tf.metrics import _cochlear_kernel

    table = load_coefficients()
    return _cochlear_kernel.plan(table["order"], table["b"], table["a"])


def load_coefficients() -> dict[str, np.ndarray]:
    """Loads the table of the cochlear filters.

    Returns:
        {"order": int32 [129], "b": float64 [129, 25], "a": float64 [129, 25],
        "center_frequency_hz": float64 [129]}. The numerators b and the denominators a are zero
        above each filter's order.
    """
    stored = importlib.resources.files("mtnet_tf.metrics").joinpath("cochlear_filters.npz")
    with np.load(io.BytesIO(stored.read_bytes()), allow_pickle=False) as table:
        return {name: table[name] for name in table.files}
