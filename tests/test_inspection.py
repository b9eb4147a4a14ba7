"""Each check passes on a good data set and fails on a fault, written by the real builder from doctored examples."""

import hashlib
import logging
import math
import re
import shutil

import numpy as np
import PIL.Image
import pytest
import soundfile
import tensorflow_datasets as tfds

import data_builders
from data_builders.mnist_ad import mnist_ad_dataset_builder
from mtnet_tf import contact_sheet, inspection, inspection_checks
from mtnet_tf.errors import InputError
from mtnet_tf.inspection_checks import Sound

DUMMY = mnist_ad_dataset_builder.Builder.code_path.parent / "dummy_data"
WORDS = list(mnist_ad_dataset_builder.Builder.WORDS.values())
NAMES = [
    *("pairs", "hashes", "labels", "splits", "leak"),
    *("balance", "silence", "clipping", "images", "recordings"),
]


def tone(path, frequency, gain=0.3, limit=1.0, secs=0.12):
    """Writes a tone, clipped at `limit`, between silences of 0.3 s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = gain * np.sin(2 * np.pi * frequency * np.arange(int(secs * 22050)) / 22050)
    silence = np.zeros(6615)
    soundfile.write(path, np.concatenate([silence, np.clip(wave, -limit, limit), silence]), 22050)


@pytest.fixture(scope="module")
def voices_dir(tmp_path_factory):
    """Three takes of each word by each of two voices, no two alike."""
    folder = tmp_path_factory.mktemp("recordings")
    for i, word in enumerate(WORDS):
        for j, voice in enumerate(("ann", "bob")):
            for take in range(3):
                tone(folder / word / f"{voice}_{take}.wav", 300 + 60 * i + 20 * j + 5 * take)
    return folder


def prepare(
    tmp_path, fault=None, *, policy="one_recording", recordings_dir=DUMMY / "recordings", **options
):
    """Prepares a data set of the dummy images.

    `fault(train, test, metadata)` changes the examples ({image id: example}) or the metadata in place first.
    """
    builder = data_builders.open_builder(
        f"mnist_ad/{policy}", tmp_path, recordings_dir, images_dir=DUMMY, **options
    )
    if fault:
        examples = {split: dict(builder._generate_examples(split)) for split in ("train", "test")}
        fault(examples["train"], examples["test"], builder.info.metadata)
        builder._generate_examples = lambda split: iter(examples[split].items())
    builder.download_and_prepare()
    return builder


def checks_of(builder):
    return {check.name: check for check in inspection.inspect(builder).checks}


def failed(checks):
    return [name for name, check in checks.items() if check.status == "FAILED"]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("tfds"))


def test_a_good_data_set(good):
    result = inspection.inspect(good)
    assert [check.name for check in result.checks] == NAMES
    assert result.failed == ()
    statuses = {check.name: check.status for check in result.checks}
    assert statuses.pop("leak") == "note"  # one_recording: the same recordings, by design
    assert set(statuses.values()) == {"ok"}
    assert all("\n" not in check.detail for check in result.checks)


def test_facts(good):
    facts = inspection.inspect(good).facts
    lengths = {r.word: len(r.samples) for r in good._pairing.recordings}
    shortest, longest = min(lengths, key=lengths.get), max(lengths, key=lengths.get)
    files = [path for path in good.data_path.iterdir() if path.is_file()]
    assert facts == {
        "data_set": good.info.full_name,
        "folder": str(good.data_path),
        "policy": "one_recording",
        "pairs": {"train": 20, "test": 10},
        "image_source": "mnist:3.0.1",
        "image_shape": [28, 28, 1],
        "words": WORDS,
        "missing_words": [],
        "shortest": {
            "word": shortest,
            "recording_id": f"{shortest}/tone_0",
            "ms": round(lengths[shortest] / 22.05),
        },
        "longest": {
            "word": longest,
            "recording_id": f"{longest}/tone_0",
            "ms": round(lengths[longest] / 22.05),
        },
        "speakers": ["tone"],
        "takes_of_a_word_by_a_speaker": [1, 1],
        "recordings": {"all": 10, "train": 10, "test": 10},
        "audio_length": 18140,
        "audio_length_ms": 823,
        "sample_rate": 22050,
        "num_bytes": sum(len(path.read_bytes()) for path in files),
    }


def test_examples_are_the_first_test_image_of_each_class(good):
    examples = inspection.inspect(good).examples
    assert [example.word for example in examples] == WORDS
    wanted = {}
    for pair in tfds.as_numpy(good.as_dataset(split="test")):
        image_id = pair["image_id"].decode()
        if image_id < wanted.get(pair["word"].decode(), ("~",))[0]:
            wanted[pair["word"].decode()] = (image_id, pair)
    for example in examples:
        image_id, pair = wanted[example.word]
        assert (example.image_id, example.voice_id) == (image_id, "tone")
        np.testing.assert_array_equal(example.image, pair["image"])
        np.testing.assert_array_equal(example.samples, pair["audio"])


def test_a_folder_alone_gives_the_same(good):
    direct = inspection.inspect(good)
    from_folder = inspection.inspect(inspection.open_folder(good.data_path))
    assert (from_folder.facts, from_folder.checks) == (direct.facts, direct.checks)


def test_batches_make_no_difference_and_progress_is_told(good, monkeypatch, caplog):
    whole = inspection.inspect(good)
    monkeypatch.setattr(inspection, "_READ_BATCH", 7)
    monkeypatch.setattr(inspection, "_MAX_HELD", 3)
    monkeypatch.setattr(inspection, "_PROGRESS_SECS", 0)
    with caplog.at_level(logging.INFO, logger="mtnet_tf"):
        parts = inspection.inspect(good)
    assert (parts.facts, parts.checks) == (whole.facts, whole.checks)
    assert len(caplog.messages) == 5  # batches of 7, 7, 6 and 7, 3
    assert re.fullmatch(r"inspected 14/30  \d+ pairs/s  ETA \d:\d\d", caplog.messages[1])


def of_word(examples, word):
    """The examples of a word by image id."""
    return [examples[key] for key in sorted(examples) if examples[key]["word"] == word]


def other_label(train, test, metadata):
    example = of_word(train, "three")[0]
    example["label"] = 4


def other_word(train, test, metadata):
    of_word(train, "three")[0]["word"] = "four"


def other_recording(train, test, metadata):
    wrong, right = of_word(train, "three")[0], of_word(train, "four")[0]
    wrong["audio"], wrong["recording_id"] = right["audio"], right["recording_id"]


def other_recording_id(train, test, metadata):
    of_word(train, "three")[0]["recording_id"] = 4


def renamed_recording(train, test, metadata):
    metadata["recordings"][3]["voice_id"] = "bell"


def one_sample(train, test, metadata):
    example = of_word(test, "five")[0]
    example["audio"] = example["audio"].copy()
    example["audio"][100] += 1


def cut_short(train, test, metadata):
    example = of_word(train, "five")[1]
    example["audio"] = example["audio"][:-1]


def other_hash(train, test, metadata):
    metadata["recordings"][9]["samples_sha256"] = "0" * 64


def other_length(train, test, metadata):
    metadata["recordings"][9]["num_samples"] += 1


def not_for_test(train, test, metadata):
    metadata["recordings"][0]["splits"] = ["train"]


def no_sevens(train, test, metadata):
    for key in [key for key in test if test[key]["word"] == "seven"]:
        del test[key]


FAULTS = {
    other_label: {"labels": "the word is not that of the label in 1 pairs, e.g. train_000"},
    other_word: {"labels": "not that of the label in 1 .*; the recording is of another word in 1"},
    other_recording: {"labels": "^the recording is of another word in 1 pairs, e.g. train_000"},
    other_recording_id: {
        "labels": "^the recording is of another word in 1 pairs",
        "hashes": "four/tone_0: other audio in 1 of 4 pairs",
    },
    renamed_recording: {
        "labels": "by another voice in 3 pairs.*; the recording's id names another .* in 3 pairs"
    },
    one_sample: {"hashes": "^not as in the metadata: five/tone_0: other audio in 1 of 3 pairs$"},
    cut_short: {"hashes": "five/tone_0: other audio in 1 of 3.*five/tone_0: another length in 1"},
    other_hash: {"hashes": "nine/tone_0: other audio in 3 of 3 pairs$"},
    other_length: {"hashes": "metadata: nine/tone_0: another length in 3 of 3 pairs$"},
    not_for_test: {"splits": r"a split they are not for: zero/tone_0 \(1 pairs of test\)"},
    no_sevens: {"balance": r"classes without pairs: 7 \(test\)"},
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found_and_nothing_else(tmp_path, fault):
    checks = checks_of(prepare(tmp_path, fault))
    assert sorted(failed(checks)) == sorted(FAULTS[fault])
    for name, message in FAULTS[fault].items():
        assert re.search(message, checks[name].detail), checks[name].detail


@pytest.mark.parametrize(
    "policy, options, apart",
    [
        ("many_takes", {"speaker": "ann"}, "recordings"),
        ("many_voices_seen", {}, "recordings"),
        ("many_voices_unseen", {}, "voices"),
    ],
)
def test_leaks(tmp_path, voices_dir, policy, options, apart):
    """A test image with a train recording of its word: a leak, and a recording in the wrong split."""
    options = {"policy": policy, "recordings_dir": voices_dir, **options}
    clean = checks_of(prepare(tmp_path / "clean", **options))
    assert not failed(clean)
    assert (clean["leak"].status, clean["leak"].detail) == (
        *("ok", f"{policy}: train and test share no {apart}"),
    )
    leaked = []

    def leak(train, test, metadata):
        target, source = of_word(test, "two")[0], of_word(train, "two")[0]
        for key in ("audio", "recording_id", "voice_id"):
            target[key] = source[key]
        leaked.append(metadata["recordings"][source["recording_id"]])

    checks = checks_of(prepare(tmp_path / "leak", leak, **options))
    assert failed(checks) == ["splits", "leak"]
    assert leaked[0]["recording_id"] in checks["leak"].detail
    assert f"{leaked[0]['recording_id']} (1 pairs of test)" in checks["splits"].detail
    assert (f"voices {leaked[0]['voice_id']};" in checks["leak"].detail) == (apart == "voices")


def test_facts_of_several_voices(tmp_path, voices_dir):
    def give_away(train, test, metadata):
        train.pop(min(train))

    builder = prepare(tmp_path, give_away, policy="many_voices_seen", recordings_dir=voices_dir)
    result = inspection.inspect(builder)
    assert result.facts["pairs"] == {"train": 19, "test": 10}
    assert result.facts["speakers"] == ["ann", "bob"]
    assert result.facts["takes_of_a_word_by_a_speaker"] == [3, 3]
    seen = {split: set() for split in ("train", "test")}
    for split, numbers in seen.items():
        for pair in tfds.as_numpy(builder.as_dataset(split=split)):
            numbers.add(int(pair["recording_id"]))
    assert result.facts["recordings"] == {"all": 60, **{s: len(seen[s]) for s in seen}}
    checks = {check.name: check for check in result.checks}
    assert checks["balance"].status == "note"
    assert re.search(
        r"^train 1 \(\d\) to 2 \(\d\), ratio 0.50; test 1 of each", checks["balance"].detail
    )
    unused = 60 - len(seen["train"] | seen["test"])
    assert checks["splits"].status == "note"
    assert checks["splits"].detail.startswith(f"{unused} of 60 recordings go with no image: ")


def test_identical_takes_in_train_and_test_leak_under_two_names(tmp_path, voices_dir):
    folder = tmp_path / "recordings"
    shutil.copytree(voices_dir, folder)
    for take in (1, 2):
        shutil.copy(folder / "six" / "ann_0.wav", folder / "six" / f"ann_{take}.wav")
    checks = checks_of(prepare(tmp_path, policy="many_takes", recordings_dir=folder, speaker="ann"))
    assert failed(checks) == ["leak"]
    assert "recordings six/ann_" in checks["leak"].detail
    assert checks["recordings"].status == "note"
    assert "six/ann_0 = six/ann_1, six/ann_0 = six/ann_2" in checks["recordings"].detail


def test_one_sound_for_two_words(tmp_path):
    folder = tmp_path / "recordings"
    shutil.copytree(DUMMY / "recordings", folder)
    shutil.copy(folder / "one" / "tone_0.flac", folder / "two" / "tone_0.flac")
    checks = checks_of(prepare(tmp_path, recordings_dir=folder))
    assert failed(checks) == ["recordings"]
    assert checks["recordings"].detail == "identical under two ids: one/tone_0 = two/tone_0"


def test_identical_images(tmp_path):
    def copy(train, test, metadata):
        (first, second), third = of_word(train, "one"), of_word(train, "two")[0]
        second["image"] = third["image"] = first["image"]
        of_word(test, "one")[0]["image"] = of_word(test, "nine")[0]["image"] = first["image"]

    check = checks_of(prepare(tmp_path, copy))["images"]
    assert check.status == "note"
    assert check.detail == (
        "2 in train repeat an image of the same split; 1 in test repeat an image of the same split;"
        " 2 of test are in train too; 1 have more than one label"
    )


@pytest.fixture
def clipped_dir(tmp_path):
    folder = tmp_path / "recordings"
    for i, word in enumerate(WORDS):
        tone(folder / word / "ann_0.wav", 300 + 10 * i, limit=0.2 if word == "four" else 1)
    return folder


@pytest.mark.parametrize("peak, level", [(0.9, "-0.9"), (1.0, "0.0")])
def test_a_clipped_source_is_a_note_at_whatever_level(tmp_path, clipped_dir, peak, level):
    checks = checks_of(prepare(tmp_path, recordings_dir=clipped_dir, processing={"peak": peak}))
    assert not failed(checks)
    assert checks["clipping"].status == "note"
    detail = checks["clipping"].detail
    assert re.fullmatch(
        rf"1 of 10 have a flat top: four/ann_0 \(\d+ samples at {level} dB\)", detail
    )


def test_samples_cut_off_in_writing(tmp_path):
    """All pairs of the word are cut off alike and the metadata know: it shows by the level alone."""

    def overflow(train, test, metadata):
        pairs = of_word(train, "six") + of_word(test, "six")
        for pair in pairs:
            pair["audio"] = np.clip(1.3 * pair["audio"], -32767, 32767).astype(np.int16)
        digest = hashlib.sha256(pairs[0]["audio"].tobytes()).hexdigest()
        metadata["recordings"][6]["samples_sha256"] = digest

    checks = checks_of(prepare(tmp_path, overflow))
    assert failed(checks) == ["clipping"]
    assert re.search(r"1 of 10 .*: six/tone_0 \(\d+ samples at 0.0 dB\)", checks["clipping"].detail)
    sounds = {"a": Sound(900, 32767, -9.0, 0.0, 0.0, 3), "b": Sound(900, 32767, -9.0, 0.0, 0.0, 2)}
    assert inspection_checks.check_clipping(sounds, 0.9).status == "FAILED"
    assert inspection_checks.check_clipping(sounds, 1.0).status == "note"  # the authors' recordings
    assert inspection_checks.check_clipping({"b": sounds["b"]}, 0.9).status == "ok"


def test_long_silence(tmp_path, clipped_dir):
    short = checks_of(
        prepare(tmp_path, recordings_dir=clipped_dir, processing={"margin_secs": 0.09})
    )
    assert short["silence"].status == "ok"
    check = checks_of(
        prepare(tmp_path, recordings_dir=clipped_dir, processing={"margin_secs": 0.2})
    )["silence"]
    assert check.status == "note"
    assert re.match(
        r"10 of 10: zero/ann_0 has (19|20)\d ms before and (19|20)\d ms after the word, one/",
        check.detail,
    )
    assert check.detail.endswith(", ... (10 in all)")


def test_measure():
    rate, full = 22050, 32767
    square = np.tile(np.repeat([full // 2, -(full // 2)], 25), 90)[:4410].astype(np.int16)
    sound = inspection_checks.measure(square, rate)
    assert (sound.num_samples, sound.peak, sound.flat_top) == (4410, full // 2, 25)
    assert sound.rms_db == pytest.approx(-6.02, abs=0.01)
    assert (sound.leading_ms, sound.trailing_ms) == (0, 0)
    padded = inspection_checks.measure(np.pad(square, (2205, 6615)), rate)
    assert padded.leading_ms == pytest.approx(100, abs=10)
    assert padded.trailing_ms == pytest.approx(300, abs=10)
    assert padded.rms_db == pytest.approx(sound.rms_db + 10 * math.log10(1 / 3), abs=0.01)
    sine = np.round(0.9 * full * np.sin(np.arange(9000) * 0.1)).astype(np.int16)
    assert inspection_checks.measure(sine, rate).flat_top < 3
    assert inspection_checks.measure(np.array([0, -32768, -32767, -32768, 5], np.int16), rate) == (
        inspection_checks.measure(np.array([0, 32767, 32767, 32767, 5], np.int16), rate)
    )
    for empty in (np.zeros(0, np.int16), np.zeros(900, np.int16)):
        assert inspection_checks.measure(empty, rate) == Sound(len(empty), 0, -math.inf, 0, 0, 0)


def test_silent_recordings():
    loud = Sound(4410, 29490, -20.0, 10.0, 100.0, 1)
    faint = Sound(4410, 30, -60.1, 0.0, 0.0, 1)
    assert inspection_checks.check_silence({"a": loud}).status == "ok"
    check = inspection_checks.check_silence(
        {"a": loud, "b": faint, "c": Sound(9, 0, -math.inf, 0, 0, 0)}
    )
    assert check.status == "note"
    assert check.detail == (
        "2 of 3: b is silent (-60 dB of full scale), c is silent (-inf dB of full scale)"
    )


def test_leak_by_design():
    record = {"recording_id": "six/authors_0", "voice_id": "authors", "samples_sha256": "ab"}
    pairs = {"train": np.array([5, 2]), "test": np.array([1, 0])}
    other = {**record, "recording_id": "six/authors_1", "samples_sha256": "cd"}
    check = inspection_checks.check_leak("authors", [record, other], pairs)
    assert check.status == "note"
    assert check.detail.startswith("1 recordings are in both splits, by design of authors:")


def test_missing_pairs():
    assert inspection_checks.check_pairs({"train": 2}, {"train": 2}).status == "ok"
    check = inspection_checks.check_pairs({"train": 2000, "test": 1}, {"train": 1999, "test": 1})
    assert (check.status, check.detail) == ("FAILED", "pairs are missing: train has 1,999 of 2,000")


def test_what_is_no_data_set_of_ours(tmp_path, good):
    with pytest.raises(inspection.InspectionError, match="cannot be opened as a prepared data set"):
        inspection.open_folder(tmp_path / "none")
    with pytest.raises(InputError, match="holds no audio-description data set"):
        inspection.inspect(inspection.open_folder(DUMMY / "mnist" / "3.0.1"))
    unprepared = data_builders.open_builder("digits_ad", data_dir=tmp_path)
    with pytest.raises(InputError, match="is not prepared in .*: run experiments.prepare_data"):
        inspection.inspect(unprepared)


def test_older_and_contradictory_metadata(tmp_path):
    def older(train, test, metadata):
        for record in metadata["recordings"]:
            del record["samples_sha256"]

    def contradictory(train, test, metadata):
        metadata["recordings"].reverse()

    with pytest.raises(InputError, match="earlier version"):
        inspection.inspect(prepare(tmp_path / "a", older))
    with pytest.raises(InputError, match="contradict each other"):
        inspection.inspect(prepare(tmp_path / "b", contradictory))


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_damaged_files(tmp_path, damage):
    builder = prepare(tmp_path)
    (path,) = builder.data_path.glob("*test.tfrecord*")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes(data) if damage == "flipped" else bytes(data[:-100]))
    with pytest.raises(
        InputError, match="damaged or missing .*prepare the data set again"
    ) as error:
        inspection.inspect(inspection.open_folder(builder.data_path))
    assert "\n" not in str(error.value)


def draw(path, count, channels, num_samples):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 32, 32, channels)).astype(np.uint8)
    sounds = [np.clip(0.3 * random.normal(size=n), -1, 1) for n in num_samples]
    titles = [f"aquarium_fish $ {i} / jackson / 1089 ms" for i in range(count)]
    contact_sheet.draw_contact_sheet(path, images, sounds, titles, "cifar100_ad", 22050)
    return np.asarray(PIL.Image.open(path).convert("RGB"))


def test_contact_sheet_of_a_hundred_classes(tmp_path):
    """Noise, which compresses worst, stays under 4 MB; first, middle and last example are there."""
    path = tmp_path / "sheet.png"
    sheet = draw(path, 100, 3, [8000 + 40 * i for i in range(100)])
    assert path.stat().st_size < 4e6
    height, width, _ = sheet.shape
    assert 1500 < width < 2000 and 2000 < height < 3000  # 5 columns, 20 rows
    for i in (0, 37, 99):
        row, column = divmod(i, 5)
        top, left = height * row // 20, width * column // 5
        part = sheet[top : top + height // 20 + 40, left : left + width // 5]
        assert len(np.unique(part.reshape(-1, 3), axis=0)) > 800  # image and spectrogram


def test_contact_sheet_is_deterministic(tmp_path):
    for name in ("a.png", "b.png"):
        draw(tmp_path / name, 3, 1, [100, 8000, 500])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert PIL.Image.open(tmp_path / "a.png").width == 2 * 341
