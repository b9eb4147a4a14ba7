"""Moved training images: against NumPy, and the same again after an interruption."""

import numpy as np
import pytest

from mtnet_tf import config as config_lib
from mtnet_tf.data.augmentation import Augmentation, move
from mtnet_tf.data.batches import shuffled_batches


def augmentation(config, num_rows, *assignments, digits=False):
    overrides = [] if digits else ["data.digit_size=null"]
    overrides += [f"augmentation.{assignment}" for assignment in assignments]
    return Augmentation(config_lib.override(config, overrides), num_rows)


def moved(image, flip, shift):
    """One image, flipped, padded with its reflection and cropped."""
    image = image[:, ::-1] if flip else image
    (height, width, _), reach = image.shape, int(np.abs(shift).max())
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
    top, left = reach - shift
    return padded[top : top + height, left : left + width]


@pytest.mark.parametrize("size", [(7, 5), (1, 6), (4, 1), (1, 1)])
@pytest.mark.parametrize("reach", [0, 1, 3, 20])
def test_move_is_flip_pad_and_crop(size, reach):
    """Also by more than the image is wide, where it is reflected several times."""
    random = np.random.default_rng(reach)
    images = random.integers(0, 256, (40, *size, 3)).astype(np.uint8)
    flip = random.random(40) < 0.5
    shift = random.integers(-reach, reach, (40, 2), endpoint=True)
    found = move(images, flip, shift)
    assert found.dtype == "uint8"
    expected = np.stack([moved(*each) for each in zip(images, flip, shift)])
    np.testing.assert_array_equal(found, expected)


def test_an_image_that_is_mirrored_in_an_epoch_is_not_in_the_next(tiny_config):
    of_1000 = augmentation(tiny_config, 1000, "alternating_flip=true")
    rows = np.arange(1000)
    flips = [of_1000.moves(rows, np.full(1000, epoch))["flip"] for epoch in range(4)]
    assert 450 < flips[0].sum() < 550
    for flip in (flips[0], flips[2]):
        np.testing.assert_array_equal(flip, ~flips[1])
    np.testing.assert_array_equal(flips[1], flips[3])
    # A row is the same one in any company.
    chosen = of_1000.moves(rows[[7, 3, 7]], np.array([0, 0, 1]))["flip"]
    np.testing.assert_array_equal(chosen, [flips[0][7], flips[0][3], flips[1][7]])


def test_shifts_are_drawn_anew_for_each_image_and_epoch(tiny_config):
    of_500 = augmentation(tiny_config, 500, "translation=2")
    rows = np.arange(500)
    first, second = (of_500.moves(rows, np.full(500, e))["shift"] for e in (0, 1))
    for shift in (first, second):
        for axis in (0, 1):
            counts = np.bincount(shift[:, axis] + 2, minlength=5)
            assert len(counts) == 5 and counts.min() > 70, counts
    for a, b in ((first, second), (first[:, :1], first[:, 1:])):
        assert 0.1 < np.mean(a == b) < 0.3
    assert not of_500.moves(rows, np.zeros(500, int))["flip"].any()
    # A row is the same one in any company.
    chosen = of_500.moves(rows[[7, 3, 7]], np.array([0, 0, 1]))["shift"]
    np.testing.assert_array_equal(chosen, [first[7], first[3], second[7]])


def test_moves_are_drawn_for_images_of_no_epoch(tiny_config):
    of_one = augmentation(tiny_config, 1, "alternating_flip=true", "translation=2")
    first, again, other = (of_one.draw(500, [0, step]) for step in (1, 1, 2))
    assert 200 < first["flip"].numpy().sum() < 300
    for axis in (0, 1):
        counts = np.bincount(first["shift"][:, axis].numpy() + 2, minlength=5)
        assert len(counts) == 5 and counts.min() > 70, counts
    for name, drawn in first.items():
        np.testing.assert_array_equal(drawn, again[name])
        assert (drawn != other[name]).numpy().any()
    still = augmentation(tiny_config, 1).draw(20, [0, 1])
    assert not still["flip"].numpy().any() and not still["shift"].numpy().any()


def test_the_seed_draws_the_moves(tiny_config):
    rows, epochs = np.arange(50), np.ones(50, int)
    assignments = "alternating_flip=true", "translation=3"
    first = augmentation(tiny_config, 50, *assignments).moves(rows, epochs)
    again = augmentation(tiny_config, 50, *assignments).moves(rows, epochs)
    config = config_lib.override(tiny_config, ["training.seed=1"])
    other = augmentation(config, 50, *assignments).moves(rows, epochs)
    for name in ("flip", "shift"):
        np.testing.assert_array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])


def test_digits_are_shifted_and_never_mirrored(tiny_config):
    assignments = "alternating_flip=true", "translation=1"
    of_digits = augmentation(tiny_config, 40, *assignments, digits=True)
    for epoch in (0, 1):
        found = of_digits.moves(np.arange(40), np.full(40, epoch))
        assert not found["flip"].any()
        assert found["shift"].any()


def drawn(moves, first_step, num_steps, size=10, **options):
    """The batches of four of some steps; the stream of rows goes through epochs in mid-batch."""
    images = np.random.default_rng(5).integers(0, 256, (size, 6, 5, 2)).astype(np.uint8)
    found = shuffled_batches(
        {"image": images, "label": np.arange(size)},
        batch_size=4,
        seed=3,
        first_step=first_step,
        num_steps=num_steps,
        augmentation=moves,
        **options,
    )
    return images, list(found.as_numpy_iterator())


SAMPLINGS = ["permutation", "contiguous_slices"]


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_each_image_of_a_batch_is_moved_as_its_own_epoch_says(sampling, tiny_config):
    moves = augmentation(tiny_config, 10, "alternating_flip=true", "translation=2")
    images, batches = drawn(moves, 0, 10, sampling=sampling)
    for step, batch in enumerate(batches):
        rows, epochs = batch["label"], np.arange(4 * step, 4 * step + 4) // 10
        how = moves.moves(rows, epochs)
        expected = [moved(*each) for each in zip(images[rows], how["flip"], how["shift"])]
        np.testing.assert_array_equal(batch["image"], expected)


def test_a_row_alternates_in_the_stream(tiny_config):
    moves = augmentation(tiny_config, 10, "alternating_flip=true")
    images, batches = drawn(moves, 0, 10)
    flips = {row: [] for row in range(10)}
    for batch in batches:
        for row, image in zip(batch["label"], batch["image"]):
            is_flipped = np.array_equal(image, images[row][:, ::-1])
            assert is_flipped or np.array_equal(image, images[row])
            flips[row].append(is_flipped)
    for found in flips.values():
        assert found in ([True, False] * 2, [False, True] * 2)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_moved_images_resume_at_any_step(sampling, tiny_config):
    def stream(first_step):
        moves = augmentation(tiny_config, 10, "alternating_flip=true", "translation=2")
        return drawn(moves, first_step, 9, sampling=sampling)[1]

    whole = stream(0)
    for first in (1, 4, 8):
        for a, b in zip(whole[first:], stream(first), strict=True):
            np.testing.assert_array_equal(a["image"], b["image"])


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_parts_of_moved_images_make_up_the_batch(sampling, tiny_config):
    moves = augmentation(tiny_config, 10, "alternating_flip=true", "translation=2")
    _, whole = drawn(moves, 2, 7, sampling=sampling)
    halves = [
        drawn(moves, 2, 7, sampling=sampling, num_parts=2, parts=range(i, i + 1))[1] for i in (0, 1)
    ]
    _, both = drawn(moves, 2, 7, sampling=sampling, num_parts=2, parts=range(2))
    for step, batch in enumerate(whole):
        for found in ([half[step] for half in halves], both[2 * step : 2 * step + 2]):
            images = np.concatenate([part["image"] for part in found])
            np.testing.assert_array_equal(images, batch["image"])
