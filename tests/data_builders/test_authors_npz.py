"""The authors' npz files, on tiny ones of the same layout."""

import collections
import copy
import hashlib
import json
import os
import re
import tempfile
import tracemalloc
import zipfile

import numpy as np
import pytest

from data_builders import authors_npz, npz_rows, pairing, recordings

WORDS = {"cat": "cat", "fire_truck": "fire truck", "ship": "boat"}
LABELS = [1, 0, 2, 1, 0, 1]
TAKES = [0, 0, 0, 1, 0, 0]  # of the image's word: the fourth image has a waveform of its own
TEST_NAMES = ["ship", "fire_truck", "cat", "fire_truck"]
SHAPE = (16, 16, 3)
LENGTH = 40


def waveform(label, take):
    """[LENGTH] of noise, zero after some 30 samples, with a zero inside."""
    samples = np.random.default_rng([label, take]).uniform(-1, 1, LENGTH)
    samples[30 + label :] = 0
    samples[3] = 0
    return samples


def contents(dtype=np.float32):
    """{file: {array: values}} as the authors have it: names of the training images as objects."""
    random = np.random.default_rng(0)
    pairs = zip(LABELS, TAKES, strict=True)
    return {
        "data": {
            "arr_0": random.integers(0, 256, (len(LABELS), *SHAPE), np.uint8),
            "arr_1": np.stack([waveform(label, take) for label, take in pairs]).astype(dtype),
            "arr_2": np.array([list(WORDS)[label] for label in LABELS], object),
        },
        "test_data": {
            "arr_0": random.integers(0, 256, (len(TEST_NAMES), *SHAPE), np.uint8),
            "arr_2": np.array(TEST_NAMES),
        },
        "train_label": {"arr_0": np.eye(len(WORDS))[LABELS]},
    }


def write(folder, files, save=np.savez):
    for name, arrays in files.items():
        save(folder / f"toy_{name}.npz", **arrays)


def make(folder, audio_length=LENGTH, image_shape=SHAPE, words=WORDS):
    return authors_npz.AuthorsArchive(folder, "toy", words, image_shape, audio_length)


def refusal(folder, **kwargs):
    """The message with which the archive, or the reading of its images, is refused."""
    with pytest.raises(recordings.RecordingsError) as caught:
        archive = make(folder, **kwargs)
        for split in pairing.SPLITS:
            list(archive.images(split))
    return str(caught.value)


def without_trailing_zeros(row):
    return np.array(row[: max(i for i, x in enumerate(row) if x != 0) + 1], np.float64)


@pytest.fixture(params=[np.savez, np.savez_compressed], ids=["stored", "compressed"])
def save(request):
    return request.param


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4"])
def test_recordings_are_the_distinct_waveforms(tmp_path, save, dtype):
    files = contents(dtype)
    write(tmp_path, files, save)
    result = make(tmp_path).pairing
    rows = files["data"]["arr_1"]
    firsts = [1, 0, 3, 2]  # where the distinct ones occur first, by label and take
    assert [r.recording_id for r in result.recordings] == [
        *("cat/authors_0", "fire_truck/authors_0", "fire_truck/authors_1", "boat/authors_0"),
    ]
    assert [r.word for r in result.recordings] == ["cat", "fire truck", "fire truck", "boat"]
    for recording, first in zip(result.recordings, firsts, strict=True):
        expected = np.rint(without_trailing_zeros(rows[first]) * 32767)
        np.testing.assert_array_equal(recording.samples, expected)
        assert recording.samples.dtype == np.int16
        assert recording.sha256 == hashlib.sha256(rows[first].tobytes()).hexdigest()
        assert recording.source_rate == 22050
    assert [len(r.samples) for r in result.recordings] == [30, 31, 31, 32]


def test_which_image_goes_with_which_waveform(tmp_path, save):
    """A training image with its own row, a test image with the first of its class."""
    files = contents()
    write(tmp_path, files, save)
    archive = make(tmp_path)
    result = archive.pairing
    words = list(WORDS.values())
    rows = files["data"]["arr_1"]
    for (image_id, _, label), row in zip(archive.images("train"), rows, strict=True):
        chosen = result.recordings[result.index("train", words[label], image_id)]
        assert chosen.sha256 == hashlib.sha256(row.tobytes()).hexdigest()
        assert chosen.word == words[label]
    for word in words:
        chosen = result.recordings[result.index("test", word, "test_00003")]
        assert (chosen.word, chosen.take) == (word, 0)
    assert "first training waveform" in authors_npz.TEST_REFERENCE


def test_it_is_a_pairing(tmp_path):
    write(tmp_path, contents())
    result = make(tmp_path).pairing
    assert isinstance(result, pairing.Pairing)
    assert (result.policy, result.seed, result.too_long) == ("authors", 0, ())
    assert result.words == ["cat", "fire truck", "boat"]
    assert json.loads(json.dumps(result.candidates)) == {
        "train": {"cat": [0], "fire truck": [1, 2], "boat": [3]},
        "test": {"cat": [0], "fire truck": [1], "boat": [3]},
    }
    for i in range(4):
        assert result.splits_of(i) == pairing.Pairing.splits_of(result, i)
    assert result.splits_of(2) == ["train"]  # a second take


def test_images_come_in_the_order_of_the_file(tmp_path, save):
    files = contents()
    write(tmp_path, files, save)
    archive = make(tmp_path)
    labels = {"train": LABELS, "test": [2, 1, 0, 1]}
    for split, name in (("train", "data"), ("test", "test_data")):
        ids, images, found = zip(*archive.images(split), strict=True)
        assert ids == tuple(f"{split}_{i:05d}" for i in range(len(labels[split])))
        np.testing.assert_array_equal(images, files[name]["arr_0"])
        assert images[0].dtype == np.uint8
        assert list(found) == labels[split]
        assert archive.num_images(split) == len(ids)
    part = list(archive.images("train", 2, 5))
    assert [image_id for image_id, _, _ in part] == ["train_00002", "train_00003", "train_00004"]
    np.testing.assert_array_equal(part[0][1], files["data"]["arr_0"][2])
    assert part[0][2] == LABELS[2]


@pytest.mark.parametrize("channel", [(), (1,)])
def test_grey_images_may_lack_the_channel(tmp_path, channel):
    files = contents()
    for name in ("data", "test_data"):
        grey = files[name]["arr_0"][..., 0]
        files[name]["arr_0"] = grey.reshape(*grey.shape, *channel)
    write(tmp_path, files)
    for split, name in (("train", "data"), ("test", "test_data")):
        images = [image for _, image, _ in make(tmp_path, image_shape=(16, 16, 1)).images(split)]
        assert images[0].shape == (16, 16, 1)
        np.testing.assert_array_equal(np.array(images).ravel(), files[name]["arr_0"].ravel())


SWAPPED = {"cat": "dog", "dog": "cat", "ship": "ship"}  # a class's name goes before another's word


@pytest.mark.parametrize(
    "names, words, labels",
    [
        (["boat", "fire truck", "cat", "fire_truck"], WORDS, [2, 1, 0, 1]),
        ([b"ship", b"fire_truck", b"cat", b"fire truck"], WORDS, [2, 1, 0, 1]),
        (["cat", "dog", "ship", "cat"], SWAPPED, [0, 1, 2, 0]),
    ],
)
def test_names_are_classes_or_words_as_text_or_bytes(tmp_path, names, words, labels):
    files = contents()
    files["test_data"]["arr_2"] = np.array(names)
    write(tmp_path, files)
    assert [label for _, _, label in make(tmp_path, words=words).images("test")] == labels


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_one_hot_labels_of_any_number_type(tmp_path, dtype):
    files = contents()
    files["train_label"]["arr_0"] = files["train_label"]["arr_0"].astype(dtype)
    write(tmp_path, files)
    assert [label for _, _, label in make(tmp_path).images("train")] == LABELS


def test_one_waveform_under_two_labels_is_two_recordings(tmp_path):
    files = contents()
    files["data"]["arr_1"][:] = files["data"]["arr_1"][0]
    write(tmp_path, files)
    result = make(tmp_path).pairing
    ids = [r.recording_id for r in result.recordings]
    assert ids == ["cat/authors_0", "fire_truck/authors_0", "boat/authors_0"]
    assert len({r.sha256 for r in result.recordings}) == 1


def test_takes_count_by_first_appearance(tmp_path):
    files = contents()
    late, early = waveform(1, 7), waveform(1, 8)
    for i, samples in ((0, early), (3, late), (5, early)):
        files["data"]["arr_1"][i] = samples
    write(tmp_path, files)
    result = make(tmp_path).pairing
    expected = [early.astype(np.float32).tobytes(), late.astype(np.float32).tobytes()]
    assert [r.sha256 for r in result.recordings if r.word == "fire truck"] == [
        hashlib.sha256(data).hexdigest() for data in expected
    ]
    indices = [result.index("train", "fire truck", f"train_{i:05d}") for i in (0, 3, 5)]
    assert [result.recordings[i].take for i in indices] == [0, 1, 0]


def test_the_length_counts_without_trailing_zeros(tmp_path):
    write(tmp_path, contents())
    assert max(len(r.samples) for r in make(tmp_path, audio_length=32).pairing.recordings) == 32
    message = refusal(tmp_path, audio_length=31)
    assert re.search(r"toy_data\.npz: arr_1: row 2 lasts 1 ms \(32 samples .*fit in 31", message)
    assert len(make(tmp_path, audio_length="auto").pairing.recordings) == 4


def test_rounding_beyond_full_scale_is_tolerated(tmp_path):
    files = contents(np.float64)
    files["data"]["arr_1"][2, :2] = 1 + 9e-7, -1 - 9e-7
    write(tmp_path, files)
    samples = make(tmp_path).pairing.recordings[3].samples
    assert (samples[0], samples[1]) == (32767, -32767)


def test_the_id_is_of_the_contents(tmp_path):
    ids = []
    for value, save in ((0, np.savez), (0, np.savez_compressed), (1, np.savez)):
        files = contents()
        files["test_data"]["arr_0"][0, 0, 0, 0] = value
        write(tmp_path, files, save)
        ids.append(make(tmp_path).id)
    assert re.fullmatch(r"authors' toy:[0-9a-f]{12}", ids[0])
    assert ids[0] == ids[1] != ids[2]


def test_only_what_is_needed_is_read(tmp_path, monkeypatch):
    """The images wait until they are asked for, and nothing is read twice."""
    read = collections.Counter()
    rows = npz_rows.NpzRows.__iter__

    def counted(self):
        read[str(self).rpartition("/")[2]] += 1
        return rows(self)

    monkeypatch.setattr(npz_rows.NpzRows, "__iter__", counted)
    write(tmp_path, contents())
    archive = make(tmp_path)
    opened = ["toy_data.npz: arr_1", "toy_test_data.npz: arr_2", "toy_train_label.npz: arr_0"]
    assert read == dict.fromkeys(opened, 1)
    list(archive.images("train"))
    assert read == dict.fromkeys([*opened, "toy_data.npz: arr_0"], 1)


def test_a_copy_reads_the_files_again(tmp_path):
    """Copied as Beam sends it to a worker: by what it is made of, without the waveforms."""
    write(tmp_path, contents())
    archive = make(tmp_path)
    _, arguments = archive.__reduce__()
    assert len(repr(arguments)) < 1000
    again_pairing, again = copy.deepcopy((archive.pairing, archive))
    assert again is not archive and again.pairing is again_pairing
    assert again.id == archive.id
    for ours, theirs in zip(archive.pairing.recordings, again_pairing.recordings, strict=True):
        assert ours.recording_id == theirs.recording_id
        np.testing.assert_array_equal(ours.samples, theirs.samples)
    (tmp_path / "toy_data.npz").unlink()
    with pytest.raises(recordings.RecordingsError, match="has no toy_data.npz"):
        copy.deepcopy(archive.pairing)


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch):
    write(tmp_path, contents())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    archive = make(tmp_path)
    assert list(scratch.iterdir()) == []
    assert archive.pairing.recordings[3].samples.any()
    scratch.rmdir()
    assert "folder for temporary files" in refusal(tmp_path)


def test_memory_does_not_grow_with_the_rows(tmp_path, save):
    random = np.random.default_rng(0)
    num, length = 1800, 5600
    rows = np.tile(random.uniform(-1, 1, (num, 100)).astype(np.float32), length // 100)
    labels = np.arange(num) % len(WORDS)
    files = {
        "data": {"arr_0": np.zeros((num, 48, 48, 3), np.uint8), "arr_1": rows},
        "test_data": {"arr_0": np.zeros((1, 48, 48, 3), np.uint8), "arr_2": np.array(["cat"])},
        "train_label": {"arr_0": np.eye(len(WORDS))[labels]},
    }
    write(tmp_path, files, save)
    assert rows.nbytes > 40e6 and files["data"]["arr_0"].nbytes > 12e6
    del rows, files
    tracemalloc.start()
    try:
        archive = make(tmp_path, image_shape=(48, 48, 3), audio_length=length)
        count = sum(1 for _ in archive.images("train"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == len(archive.pairing.recordings) == num
    assert peak < 8e6  # a few blocks, and some hundred bytes a distinct waveform


def put(index, value):
    return lambda array: array.__setitem__(index, value)


FULL_SCALE = r"beyond \[-1, 1\]: the largest is"
# What is done to an array (in place, or by what the function returns; None: it is left out), and
# what is said of it.
REFUSALS = {
    "no images": ("data", "arr_0", None, ". It has: arr_1, arr_2"),
    "no waveforms": ("data", "arr_1", None, ". It has: arr_0, arr_2"),
    "no names": ("test_data", "arr_2", None, ". It has: arr_0"),
    "no labels": ("train_label", "arr_0", None, ". It has: none"),
    "image shape": (
        *("data", "arr_0", lambda a: a[:, :15]),
        r" must hold images as uint8: shape \[any, 16, 16, 3\].*\[6, 15, 16, 3\]",
    ),
    "image type": (
        *("test_data", "arr_0", lambda a: a.astype(np.int8)),
        " must hold images as uint8.* Received: int8",
    ),
    "fewer waveforms": (
        *("data", "arr_1", lambda a: a[:-1]),
        r" must hold waveforms .*: shape \[6, any\].*shape \[5, 40\]",
    ),
    "waveform type": (
        *("data", "arr_1", lambda a: (a * 32767).astype(np.int16)),
        " must hold waveforms as float16, float32 or float64.*Received: int16",
    ),
    "NaN": ("data", "arr_1", put((4, 2), np.nan), ": row 4 holds NaN"),
    "infinite": ("data", "arr_1", put((3, 2), -np.inf), f": row 3 .*{FULL_SCALE} inf"),
    "full scale": ("data", "arr_1", put((3, 2), -1.25), rf": row 3 .*{FULL_SCALE} 1\.25"),
    "just beyond": ("data", "arr_1", put((3, 2), 1 + 2e-6), f": row 3 .*{FULL_SCALE} 1"),
    "silent": ("data", "arr_1", put(5, 0), ": row 5 is silent"),
    "silent in 16 bits": ("data", "arr_1", put(5, 1e-6), ": row 5 is silent"),
    "names as objects": (
        *("test_data", "arr_2", lambda a: a.astype(object)),
        r" must hold .*strings \(names.astype\(str\)\).*trust the file, save it",
    ),
    "names as numbers": ("test_data", "arr_2", lambda a: np.arange(4), " must .*Received: int64"),
    "fewer names": ("test_data", "arr_2", lambda a: a[:3], r" must .*shape \[4\].*shape \[3\]"),
    "unknown name": (
        *("test_data", "arr_2", put(1, "dog")),
        ": row 1 is 'dog', which is not a class: cat, fire_truck, ship",
    ),
    "no text": ("test_data", "arr_2", lambda a: np.array([b"cat", b"\xff"] * 2), ": row 1 is"),
    "more classes": (
        *("train_label", "arr_0", lambda a: np.pad(a, ((0, 0), (0, 1)))),
        r" must hold one-hot labels.*shape \[6, 3\].*shape \[6, 4\]",
    ),
    "two ones": ("train_label", "arr_0", put((2, 1), 1), ": row 2 is not one-hot"),
    "no one": ("train_label", "arr_0", put(3, 0), ": row 3 is not one-hot"),
    "a half": ("train_label", "arr_0", put((0, 1), 0.5), ": row 0 is not one-hot"),
    "NaN label": ("train_label", "arr_0", put((1, 2), np.nan), ": row 1 is not one-hot"),
    "empty class": ("train_label", "arr_0", put(2, [1, 0, 0]), ": no training .* classes: ship"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_bad_arrays_are_refused_by_name(tmp_path, case):
    file, array, alter, message = REFUSALS[case]
    files = contents(np.float64)
    values = files[file].pop(array)
    if alter:
        altered = alter(values)
        files[file] |= {array: values if altered is None else altered}
    write(tmp_path, files)
    assert re.search(rf"toy_{file}\.npz(:| has no array) {array}{message}", refusal(tmp_path))


def test_missing_folder_and_files(tmp_path):
    assert re.search(
        r"nowhere, does not exist .* hold toy_data\.npz, toy_test_data\.npz, toy_train_label\.npz",
        refusal(tmp_path / "nowhere"),
    )
    write(tmp_path, {name: arrays for name, arrays in contents().items() if name != "test_data"})
    assert re.search(r"has no toy_test_data\.npz\.$", refusal(tmp_path))
    os.mkfifo(tmp_path / "toy_test_data.npz")
    assert re.search(r"has no toy_test_data\.npz\.$", refusal(tmp_path))


@pytest.mark.parametrize("place", ["data: arr_0", "data: arr_1", "test_data: arr_0"])
def test_damage_inside_an_array(tmp_path, place):
    write(tmp_path, contents())
    name, array = place.split(": ")
    path = tmp_path / f"toy_{name}.npz"
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{array}.npy")
    data = bytearray(path.read_bytes())
    data[member.header_offset + member.compress_size * 3 // 4] ^= 1
    path.write_bytes(data)
    assert re.search(rf"toy_{name}\.npz: {array} cannot be read \(", refusal(tmp_path))
