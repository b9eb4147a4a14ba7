"""Audio files: what is read of them, and how they are written.

Every refusal of a file is an `AudioError` whose message says what was wrong, in which file, and
what to do.
"""

import io
import os
import pathlib
import struct

import numpy as np
import soundfile

from mtnet_tf import files
from mtnet_tf.data import audio
from mtnet_tf.data.audio import AudioError

# A file's header may claim anything, and memory and time follow it: what is asked for is compared
# with these limits before it is decoded.
MAX_FILE_BYTES = 100_000_000
"""Of an audio file: ten minutes of a CD."""
MAX_FILE_SECS = 600
"""Of an audio file."""
MAX_FILE_VALUES = 2**26
"""Samples of an audio file, over all its channels: ten minutes in stereo at 48 kHz, 256 MiB."""

# What streaming writers put into a header: a size from here on into that of wav; no number of
# samples into that of flac, of which libsndfile makes this one.
_UNKNOWN_SIZE = 0x7FFF0000
_UNKNOWN_FRAMES = 2**63 - 1


def read_audio(path: os.PathLike | str) -> tuple[np.ndarray, int]:
    """Reads a wav, flac, ogg or mp3 file as mono.

    Channels are averaged. A file whose samples go beyond full scale (float wav, decoded mp3) is
    scaled down as a whole, so that nothing is clipped.

    Args:
        path: the file.

    Returns:
        `(samples, sample_rate)`: float32 [num_samples] in [-1, 1], and the file's rate in Hz.

    Raises:
        AudioError: the file is missing, unreadable, empty, truncated, too large, not audio, does
            not say how long it is, has a rate out of range, or holds values that are not finite.
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
            _check_header(file, data, name)
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


def write_audio(
    path: os.PathLike | str, samples: np.ndarray, sample_rate: int = audio.SAMPLE_RATE
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
    data = _encoded(audio.to_int16(audio.as_vector(samples)), sample_rate, path)
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
    audio.check_rate(sample_rate, path)
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


def _check_header(file: soundfile.SoundFile, data: bytes, name: str):
    """Raises if decoding what the header claims would take too much memory or time.

    An mp3 without a header of its own has no length: libsndfile guesses it from the file's size,
    and reads no further.
    """
    audio.check_rate(file.samplerate, name)
    guessed = file.format == "MP3" and not _has_mp3_header(data)
    if guessed or file.frames == _UNKNOWN_FRAMES:
        raise AudioError(
            f"{name}: does not say how long it is. Some recorders, and programs that write into a"
            " pipe, leave that out. Convert it to wav."
        )
    secs, values = file.frames / file.samplerate, file.frames * file.channels
    if secs > MAX_FILE_SECS or values > MAX_FILE_VALUES:
        raise AudioError(
            f"{name}: lasts {secs:,.0f} s ({file.frames:,} samples, {file.channels} channels)"
            f" according to its header. At most {MAX_FILE_SECS} s and {MAX_FILE_VALUES:,} samples"
            " over all channels are read: cut the recording to its word."
        )


def _has_mp3_header(data: bytes) -> bool:
    """Returns whether the first frame of an mp3 holds how many follow, as encoders write it."""
    first = 0
    if data[:3] == b"ID3":  # whose size has seven bits a byte
        first = 10 + sum(byte << 7 * k for k, byte in enumerate(reversed(data[6:10])))
    frame = data[first : first + 256]
    return any(name in frame for name in (b"Xing", b"Info", b"VBRI"))


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
                if left < size < _UNKNOWN_SIZE:
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
