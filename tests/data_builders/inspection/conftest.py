"""Prepared data sets, and the inspection of one after something was done to its pairs."""

import copy
import dataclasses
import functools

import numpy as np
import pytest
import soundfile

import data_builders
from data_builders.inspection import pass_over_pairs
from data_builders.mnist_ad import mnist_ad_dataset_builder
from mtnet_tf.data.loading import samples_of
from mtnet_tf.data.prepared import open_prepared
from tests.dummy import DUMMY

WORDS = list(mnist_ad_dataset_builder.Builder.WORDS.values())
SPLITS = ("train", "test")
NUMBERS_AND_TEXT = ("label", "recording_id", "voice_id", "word", "image_id")
BATCHES = pass_over_pairs._batches


def write_tone(path, frequency, gain=0.3, limit=1.0, secs=0.12):
    """Writes a tone, clipped at `limit`, between silences of 0.3 s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = gain * np.sin(2 * np.pi * frequency * np.arange(int(secs * 22050)) / 22050)
    silence = np.zeros(6615)
    soundfile.write(path, np.concatenate([silence, np.clip(wave, -limit, limit), silence]), 22050)


def prepare_dummy(data_dir, policy="one_recording", recordings_dir=DUMMY / "recordings", **options):
    """Prepares a data set of the dummy images."""
    builder = data_builders.open_builder(
        f"mnist_ad/{policy}", data_dir, recordings_dir, images_dir=DUMMY, **options
    )
    builder.download_and_prepare()
    return builder


@pytest.fixture(scope="session")
def tone():
    """The function that writes a tone."""
    return write_tone


@pytest.fixture(scope="session")
def prepare():
    """The function that prepares a data set of the dummy images."""
    return prepare_dummy


@pytest.fixture(scope="session")
def good(tmp_path_factory):
    return prepare_dummy(tmp_path_factory.mktemp("tfds"))


@pytest.fixture(scope="session")
def several(tmp_path_factory):
    """The function that prepares a policy of several takes.

    There are three of each word by each of two voices, no two alike.
    """
    folder = tmp_path_factory.mktemp("recordings")
    for i, word in enumerate(WORDS):
        for j, voice in enumerate(("ann", "bob")):
            for take in range(3):
                write_tone(folder / word / f"{voice}_{take}.wav", 300 + 60 * i + 20 * j + 5 * take)

    @functools.cache
    def several(policy):
        speaker = "ann" if policy == "many_takes" else None
        return prepare_dummy(folder / "tfds", policy, folder, speaker=speaker)

    return several


@functools.cache
def pairs_of(builder):
    """{split: {image id: example}}, as `inspect` reads them; the audio as samples."""
    found = {split: {} for split in SPLITS}
    for split, batch in BATCHES(open_prepared(builder.data_path)):
        for i, image_id in enumerate(batch["image_id"]):
            example = {name: values[i] for name, values in batch.items()}
            example["audio"] = samples_of(example["audio"])
            found[split][str(image_id)] = example
    return found


@pytest.fixture
def inspect_with(monkeypatch):
    """The function that inspects a data set whose pairs are changed in memory.

    `fault(train, test, metadata)` changes them.
    """

    def inspect_with(builder, fault=None):
        pairs = {
            split: {image_id: dict(example) for image_id, example in examples.items()}
            for split, examples in pairs_of(builder).items()
        }
        dataset = open_prepared(builder.data_path)
        metadata = copy.deepcopy(dataset.metadata)
        if fault:
            fault(pairs["train"], pairs["test"], metadata)

        def batches(_):
            for split, examples in pairs.items():
                yield split, batch_of(list(examples.values()))

        monkeypatch.setattr(pass_over_pairs, "_batches", batches)
        splits = {
            split: dataclasses.replace(dataset.splits[split], shard_lengths=(len(pairs[split]),))
            for split in SPLITS
        }
        return pass_over_pairs.inspect(
            dataclasses.replace(dataset, metadata=metadata, splits=splits)
        )

    return inspect_with


def batch_of(examples):
    """A batch as `read_batches` yields it; text and numbers as arrays, bytes as objects."""
    batch = {name: np.array([example[name] for example in examples]) for name in NUMBERS_AND_TEXT}
    batch["image"] = np.array([example["image"] for example in examples], object)
    batch["audio"] = np.array([example["audio"].tobytes() for example in examples], object)
    return batch
