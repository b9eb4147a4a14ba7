"""Waveform tools: read, resample, trim, level, pad and write mono audio.

Audio is float32 [num_samples] in [-1, 1], mono. Every refusal of a file or a signal is an
`AudioError` whose message says what was wrong, in which file, and what to do.
"""

import io
import os
import pathlib
import struct

import numpy as np
import soundfile

from mtnet_tf import files
from mtnet_tf.errors import InputError

SAMPLE_RATE = 22050
"""Sample rate in Hz of everything inside the project (the paper's, section 4.1)."""

TOP_DB = 45.0
"""Silence is what lies this far below the loudest 10 ms of a word, in dB. At 45 the final /s/ of
quiet recordings is kept (at 40 up to half of a "six" on a telephone-band recording goes)."""
MARGIN_SECS = 0.01
"""What is kept before and after a word, in seconds."""
PEAK = 0.9
"""Largest absolute sample of a word; below 1, where a tanh output never arrives."""

# A file's header may claim anything, and memory and time follow it: what is asked for is compared
# with these limits before it is decoded or resampled.
MIN_SAMPLE_RATE = 4_000
"""In Hz; the telephone's is 8,000."""
MAX_SAMPLE_RATE = 384_000
"""In Hz; the highest rate of sound cards."""
MAX_FILE_BYTES = 100_000_000
"""Of an audio file: ten minutes of a CD."""
MAX_FILE_SECS = 600
"""Of an audio file."""
MAX_FILE_VALUES = 2**26
"""Samples of an audio file, over all its channels: ten minutes in stereo at 48 kHz, 256 MiB."""

_INT16_MAX = 32767
_UNKNOWN_SIZES = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # what streaming writers put into a wav header


class AudioError(InputError, ValueError):
    """A file or signal that cannot be used as audio; the message says why and what to do."""


def read_audio(path: os.PathLike | str) -> tuple[np.ndarray, int]:
    """Reads a wav, flac, ogg or mp3 file as mono.

    Channels are averaged. A file whose samples go beyond full scale (float wav, decoded mp3) is
    scaled down as a whole, so that nothing is clipped.

    Args:
        path: the file.

    Returns:
        `(samples, sample_rate)`: float32 [num_samples] in [-1, 1], and the file's rate in Hz.

    Raises:
        AudioError: the file is missing, unreadable, empty, truncated, too large, not audio, has a
            rate out of range, or holds values that are not finite.
    """
    path = pathlib.Path(path)
    return decode_audio(read_file(path), str(path))


def read_file(path: pathlib.Path) -> bytes:
    """Reads the bytes of an audio file, which `decode_audio` takes.

    Only a regular file, or a link to one, is opened: a pipe or a device may never end.

    Args:
        path: a `pathlib.Path` or an `epath.Path`.

    Returns:
        At most `MAX_FILE_BYTES` bytes.

    Raises:
        AudioError: it is missing, unreadable, no regular file, or larger.
    """
    try:
        if is_special(path):
            raise AudioError(
                f"{path}: cannot be read: it is not a regular file but a folder, a pipe or a"
                " device. Replace or delete it."
            )
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        advice = "Check the path." if isinstance(error, FileNotFoundError) else ""
        raise AudioError(
            f"{path}: cannot be read ({error.strerror or error})."
            f" {advice or 'Check its permissions.'}"
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise AudioError(
            f"{path}: has more than {MAX_FILE_BYTES:,} bytes. Cut the recording to its word."
        )
    return data


def is_special(path: os.PathLike | str) -> bool:
    """Returns whether a local path is a folder, a pipe or a device, which nobody should read."""
    return os.path.exists(path) and not os.path.isfile(path)


def decode_audio(data: bytes, name: str) -> tuple[np.ndarray, int]:
    """Decodes the bytes of an audio file; as `read_audio`, with `name` for the messages.

    Args:
        data: the contents of a wav, flac, ogg or mp3 file.
        name: what the messages call the file.

    Returns:
        `(samples, sample_rate)`: float32 [num_samples] in [-1, 1], and the file's rate in Hz.

    Raises:
        AudioError: as `read_audio`.
    """
    if not data:
        raise AudioError(f"{name}: the file is empty (0 bytes). Replace or delete it.")
    _check_complete(data, name)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            _check_header(file, name)
            expected, sample_rate = file.frames, file.samplerate
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        reason = str(error).split(": ")[-1].strip(" .")
        raise AudioError(
            f"{name}: cannot be decoded as audio ({reason}). Its contents must be a complete"
            " wav, flac, ogg or mp3 file, whatever its name says; export it again."
        ) from error
    if len(samples) < expected:
        raise _truncated(name, f"holds {len(samples)} of its {expected} samples")
    if not len(samples):
        raise AudioError(f"{name}: holds no samples. Replace or delete it.")
    if not np.isfinite(samples).all():
        raise AudioError(f"{name}: holds NaN or infinite samples. Export the file again.")
    samples = samples.mean(axis=1, dtype=np.float64)
    peak = np.abs(samples).max()
    return (samples / max(peak, 1.0)).astype(np.float32), sample_rate


def resample(samples: np.ndarray, from_rate: int, to_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Resamples with librosa, by soxr at quality HQ: linear phase, aliases below -100 dB.

    Args:
        samples: float [num_samples].
        from_rate: rate of `samples` in Hz.
        to_rate: rate wanted in Hz.

    Returns:
        float32 [about num_samples * to_rate / from_rate]; the samples themselves for equal rates.

    Raises:
        AudioError: a rate is not in [`MIN_SAMPLE_RATE`, `MAX_SAMPLE_RATE`], or `samples` is not a
            non-empty vector.
    """
    samples = _as_vector(samples)
    for rate in (from_rate, to_rate):
        _check_rate(rate, "Resampling")
    if from_rate == to_rate:
        return samples
    import librosa  # here and not above: its import takes seconds, and few callers change the rate

    return librosa.resample(samples, orig_sr=from_rate, target_sr=to_rate, res_type="soxr_hq")


def trim_silence(samples: np.ndarray, top_db: float, margin_secs: float) -> np.ndarray:
    """Cuts the silence before and after a word; what lies between is left alone.

    The level is the RMS of 10 ms frames every 2.5 ms. Kept is everything from the first to the last
    frame that is at most `top_db` below the loudest one, with a margin on both sides.

    Args:
        samples: float [num_samples] at SAMPLE_RATE.
        top_db: threshold in dB below the loudest frame, positive.
        margin_secs: what is kept beyond the first and last loud frame, in seconds.

    Returns:
        float32 [at most num_samples].

    Raises:
        AudioError: every sample is zero, or `samples` is not a non-empty vector.
    """
    samples = _as_vector(samples)
    frame, hop = max(1, round(0.01 * SAMPLE_RATE)), max(1, round(0.0025 * SAMPLE_RATE))
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    starts = np.arange(0, max(len(samples) - frame, 0) + hop, hop)
    ends = np.minimum(starts + frame, len(samples))
    starts = np.maximum(ends - frame, 0)
    power = (energy[ends] - energy[starts]) / (ends - starts)
    if not power.max() > 0:
        raise AudioError("The clip is silent: every sample is zero. Record it again.")
    loud = np.flatnonzero(power >= power.max() * 10 ** (-top_db / 10))
    margin = round(margin_secs * SAMPLE_RATE)
    first = max(starts[loud[0]] - margin, 0)
    return samples[first : ends[loud[-1]] + margin]


def peak_normalize(samples: np.ndarray, peak: float) -> np.ndarray:
    """Scales a waveform so that its largest absolute value is `peak`.

    Args:
        samples: float [num_samples].
        peak: level wanted, in (0, 1].

    Returns:
        float32 [num_samples].

    Raises:
        AudioError: every sample is zero, `samples` is not a non-empty vector, or `peak` is outside
            (0, 1].
    """
    samples = _as_vector(samples)
    if not 0 < peak <= 1:
        raise AudioError(f"peak must be in (0, 1]. Received: {peak}.")
    largest = np.abs(samples).max()
    if largest == 0:
        raise AudioError("The clip is silent: every sample is zero. Record it again.")
    return (samples * (peak / np.float64(largest))).astype(np.float32)


def pad(samples: np.ndarray, num_samples: int) -> np.ndarray:
    """Appends zeros up to `num_samples` (the paper's L_s); never truncates.

    Args:
        samples: [n] of any dtype, n <= num_samples.
        num_samples: length wanted.

    Returns:
        [num_samples], same dtype.

    Raises:
        AudioError: `samples` is longer than `num_samples`.
    """
    samples = np.asarray(samples)
    if len(samples) > num_samples:
        raise AudioError(
            f"The audio has {len(samples)} samples and must fit in {num_samples}. It is not"
            " truncated: use a shorter recording or a larger audio length."
        )
    return np.pad(samples, (0, num_samples - len(samples)))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Returns int16 [...] of float [...] in [-1, 1]: x * 32767, rounded; clipped beyond that.

    Raises:
        AudioError: a sample is NaN or infinite.
    """
    samples = np.asarray(samples, np.float64)
    if not np.isfinite(samples).all():
        raise AudioError("The audio holds NaN or infinite samples and cannot be stored as int16.")
    return np.rint(np.clip(samples, -1, 1) * _INT16_MAX).astype(np.int16)


def from_int16(samples: np.ndarray) -> np.ndarray:
    """Returns float32 [...] in [-1, 1] of int16 [...]: x / 32767, the inverse of `to_int16`."""
    return np.maximum(np.asarray(samples, np.float32) / np.float32(_INT16_MAX), np.float32(-1))


def write_audio(
    path: os.PathLike | str, samples: np.ndarray, sample_rate: int = SAMPLE_RATE
) -> None:
    """Writes mono 16-bit PCM; the file appears under its name only when it is complete.

    Args:
        path: a .wav or .flac file; its folder is made where it is missing.
        samples: float [num_samples] in [-1, 1] (clipped beyond).
        sample_rate: rate in Hz.

    Raises:
        AudioError: the suffix is another one, such files cannot have the rate, or the samples are
            not a non-empty vector or not finite.
        files.FileError: the file cannot be written.
    """
    path = pathlib.Path(path)
    check_output(path, sample_rate)
    data = _encoded(to_int16(_as_vector(samples)), sample_rate, path)
    with files.replacing(path) as temporary:
        temporary.write_bytes(data)


def check_output(path: os.PathLike | str, sample_rate: int) -> None:
    """Checks that `write_audio` can write a file, before the work that makes its samples.

    Args:
        path: the file; its folder may be missing.
        sample_rate: rate in Hz.

    Raises:
        AudioError: the suffix is not .wav or .flac, or such files cannot have the rate.
        files.FileError: it cannot be written (`files.check_writable`).
    """
    path = pathlib.Path(path)
    if path.suffix.lower() not in (".wav", ".flac"):
        raise AudioError(f"{path}: only .wav and .flac can be written. Received: {path.suffix!r}.")
    _check_rate(sample_rate, path)
    _encoded(np.zeros(1, np.int16), sample_rate, path)
    files.check_writable(path)


def _encoded(samples: np.ndarray, sample_rate: int, path: pathlib.Path) -> bytes:
    """Returns the contents of a file of int16 [num_samples]; its suffix says the format."""
    buffer, kind = io.BytesIO(), path.suffix[1:].upper()
    try:
        soundfile.write(buffer, samples, sample_rate, subtype="PCM_16", format=kind)
    except soundfile.LibsndfileError as error:
        # Above 65,535 Hz flac has multiples of 10 Hz alone.
        raise AudioError(
            f"{path}: a {path.suffix} file cannot have the sample rate {sample_rate:,} Hz. Choose"
            " another rate, or write .wav."
        ) from error
    return buffer.getvalue()


def _as_vector(samples: np.ndarray):
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 1 or not samples.size:
        raise AudioError(f"Audio must be a non-empty vector. Received: shape={samples.shape}.")
    return samples


def _check_rate(rate: float, what: object):
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise AudioError(
            f"{what}: a sample rate must lie between {MIN_SAMPLE_RATE:,} and"
            f" {MAX_SAMPLE_RATE:,} Hz. Received: {rate:,} Hz."
        )


def _check_header(file: soundfile.SoundFile, name: str):
    """Raises if decoding what the header claims would take too much memory or time."""
    _check_rate(file.samplerate, name)
    secs, values = file.frames / file.samplerate, file.frames * file.channels
    if secs > MAX_FILE_SECS or values > MAX_FILE_VALUES:
        raise AudioError(
            f"{name}: lasts {secs:,.0f} s ({file.frames:,} samples, {file.channels} channels)"
            f" according to its header. At most {MAX_FILE_SECS} s and {MAX_FILE_VALUES:,} samples"
            " over all channels are read: cut the recording to its word."
        )


def _truncated(name: str, what: str):
    return AudioError(f"{name}: the file is truncated ({what}). Copy or export it again.")


def _check_complete(data: bytes, name: str):
    """Raises if a wav or ogg file stops early: libsndfile reads such files without a word."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        position = 12
        while position + 8 <= len(data):
            chunk = data[position : position + 4]
            (size,) = struct.unpack_from("<I", data, position + 4)
            left = len(data) - position - 8
            if chunk == b"data":
                if size > left and size not in _UNKNOWN_SIZES:
                    raise _truncated(name, f"holds {left} of its {size} bytes of samples")
                return
            position += 8 + size + size % 2
        raise _truncated(name, "a wav header without samples")
    if data[:4] == b"OggS":
        position, last = 0, False
        while data[position : position + 4] == b"OggS" and position + 27 <= len(data):
            segments = data[position + 26]
            last = bool(data[position + 5] & 4)
            position += 27 + segments + sum(data[position + 27 : position + 27 + segments])
        if position > len(data) or not last:
            raise _truncated(name, "its last ogg page is missing")
