"""TFDS's own test of the builder, on a dummy `mnist` and ten tones."""

import tensorflow_datasets as tfds

from data_builders.mnist_ad import mnist_ad_dataset_builder


class MnistAdTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = mnist_ad_dataset_builder.Builder
    SPLITS = {"train": 20, "test": 10}  # noqa: RUF012
    BUILDER_CONFIG_NAMES_TO_TEST = ["one_recording"]  # noqa: RUF012  the tones have one take each

    def _make_builder(self, config=None):
        return self.dataset_class(
            data_dir=self.tmp_dir,
            config=config,
            recordings_dir=self.dummy_data / "recordings",
            images_dir=self.dummy_data,
        )


if __name__ == "__main__":
    tfds.testing.test_main()
