"""The authors' npz files, on tiny ones of the same layout."""

import hashlib
import io
import json
import pickle
import re
import tempfile
import tracemalloc
import zipfile

import numpy as np
import pytest

from data_builders import authors_npz, pairing, recordings

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
        "cat/authors_0",
        "fire_truck/authors_0",
        "fire_truck/authors_1",
        "boat/authors_0",
    ]
    assert [r.word for r in result.recordings] == ["cat", "fire truck", "fire truck", "boat"]
    for recording, first in zip(result.recordings, firsts, strict=True):
        expected = np.rint(without_trailing_zeros(rows[first]) * 32767)
        np.testing.assert_array_equal(recording.samples, expected)
        assert recording.samples.dtype == np.int16
        assert recording.sha256 == hashlib.sha256(rows[first].tobytes()).hexdigest()
        assert recording.source_rate == 22050
    assert [len(r.samples) for r in result.recordings] == [30, 31, 31, 32]


def test_each_training_image_goes_with_its_own_row(tmp_path, save):
    files = contents()
    write(tmp_path, files, save)
    archive = make(tmp_path)
    result = archive.pairing
    for (image_id, _, label), row in zip(
        archive.images("train"), files["data"]["arr_1"], strict=True
    ):
        chosen = result.recordings[result.index("train", list(WORDS.values())[label], image_id)]
        assert chosen.sha256 == hashlib.sha256(row.tobytes()).hexdigest()
        assert chosen.word == list(WORDS.values())[label]


def test_each_test_image_goes_with_the_first_waveform_of_its_class(tmp_path):
    write(tmp_path, contents())
    result = make(tmp_path).pairing
    for word in WORDS.values():
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
    assert result.splits_of(2) == ["train"]


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


@pytest.mark.parametrize(
    "names",
    [
        np.array(["boat", "fire truck", "cat", "fire_truck"]),
        np.array([b"ship", b"fire_truck", b"cat", b"fire truck"]),
    ],
)
def test_names_are_classes_or_words_as_text_or_bytes(tmp_path, names):
    files = contents()
    files["test_data"]["arr_2"] = names
    write(tmp_path, files)
    assert [label for _, _, label in make(tmp_path).images("test")] == [2, 1, 0, 1]


def test_a_class_name_goes_before_a_word(tmp_path):
    files = contents()
    files["test_data"]["arr_2"] = np.array(["cat", "dog", "ship", "cat"])
    write(tmp_path, files)
    archive = make(tmp_path, words={"cat": "dog", "dog": "cat", "ship": "ship"})
    assert [label for _, _, label in archive.images("test")] == [0, 1, 2, 0]


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
    assert [r.recording_id for r in result.recordings] == [
        "cat/authors_0",
        "fire_truck/authors_0",
        "boat/authors_0",
    ]
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


def test_digests_of_the_files(tmp_path):
    write(tmp_path, contents())
    archive = make(tmp_path)
    assert archive.files_sha256 == {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("toy_data.npz", "toy_test_data.npz", "toy_train_label.npz")
    }
    files = contents()
    files["test_data"]["arr_0"][0, 0, 0, 0] ^= 1
    write(tmp_path, files)
    assert re.fullmatch(r"authors' toy:[0-9a-f]{12}", archive.id)
    assert make(tmp_path).id != archive.id


def test_a_pickle_is_small_and_reads_the_files_again(tmp_path):
    write(tmp_path, contents())
    archive = make(tmp_path)
    data = pickle.dumps((archive.pairing, archive))
    assert len(data) < 1000
    again_pairing, again = pickle.loads(data)
    assert again.pairing is again_pairing
    assert again.files_sha256 == archive.files_sha256
    for ours, theirs in zip(archive.pairing.recordings, again_pairing.recordings, strict=True):
        assert ours.recording_id == theirs.recording_id
        np.testing.assert_array_equal(ours.samples, theirs.samples)
    (tmp_path / "toy_data.npz").unlink()
    with pytest.raises(recordings.RecordingsError, match="has no toy_data.npz"):
        pickle.loads(data)


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


def change(file, array, alter):
    """A case: one array is altered (in place, or by what `alter` returns), or removed (None)."""

    def apply(files):
        if alter is None:
            del files[file][array]
            return
        altered = alter(files[file][array])
        if altered is not None:
            files[file][array] = altered

    return apply


def put(index, value):
    return lambda array: array.__setitem__(index, value)


DATA, TEST, LABEL = r"toy_data\.npz", r"toy_test_data\.npz", r"toy_train_label\.npz"
REFUSALS = {
    "no images": (
        change("data", "arr_0", None),
        f"{DATA} has no array arr_0. It has: arr_1, arr_2",
    ),
    "no waveforms": (change("data", "arr_1", None), f"{DATA} has no array arr_1"),
    "no names": (change("test_data", "arr_2", None), f"{TEST} has no array arr_2. It has: arr_0"),
    "no labels": (
        change("train_label", "arr_0", None),
        f"{LABEL} has no array arr_0. It has: none",
    ),
    "image shape": (
        change("data", "arr_0", lambda a: a[:, :15]),
        rf"{DATA}: arr_0 must hold images as uint8: shape \[any, 16, 16, 3\].*\[6, 15, 16, 3\]",
    ),
    "images without channels": (
        change("test_data", "arr_0", lambda a: a[..., 0]),
        f"{TEST}: arr_0",
    ),
    "no test images": (
        change("test_data", "arr_0", lambda a: a[:0]),
        r"Received: uint8, shape \[0",
    ),
    "image type": (
        change("test_data", "arr_0", lambda a: a.astype(np.float32)),
        f"{TEST}: arr_0 must hold images as uint8.* Received: float32",
    ),
    "signed images": (change("data", "arr_0", lambda a: a.astype(np.int8)), "Received: int8"),
    "fewer waveforms": (
        change("data", "arr_1", lambda a: a[:-1]),
        rf"{DATA}: arr_1 must hold waveforms .*: shape \[6, any\].*shape \[5, 40\]",
    ),
    "waveforms in 3D": (
        change("data", "arr_1", lambda a: a[..., None]),
        f"{DATA}: arr_1 must hold",
    ),
    "empty waveforms": (change("data", "arr_1", lambda a: a[:, :0]), r"shape \[6, 0\]"),
    "waveform type": (
        change("data", "arr_1", lambda a: (a * 32767).astype(np.int16)),
        f"{DATA}: arr_1 must hold waveforms as float16, float32 or float64.*Received: int16",
    ),
    "Fortran order": (
        change("data", "arr_1", np.asfortranarray),
        f"{DATA}: arr_1 must hold .*in C order. Received: .*in Fortran order",
    ),
    "NaN": (change("data", "arr_1", put((4, 2), np.nan)), f"{DATA}: arr_1: row 4 holds NaN"),
    "infinite": (change("data", "arr_1", put((3, 2), -np.inf)), "row 3 .*the largest is inf"),
    "beyond full scale": (
        change("data", "arr_1", put((3, 2), -1.25)),
        rf"{DATA}: arr_1: row 3 .*beyond \[-1, 1\]: the largest is 1.25",
    ),
    "just beyond full scale": (change("data", "arr_1", put((3, 2), 1 + 2e-6)), "row 3 .*beyond"),
    "silent": (change("data", "arr_1", put(5, 0)), f"{DATA}: arr_1: row 5 is silent"),
    "silent in 16 bits": (change("data", "arr_1", put(5, 1e-6)), "row 5 is silent"),
    "waveforms as objects": (
        change("data", "arr_1", lambda a: a.astype(object)),
        f"{DATA}: arr_1 must hold .*Received: object.*unpickling",
    ),
    "names as objects": (
        change("test_data", "arr_2", lambda a: a.astype(object)),
        rf"{TEST}: arr_2 must hold .*strings \(names.astype\(str\)\).*trust the file, save it",
    ),
    "names as numbers": (
        change("test_data", "arr_2", lambda a: np.arange(len(a))),
        f"{TEST}: arr_2 must hold class names as strings.*Received: int64",
    ),
    "fewer names": (
        change("test_data", "arr_2", lambda a: a[:3]),
        rf"{TEST}: arr_2 must hold .*shape \[4\].*shape \[3\]",
    ),
    "unknown name": (
        change("test_data", "arr_2", put(1, "dog")),
        f"{TEST}: arr_2: row 1 is 'dog', which is not a class: cat, fire_truck, ship",
    ),
    "name that is no text": (
        change("test_data", "arr_2", lambda a: np.array([b"cat", b"cat", b"\xff", b"cat"])),
        f"{TEST}: arr_2: row 2 is",
    ),
    "fewer labels": (
        change("train_label", "arr_0", lambda a: a[:5]),
        rf"{LABEL}: arr_0 must hold one-hot labels.*shape \[6, 3\].*shape \[5, 3\]",
    ),
    "more classes": (
        change("train_label", "arr_0", lambda a: np.pad(a, ((0, 0), (0, 1)))),
        rf"{LABEL}: arr_0 .*shape \[6, 3\].*shape \[6, 4\]",
    ),
    "two ones": (
        change("train_label", "arr_0", put((2, 1), 1)),
        f"{LABEL}: arr_0: row 2 is not one-hot",
    ),
    "no one": (change("train_label", "arr_0", put(3, 0)), "row 3 is not one-hot"),
    "a half": (change("train_label", "arr_0", put((0, 1), 0.5)), "row 0 is not one-hot"),
    "NaN label": (change("train_label", "arr_0", put((1, 2), np.nan)), "row 1 is not one-hot"),
    "class without images": (
        change("train_label", "arr_0", put(2, [1, 0, 0])),
        f"{LABEL}: arr_0: no training image is of the classes: ship",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_bad_arrays_are_refused_by_name(tmp_path, case):
    apply, message = REFUSALS[case]
    files = contents(np.float64)
    apply(files)
    write(tmp_path, files)
    assert re.search(message, refusal(tmp_path))


def test_missing_folder_and_files(tmp_path):
    assert re.search(
        r"nowhere, does not exist .* hold toy_data\.npz, toy_test_data\.npz, toy_train_label\.npz",
        refusal(tmp_path / "nowhere"),
    )
    files = contents()
    del files["test_data"]
    write(tmp_path, files)
    assert re.search(r"has no toy_test_data\.npz\.$", refusal(tmp_path))


@pytest.mark.parametrize("name", ["data", "test_data", "train_label"])
def test_a_file_that_is_no_zip_or_stops_early(tmp_path, name):
    write(tmp_path, contents())
    path = tmp_path / f"toy_{name}.npz"
    data = path.read_bytes()
    for damaged in (b"", b"not a zip", data[: len(data) // 2], data[:-10]):
        path.write_bytes(damaged)
        assert re.search(rf"toy_{name}\.npz: arr_\d cannot be read \(", refusal(tmp_path))


@pytest.mark.parametrize(
    ("name", "array"),
    [("data", "arr_0"), ("data", "arr_1"), ("test_data", "arr_0"), ("train_label", "arr_0")],
)
def test_damage_inside_an_array(tmp_path, save, name, array):
    write(tmp_path, contents(), save)
    path = tmp_path / f"toy_{name}.npz"
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{array}.npy")
    data = bytearray(path.read_bytes())
    middle = member.header_offset + member.compress_size * 3 // 4
    data[middle] ^= 1
    path.write_bytes(data)
    assert re.search(rf"toy_{name}\.npz: {array} cannot be read \(", refusal(tmp_path))


def npy(array, version=None):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


def write_labels(folder, data):
    """Writes `data` as the bytes of the one-hot labels."""
    with zipfile.ZipFile(folder / "toy_train_label.npz", "w") as archive:
        archive.writestr("arr_0.npy", data)


def test_other_npy_versions(tmp_path):
    write(tmp_path, contents())
    one_hot = contents()["train_label"]["arr_0"]
    write_labels(tmp_path, npy(one_hot, (2, 0)))
    assert [label for _, _, label in make(tmp_path).images("train")] == LABELS
    write_labels(tmp_path, npy(one_hot, (3, 0)))
    assert re.search(f"{LABEL}: arr_0 cannot be read .*version", refusal(tmp_path))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"not an npy file",
        lambda data: data[:60],
        lambda data: data[:-8],
        lambda data: data[:-1],
        lambda data: data.replace(b"'shape'", b"'shade'"),
        lambda data: data.replace(b"(6, 3)", b"(((((("),
        lambda data: data.replace(b"<f8", b"<q9"),
    ],
)
def test_members_that_are_no_arrays(tmp_path, damage):
    write(tmp_path, contents())
    write_labels(tmp_path, damage(npy(contents()["train_label"]["arr_0"])))
    assert re.search(f"{LABEL}: arr_0 cannot be read", refusal(tmp_path))
