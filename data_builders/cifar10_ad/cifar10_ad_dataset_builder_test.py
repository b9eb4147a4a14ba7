"""TFDS's own test of the builder, on a dummy `cifar10` and ten tones."""

import tensorflow_datasets as tfds

from data_builders import testing
from data_builders.cifar10_ad import cifar10_ad_dataset_builder


class Cifar10AdTest(testing.BuilderTestCase):
    DATASET_CLASS = cifar10_ad_dataset_builder.Builder
    AUDIO_LENGTH = 24020  # 1089 ms

    def test_words(self):
        words = self.builder.info.metadata["words"]
        assert list(words.values())[:2] == ["airplane", "automobile"]


if __name__ == "__main__":
    tfds.testing.test_main()
