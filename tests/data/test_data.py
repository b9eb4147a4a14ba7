import dataclasses

import numpy as np
import pytest

import data_builders
from mtnet_tf import config as config_lib
from mtnet_tf.config import preset
from mtnet_tf.data import batches, loading, pairs, prepared

NUMBERS = "label", "recording_id"  # they are the same where each word has one recording


@pytest.fixture(scope="module")
def dataset(data_dir):
    builder = data_builders.open_builder("digits_ad", data_dir=data_dir)
    return prepared.open_prepared(builder.data_path)


def test_a_data_set_without_digits_has_no_digit_size(dataset):
    metadata = {key: value for key, value in dataset.metadata.items() if key != "digit_size"}
    other = dataclasses.replace(dataset, metadata=metadata)
    assert loading.fit_config(preset("tiny"), other).data.digit_size is None


def test_a_configuration_has_as_many_voices_as_its_data_set(dataset):
    assert loading.fit_config(preset("tiny"), dataset).data.num_voices == 1
    other = dataclasses.replace(dataset, voice_ids=("ann", "bob", "joe"))
    assert loading.fit_config(preset("tiny"), other).data.num_voices == 3


def test_a_configuration_has_the_sample_rate_of_its_data_set(dataset):
    config = config_lib.override(preset("tiny"), ["data.sample_rate=16000"])
    assert loading.fit_config(config, dataset).data.sample_rate == 22050


def test_load_digits(dataset):
    config = loading.fit_config(preset("tiny"), dataset)
    assert config.data.image_shape == (28, 28, 1)
    assert (config.data.num_classes, config.data.audio_length) == (10, 18140)
    assert config.data.digit_size == 28  # they fill the whole field, unlike MNIST's
    data = loading.load(dataset, config.data)
    assert (len(data.train), len(data.validation), len(data.test)) == (1293, 144, 360)
    assert data.words == (
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
    )
    ids = np.concatenate([data.train.image_ids, data.validation.image_ids, data.test.image_ids])
    assert len(set(ids)) == 1797
    assert data.recordings.waveforms.shape == (10, 18140)
    assert np.abs(data.recordings.float_waveforms()).max(1).min() > 0.5
    np.testing.assert_array_equal(data.recordings.labels[data.test.recordings], data.test.labels)


def test_a_class_without_pairs_has_its_word(dataset, monkeypatch):
    read = loading.read_batches

    def read_eight_for_seven(*arguments):
        for batch in read(*arguments):
            eights = {name: np.where(batch[name] == 7, 8, batch[name]) for name in NUMBERS}
            yield {**batch, **eights}

    monkeypatch.setattr(loading, "read_batches", read_eight_for_seven)
    data = loading.load(dataset, config_lib.DataConfig(validation_fraction=0))
    assert data.recordings.labels[7] == -1
    assert data.words[6:9] == ("six", "seven", "eight")


def test_pairs_are_in_the_order_of_their_images_however_they_were_written(dataset, monkeypatch):
    expected = loading.load(dataset, config_lib.DataConfig(validation_fraction=0)).test
    read = loading.read_batches

    def read_backwards(*arguments):
        for batch in read(*arguments):
            yield {name: values[::-1] for name, values in batch.items()}

    monkeypatch.setattr(loading, "read_batches", read_backwards)
    found = loading.load(dataset, config_lib.DataConfig(validation_fraction=0)).test
    for name in ("images", "labels", "recordings", "voices", "image_ids"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_validation_split_is_seeded_and_independent_of_the_training_seed(dataset):
    def validation_ids(setting):
        config = config_lib.override(preset("tiny"), [setting])
        found = loading.load(dataset, loading.fit_config(config, dataset).data)
        return found.validation.image_ids.tolist()

    expected = validation_ids("training.seed=0")
    assert validation_ids("training.seed=1") == expected
    assert set(validation_ids("data.validation_seed=1")) != set(expected)


def test_longer_words_are_never_truncated(dataset):
    message = (
        "is longer than L_s = 5000 samples and is not truncated: prepare .* --audio_length=5000"
    )
    with pytest.raises(pairs.DataError, match=message):
        loading.load(dataset, config_lib.DataConfig(audio_length=5000))


def test_unprepared_builder(tmp_path):
    builder = data_builders.open_builder("digits_ad", data_dir=tmp_path)
    with pytest.raises(pairs.DataError, match="run experiments.prepare_data"):
        prepared.open_prepared(builder.data_path)


def drawn(first_step, num_steps, size=50, batch_size=16, seed=3, **options):
    found = batches.shuffled_batches(
        {"row": np.arange(size)},
        batch_size=batch_size,
        seed=seed,
        first_step=first_step,
        num_steps=num_steps,
        **options,
    )
    return [batch["row"] for batch in found.as_numpy_iterator()]


def test_each_epoch_is_a_permutation_of_its_own():
    stream = np.concatenate(drawn(0, 25))
    epochs = stream.reshape(8, 50)
    for epoch in epochs:
        assert sorted(epoch) == list(range(50))
    assert len({tuple(epoch) for epoch in epochs}) == 8


@pytest.mark.parametrize("sampling", ["permutation", "contiguous_slices"])
def test_stream_resumes_at_any_step(sampling):
    whole = drawn(0, 12, sampling=sampling)
    for first in (0, 1, 5, 11):
        for a, b in zip(whole[first:], drawn(first, 12, sampling=sampling), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(whole, drawn(0, 12, seed=4, sampling=sampling))


def test_batch_larger_than_the_data():
    assert sorted(np.concatenate(drawn(0, 2, size=3, batch_size=6))) == sorted([0, 1, 2] * 4)
    for batch in drawn(0, 3, size=3, batch_size=7, sampling="contiguous_slices"):
        assert list(batch) == [0, 1, 2, 0, 1, 2, 0]


def test_contiguous_slices():
    found = np.stack(drawn(0, 600, size=20, batch_size=6, sampling="contiguous_slices"))
    starts = found[:, 0]
    np.testing.assert_array_equal(found, starts[:, None] + np.arange(6))
    counts = np.bincount(starts, minlength=15)
    assert len(counts) == 15  # 0 to 14, where the last slice ends with the last row
    assert ((counts - 40) ** 2 / 40).sum() < 36.1  # chi-squared, 14 degrees of freedom: p > .001


@pytest.mark.parametrize("sampling", ["permutation", "contiguous_slices"])
def test_parts_make_up_the_batch(sampling):
    whole = drawn(3, 8, sampling=sampling)
    halves = [drawn(3, 8, sampling=sampling, num_parts=2, parts=range(i, i + 1)) for i in (0, 1)]
    np.testing.assert_array_equal(whole, np.concatenate(halves, axis=1))


def test_spread_takes_pairs_from_all_over():
    numbers = np.arange(10)
    images = np.zeros([10, 2, 2, 1], np.uint8)
    ten = pairs.Pairs(images, numbers, numbers, numbers, numbers.astype(str))
    np.testing.assert_array_equal(ten.spread(4).labels, [0, 2, 5, 7])
    assert ten.spread(0) is ten.spread(10) is ten


def test_columns_are_the_inputs_and_what_leads_to_the_targets(synthetic_data):
    found = synthetic_data.train
    assert list(found.inputs()) == ["image", "voice"]
    assert found.inputs()["image"] is found.images
    assert found.inputs()["voice"] is found.voices
    assert list(found.columns()) == ["image", "voice", "label", "recording"]
    recording_ids = np.array(synthetic_data.recordings.ids)[found.recordings]
    voices = [recording_id.split("/")[1][0] for recording_id in recording_ids]
    assert voices == list(np.array(synthetic_data.voices)[found.voices])
    assert set(voices) == {"a", "b"}
