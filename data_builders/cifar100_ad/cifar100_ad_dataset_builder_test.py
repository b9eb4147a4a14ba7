"""TFDS's own test of the builder, on a dummy `cifar100` and a hundred tones made here."""

import pathlib
import tempfile

import numpy as np
import tensorflow_datasets as tfds

from data_builders import recordings, words
from data_builders.cifar100_ad import cifar100_ad_dataset_builder
from mtnet_tf import audio


class Cifar100AdTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = cifar100_ad_dataset_builder.Builder
    SPLITS = {"train": 20, "test": 10}  # noqa: RUF012
    BUILDER_CONFIG_NAMES_TO_TEST = ["one_recording"]  # noqa: RUF012  the tones have one take each

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.recordings_dir = pathlib.Path(folder.name)
        times = np.arange(1000) / audio.SAMPLE_RATE
        for i, word in enumerate(words.CIFAR100.values()):
            path = cls.recordings_dir / recordings.folder_name(word) / "tone_0.flac"
            path.parent.mkdir()
            audio.write_audio(path, 0.5 * np.sin(2 * np.pi * (200 + 20 * i) * times))

    def _make_builder(self, config=None):
        return self.dataset_class(
            data_dir=self.tmp_dir,
            config=config,
            recordings_dir=self.recordings_dir,
            images_dir=self.dummy_data,
        )

    def test_length_and_names_of_two_words(self):
        metadata = self.builder.info.metadata
        assert metadata["audio_length"] == 29356  # 1331 ms, the paper's section 4.1
        fish = metadata["recordings"][1]
        assert fish["word"] == "aquarium fish"
        assert fish["recording_id"] == "aquarium_fish/tone_0"


if __name__ == "__main__":
    tfds.testing.test_main()
