"""The core of the builders: what is written, where, and what is refused."""

import copy
import hashlib
import io
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds

import data_builders
from data_builders import audio_description, recordings, words
from data_builders.inspection.pass_over_pairs import inspect
from data_builders.mnist_ad import mnist_ad_dataset_builder
from mtnet_tf.data import audio_files
from mtnet_tf.data.prepared import open_prepared
from mtnet_tf.errors import InputError

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def other_recordings(dummy, tmp_path):
    """The dummy recordings with one file changed by one sample."""
    folder = tmp_path / "other"
    shutil.copytree(dummy / "recordings", folder)
    path = folder / "three" / "tone_0.flac"
    samples, rate = audio_files.read_audio(path)
    samples[500] += 0.01
    audio_files.write_audio(path, samples, rate)
    return folder


@pytest.mark.parametrize("name", ["mnist_ad", "cifar10_ad", "cifar100_ad"])
def test_the_recordings_of_the_committed_tables_ship_with_the_package(tmp_path, name):
    """A synthetic voice differs by rounding from CPU to CPU, and a table wants the same samples."""
    (*results,) = (ROOT / "experiments/results/tables").glob(f"{name}_*_seed*.json")
    used = {json.loads(p.read_text())["provenance"]["recordings"]["fingerprint"] for p in results}
    builder = data_builders.open_builder(f"{name}/one_recording", data_dir=tmp_path)
    assert used == {builder.info.metadata["recordings_fingerprint"]}


def test_an_unprepared_data_set_leaves_no_temporary_folder(open_mnist, tmp_path):
    open_mnist(tmp_path)
    assert not list(pathlib.Path(tempfile.gettempdir()).iterdir())


def test_import_is_light():
    code = "import sys, data_builders; print('tensorflow' in sys.modules, 'librosa' in sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert output.split() == ["False", "False"]


def test_builders_are_registered():
    assert {"mnist_ad", "digits_ad"} <= set(tfds.list_builders())


def test_examples_agree_with_their_sources(dummy, prepared):
    source = tfds.builder("mnist", data_dir=dummy)
    names = prepared.info.features["recording_id"].names
    for split, count in (("train", 20), ("test", 10)):
        images = list(tfds.as_numpy(source.as_dataset(split=split, shuffle_files=False)))
        examples = list(tfds.as_numpy(prepared.as_dataset(split=split)))
        assert sorted(e["image_id"] for e in examples) == [
            f"{split}_{i:05d}".encode() for i in range(count)
        ]
        for example in examples:
            original = images[int(example["image_id"].decode()[-5:])]
            np.testing.assert_array_equal(example["image"], original["image"])
            assert example["label"] == original["label"]
            word = words.DIGITS[str(example["label"])]
            assert example["word"].decode() == word
            assert names[example["recording_id"]] == f"{word}/tone_0"
            assert example["audio"].dtype == np.int16
            expected = prepared._pairing.recordings[example["recording_id"]].samples
            np.testing.assert_array_equal(example["audio"], expected)
            assert np.abs(example["audio"]).max() == round(0.9 * 32767)
    assert prepared.info.features["voice_id"].names == ["tone"]


def test_metadata(dummy, prepared):
    metadata = prepared.info.metadata
    assert metadata["audio_length"] == 18140
    assert metadata["sample_rate"] == 22050
    assert metadata["policy"] == "one_recording"
    assert metadata["pairing_seed"] == 0
    assert metadata["images"] == "mnist:3.0.1"
    assert metadata["processing"] == {"top_db": 45.0, "margin_secs": 0.01, "peak": 0.9}
    assert len(metadata["recordings_fingerprint"]) == 64
    names = prepared.info.features["recording_id"].names
    assert [r["recording_id"] for r in metadata["recordings"]] == names
    assert (metadata["missing_words"], metadata["too_long"]) == ([], [])
    first = metadata["recordings"][0]
    samples = prepared._pairing.recordings[0].samples
    source = (dummy / "recordings" / "zero" / "tone_0.flac").read_bytes()
    assert first == {
        "recording_id": "zero/tone_0",
        "word": "zero",
        "voice_id": "tone",
        "take": 0,
        "splits": ["train", "test"],
        "sha256": hashlib.sha256(source).hexdigest(),
        "samples_sha256": hashlib.sha256(samples.tobytes()).hexdigest(),
        "num_samples": len(samples),
        "source_rate": 22050,
    }


def test_builder_from_directory_reads_it_back(prepared):
    again = tfds.builder_from_directory(prepared.data_path)
    assert dict(again.info.metadata) == dict(prepared.info.metadata)
    assert again.info.features["recording_id"].names[3] == "three/tone_0"
    assert again.info.splits["train"].num_examples == 20
    example = next(iter(tfds.as_numpy(again.as_dataset(split="test"))))
    assert example["image"].shape == (28, 28, 1)


def test_tfds_load_of_a_user(dummy, prepared):
    kwargs = {"recordings_dir": dummy / "recordings", "images_dir": dummy}
    data_dir = prepared.data_dir_root
    data, info = tfds.load(
        "mnist_ad/one_recording", data_dir=data_dir, builder_kwargs=kwargs, with_info=True
    )
    assert len(data["train"]) == 20
    assert info.full_name == prepared.info.full_name
    # The prepared name alone is enough, too: no recordings folder needed.
    name = f"mnist_ad/{prepared.builder_config.name}"
    assert len(tfds.load(name, data_dir=data_dir, split="test")) == 10


def test_preparing_twice_changes_nothing(open_mnist, prepared):
    files = {p: p.stat().mtime for p in prepared.data_path.iterdir()}
    again = open_mnist(prepared.data_dir_root)
    assert again.is_prepared()
    again.download_and_prepare()
    assert files == {p: p.stat().mtime for p in prepared.data_path.iterdir()}


def test_two_builds_are_identical(open_mnist, prepared, tmp_path):
    again = open_mnist(tmp_path)
    again.download_and_prepare()
    first, second = (
        {path.name: path.read_bytes() for path in builder.data_path.glob("*.tfrecord*")}
        for builder in (prepared, again)
    )
    assert first == second
    assert len(first) >= 2  # train and test


def test_other_recordings_or_options_never_share_a_folder(open_mnist, prepared, other_recordings):
    data_dir = prepared.data_dir_root
    builders = [
        prepared,
        open_mnist(data_dir, other_recordings),
        open_mnist(data_dir, processing={"top_db": 30.0}),
        open_mnist(data_dir, processing=recordings.Processing(peak=0.5)),
        open_mnist(data_dir, pairing_seed=1),
    ]
    assert len({b.data_path for b in builders}) == len(builders)
    assert [b.is_prepared() for b in builders] == [True] + [False] * (len(builders) - 1)
    builders[1].download_and_prepare()
    for example in tfds.as_numpy(builders[1].as_dataset(split="train")):
        if example["label"] == 3:
            expected = builders[1]._pairing.recordings[3].samples
            np.testing.assert_array_equal(example["audio"], expected)
            assert not np.array_equal(expected, prepared._pairing.recordings[3].samples)


def test_the_same_recordings_elsewhere_are_the_same_data_set(open_mnist, dummy, prepared, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(dummy / "recordings", copy)
    (copy / "zebra").mkdir()  # what is not used does not count
    shutil.copy(copy / "zero" / "tone_0.flac", copy / "zero" / "tone_7.flac")
    assert open_mnist(prepared.data_dir_root, copy).data_path == prepared.data_path
    assert open_mnist(prepared.data_dir_root, copy, speaker="tone").is_prepared()


def test_config_of_a_builder_opens_it_again(dummy, prepared, other_recordings):
    config = prepared.builder_config
    options = {"data_dir": prepared.data_dir_root, "config": config, "images_dir": dummy}
    builder = mnist_ad_dataset_builder.Builder(recordings_dir=dummy / "recordings", **options)
    assert builder.is_prepared()
    with pytest.raises(recordings.RecordingsError, match="other recordings or options"):
        mnist_ad_dataset_builder.Builder(recordings_dir=other_recordings, **options)


def test_a_copied_builder_has_its_own_options(prepared):
    """Copied as TFDS sends a builder to another process: made again from its arguments."""
    again = copy.deepcopy(prepared)
    assert again is not prepared
    assert again.data_path == prepared.data_path
    assert again.info.metadata["recordings"] == prepared.info.metadata["recordings"]


def test_refusals_come_before_anything_is_written(open_mnist, tmp_path):
    data_dir = tmp_path / "tfds"
    with pytest.raises(recordings.RecordingsError, match="needs two takes that fit"):
        data_builders.open_builder("mnist_ad/many_takes", data_dir=data_dir)
    with pytest.raises(recordings.RecordingsError, match="does not exist"):
        open_mnist(data_dir, tmp_path / "none")
    with pytest.raises(recordings.RecordingsError, match="top_db, margin_secs, peak"):
        open_mnist(data_dir, processing={"topdb": 3})
    with pytest.raises(
        data_builders.DataSetError, match="Known: digits_ad, mnist_ad, cifar10_ad, cifar100_ad"
    ):
        data_builders.open_builder("minst_ad")
    with pytest.raises(InputError, match="Unknown data set ''"):
        data_builders.open_builder("")
    with pytest.raises(InputError, match="It has: one_recording"):
        data_builders.open_builder("mnist_ad/one_recordings")
    assert not data_dir.exists()


def test_a_subset_of_the_words_is_another_data_set(open_mnist, add, tmp_path, prepared):
    folder = tmp_path / "recordings"
    for word in ("zero", "three", "nine"):
        add(folder, f"{word}/ann_0.wav")
    with pytest.raises(recordings.RecordingsError, match="lacks recordings of 7 of 10 words"):
        open_mnist(tmp_path, folder)
    builder = open_mnist(tmp_path, folder, allow_missing_words=True)
    assert builder.builder_config.name.startswith("one_recording-3words-")
    assert builder.info.features["label"].names == ["0", "3", "9"]
    assert builder.info.metadata["words"] == {"0": "zero", "3": "three", "9": "nine"}
    assert builder.info.metadata["missing_words"] == [
        "one",
        "two",
        *["four", "five", "six", "seven", "eight"],
    ]
    builder.download_and_prepare()
    everything = tfds.as_numpy(prepared.as_dataset(split="train"))
    expected = {e["image_id"]: int(e["label"]) for e in everything if e["label"] in (0, 3, 9)}
    found = {
        e["image_id"]: (int(e["label"]), e["word"].decode())
        for e in tfds.as_numpy(builder.as_dataset(split="train"))
    }
    names = {0: (0, "zero"), 3: (1, "three"), 9: (2, "nine")}
    assert found == {image: names[label] for image, label in expected.items()}
    # A folder that lacks nothing gives the whole data set, under its usual name.
    assert open_mnist(prepared.data_dir_root, allow_missing_words=True).is_prepared()


def test_audio_length(open_mnist, add, tmp_path):
    folder = tmp_path / "recordings"
    for number, word in enumerate(words.DIGITS.values()):
        add(folder, f"{word}/ann_0.wav", secs=0.5 + 0.1 * number)
    with pytest.raises(recordings.RecordingsError, match="longer than the 823 ms"):
        open_mnist(tmp_path, folder)
    auto = open_mnist(tmp_path, folder, audio_length="auto").info.metadata
    assert auto["audio_length"] == max(r["num_samples"] for r in auto["recordings"])
    for fixed in (40000, 220500):
        builder = open_mnist(tmp_path, folder, audio_length=fixed)
        assert builder.info.metadata["audio_length"] == fixed
    message = r"audio_length is a number of samples from 1 to 220500 \(10 s\), or 'auto'"
    for wrong in ("long", 0, -5, 220501, "20000000"):
        with pytest.raises(recordings.RecordingsError, match=message):
            open_mnist(tmp_path, folder, audio_length=wrong)


def test_options_may_be_given_in_the_config(open_mnist, dummy, tmp_path):
    """As `tfds build --config '{...}'` gives them."""
    config = audio_description.PairingConfig(
        name="mine", recordings_dir=str(dummy / "recordings"), images_dir=str(dummy)
    )
    builder = mnist_ad_dataset_builder.Builder(data_dir=tmp_path, config=config)
    name, _, fingerprint = builder.builder_config.name.partition("-")
    assert name == "mine"
    assert open_mnist(tmp_path).builder_config.name.endswith(fingerprint)


def test_takes_and_voices_of_a_prepared_set(open_mnist, add, tmp_path):
    folder = tmp_path / "recordings"
    for word in words.DIGITS.values():
        for voice in ("ann", "bob", "eve"):
            for take in (0, 1):
                add(folder, f"{word}/{voice}_{take}.wav", secs=0.2 + 0.1 * take)
    for policy in ("many_voices_seen", "many_voices_unseen"):
        builder = open_mnist(tmp_path, folder, policy)
        builder.download_and_prepare()
        ids, voices = (builder.info.features[n].names for n in ("recording_id", "voice_id"))
        used = {r["recording_id"]: r for r in builder.info.metadata["recordings"]}
        for split in ("train", "test"):
            for example in tfds.as_numpy(builder.as_dataset(split=split)):
                recording = used[ids[example["recording_id"]]]
                assert split in recording["splits"]
                assert voices[example["voice_id"]] == recording["voice_id"]
                assert example["word"].decode() == recording["word"]
                digest = hashlib.sha256(example["audio"].tobytes()).hexdigest()
                assert digest == recording["samples_sha256"]
        assert builder.info.metadata["policy"] == policy


@pytest.fixture
def npz_dir(tmp_path):
    """The authors' files of MNIST, with images as many as the dummy's."""
    random = np.random.default_rng(0)
    labels = np.arange(20) % 10
    waveforms = random.uniform(-0.5, 0.5, (10, 3000)).astype(np.float32)
    images = random.integers(0, 256, (20, 28, 28, 1)).astype(np.uint8)
    np.savez(tmp_path / "mnist_data.npz", images, waveforms[labels])
    np.savez(tmp_path / "mnist_train_label.npz", np.eye(10)[labels])
    names = labels[:10].astype(str)
    np.savez(tmp_path / "mnist_test_data.npz", np.zeros([10, 28, 28, 1], np.uint8), arr_2=names)
    return tmp_path


def test_the_authors_files(npz_dir):
    builder = data_builders.open_builder(
        "mnist_ad/authors", data_dir=npz_dir / "tfds", npz_dir=npz_dir
    )
    builder.download_and_prepare()
    metadata = builder.info.metadata
    assert (metadata["policy"], metadata["processing"]) == ("authors", None)
    assert "no waveforms" in metadata["test_reference"]
    with np.load(npz_dir / "mnist_data.npz") as data:
        waveforms = data["arr_1"][:10].astype(np.float64)  # of the labels 0 to 9
    for split, count in (("train", 20), ("test", 10)):
        examples = list(tfds.as_numpy(builder.as_dataset(split=split)))
        assert len(examples) == count
        for example in examples:
            expected = np.rint(waveforms[example["label"]] * 32767)
            np.testing.assert_array_equal(example["audio"], expected)
    # As it is read back, where nothing but the folder is known.
    found = inspect(open_prepared(builder.data_path))
    assert (found.facts["policy"], found.failed) == ("authors", ())


@pytest.mark.parametrize(
    "options, flags",
    [
        ({"processing": {"top_db": 30.0}}, "--top_db, --margin_secs, --peak"),
        ({"processing": recordings.Processing()}, "--top_db, --margin_secs, --peak"),
        ({"recordings_dir": "recordings", "speaker": "joe"}, "--recordings_dir, --speaker"),
        ({"pairing_seed": 1}, "--pairing_seed"),
        ({"allow_missing_words": True}, "--allow_missing_words"),
        ({"images_dir": "images"}, "images_dir"),
    ],
)
def test_the_authors_recordings_are_taken_as_they_are(npz_dir, options, flags):
    with pytest.raises(recordings.RecordingsError, match=f"leave out {flags}\\.$"):
        data_builders.open_builder("mnist_ad/authors", npz_dir=npz_dir, **options)


def test_where_the_authors_files_are(tmp_path):
    with pytest.raises(recordings.RecordingsError, match="needs --npz_dir"):
        data_builders.open_builder("mnist_ad/authors", data_dir=tmp_path)
    with pytest.raises(recordings.RecordingsError, match="digits_ad has no files of the authors"):
        data_builders.open_builder("digits_ad/authors", data_dir=tmp_path, npz_dir=tmp_path)
    message = "^mnist_ad/one_recording takes nothing from --npz_dir=npz, .* the config authors"
    with pytest.raises(recordings.RecordingsError, match=message):
        data_builders.open_builder("mnist_ad", data_dir=tmp_path, npz_dir="npz")


def test_the_cards_of_the_data_sets_say_the_same_of_their_configs():
    cards = {
        name: (ROOT / f"data_builders/{name}/README.md").read_text()
        for name in data_builders.BUILDERS
    }
    start, end = "Each recording is read", "It may then have at most"
    (work,) = {card[card.index(start) : card.index(end)] for card in cards.values()}
    assert "45 dB" in work
    configs = {
        name: dict(re.findall(r"^- (`\w+`): ((?:.+\n)+?)(?=- |\n)", card, re.MULTILINE))
        for name, card in cards.items()
    }
    assert all("`many_voices_unseen`" in of_card for of_card in configs.values())
    for config in configs["digits_ad"]:
        assert len({of_card[config] for of_card in configs.values()}) == 1, config


def test_digits_ad_is_in_the_package(tmp_path):
    builder = data_builders.open_builder("digits_ad", data_dir=tmp_path)
    metadata = builder.info.metadata
    assert [r["voice_id"] for r in metadata["recordings"]] == ["joe"] * 10
    assert max(r["num_samples"] for r in metadata["recordings"]) <= 18140
    image_id, example = next(builder._shard_iterators_per_split(None)["test"][0]())
    assert image_id == "test_00000"
    image = np.asarray(PIL.Image.open(io.BytesIO(example["image"])))
    assert image.shape == (28, 28) and image.dtype == np.uint8
