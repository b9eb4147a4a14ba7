"""TFDS's own test of the builder, on a dummy `cifar10` and ten tones."""

import tensorflow_datasets as tfds

from data_builders.cifar10_ad import cifar10_ad_dataset_builder


class Cifar10AdTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = cifar10_ad_dataset_builder.Builder
    SPLITS = {"train": 20, "test": 10}  # noqa: RUF012
    BUILDER_CONFIG_NAMES_TO_TEST = ["one_recording"]  # noqa: RUF012  the tones have one take each

    def _make_builder(self, config=None):
        return self.dataset_class(
            data_dir=self.tmp_dir,
            config=config,
            recordings_dir=self.dummy_data / "recordings",
            images_dir=self.dummy_data,
        )

    def test_length_and_words(self):
        metadata = self.builder.info.metadata
        assert metadata["audio_length"] == 24020  # 1089 ms, the paper's section 4.1
        assert list(metadata["words"].values())[:2] == ["airplane", "automobile"]


if __name__ == "__main__":
    tfds.testing.test_main()
