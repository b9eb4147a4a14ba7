"""TFDS's own test of the builder, on a dummy `cifar100` and a hundred tones made here."""

import pathlib
import tempfile

import numpy as np
import tensorflow_datasets as tfds

from data_builders import recordings, testing, words
from data_builders.cifar100_ad import cifar100_ad_dataset_builder
from mtnet_tf.data import audio, audio_files


class Cifar100AdTest(testing.BuilderTestCase):
    DATASET_CLASS = cifar100_ad_dataset_builder.Builder
    AUDIO_LENGTH = 29356  # 1331 ms

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
            audio_files.write_audio(path, 0.5 * np.sin(2 * np.pi * (200 + 20 * i) * times))

    def test_names_of_two_words(self):
        fish = self.builder.info.metadata["recordings"][1]
        assert fish["word"] == "aquarium fish"
        assert fish["recording_id"] == "aquarium_fish/tone_0"


if __name__ == "__main__":
    tfds.testing.test_main()
