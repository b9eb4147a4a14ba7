"""Recordings of the Free Spoken Digit Dataset (FSDD), wherever it lies: folder, archive or TFDS."""

import collections
import functools
import importlib.util
import io
import pathlib
import re
import tarfile
import zipfile
import zlib
from typing import NamedTuple

import numpy as np
import soundfile

from data_builders.recording_makers.new_folder import MakeError, new_folder, write_record
from data_builders.words import DIGITS
from mtnet_tf.data import audio

_NAME = re.compile(r"([0-9])_([^/\\.][^/\\]*)_([0-9]+)\.wav")
_MEMBER = re.compile(rf"(?:.*/)?recordings/{_NAME.pattern}")
_SOURCES = "Name FSDD's folder, its archive (.zip, .tar.gz, .tgz), or tfds."
_MAX_MEMBER_BYTES = 10_000_000  # FSDD's largest has 36,568; an archive may claim anything
_BROKEN_ARCHIVE = (
    *(OSError, EOFError, RuntimeError, zlib.error),
    *(zipfile.BadZipFile, tarfile.TarError),
)


class _Spoken(NamedTuple):
    digit: str
    speaker: str
    take: int
    wav: bytes


def make_fsdd_recordings(output_dir, source, speakers=None, data_dir=None, command=None):
    """Copies recordings of FSDD: `0_jackson_7.wav` becomes `zero/jackson_7.wav`.

    Files of a folder or archive are copied byte by byte; the samples of TFDS's `spoken_digit` are
    written as 16-bit wav files.

    Args:
      output_dir: folder to make; must not exist or be empty.
      source: a copy of the data set or its folder `recordings`; the archive that its repository
        offers for download, .zip, .tar.gz or .tgz; or "tfds".
      speakers: list of the speakers to take; None for all.
      data_dir: for "tfds", where TFDS keeps data sets; None for `~/tensorflow_datasets`. TFDS
        downloads and prepares what is not there.
      command: the command that asks for the folder, for the record.

    Returns:
      the record that `recordings.json` holds, a dict.

    Raises:
      MakeError: if the source cannot be read or holds no such files, a speaker is not among them or
        lacks digits, or `output_dir` is in use or cannot be written.
      audio.AudioError: if a file cannot be used.
    """
    kind, found = _read(source, data_dir)
    _check_unique(found, source)
    speakers = _choose_speakers(found, source, speakers)
    with new_folder(output_dir) as folder:
        for digit, speaker, take, wav in found:
            if speaker not in speakers:
                continue
            audio.decode_audio(wav, f"{source}: {digit}_{speaker}_{take}.wav")
            path = folder / DIGITS[digit] / f"{speaker}_{take}.wav"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(wav)
        copied = "samples as 16-bit wav" if kind == "tfds" else "copied byte by byte"
        record = {
            "made_by": "data_builders.recording_makers.make_fsdd_recordings",
            "command": command,
            "source": f"Free Spoken Digit Dataset (Jakobovski et al.), {copied}",
            "source_kind": kind,
            "source_licence": "CC BY-SA 4.0",
            "parameters": {"speakers": speakers},
        }
        return write_record(folder, record)


def _choose_speakers(found, source, speakers):
    there = sorted({spoken.speaker for spoken in found})
    speakers = there if speakers is None else list(speakers)
    unknown = sorted(set(speakers) - set(there))
    if unknown or not speakers:
        raise MakeError(
            f"{source} has no speaker {', '.join(map(repr, unknown)) or repr('')}."
            f" It has: {', '.join(there)}."
        )
    for name in speakers:
        missing = set(DIGITS) - {spoken.digit for spoken in found if spoken.speaker == name}
        if missing:
            lacking = ", ".join(DIGITS[digit] for digit in sorted(missing))
            raise MakeError(f"{source}: the speaker {name!r} has no recordings of: {lacking}.")
    return speakers


def _check_unique(found, source):
    counts = collections.Counter(spoken[:3] for spoken in found)
    twice = [f"{digit}_{speaker}_{take}" for (digit, speaker, take), n in counts.items() if n > 1]
    if twice:
        shown = ", ".join(sorted(twice)[:5])
        raise MakeError(f"{source} has more than one file of: {shown}. Keep one of each.")


def _read(source, data_dir):
    """Returns (kind of the source, its `_Spoken`s in the order of their names)."""
    path = pathlib.Path(source)
    if str(source) == "tfds":
        kind, reader = "tfds", _read_tfds(data_dir)
    elif path.is_dir():
        kind, reader = "folder", _read_folder(path)
    elif path.is_file() and path.name.lower().endswith((".zip", ".tar.gz", ".tgz")):
        kind, reader = "archive", _read_archive(path)
    else:
        what = "is neither a folder nor a known archive" if path.exists() else "does not exist"
        raise MakeError(f"{path} {what}. {_SOURCES}")
    found = sorted(reader, key=lambda spoken: spoken[:3])
    if not found:
        where = "recordings/" if kind == "archive" else ""
        raise MakeError(
            f"{source} has no files named {where}<digit>_<speaker>_<take>.wav. {_SOURCES}"
        )
    return kind, found


def _read_folder(folder):
    if (folder / "recordings").is_dir():
        folder = folder / "recordings"
    try:
        for path in folder.iterdir():
            if match := _NAME.fullmatch(path.name):
                yield _spoken(match, path.read_bytes())
    except OSError as error:
        raise MakeError(
            f"{error.filename or folder}: cannot be read ({error.strerror or error}). Check its"
            " permissions."
        ) from error


def _read_archive(path):
    """Reads the members in memory; no path of the archive is ever written to or followed."""
    try:
        for name, size, read in _members(path):
            if match := _MEMBER.fullmatch(name):
                if size > _MAX_MEMBER_BYTES:
                    raise MakeError(f"{path}: {name} has {size} bytes: no spoken digit is so long.")
                yield _spoken(match, read())
    except _BROKEN_ARCHIVE as error:
        raise MakeError(
            f"{path} cannot be read as an archive ({error}). Download it again."
        ) from error


def _members(path):
    """Yields (name, size in bytes, function that reads it) of the regular files of an archive."""
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                yield info.filename, info.file_size, functools.partial(archive.read, info)
    else:
        with tarfile.open(path, "r:gz") as archive:
            for info in archive:
                if info.isreg():
                    yield info.name, info.size, archive.extractfile(info).read


def _read_tfds(data_dir):
    import tensorflow_datasets as tfds

    builder = tfds.builder("spoken_digit", data_dir=data_dir)
    elsewhere = (
        "Give FSDD's archive or folder, or put the prepared data set there (from another machine)."
    )
    if not builder.is_prepared() and importlib.util.find_spec("pydub") is None:
        raise MakeError(
            f"TFDS's spoken_digit is not prepared in {builder.data_path}, and TFDS needs the"
            f" package pydub for it: pip install pydub. {elsewhere}"
        )
    try:
        builder.download_and_prepare()
    except Exception as error:  # those of TFDS, requests and pydub have no common base
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MakeError(
            f"TFDS could not download and prepare spoken_digit in {builder.data_path} ({reason})."
            f" {elsewhere}"
        ) from error
    rate = builder.info.features["audio"].sample_rate
    examples = builder.as_dataset(split="train", shuffle_files=False)
    for example in tfds.as_numpy(examples):
        if match := _NAME.fullmatch(example["audio/filename"].decode()):
            buffer = io.BytesIO()
            samples = example["audio"].astype(np.int16)
            soundfile.write(buffer, samples, rate, subtype="PCM_16", format="WAV")
            yield _spoken(match, buffer.getvalue())


def _spoken(match, wav):
    digit, speaker, take = match.groups()
    return _Spoken(digit, speaker, int(take), wav)
