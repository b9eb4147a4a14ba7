"""The two stages: their data and their losses.

The data are `synthetic_data`: several voices and takes for each word, which are used unevenly, and
some of them by the test split alone.
"""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import config as config_lib
from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.training.stages.autoencoder import compute_audio_features
from tests.training.stages import autoencoder_stage, joint_stage

USED = [0, 1, 2, 6, 7, 8]  # the recordings of the training split; 3, 4 and 5 are of the test split
USES = [1, 1, 3, 4, 5, 4]


def rows(columns, values):
    """Returns the place of each row of `values` among those of `columns`."""
    same = (values[:, None] == columns[None]).all(-1)
    assert (same.sum(1) == 1).all()
    return same.argmax(1)


def test_the_fixture_is_uneven(synthetic_data):
    uses = np.bincount(synthetic_data.train.recordings, minlength=9)
    assert list(np.flatnonzero(uses)) == USED
    assert list(uses[USED]) == USES
    assert set(synthetic_data.test.recordings) == {3, 4, 5}
    assert list(synthetic_data.recordings.labels) != sorted(synthetic_data.recordings.labels)


def test_stage_1_trains_on_the_recordings_of_the_training_split_by_use(tiny_config, synthetic_data):
    stage = autoencoder_stage(tiny_config, synthetic_data)
    batch = next(iter(stage.batches(0)))
    audio, weight = batch["audio"].numpy(), batch["weight"].numpy()
    places = rows(synthetic_data.recordings.float_waveforms(), audio)
    assert sorted(places) == USED
    expected = dict(zip(USED, np.array(USES) / np.mean(USES)))
    np.testing.assert_allclose(weight, [expected[place] for place in places], rtol=1e-6)


def test_a_recording_is_called_by_its_own_word(tiny_config, synthetic_data):
    """Of recordings 7 and 8 alone, which are neither the first nor in the order of the labels."""
    pairs = synthetic_data.train
    kept = pairs.take(np.flatnonzero(np.isin(pairs.recordings, [7, 8])))
    data = type(synthetic_data)(**{**vars(synthetic_data), "train": kept})
    assert set(autoencoder_stage(tiny_config, data).diagnose().nearest_words) == {"zero", "one"}


def test_audio_features_are_those_of_each_recording(tiny_config):
    keras.utils.set_random_seed(0)
    model = build_audio_autoencoder(tiny_config)
    audio = np.random.default_rng(0).uniform(-1, 1, (230, 900)).astype(np.float32)
    expected = model(audio, training=False)["audio_feature"].numpy()
    found = compute_audio_features(model, audio)  # in batches
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    "form, scale", [("half_mean_squared_error", 1 / 12), ("sum_squared_error", 1.0)]
)
def test_loss_of_stage_1_is_eq_6(form, scale, tiny_config, synthetic_data):
    config = config_lib.override(
        tiny_config, [f"loss.reconstruction={form}", "loss.reconstruction_decay_weight=0.07"]
    )
    stage = autoencoder_stage(config, synthetic_data)
    batch = next(iter(stage.batches(0)))
    audio = batch["audio"].numpy()
    error = np.square(audio - stage.model(audio)["reconstruction"].numpy()).sum(1)
    reconstruction = scale * (batch["weight"].numpy() * error).sum()
    kernels = [w.numpy() for w in stage.model.weights if w.path.endswith("kernel")]
    decay = sum(np.square(kernel).sum() for kernel in kernels)
    losses = stage.losses(batch, training=True)
    assert float(losses["reconstruction"]) == pytest.approx(reconstruction, rel=1e-4)
    assert float(losses["decay"]) == pytest.approx(decay, rel=1e-4)
    assert float(losses["total"]) == pytest.approx(reconstruction + 0.07 * decay, rel=1e-4)


@pytest.mark.parametrize(
    "assignments, batch_size, num_steps",
    [
        (["epochs=10"], 6, 10),  # 6 recordings, fewer than a batch holds
        (["epochs=10", "batch_size=4"], 4, 15),
        (["epochs=0.01"], 6, 1),
    ],
)
def test_an_epoch_of_stage_1_is_one_pass_over_the_recordings(
    assignments, batch_size, num_steps, tiny_config, synthetic_data
):
    overrides = [f"training.autoencoder.{assignment}" for assignment in assignments]
    stage = autoencoder_stage(config_lib.override(tiny_config, overrides), synthetic_data)
    assert (stage.batch_size, stage.num_steps) == (batch_size, num_steps)
    assert len(next(iter(stage.batches(0)))["audio"]) == batch_size


@pytest.mark.parametrize(
    "batch_size, rows_a_batch, num_steps", [(100, 6, 36), (4, 4, 900), (9, 6, 400)]
)
def test_an_epoch_over_the_pairs_has_the_updates_of_the_published_scripts(
    batch_size, rows_a_batch, num_steps, tiny_config, synthetic_data
):
    """18 pairs, 200 epochs: 18 / batch_size * 200 updates, however few the recordings are."""
    config = config_lib.override(
        tiny_config,
        [
            "training.autoencoder_epoch=pairs",
            "training.autoencoder.epochs=200",
            f"training.autoencoder.batch_size={batch_size}",
        ],
    )
    stage = autoencoder_stage(config, synthetic_data)
    assert (stage.batch_size, stage.num_steps) == (rows_a_batch, num_steps)


def test_stage_2_is_compared_with_each_pairs_own_recording(tiny_config, synthetic_data):
    """Eq. 11 in NumPy: the recording of the pair, not another one of its class."""
    config = config_lib.override(
        tiny_config,
        [
            "loss.perceptual_weight=0.3",
            "loss.representation_weight=0.7",
            "loss.generation_weight=1.1",
            "loss.decay_weight=0.013",
        ],
    )
    features = np.random.default_rng(5).uniform(-1, 1, (9, 12)).astype(np.float32)
    stage = joint_stage(config, synthetic_data, features)
    pairs = synthetic_data.train.take(np.arange(8))
    assert len(set(zip(pairs.labels, pairs.recordings))) > len(set(pairs.labels))
    losses = {k: float(v) for k, v in stage.losses(pairs.columns(), training=False).items()}
    outputs = {
        k: v.numpy() for k, v in stage.model({"image": pairs.images}, training=False).items()
    }
    true = synthetic_data.recordings.float_waveforms()[pairs.recordings]
    gap = np.abs(true - outputs["waveform"])
    generation = np.where(gap < 1, gap**2 / 2, gap - 0.5).sum(1).mean()
    phi, target = outputs["cross_modal_representation"], features[pairs.recordings]
    cosine = (phi * target).sum(1) / np.linalg.norm(phi, axis=1) / np.linalg.norm(target, axis=1)
    odds = np.exp(outputs["logits"])
    right = odds[np.arange(8), pairs.labels] / odds.sum(1)
    kernels = [w.numpy() for w in stage.model.weights if w.path.endswith("kernel")]
    expected = {
        "generation": generation,
        "representation": (1 - cosine).mean(),
        "perceptual": -np.log(right).mean(),
        "decay": sum(np.square(kernel).sum() for kernel in kernels),
    }
    expected["total"] = (
        1.1 * expected["generation"]
        + 0.7 * expected["representation"]
        + 0.3 * expected["perceptual"]
        + 0.013 * expected["decay"]
    )
    assert losses == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("sampling", ["permutation", "contiguous_slices"])
def test_batches_of_stage_2_are_drawn_as_configured(sampling, tiny_config, synthetic_data):
    config = config_lib.override(tiny_config, [f"training.joint.sampling={sampling}"])
    stage = joint_stage(config, synthetic_data)
    batch = next(iter(stage.batches(0)))
    images = synthetic_data.train.images.reshape(18, -1).astype(int)
    places = rows(images, batch["image"].numpy().reshape(8, -1).astype(int))
    is_slice = list(places) == list(range(places[0], places[0] + 8))
    assert is_slice == (sampling == "contiguous_slices")
    assert stage.num_steps == 9  # 4 epochs of 18 pairs, batches of 8


@pytest.mark.parametrize("build", [autoencoder_stage, joint_stage])
def test_the_seed_draws_weights_and_batches(build, tiny_config, synthetic_data):
    def first(seed):
        config = config_lib.override(
            tiny_config, [f"training.seed={seed}", "training.autoencoder.batch_size=3"]
        )
        stage = build(config, synthetic_data)
        batch = next(iter(stage.batches(0)))
        return stage.model.get_weights()[0], next(iter(batch.values())).numpy()

    (weights, batch), (again, same_batch), (others, other_batch) = first(0), first(0), first(1)
    np.testing.assert_array_equal(weights, again)
    np.testing.assert_array_equal(batch, same_batch)
    assert not np.array_equal(weights, others)
    assert not np.array_equal(batch, other_batch)


def test_xla_is_asked_for_where_configured(tiny_config, synthetic_data):
    for value, asked in (("false", None), ("true", True)):
        config = config_lib.override(tiny_config, [f"training.jit_compile={value}"])
        assert joint_stage(config, synthetic_data).train_step._jit_compile is asked


@pytest.mark.parametrize("forms", ["paper", "released"])
def test_validation_has_the_loss_of_a_batch_of_training_size(forms, tiny_config, synthetic_data):
    """Six pairs in batches of four: a mean is that of the pairs, a sum that of four on average."""
    overrides = ["training.joint.batch_size=4", "loss.decay_weight=0.01"]
    if forms == "released":
        overrides += [
            "loss.perceptual=sum_cross_entropy",
            "loss.representation=normalized_squared_error",
            "loss.generation=normalized_squared_error",
        ]
    config = config_lib.override(tiny_config, overrides)
    stage = joint_stage(config, synthetic_data)
    pairs = synthetic_data.validation
    single = [
        {k: float(v) for k, v in stage.losses(pairs.take([i]).columns(), training=False).items()}
        for i in range(6)
    ]
    found, scale = stage.validate(), 4 if forms == "released" else 1
    expected = {
        name: scale * np.mean([losses[name] for losses in single])
        for name in ("perceptual", "representation", "generation")
    }
    expected["decay"] = single[0]["decay"]
    weights = config.loss
    expected["total"] = (
        weights.perceptual_weight * expected["perceptual"]
        + weights.representation_weight * expected["representation"]
        + weights.generation_weight * expected["generation"]
        + 0.01 * expected["decay"]
    )
    outputs = stage.model({"image": pairs.images}, training=False)
    expected["accuracy"] = np.mean(outputs["logits"].numpy().argmax(-1) == pairs.labels)
    phi = outputs["cross_modal_representation"].numpy()
    expected["phi_saturation"] = np.mean(np.abs(phi) > 0.99)
    means = [phi[pairs.labels == label].mean(0) for label in range(3)]
    cosines = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        for a, b in ((means[0], means[1]), (means[0], means[2]), (means[1], means[2]))
    ]
    expected["phi_nearest_cosine"] = max(cosines)
    assert found == pytest.approx(
        {f"validation_{name}": value for name, value in expected.items()}, rel=1e-4
    )


def test_nothing_is_validated_where_nothing_is_held_out(tiny_config, synthetic_data):
    data = type(synthetic_data)(
        **{**vars(synthetic_data), "validation": synthetic_data.validation.take([])}
    )
    assert joint_stage(tiny_config, data).validate() == {}


@pytest.mark.parametrize("saturated_features", [False, True])
def test_a_saturated_phi_is_warned_of(saturated_features, tiny_config, synthetic_data, caplog):
    """Not where the audio features, which it is to resemble, are as saturated."""
    features = np.random.default_rng(0).choice([-1.0, 1.0], (9, 12)).astype(np.float32)
    if not saturated_features:
        features *= 0.5
    stage = joint_stage(tiny_config, synthetic_data, features)
    stage.validate()
    assert "saturated" not in caplog.text
    layer = stage.model.get_layer("cross_modal_mapper").get_layer("cross_modal_representation")
    layer.bias.assign(np.full(12, 30.0))
    assert stage.validate()["validation_phi_saturation"] == 1.0
    assert ("100 % of phi is saturated" in caplog.text) != saturated_features


def test_a_word_that_the_voice_was_never_heard_to_say_is_not_asked_for(tiny_config, synthetic_data):
    """Its own recording is, and not one by another voice."""
    config = config_lib.override(tiny_config, ["loss.generation_target=softmax_word"])
    train = synthetic_data.train
    known = train.take(np.flatnonzero((train.voices != 1) | (train.labels != 2)))
    data = dataclasses.replace(synthetic_data, train=known)
    stage = joint_stage(config, data, np.zeros([9, 12], np.float32))
    batch = known.take(np.flatnonzero(known.voices == 1)[:1]).columns()
    own = batch["recording"][0]
    (label,) = batch["label"]
    for word in range(3):
        logits = tf.one_hot([word], 3)
        (asked,) = stage._named_recordings(batch, {"logits": logits}).numpy()
        of_voice = known.recordings[(known.voices == 1) & (known.labels == word)]
        assert asked == (own if word in (label, 2) else of_voice.min())


def test_stage_2_may_speak_the_word_that_the_softmax_layer_names(tiny_config, synthetic_data):
    """In training alone, in the pair's voice; its own recording where the layer is right."""
    config = config_lib.override(tiny_config, ["loss.generation_target=softmax_word"])
    features = np.random.default_rng(5).uniform(-1, 1, (9, 12)).astype(np.float32)
    stage = joint_stage(config, synthetic_data, features)
    pairs = synthetic_data.train.take(np.arange(8))

    def outputs(training):
        found = stage.model({"image": pairs.images}, training=training)
        return {name: output.numpy() for name, output in found.items()}

    train = synthetic_data.train
    first = {}  # (voice, word): the first recording that the training uses
    for voice, label, recording in sorted(zip(train.voices, train.labels, train.recordings)):
        first.setdefault((voice, label), recording)
    assert len(first) == 6 and set(first.values()) <= set(USED)
    named = outputs(True)["logits"].argmax(1)
    assert 0 < (named == pairs.labels).sum() < 8
    recordings = np.array(
        [
            own if name == label else first[voice, name]
            for name, label, own, voice in zip(named, pairs.labels, pairs.recordings, pairs.voices)
        ]
    )
    assert (recordings != pairs.recordings).any()
    assert len(set(pairs.voices)) == 2
    waveforms = synthetic_data.recordings.float_waveforms()
    for training, compared in ((True, recordings), (False, pairs.recordings)):
        found = outputs(training)  # before the losses: these change the statistics of BN
        losses = stage.losses(pairs.columns(), training=training)
        gap = np.abs(waveforms[compared] - found["waveform"])
        generation = np.where(gap < 1, gap**2 / 2, gap - 0.5).sum(1).mean()
        assert float(losses["generation"]) == pytest.approx(generation, rel=1e-4)
        # The audio feature is that of the pair's own recording all the time.
        phi, own = found["cross_modal_representation"], features[pairs.recordings]
        cosines = (phi * own).sum(1) / np.linalg.norm(phi, axis=1) / np.linalg.norm(own, axis=1)
        assert float(losses["representation"]) == pytest.approx((1 - cosines).mean(), rel=1e-4)


def test_stage_2_speaks_the_audio_feature_of_each_pairs_own_recording(tiny_config, synthetic_data):
    """The generator alone is asked for it, and the validation has the term too."""
    import tensorflow as tf

    overrides = ["loss.audio_feature_weight=0.6", "loss.smooth_l1_threshold=0.2"]
    config = config_lib.override(tiny_config, [*overrides, "loss.decay_weight=0"])
    features = np.random.default_rng(5).uniform(-1, 1, (9, 12)).astype(np.float32)
    stage = joint_stage(config, synthetic_data, features)
    pairs = synthetic_data.train.take(np.arange(8))
    generator = stage.model.get_layer("audio_generator")
    with tf.GradientTape() as tape:
        losses = stage.losses(pairs.columns(), training=True)
    spoken = generator(features[pairs.recordings]).numpy()
    gap = np.abs(synthetic_data.recordings.float_waveforms()[pairs.recordings] - spoken)
    gamma = np.where(gap < 0.2, gap**2 / 0.4, gap - 0.1).sum(1).mean()
    assert float(losses["audio_feature_generation"]) == pytest.approx(gamma, rel=1e-4)
    others = sum(
        weight * float(losses[name])
        for name, weight in (("generation", 1), ("representation", 1), ("perceptual", 0.5))
    )
    assert float(losses["total"]) == pytest.approx(others + 0.6 * gamma, rel=1e-4)
    variables = stage.model.trainable_variables
    moved = {
        variable.path
        for variable, gradient in zip(
            variables, tape.gradient(losses["audio_feature_generation"], variables)
        )
        if gradient is not None
    }
    assert moved == {variable.path for variable in generator.trainable_variables}
    assert "validation_audio_feature_generation" in stage.validate()


@pytest.mark.parametrize("digit_size", [8, None])
def test_the_images_of_stage_2_are_moved(digit_size, tiny_config, synthetic_data):
    """Digits are never mirrored. Images that are validated are left as they are."""
    config = config_lib.override(
        tiny_config,
        [
            f"data.digit_size={'null' if digit_size is None else digit_size}",
            "augmentation.alternating_flip=true",
        ],
    )
    stage, plain = joint_stage(config, synthetic_data), joint_stage(tiny_config, synthetic_data)
    images, unmoved = (
        np.concatenate([batch["image"] for batch in s.batches(0)]) for s in (stage, plain)
    )
    mirrored = (images != unmoved).any((1, 2, 3))
    np.testing.assert_array_equal(images[mirrored], unmoved[mirrored, :, ::-1])
    assert 0.3 < mirrored.mean() < 0.7 if digit_size is None else not mirrored.any()
    assert stage.validate() == pytest.approx(plain.validate(), rel=1e-5)
