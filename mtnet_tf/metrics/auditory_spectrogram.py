"""The auditory spectrogram of the NSL toolbox: `wav2aud` with [10 10 -2 0], as in Lip2AudSpec.

Coefficients: `cochlear_filters.npz`, see NOTICE at the top of the repository.
"""

import functools
import importlib.resources
import io
import math

import numpy as np

from mtnet_tf.metrics.resampling import resample_polyphase
from mtnet_tf.metrics.signals import as_signal, check_sample_rate, complaint

SAMPLE_RATE = 16000
NUM_CHANNELS = 128
SAMPLES_PER_FRAME = 160  # 10 ms
TIME_CONSTANT_MS = 10


def auditory_spectrogram(samples, sample_rate=22050):
    """What the inner ear makes of a sound: energy over time and (logarithmic) frequency.

    129 cochlear band-pass filters, difference of neighbouring channels (lateral inhibition),
    half-wave rectification, leaky integration over 10 ms, one value every 10 ms. Linear: no
    compression, no hair-cell model.

    Args:
      samples: float [num_samples], finite.
      sample_rate: Hz; anything but 16 kHz is resampled with `scipy.signal.resample_poly` first.

    Returns:
      float64 [ceil(duration_secs * 100), 128], >= 0; channel k lies between the centre frequencies
      440 * 2^((k - 31) / 24) Hz and that of k + 1.

    Raises:
      ValueError: wrong shape or type, NaN or infinite samples, or an impossible sample rate.
    """
    check_sample_rate(sample_rate)
    samples = as_signal(samples, "given")
    wrong = complaint(samples, "given")
    if wrong:
        raise ValueError(f"No auditory spectrogram: {wrong}.")
    return spectrogram_16k(resample_polyphase(samples, sample_rate, SAMPLE_RATE))


def spectrogram_16k(samples):
    """The same for float64 samples that are known to be finite and at 16 kHz already."""
    from mtnet_tf.metrics import _cochlear_kernel  # compiles at its first import: not for `--help`

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


def load_coefficients():
    """The filters' table.

    Returns:
      Dict of order int32 [129], b and a float64 [129, 25] (numerators and denominators, zero above
      each order), center_frequency_hz float64 [129].
    """
    stored = importlib.resources.files("mtnet_tf.metrics").joinpath("cochlear_filters.npz")
    with np.load(io.BytesIO(stored.read_bytes()), allow_pickle=False) as table:
        return {name: table[name] for name in table.files}
