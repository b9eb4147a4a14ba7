"""Recordings of the Free Spoken Digit Dataset (FSDD), wherever it lies: folder, archive or TFDS."""

import collections
import functools
import importlib.util
import io
import os
import pathlib
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import soundfile

from data_builders import recordings
from data_builders.errors import RecordingsError
from data_builders.recording_makers.new_folder import check_new, new_folder, write_record
from data_builders.words import DIGITS
from mtnet_tf.data import audio_files
from mtnet_tf.errors import first_line

_NAME = re.compile(r"([0-9])_([^/\\.][^/\\]*)_([0-9]{1,9})\.wav", re.DOTALL)
_MEMBER = re.compile(rf"(?:.*/)?recordings/{_NAME.pattern}", re.DOTALL)
_SOURCES = "Name FSDD's folder, its archive (.zip, .tar.gz, .tgz), or tfds."
# The files are held in memory, and an archive may claim anything. FSDD's 3,000 files have
# 21 MB, the largest of them 36,568 bytes.
_MAX_MEMBER_BYTES = 10_000_000
_MAX_TOTAL_BYTES = 500_000_000
_BROKEN_ARCHIVE = (
    *(OSError, EOFError, RuntimeError, UnicodeError, zlib.error),
    *(zipfile.BadZipFile, tarfile.TarError),
)


class _Spoken(NamedTuple):
    digit: str
    speaker: str
    take: int
    wav: bytes


def make_fsdd_recordings(
    output_dir: os.PathLike | str,
    source: os.PathLike | str,
    speakers: Sequence[str] | None = None,
    data_dir: os.PathLike | str | None = None,
    command: str | None = None,
) -> dict:
    """Copies recordings of FSDD: `0_jackson_7.wav` becomes `zero/jackson_7.wav`.

    Files of a folder or archive are copied byte by byte; the samples of TFDS's `spoken_digit` are
    written as 16-bit wav files.

    Args:
        output_dir: folder to make; if it exists, it must be empty.
        source: a copy of the data set or its folder `recordings`; the archive that its repository
            offers for download, .zip, .tar.gz or .tgz; or "tfds".
        speakers: the speakers to take; None for all.
        data_dir: for "tfds", where TFDS keeps data sets; None for `~/tensorflow_datasets`. TFDS
            downloads and prepares what is not there.
        command: the command that asks for the folder, for the record.

    Returns:
        The record that `recordings.json` holds.

    Raises:
        RecordingsError: the source cannot be read, or holds no such files or a take twice; a
            speaker is not among them or lacks digits; or `output_dir` is in use.
        DataSetError: TFDS's data set is damaged.
        audio.AudioError: a file cannot be used.
        files.FileError: `output_dir` cannot be written.
    """
    check_new(output_dir)
    kind, found = _read(source, data_dir)
    _check_unique(found, source)
    speakers = _choose_speakers(found, source, speakers)
    with new_folder(output_dir) as folder:
        for digit, speaker, take, wav in found:
            if speaker not in speakers:
                continue
            audio_files.decode_audio(wav, f"{source}: {digit}_{speaker}_{take}.wav")
            path = folder / DIGITS[digit] / f"{speaker}_{take}.wav"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(wav)
        copied = "samples as 16-bit wav" if kind == "tfds" else "copied byte by byte"
        record = {
            "made_by": f"{__package__}.make_fsdd_recordings",
            "command": command,
            "source": f"Free Spoken Digit Dataset (Jakobovski et al.), {copied}",
            "source_kind": kind,
            "source_licence": "CC BY-SA 4.0",
            "parameters": {"speakers": speakers},
        }
        return write_record(folder, record)


def _choose_speakers(found: list, source: object, speakers: Sequence[str] | None):
    there = sorted({spoken.speaker for spoken in found})
    speakers = there if speakers is None else list(speakers)
    unknown = sorted(set(speakers) - set(there))
    if unknown or not speakers:
        raise RecordingsError(
            f"{source} has no speaker {', '.join(map(repr, unknown)) or repr('')}."
            f" It has: {', '.join(there)}."
        )
    for name in speakers:
        missing = set(DIGITS) - {spoken.digit for spoken in found if spoken.speaker == name}
        if missing:
            lacking = ", ".join(DIGITS[digit] for digit in sorted(missing))
            raise RecordingsError(
                f"{source}: the speaker {name!r} has no recordings of: {lacking}."
            )
    return speakers


def _check_unique(found: list, source: object):
    counts = collections.Counter(spoken[:3] for spoken in found)
    twice = [f"{digit}_{speaker}_{take}" for (digit, speaker, take), n in counts.items() if n > 1]
    if twice:
        shown = ", ".join(sorted(twice)[:5])
        raise RecordingsError(f"{source} has more than one file of: {shown}. Keep one of each.")


def _read(source: os.PathLike | str, data_dir: os.PathLike | str | None):
    """Returns (kind of the source, its `_Spoken`s in the order of their names)."""
    path = pathlib.Path(source)
    if str(source) == "tfds":
        kind, reader = "tfds", _read_tfds(data_dir)
    elif os.path.isdir(path):
        kind, reader = "folder", _read_folder(path)
    elif os.path.isfile(path) and path.name.lower().endswith((".zip", ".tar.gz", ".tgz")):
        kind, reader = "archive", _read_archive(path)
    else:
        there = os.path.exists(path)
        what = "is neither a folder nor a known archive" if there else "does not exist"
        raise RecordingsError(f"{path} {what}. {_SOURCES}")
    found = sorted(_limited(reader, source), key=lambda spoken: spoken[:3])
    if not found:
        where = "recordings/" if kind == "archive" else ""
        raise RecordingsError(
            f"{source} has no files named {where}<digit>_<speaker>_<take>.wav. {_SOURCES}"
        )
    return kind, found


def _limited(reader: Iterable[_Spoken], source: object):
    """Yields what is read, as long as it is not too much to be held in memory."""
    total = 0
    for spoken in reader:
        total += len(spoken.wav)
        if total > _MAX_TOTAL_BYTES:
            raise RecordingsError(
                f"{source} has more than {_MAX_TOTAL_BYTES:,} bytes of recordings: this is not"
                f" FSDD. {_SOURCES}"
            )
        yield spoken


def _read_folder(folder: pathlib.Path):
    if os.path.isdir(folder / "recordings"):
        folder = folder / "recordings"
    try:
        for path in folder.iterdir():
            if match := _NAME.fullmatch(path.name):
                yield _spoken(match, audio_files.read_file(path), folder)
    except OSError as error:
        raise RecordingsError(
            f"{error.filename or folder}: cannot be read ({error.strerror or error}). Check its"
            " permissions."
        ) from error


def _read_archive(path: pathlib.Path):
    """Reads the members in memory; no path of the archive is ever written to or followed."""
    try:
        for name, size, read in _members(path):
            if match := _MEMBER.fullmatch(name):
                if size > _MAX_MEMBER_BYTES:
                    raise RecordingsError(
                        f"{path}: {name} has {size} bytes: no spoken digit is so long."
                    )
                yield _spoken(match, read(), path)
    except _BROKEN_ARCHIVE as error:
        raise RecordingsError(
            f"{path} cannot be read as an archive ({error}). Download it again."
        ) from error


def _members(path: pathlib.Path):
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


def _read_tfds(data_dir: os.PathLike | str | None):
    from data_builders.building import open_source
    from data_builders.tfds_examples import read_examples

    builder = open_source("spoken_digit", data_dir)
    elsewhere = (
        "Give FSDD's archive or folder, or put the prepared data set there (from another machine)."
    )
    if not builder.is_prepared() and importlib.util.find_spec("pydub") is None:
        raise RecordingsError(
            f"TFDS's spoken_digit is not prepared in {builder.data_path}, and TFDS needs the"
            f" package pydub for it: pip install pydub. {elsewhere}"
        )
    try:
        builder.download_and_prepare()
    except Exception as error:  # those of TFDS, requests and pydub have no common base
        raise RecordingsError(
            f"TFDS could not download and prepare spoken_digit in {builder.data_path}"
            f" ({first_line(error)}). {elsewhere}"
        ) from error
    rate = builder.info.features["audio"].sample_rate
    dataset = builder.as_dataset(split="train", shuffle_files=False)
    for example in read_examples(builder, dataset):
        if match := _NAME.fullmatch(example["audio/filename"].decode()):
            buffer = io.BytesIO()
            samples = example["audio"].astype(np.int16)
            soundfile.write(buffer, samples, rate, subtype="PCM_16", format="WAV")
            yield _spoken(match, buffer.getvalue(), "spoken_digit")


def _spoken(match: re.Match, wav: bytes, source: object):
    recordings.check_file_name(match.group(0).rpartition("/")[2], source)
    digit, speaker, take = match.groups()
    return _Spoken(digit, speaker, int(take), wav)
