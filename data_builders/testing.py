"""What the tests of the builders share: TFDS's own test of a builder, on a builder's dummy data."""

from typing import ClassVar

import tensorflow_datasets as tfds


class BuilderTestCase(tfds.testing.DatasetBuilderTestCase):
    """TFDS's test on the dummy images and the recordings of a builder's `dummy_data` folder.

    A subclass sets DATASET_CLASS and AUDIO_LENGTH.

    Attributes:
        AUDIO_LENGTH: the samples that a word may have (section 4.1 of the paper).
        recordings_dir: other recordings than `dummy_data/recordings`.
    """

    SPLITS: ClassVar = {"train": 20, "test": 10}
    BUILDER_CONFIG_NAMES_TO_TEST: ClassVar = ["one_recording"]  # a dummy word has one take
    AUDIO_LENGTH: ClassVar[int]
    recordings_dir: ClassVar = None

    def _make_builder(self, config: tfds.core.BuilderConfig | None = None):
        return self.dataset_class(
            data_dir=self.tmp_dir,
            config=config,
            recordings_dir=self.recordings_dir or self.dummy_data / "recordings",
            images_dir=self.dummy_data,
        )

    def test_audio_length(self) -> None:
        """Checks L_s."""
        assert self.builder.info.metadata["audio_length"] == self.AUDIO_LENGTH
