"""The auditory spectrogram of the NSL toolbox: `wav2aud` with [10 10 -2 0], as in Lip2AudSpec.

Coefficients: `cochlear_filters.npz`, see NOTICE at the top of the repository.
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
TIME_CONSTANT_MS = 10


def auditory_spectrogram(samples: np.ndarray, sample_rate: int = 22050) -> np.ndarray:
    """Computes what the inner ear makes of a sound: energy over time and (logarithmic) frequency.

    129 cochlear band-pass filters, difference of neighbouring channels (lateral inhibition),
    half-wave rectification, leaky integration over 10 ms, one value every 10 ms. It is linear:
    there is no compression and no hair-cell model.

    Args:
        samples: float [num_samples], finite.
        sample_rate: Hz; anything but 16 kHz is resampled with `scipy.signal.resample_poly` first.

    Returns:
        float64 [ceil(duration_secs * 100), 128], >= 0. Channel k lies between the centre frequency
        440 * 2^((k - 31) / 24) Hz and that of k + 1.

    Raises:
        ValueError: wrong shape or type, NaN or infinite samples, or an impossible sample rate.
    """
    check_sample_rate(sample_rate)
    samples = as_signal(samples, "given")
    reason = failure_reason(samples, "given")
    if reason:
        raise ValueError(f"No auditory spectrogram: {reason}.")
    return spectrogram_16k(resample_polyphase(samples, sample_rate, SAMPLE_RATE))


def spectrogram_16k(samples: np.ndarray) -> np.ndarray:
    """Computes the auditory spectrogram of finite samples at 16 kHz.

    Args:
        samples: float64 [num_samples].

    Returns:
        float64 [ceil(num_samples / 160), 128], >= 0.
    """
    # It compiles when it is first imported, which a program's --help need not wait for.
    from mtnet_tf.metrics import _cochlear_kernel

    frame = _cochlear_kernel.SAMPLES_PER_FRAME
    padded = np.zeros(-(-len(samples) // frame) * frame)
    padded[: len(samples)] = samples
    alpha = math.exp(-1.0 / (TIME_CONSTANT_MS * SAMPLE_RATE / 1000))
    return _cochlear_kernel.run(padded, _filters(), alpha, NUM_CHANNELS)


@functools.cache
def _filters():
    from mtnet_tf.metrics import _cochlear_kernel

    table = load_coefficients()
    return _cochlear_kernel.plan(table["order"], table["b"], table["a"])


def load_coefficients() -> dict[str, np.ndarray]:
    """Reads the filters' table.

    Returns:
        "order" int32 [129]; "b" and "a" float64 [129, 25], numerators and denominators, zero above
        each order; "center_frequency_hz" float64 [129].
    """
    stored = importlib.resources.files("mtnet_tf.metrics").joinpath("cochlear_filters.npz")
    with np.load(io.BytesIO(stored.read_bytes()), allow_pickle=False) as table:
        return {name: table[name] for name in table.files}
