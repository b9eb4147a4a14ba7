"""Reads a recordings folder: `<word>/<speaker>_<take>.wav|flac|ogg|mp3`.

The folder's name is the spoken word with `_` for a space (`zero`, `aquarium_fish`); a file's name
splits at its last underscore (`af_heart_0.flac`: voice `af_heart`, take 0). Hidden files and those
that are no audio, such as text, are ignored.

A recording is worked on in this order: resample to 22 050 Hz, trim silence, level the peak, round
to 16 bits. Only then is its length compared with what a data set holds.
"""

import dataclasses
import hashlib
import math
import numbers
import os
from collections.abc import Iterable, Sequence

import numpy as np
from etils import epath

from data_builders.errors import RecordingsError
from mtnet_tf.data import audio, audio_files
from mtnet_tf.files import parse_json

MAKER_RECORD = "recordings.json"  # beside the words, by `recording_makers`
_MAX_RECORD_BYTES = 10_000_000
AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
_OTHER_AUDIO_SUFFIXES = (
    *(".m4a", ".aac", ".wma", ".opus", ".aiff", ".aif", ".webm", ".mp4", ".amr", ".caf"),
    *(".3gp", ".oga", ".mka", ".au", ".wave"),
)

MAX_WORD_SECS = 10.0
"""What is longer than this is no word, whatever audio length is asked for."""
MAX_WORD_SAMPLES = round(MAX_WORD_SECS * audio.SAMPLE_RATE)
"""The same in samples."""

# The least that a recording must be, trimmed and before its margins, to pass for a word. Clicks,
# constants and fragments lie far on the other side of these; of 3,000 spoken digits of the Free
# Spoken Digit Dataset the last has 1.6 ms of energy, and the most constant 19 % of its power.
MIN_WORD_SECS = 0.025
"""How long it lasts. A click alone fills one or two of the 10 ms frames by which it is trimmed."""
MIN_ENERGY_SECS = 0.0005
"""How long its energy would last at the level of its peak. A click's lasts a few samples."""
MAX_CONSTANT_SHARE = 0.5
"""How much of its power may be a constant (DC)."""
MIN_PEAK = 0.01
"""The lowest peak that it may be levelled to: below, 16 bits round too much of it away."""


@dataclasses.dataclass(frozen=True)
class Processing:
    """How a recording is brought to its final form; part of a data set's identity.

    Attributes:
        top_db: silence is what lies this far below the loudest 10 ms, in dB (`audio.TOP_DB`).
        margin_secs: what is kept before and after the word, in seconds.
        peak: largest absolute sample, in [0.01, 1].

    Raises:
        RecordingsError: a field is out of its range.
    """

    top_db: float = audio.TOP_DB
    margin_secs: float = audio.MARGIN_SECS
    peak: float = audio.PEAK

    def __post_init__(self) -> None:
        for name, low, high, wanted in (
            ("top_db", math.ulp(0.0), math.inf, "positive"),
            ("margin_secs", 0, audio_files.MAX_FILE_SECS, f"in [0, {audio_files.MAX_FILE_SECS}]"),
            ("peak", MIN_PEAK, 1, f"in [{MIN_PEAK}, 1]"),
        ):
            value = getattr(self, name)
            if not isinstance(value, numbers.Real) or not low <= value <= high or value == math.inf:
                raise RecordingsError(f"--{name} must be {wanted}. Received: {value!r}.")

    def apply(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """Resamples, trims and levels a recording.

        Args:
            samples: float [n].
            sample_rate: rate of `samples` in Hz.

        Returns:
            int16 [m] at 22 050 Hz.

        Raises:
            audio.AudioError: the clip is silent or cannot be a word, or the rate is out of range.
        """
        samples = audio.resample(samples, sample_rate)
        _check_word(audio.trim_silence(samples, self.top_db, 0), self.top_db)
        samples = audio.trim_silence(samples, self.top_db, self.margin_secs)
        return audio.to_int16(audio.peak_normalize(samples, self.peak))


def _check_word(samples: np.ndarray, top_db: float):
    """Raises AudioError if what is left of a recording, at 22 050 Hz, cannot be a word."""
    secs = len(samples) / audio.SAMPLE_RATE
    if secs < MIN_WORD_SECS:
        raise audio.AudioError(
            f"only {1000 * secs:.1f} ms are left of it, trimmed at --top_db={top_db:g}, and a word"
            f" lasts {1000 * MIN_WORD_SECS:g} ms at least. Record it again, or trim less with a"
            " larger --top_db."
        )
    square = np.square(samples, dtype=np.float64)
    if square.sum() < square.max() * MIN_ENERGY_SECS * audio.SAMPLE_RATE:
        raise audio.AudioError(
            "one click is so much louder than all the rest that nothing else would be heard. Cut"
            " the click out, or record the word again."
        )
    if np.mean(samples, dtype=np.float64) ** 2 > MAX_CONSTANT_SHARE * square.mean():
        raise audio.AudioError(
            "most of it is a constant offset (DC) and not sound. Remove the offset, or record the"
            " word again."
        )


def make_processing(value: Processing | dict | None) -> Processing:
    """Returns a `Processing` from one, from a dict of its fields, or from None (the defaults).

    Raises:
        RecordingsError: it is something else, or a field is unknown or out of its range.
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
    def recording_id(self) -> str:
        """Name of the recording in a data set, e.g. `aquarium_fish/jackson_0`."""
        return f"{folder_name(self.word)}/{self.voice_id}_{self.take}"

    @property
    def duration_ms(self) -> float:
        """Length in milliseconds, after trimming."""
        return milliseconds(len(self.samples))


def folder_name(word: str) -> str:
    """Returns the name of a spoken word's folder: `aquarium_fish` for `aquarium fish`."""
    return word.replace(" ", "_")


def shipped_recordings(words: Iterable[str]) -> epath.Path | None:
    """Returns the recordings folder that ships with this package, if it has all these words.

    It has the words of MNIST AD, CIFAR10 AD and CIFAR100 AD, one recording each.
    """
    folder = epath.resource_path("data_builders") / "spoken_words"
    return folder if all((folder / folder_name(word)).is_dir() for word in words) else None


def read_maker_record(
    recordings_dir: os.PathLike | str | None, sha256s: Iterable[str]
) -> dict | None:
    """Tells how the recordings of a folder were made, where its `recordings.json` says so.

    Args:
        recordings_dir: the recordings folder, or None.
        sha256s: hex digests of the files that are used.

    Returns:
        The record without its list of files; None where there is no record, it is not readable, or
        it does not list all the files used: then it is about other files.
    """
    if recordings_dir is None:
        return None
    path = epath.Path(recordings_dir) / MAKER_RECORD
    try:
        if (
            not path.exists()
            or audio_files.is_special(path)
            or path.stat().length > _MAX_RECORD_BYTES
        ):
            return None
        record = parse_json(path.read_text())
        listed = set(record.pop("recordings").values())
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return record if set(sha256s) <= listed else None


def find_recordings(
    recordings_dir: os.PathLike | str, words: Sequence[str], allow_missing_words: bool = False
) -> list[RecordingFile]:
    """Lists the recordings of the given words.

    Args:
        recordings_dir: the recordings folder; other words' folders in it are not looked at.
        words: spoken words, with spaces.
        allow_missing_words: leaves words without recordings out, as long as one word is left.

    Returns:
        The files by word in the order given, then voice, then take.

    Raises:
        RecordingsError: the folder does not exist or cannot be read, words have no recordings (all
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


def _find_recordings(root: epath.Path, words: Sequence[str], allow_missing_words: bool):
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
        there = [name if name.isprintable() else repr(name) for name in there]
        raise RecordingsError(
            f"{root} lacks recordings of {len(missing)} of {len(words)} words:"
            f" {', '.join(missing)}. Add <speaker>_<take>.wav, .flac, .ogg or .mp3 files for them,"
            " or make a data set of the words that are there with --allow_missing_words."
            f" Folders found: {', '.join(there[:20]) or 'none'}{', ...' if there[20:] else ''}."
        )
    return files


def load_recording(file: RecordingFile, processing: Processing) -> Recording:
    """Reads and processes one recording.

    Args:
        file: where it is.
        processing: what is done to it.

    Returns:
        The recording, of any length.

    Raises:
        audio.AudioError: the file cannot be used; the message names it.
    """
    data = audio_files.read_file(file.path)
    samples, source_rate = audio_files.decode_audio(data, str(file.path))
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


def check_file_name(name: str, folder: object) -> None:
    """Refuses a recording's file name that cannot become a label of a data set.

    TFDS keeps the labels as the lines of a UTF-8 text file and strips blanks from them.

    Args:
        name: the file's name, `<speaker>_<take>.<suffix>`.
        folder: where it lies, for the message.

    Raises:
        RecordingsError: the name is not UTF-8, or has control characters, or blanks around it or
            before its take.
    """
    if not name.isprintable() or name != name.strip() or name.rpartition("_")[0].endswith(" "):
        raise RecordingsError(
            f"{folder}: the file name {name!r} has bytes that are not UTF-8, control characters, or"
            " blanks at its beginning or before its take. Rename the file."
        )


def _list_word(folder: epath.Path, word: str):
    """The recordings of one word, by voice and take."""
    found = {}
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        suffix = path.suffix.lower()
        if path.name.startswith(".") or suffix not in AUDIO_SUFFIXES + _OTHER_AUDIO_SUFFIXES:
            continue
        check_file_name(path.name, folder)
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


def milliseconds(num_samples: int) -> float:
    """Returns the length of `num_samples` at 22 050 Hz in milliseconds."""
    return 1000 * num_samples / audio.SAMPLE_RATE
