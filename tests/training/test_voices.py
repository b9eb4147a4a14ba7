"""One network that learns to speak as several voices."""

import dataclasses

import numpy as np
import pytest

from mtnet_tf.config import override
from mtnet_tf.data.pairs import DataError
from mtnet_tf.describe import Describer
from mtnet_tf.errors import InputError
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.train import train

FAST = [
    "audio_generator.num_blocks=3",  # the paper's, which learn this fast
    "data.num_voices=2",
    "training.autoencoder.epochs=150",
    "training.joint.epochs=300",
    "training.joint.batch_size=6",
    "training.joint.optimizer.learning_rate=0.002",
    "training.autoencoder.optimizer.learning_rate=0.002",
    "training.log_steps=50",
    "training.checkpoint_secs=1000",
    "training.validations=0",
    "loss.decay_weight=0",
]


@pytest.fixture(scope="module")
def six(synthetic_data):
    """An image of each of three words, once with each of two voices."""
    train_pairs, table = synthetic_data.train, synthetic_data.recordings_by_voice()
    labels = np.repeat([0, 1, 2], 2)
    voices = np.tile([0, 1], 3)
    images = train_pairs.take([np.flatnonzero(train_pairs.labels == label)[0] for label in labels])
    pairs = dataclasses.replace(
        images, recordings=table[voices, labels].astype(np.int32), voices=voices.astype(np.int32)
    )
    return dataclasses.replace(synthetic_data, train=pairs)


def errors(network, data):
    """{voice asked for: {voice of the recording: error}}, the errors as shares of the energy."""
    pairs, waveforms = data.train, data.recordings.float_waveforms()
    table = data.recordings_by_voice()
    found = {}
    for asked in (0, 1):
        voices = np.full(len(pairs), asked, np.int32)
        said = network({"image": pairs.images, "voice": voices}, training=False)["waveform"]
        found[asked] = {
            voice: np.square(said - waveforms[table[voice, pairs.labels]]).sum()
            / np.square(waveforms[table[voice, pairs.labels]]).sum()
            for voice in (0, 1)
        }
    return found


@pytest.mark.parametrize("kind", ["concatenation", "film"])
def test_each_image_is_spoken_in_the_voice_that_is_asked_for(kind, tiny_config, six, tmp_path):
    config = override(tiny_config, [*FAST, f"voice.conditioning={kind}"])
    run = RunFolder(tmp_path / "run")
    found = errors(train(config, six, run, "cpu"), six)
    for asked in (0, 1):
        assert found[asked][asked] < 0.05
        assert found[asked][1 - asked] > 5 * found[asked][asked]
    speaker = Describer(run.path)
    assert speaker.voices == ("a", "b")
    image = six.train.images[0]
    first, second = (speaker.describe(image, voice=name).waveform for name in "ab")
    np.testing.assert_array_equal(speaker.describe(image).waveform, first)
    assert np.abs(first - second).max() > 0.05
    with pytest.raises(InputError, match="There is no voice 'c'. The voices are: a, b."):
        speaker.describe(image, voice="c")


def test_a_network_that_does_not_depend_on_the_voice_says_so(short_runs, synthetic_data):
    speaker, image = Describer(short_runs / "mtnet"), synthetic_data.test.images[0]
    assert speaker.describe(image).word in speaker.words
    with pytest.raises(InputError, match="speaks as all of a, b together"):
        speaker.describe(image, voice="b")


def test_the_recordings_of_each_voice_and_word(synthetic_data):
    table = synthetic_data.recordings_by_voice()
    assert table.shape == (2, 3)
    for voice, name in enumerate("ab"):
        for label, word in enumerate(synthetic_data.words):
            assert synthetic_data.recordings.ids[table[voice, label]] == f"{word}/{name}_0"
    assert synthetic_data.recordings.voices() == ["b"] * 3 + ["a"] * 6
    # A word that a voice lacks is said by another.
    train_pairs = synthetic_data.train
    kept = np.flatnonzero((train_pairs.labels != 1) | (train_pairs.voices == 0))
    lacking = dataclasses.replace(synthetic_data, train=train_pairs.take(kept))
    assert lacking.recordings_by_voice()[1, 1] == table[0, 1]
    np.testing.assert_array_equal(lacking.recordings_by_voice()[:, [0, 2]], table[:, [0, 2]])
    assert lacking.heard_by_voice().tolist() == np.where([[0, 0, 0], [0, 1, 0]], -1, table).tolist()
    # Where nobody says it in training it is the first of all recordings.
    nobody = np.flatnonzero(train_pairs.labels != 1)
    lacking = dataclasses.replace(synthetic_data, train=train_pairs.take(nobody))
    first = synthetic_data.recordings.labels.tolist().index(1)
    assert lacking.recordings_by_voice()[:, 1].tolist() == [first, first]
    assert lacking.heard_by_voice()[:, 1].tolist() == [-1, -1]
    labels = np.where(synthetic_data.recordings.labels == 1, -1, synthetic_data.recordings.labels)
    silent = dataclasses.replace(synthetic_data.recordings, labels=labels)
    with pytest.raises(DataError, match="no recording of: one"):
        dataclasses.replace(lacking, recordings=silent).recordings_by_voice()


def test_a_voice_that_is_never_heard_is_not_learned(tiny_config, six, tmp_path):
    """As the test speakers of many_voices_unseen: their embeddings would stay as they begin."""
    config = override(tiny_config, [*FAST, "voice.conditioning=film"])
    of_a = dataclasses.replace(six, train=six.train.take(np.flatnonzero(six.train.voices == 0)))
    with pytest.raises(DataError, match="has no pair of b, and a network that is told the voice"):
        train(config, of_a, RunFolder(tmp_path / "run"), "cpu")
