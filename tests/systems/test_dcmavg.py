"""DCMAVG: its three stages learn, it keeps its best generator, and resumes to the same bits."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.data.log_mel import LogMel
from mtnet_tf.files import read_npz
from mtnet_tf.models.adversarial import build_discriminator
from mtnet_tf.runs.layout import NETWORK
from mtnet_tf.runs.networks import load_weights
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.train import train
from mtnet_tf.systems.trained import load_network
from mtnet_tf.training.dcmavg import _embeddings_key, named_pairs
from mtnet_tf.training.stages.dcmavg import DcmavgStage
from mtnet_tf.training.stages.spectrogram import SpectrogramStage
from tests import conftest
from tests.systems.small_adversarial import (
    LEARNS_BY_HEART,
    SMALL,
    assert_moved,
    dcmavg_stage,
    values_of,
)
from tests.systems.trainings import assert_resumes_to_the_same_bits, of_four_images
from tests.training import two_replicas


@pytest.fixture
def config(tiny_config):
    return systems.configure("dcmavg", config_lib.override(tiny_config, SMALL))


def values(network):
    return [weight.numpy() for weight in network.weights]


@pytest.mark.parametrize("conditioning", ["concatenation", "projection"])
@pytest.mark.parametrize("loss", ["gan_cls", "hinge"])
def test_a_step_moves_every_weight_of_both_networks(loss, conditioning, config, synthetic_data):
    form = [f"adversarial.loss={loss}", f"adversarial.conditioning={conditioning}"]
    config = config_lib.override(config, form)
    stage, *networks = dcmavg_stage(config, synthetic_data)
    before = values_of(networks)
    for batch in stage.batches(0):
        figures = stage.train_step(batch)
    assert all(np.isfinite(figure) for figure in figures.values())
    assert_moved(networks, before, loss)


def test_a_true_sound_of_another_word_is_never_of_the_same(config, synthetic_data):
    stage, *_ = dcmavg_stage(config, synthetic_data)
    labels = tf.constant([0, 1, 2] * 40)
    named = stage.draw_other_words(labels, 0).numpy()
    assert (named != labels.numpy()).all()
    sounds = stage.draw_other_sounds(labels, (0, 2)).numpy()
    np.testing.assert_array_equal(stage.recognize(sounds), named)
    # Of a word that has several training recordings it is any of them.
    spectrograms = stage.spectrograms.numpy()
    drawn = {int(np.abs(spectrograms - sound).sum((1, 2, 3)).argmin()) for sound in sounds}
    assert drawn == set(synthetic_data.train.recordings.tolist()) and len(drawn) > 3
    assert {tuple(pair) for pair in zip(labels.numpy(), named)} == {
        (a, b) for a in range(3) for b in range(3) if a != b
    }


def test_draws_are_of_the_step_the_use_and_the_seed(config, synthetic_data):
    stage, *_ = dcmavg_stage(config, synthetic_data)
    first, again = stage.draw_noise(4, 0).numpy(), stage.draw_noise(4, 0).numpy()
    np.testing.assert_array_equal(first, again)
    found = [first, stage.draw_noise(4, 1).numpy()]
    stage.train_step(next(iter(stage.batches(0))))
    found.append(stage.draw_noise(4, 0).numpy())
    config = config_lib.override(config, ["training.seed=1"])
    found.append(dcmavg_stage(config, synthetic_data)[0].draw_noise(4, 0).numpy())
    assert len({noise.tobytes() for noise in found}) == 4


def draws_of_two(strategy):
    """The latents of both replicas in one step."""
    config = config_lib.override(conftest.make_tiny_config(), SMALL)
    data = conftest.make_synthetic_data()
    with strategy.scope():
        stage, *_ = dcmavg_stage(systems.configure("dcmavg", config), data)
    found = strategy.run(lambda: stage.draw_noise(4, 0))
    return [noise.numpy().tolist() for noise in strategy.experimental_local_results(found)]


def test_two_replicas_draw_apart():
    first, second = two_replicas.call("test_dcmavg.draws_of_two", package="tests.systems")
    assert np.abs(np.subtract(first, second)).min() > 0


def test_the_best_generator_is_kept_and_of_equal_ones_the_first(
    config, synthetic_data, monkeypatch
):
    """As the tables say. 5/6 is less in float32 than in float64."""
    stage, generator, _ = dcmavg_stage(config, synthetic_data)
    accuracies = iter([1 / 6, 5 / 6, 5 / 6, 0])
    labels = synthetic_data.validation.labels
    assert len(labels) == 6

    def nearest(spectrograms):
        right = round(next(accuracies) * len(labels))
        return np.where(np.arange(len(labels)) < right, labels, -1)

    monkeypatch.setattr(stage, "recognize", nearest)
    seen = []
    for batch in list(stage.batches(0))[:4]:
        stage.train_step(batch)
        seen.append(values(generator))
        stage.validate()
    stage.finish()
    for kept, second in zip(values(generator), seen[1]):
        np.testing.assert_array_equal(kept, second)


def test_looks_say_accuracy_and_diversity(config, synthetic_data):
    stage, generator, _ = dcmavg_stage(config, synthetic_data)
    recordings = LogMel(config).spectrograms(synthetic_data.recordings.float_waveforms())
    own = recordings[synthetic_data.validation.recordings]
    words = stage.recognize(own)
    np.testing.assert_array_equal(words, synthetic_data.validation.labels)
    found = stage.validate()
    assert set(found) == {"validation_word_accuracy", "validation_diversity"}
    assert found["validation_diversity"] > 0
    # Deaf to the latent, the generator makes one spectrogram of an image.
    dense = generator.get_layer("fc").kernel
    dense.assign(np.concatenate([dense.numpy()[:5], np.zeros_like(dense.numpy()[5:])]))
    assert stage.validate()["validation_diversity"] == pytest.approx(0, abs=1e-6)
    assert stage.num_validations == 4  # one an epoch


def test_diversity_is_a_distance_over_that_of_words(config, synthetic_data, monkeypatch):
    stage, *_ = dcmavg_stage(config, synthetic_data)
    words = stage.spectrograms.numpy()[synthetic_data.first_recordings()]
    of_words = np.mean([np.abs(words[k] - words[k - 1]).mean() for k in range(3)])
    assert stage.distance_between_words() == pytest.approx(of_words, rel=1e-5)
    heights = iter([0.0, 0.0, *range(1, 100)])  # of the accuracy, and then of each latent
    monkeypatch.setattr(stage, "make_all", lambda count, _: np.full([count, 2], next(heights)))
    monkeypatch.setattr(stage, "recognize", lambda made: np.zeros(len(made)))
    found = stage.validate()["validation_diversity"]
    number = int(next(heights)) - 1  # how many latents came after the first
    assert number > 0
    assert found == pytest.approx(np.mean(range(1, number + 1)) / of_words, rel=1e-5)


def test_where_words_do_not_differ_there_is_no_diversity(config, synthetic_data, monkeypatch):
    stage, _, _ = dcmavg_stage(config, synthetic_data)
    monkeypatch.setattr(stage, "distance_between_words", lambda: 0.0)
    assert set(stage.validate()) == {"validation_word_accuracy"}


def test_nothing_held_out_keeps_the_last(config, synthetic_data):
    data = dataclasses.replace(synthetic_data, validation=synthetic_data.validation.take([]))
    stage, generator, _ = dcmavg_stage(config, data)
    stage.train_step(next(iter(stage.batches(0))))
    assert stage.validate() == {}
    last = values(generator)
    stage.finish()
    for kept, value in zip(values(generator), last):
        np.testing.assert_array_equal(kept, value)


@pytest.mark.slow
def test_it_learns_to_say_four_images(config, synthetic_data, tmp_path):
    config = config_lib.override(
        config,
        [
            *LEARNS_BY_HEART,
            "training.joint.epochs=200",
            "training.joint.batch_size=4",
            "training.adversarial.epochs=1000",
        ],
    )
    data = of_four_images(synthetic_data)
    pairs = data.train
    run = RunFolder(tmp_path / "run")
    train(config, data, run, "cpu")
    network = load_network(run)
    outputs = network({"image": pairs.images}, training=False)
    np.testing.assert_array_equal(outputs["logits"].numpy().argmax(1), pairs.labels)
    true = synthetic_data.recordings.float_waveforms()
    made, sounds = outputs["spectrogram"].numpy(), LogMel(config).spectrograms(true)
    distances = np.square(made[:, None] - sounds[None]).mean((2, 3, 4))
    assert (synthetic_data.recordings.labels[distances.argmin(1)] == pairs.labels).all()
    assert distances.min(1).max() < 0.1 * np.square(sounds[0] - sounds[1]).mean()
    # The inverter has seen true spectrograms alone.
    inverter = network.get_layer("spectrogram_inverter")
    spoken = inverter(sounds[pairs.recordings], training=False).numpy()
    own = true[pairs.recordings]
    assert np.square(spoken - own).sum() < 0.1 * np.square(own).sum()
    again = inverter(made, training=False)
    np.testing.assert_allclose(outputs["waveform"], again, atol=1e-5)
    lines = [json.loads(line) for line in (run / "train_log.jsonl").read_text().splitlines()]
    assert list(dict.fromkeys(line["stage"] for line in lines)) == [
        "inverter",
        "classifier",
        "adversarial",
    ]


@pytest.mark.parametrize("conditioning", ["concatenation", "projection"])
def test_the_discriminator_hears_whether_both_belong_together(conditioning, config):
    """A logit that is a sum of what each input says alone could not."""
    config = config_lib.override(config, [f"adversarial.conditioning={conditioning}"])
    judge = build_discriminator(config, "spectrogram")
    random = np.random.default_rng(0)
    sounds = random.uniform(-1, 1, (2, 16, 16, 1)).astype(np.float32)
    embeddings = random.uniform(-1, 1, (2, 5)).astype(np.float32)

    def judged(sound, embedding):
        inputs = {"spectrogram": sounds[[sound]], "embedding": embeddings[[embedding]]}
        return float(judge(inputs, training=False)[0])

    assert abs(judged(0, 0) + judged(1, 1) - judged(0, 1) - judged(1, 0)) > 1e-4


def test_the_stage_learns_the_words_and_recordings_that_it_is_given(config, synthetic_data):
    train = synthetic_data.train
    named = named_pairs(synthetic_data, 0 * train.labels)
    stage, *_ = dcmavg_stage(config, synthetic_data, named)
    asked = set(zip(named.labels.tolist(), named.recordings.tolist()))
    true = set(zip(train.labels.tolist(), train.recordings.tolist()))
    found = set()
    for batch in stage.batches(0):
        found |= set(zip(batch["label"].numpy().tolist(), batch["recording"].numpy().tolist()))
    assert found == asked != true


def test_a_named_word_takes_the_place_of_the_true_one(synthetic_data):
    """In the adversarial stage alone, by the pair's voice, and where this has said it."""
    train = synthetic_data.train
    lacking = train.take(np.flatnonzero((train.voices != 1) | (train.labels != 2)))
    data = dataclasses.replace(synthetic_data, train=lacking)
    words = np.arange(len(lacking)) % 3
    pairs = named_pairs(data, words)
    first = {}  # (voice, word): the first recording that the training uses
    for voice, label, recording in zip(lacking.voices, lacking.labels, lacking.recordings):
        first[voice, label] = min(recording, first.get((voice, label), recording))
    columns = (words, lacking.labels, lacking.recordings, lacking.voices)
    expected = [
        (word, first[voice, word])
        if word != label and (voice, word) in first
        else (label, recording)
        for word, label, recording, voice in zip(*columns)
    ]
    assert list(zip(pairs.labels, pairs.recordings)) == expected
    assert (pairs.labels != lacking.labels).any() and (1, 2) not in first
    np.testing.assert_array_equal(pairs.images, lacking.images)


@pytest.mark.parametrize("target", ["true_word", "softmax_word"])
def test_what_the_discriminator_takes_as_true_is_what_the_target_says(
    target, config, synthetic_data, tmp_path, monkeypatch
):
    config = config_lib.override(config, [f"loss.generation_target={target}"])
    seen = {}

    def stage(generator, discriminator, config, data, spectrograms, embeddings, pairs):
        seen.update(embeddings=embeddings["train"], pairs=pairs)
        return DcmavgStage(generator, discriminator, config, data, spectrograms, embeddings, pairs)

    monkeypatch.setattr("mtnet_tf.training.dcmavg.DcmavgStage", stage)
    run = RunFolder(tmp_path / "run")
    train(config, synthetic_data, run, "cpu")
    dense = load_network(run).get_layer("image_classifier").get_layer("classifier")
    named = (seen["embeddings"] @ dense.kernel.numpy() + dense.bias.numpy()).argmax(1)
    true = synthetic_data.train.labels
    assert (named != true).any()
    np.testing.assert_array_equal(seen["pairs"].labels, true if target == "true_word" else named)


def test_a_projection_is_an_inner_product_with_the_embedding(config):
    """Of the smallest feature map, by numpy, beside what that says alone."""
    config = config_lib.override(config, ["adversarial.conditioning=projection"])
    judge = build_discriminator(config, "spectrogram")
    random = np.random.default_rng(0)
    sounds = random.uniform(-1, 1, (3, 16, 16, 1)).astype(np.float32)
    embeddings = random.uniform(-1, 1, (3, 5)).astype(np.float32)
    features = keras.Model(judge.inputs, judge.get_layer("logit").input)
    inputs = {"spectrogram": sounds, "embedding": embeddings}
    flat = features(inputs, training=False).numpy().reshape(3, -1)
    kernels = {name: judge.get_layer(name).kernel.numpy() for name in ("projection", "logit")}
    projected = flat @ kernels["projection"].reshape(flat.shape[1], 5)
    expected = flat @ kernels["logit"].ravel() + np.sum(projected * embeddings, axis=1) / 5**0.5
    expected += judge.get_layer("logit").bias.numpy()
    np.testing.assert_allclose(judge(inputs, training=False), expected, rtol=1e-5, atol=1e-6)


def test_resume_equals_uninterrupted(config, synthetic_data, tmp_path, monkeypatch):
    """Also where the best validation was before the kill: its weights are in the checkpoint."""

    def recognize(stage, made):
        is_early = stage._move_discriminator.optimizers[0].iterations.numpy() <= 3
        return stage._labels if is_early else stage._labels + 1

    monkeypatch.setattr(SpectrogramStage, "recognize", recognize)
    config = config_lib.override(config, ["spectrogram_inverter.input_noise=0.1"])
    stages = "inverter", "classifier", "adversarial"
    assert_resumes_to_the_same_bits(config, synthetic_data, tmp_path, *stages)


def test_embeddings_of_another_classifier_are_not_taken(config, synthetic_data, tmp_path):
    """As where its checkpoints were deleted, and it was trained again on another machine."""
    run = RunFolder(tmp_path / "run")
    train(config, synthetic_data, run, "cpu")
    before = read_npz(run / "embeddings.npz")
    network = systems.find("dcmavg").build(config)
    load_weights(network, run / NETWORK)
    classifier = network.get_layer("image_classifier")
    assert _embeddings_key(classifier, config, synthetic_data) == str(before["key"])
    weight = classifier.trainable_variables[0]
    weight.assign(weight + 1e-3)
    assert _embeddings_key(classifier, config, synthetic_data) != str(before["key"])


def look_of_two(strategy):
    """A step, a validation and the end of a stage on several replicas."""
    config = config_lib.override(conftest.make_tiny_config(), SMALL)
    data = conftest.make_synthetic_data()
    with strategy.scope():
        stage, generator, _ = dcmavg_stage(systems.configure("dcmavg", config), data)
    batches = iter(stage.batches(0))
    figures = stage.train_step(next(batches))
    found = stage.validate()
    best = values(generator)
    stage.train_step(next(batches))
    last = values(generator)
    stage.finish()
    are = [
        all(np.array_equal(a, b) for a, b in zip(values(generator), weights))
        for weights in (best, last)
    ]
    return {name: float(figure) for name, figure in figures.items()} | found, are


def test_two_replicas_are_looked_at_and_keep_the_best():
    figures, (are_best, are_last) = two_replicas.call(
        "test_dcmavg.look_of_two", package="tests.systems"
    )
    assert all(np.isfinite(figure) for figure in figures.values())
    assert 0 <= figures["validation_word_accuracy"] <= 1
    assert are_best and not are_last


@pytest.mark.parametrize(
    "override, message",
    [
        ("log_mel.num_mels=18", "log_mel.num_mels must be a multiple of 4"),
        ("log_mel.num_frames=10", "log_mel.num_frames must be a multiple of 4"),
        (
            "adversarial.image_channels=[4, 5, 6]",
            "data.image_shape's height must be a multiple of 8",
        ),
        ("log_mel.fft_length=64", "must be twice the 56 samples between frames"),
        ("loss.perceptual_weight=null", "loss.perceptual_weight must be above 0 for DCMAVG"),
        ("loss.perceptual_weight=0", "loss.perceptual_weight must be above 0 for DCMAVG"),
        ("data.num_classes=1", "data.num_classes must be 2 or more: a mismatched pair needs"),
    ],
)
def test_sizes_that_do_not_fit_are_one_error(override, message, config):
    config = config_lib.override(config, [override])
    with pytest.raises(config_lib.ConfigError, match=message):
        systems.find("dcmavg").check(config)


def test_sizes_are_checked_before_anything_is_trained(config, synthetic_data, tmp_path):
    """With the shapes of the data set, which the flags do not know."""
    config = config_lib.override(config, ["adversarial.image_channels=[4, 5, 6]"])
    with pytest.raises(config_lib.ConfigError, match="height must be a multiple of 8"):
        train(config, synthetic_data, RunFolder(tmp_path / "run"), "cpu")
    assert not list(tmp_path.iterdir())
