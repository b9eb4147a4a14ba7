"""TFDS's own test of the builder, on its real images and, as `DummyRecordings`, on ten tones."""

import numpy as np
import tensorflow_datasets as tfds

from data_builders import recordings, testing, words
from data_builders.digits_ad import digits_ad_dataset_builder


class DigitsAdTest(testing.BuilderTestCase):
    DATASET_CLASS = digits_ad_dataset_builder.Builder
    SPLITS = {"train": 1437, "test": 360}  # noqa: RUF012
    AUDIO_LENGTH = 18140  # MNIST AD's
    recordings_dir = recordings.shipped_recordings(words.DIGITS.values())

    def test_images(self):
        images, labels = digits_ad_dataset_builder.load_digits()
        assert images.shape == (1797, 28, 28, 1) and images.dtype == np.uint8
        assert (images.min(), images.max()) == (0, 255)
        np.testing.assert_array_equal(np.unique(labels), np.arange(10))
        # Enlarging by 3.5 with aligned pixel areas keeps each image's mean, but for the border.
        small = images.reshape(1797, 4, 7, 4, 7).mean((2, 4))
        assert np.corrcoef(small[0].ravel(), small[10].ravel())[0, 1] > 0.7  # both are zeros


class DummyRecordingsTest(testing.BuilderTestCase):
    DATASET_CLASS = digits_ad_dataset_builder.Builder
    SPLITS = DigitsAdTest.SPLITS
    AUDIO_LENGTH = 18140


if __name__ == "__main__":
    tfds.testing.test_main()
