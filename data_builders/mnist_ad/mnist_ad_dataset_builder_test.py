"""TFDS's own test of the builder, on a dummy `mnist` and ten tones."""

import tensorflow_datasets as tfds

from data_builders import testing
from data_builders.mnist_ad import mnist_ad_dataset_builder


class MnistAdTest(testing.BuilderTestCase):
    DATASET_CLASS = mnist_ad_dataset_builder.Builder
    AUDIO_LENGTH = 18140  # 823 ms


if __name__ == "__main__":
    tfds.testing.test_main()
