"""Reads a recordings folder: `<word>/<speaker>_<take>.wav|flac|ogg|mp3`.

The folder's name is the spoken word with `_` for a space (`zero`, `aquarium_fish`); a file's name
splits at its last underscore (`af_heart_0.flac`: voice `af_heart`, take 0). Hidden files, text and
JSON beside the recordings are ignored.

A recording is worked on in this order: resample to 22 050 Hz, trim silence, level the peak, round
to 16 bits. Only then is its length compared with what a data set holds.
"""

import dataclasses
import hashlib
import json
import math

import numpy as np
from etils import epath

from mtnet_tf.data import audio
from mtnet_tf.errors import InputError

MAKER_RECORD = "recordings.json"  # beside the words, by `recording_makers`
_MAX_RECORD_BYTES = 10_000_000
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
_OTHER_AUDIO_SUFFIXES = (
    *(".m4a", ".aac", ".wma", ".opus", ".aiff", ".aif", ".webm", ".mp4", ".amr", ".caf"),
)


class RecordingsError(InputError, ValueError):
    """A recordings folder that cannot be used; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Processing:
    """How a recording is brought to its final form; part of a data set's identity.

    Attributes:
      top_db: silence is what lies this far below the loudest 10 ms, in dB. At 45 the final /s/ of
        quiet recordings is kept (at 40 up to half of a "six" on a telephone-band recording goes).
      margin_secs: what is kept before and after the word, in seconds.
      peak: largest absolute sample, in (0, 1]; below 1, where a tanh output never arrives.
    """

    top_db: float = 45.0
    margin_secs: float = 0.01
    peak: float = 0.9

    def __post_init__(self):
        if not (0 < self.top_db < math.inf):
            raise RecordingsError(f"top_db must be positive. Received: top_db={self.top_db}.")
        if not (0 <= self.margin_secs < math.inf):
            raise RecordingsError(
                f"margin_secs must not be negative. Received: margin_secs={self.margin_secs}."
            )
        if not 0 < self.peak <= 1:
            raise RecordingsError(f"peak must be in (0, 1]. Received: peak={self.peak}.")

    def apply(self, samples, sample_rate):
        """float [n] at `sample_rate` Hz -> int16 [m] at 22 050 Hz, trimmed and levelled.

        Raises:
          audio.AudioError: if the clip is silent.
        """
        samples = audio.resample(samples, sample_rate)
        samples = audio.trim_silence(samples, self.top_db, self.margin_secs)
        return audio.to_int16(audio.peak_normalize(samples, self.peak))


def make_processing(value):
    """Returns a `Processing` from one, from a dict of its fields, or from None (the defaults).

    Raises:
      RecordingsError: if it is something else or has unknown fields.
    """
    if isinstance(value, Processing):
        return value
    known = [field.name for field in dataclasses.fields(Processing)]
    if value is not None and (not isinstance(value, dict) or set(value) - set(known)):
        raise RecordingsError(
            f"processing must be a Processing or a dict of {', '.join(known)}. Received: {value}."
        )
    return Processing(**(value or {}))


@dataclasses.dataclass(frozen=True)
class RecordingFile:
    """One file of a recordings folder, not read yet."""

    word: str
    voice_id: str
    take: int
    path: epath.Path


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """One processed recording.

    Attributes:
      word: the spoken word, with spaces.
      voice_id: who says it.
      take: number of the take.
      sha256: hex digest of the source file's bytes.
      source_rate: rate of the source file in Hz.
      samples: int16 [num_samples] at 22 050 Hz, processed, not padded.
    """

    word: str
    voice_id: str
    take: int
    sha256: str
    source_rate: int
    samples: np.ndarray

    @property
    def recording_id(self):
        """Name of the recording in a data set, e.g. `aquarium_fish/jackson_0`."""
        return f"{folder_name(self.word)}/{self.voice_id}_{self.take}"

    @property
    def duration_ms(self):
        """Length in milliseconds, after trimming."""
        return milliseconds(len(self.samples))


def folder_name(word):
    """The folder of a spoken word: `aquarium fish` -> `aquarium_fish`."""
    return word.replace(" ", "_")


def read_maker_record(recordings_dir, sha256s):
    """Tells how the recordings of a folder were made, where its `recordings.json` says so.

    Args:
      recordings_dir: the recordings folder, or None.
      sha256s: hex digests of the files that are used.

    Returns:
      dict: the record without its list of files; None where there is no record, it is not readable, or
      it does not list all the files used: then it is about other files.
    """
    if recordings_dir is None:
        return None
    path = epath.Path(recordings_dir) / MAKER_RECORD
    try:
        if not path.is_file() or path.stat().length > _MAX_RECORD_BYTES:
            return None
        record = json.loads(path.read_text())
        listed = set(record.pop("recordings").values())
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return record if set(sha256s) <= listed else None


def find_recordings(recordings_dir, words, allow_missing_words=False):
    """Lists the recordings of the given words.

    Args:
      recordings_dir: the recordings folder; other words' folders in it are not looked at.
      words: spoken words, with spaces.
      allow_missing_words: leaves words without recordings out, as long as one word is left.

    Returns:
      list of `RecordingFile`, by word in the order given, then voice, then take.

    Raises:
      RecordingsError: if the folder does not exist or cannot be read, words have no recordings (all
        are listed), a file's name does not follow the pattern, or two files are the same take.
    """
    root = epath.Path(recordings_dir)
    try:
        return _find_recordings(root, words, allow_missing_words)
    except OSError as error:
        raise RecordingsError(
            f"{error.filename or root}: cannot be read ({error.strerror or error}). Check its"
            " permissions."
        ) from error


def _find_recordings(root, words, allow_missing_words):
    if not root.is_dir():
        raise RecordingsError(
            f"The recordings folder {root} does not exist or is not a folder. It must hold one"
            " folder a word with <speaker>_<take>.wav, .flac, .ogg or .mp3 files;"
            " `python -m experiments.make_recordings` makes one."
        )
    files, missing = [], []
    for word in words:
        folder = root / folder_name(word)
        if not folder.is_dir():
            missing.append(f"{word!r} (no folder {folder.name})")
            continue
        found = _list_word(folder, word)
        if not found:
            missing.append(f"{word!r} (the folder {folder.name} has no recordings)")
        files += found
    if missing and not (allow_missing_words and files):
        there = sorted(p.name for p in root.iterdir() if p.is_dir() and p.name[0] != ".")
        raise RecordingsError(
            f"{root} lacks recordings of {len(missing)} of {len(words)} words:"
            f" {', '.join(missing)}. Add <speaker>_<take>.wav, .flac, .ogg or .mp3 files for them,"
            " or make a data set of the words that are there with --allow_missing_words."
            f" Folders found: {', '.join(there[:20]) or 'none'}{', ...' if there[20:] else ''}."
        )
    return files


def load_recording(file, processing):
    """Reads and processes one `RecordingFile`.

    Args:
      file: the `RecordingFile`.
      processing: a `Processing`.

    Returns:
      the `Recording`, of any length.

    Raises:
      audio.AudioError: if the file cannot be used; the message names it.
    """
    try:
        data = file.path.read_bytes()
    except OSError as error:
        raise audio.AudioError(
            f"{file.path}: cannot be read ({error.strerror or error}). Check its permissions."
        ) from error
    samples, source_rate = audio.decode_audio(data, file.path)
    try:
        samples = processing.apply(samples, source_rate)
    except audio.AudioError as error:
        raise audio.AudioError(f"{file.path}: {error}") from error
    return Recording(
        word=file.word,
        voice_id=file.voice_id,
        take=file.take,
        sha256=hashlib.sha256(data).hexdigest(),
        source_rate=source_rate,
        samples=samples,
    )


def _list_word(folder, word):
    """The recordings of one word, by voice and take."""
    found = {}
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        suffix = path.suffix.lower()
        if path.name.startswith(".") or suffix not in AUDIO_SUFFIXES + _OTHER_AUDIO_SUFFIXES:
            continue
        if suffix in _OTHER_AUDIO_SUFFIXES:
            raise RecordingsError(
                f"{path}: {suffix} files are not read. Convert it to wav, flac, ogg or mp3."
            )
        voice_id, _, take = path.stem.rpartition("_")
        if not voice_id or not (take.isascii() and take.isdecimal()):
            raise RecordingsError(
                f"{path}: the name must be <speaker>_<take>{suffix} with a number for the take,"
                f" e.g. {voice_id or path.stem}_0{suffix}."
            )
        key = (voice_id, int(take))
        if key in found:
            raise RecordingsError(
                f"{found[key].path} and {path} are both take {key[1]} of {voice_id!r}."
                " Keep one of them, or give it another number."
            )
        found[key] = RecordingFile(word, *key, path)
    return [found[key] for key in sorted(found)]


def milliseconds(num_samples):
    """Length of `num_samples` at 22 050 Hz in milliseconds."""
    return 1000 * num_samples / audio.SAMPLE_RATE
