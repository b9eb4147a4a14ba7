"""The core that all audio-description data sets share: images paired with spoken words.

A data set of this kind is a folder in TFDS form whose builder derives from
`AudioDescriptionBuilder` and says where its images come from, which words they are called, and how
long a word may be. Everything else is here.
"""

import dataclasses
import hashlib
import json
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from data_builders import pairing, recordings
from mtnet_tf import audio
from mtnet_tf.errors import InputError


class ImagesError(InputError):
    """Images that cannot be had or are not the ones expected; the message says what to do."""


_READ_BATCH = 256  # one by one, reading takes longer than writing


@dataclasses.dataclass(eq=False)
class PairingConfig(tfds.core.BuilderConfig):
    """A TFDS config that names the pairing policy.

    Attributes:
      policy: a key of `pairing.POLICIES`.
      fingerprint: of the recordings; a builder fills it in and extends `name` by it.
    """

    policy: str = "one_recording"
    fingerprint: str = ""


class AudioDescriptionBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base of the builders. A subclass sets the attributes below.

    Each example is
      image: uint8 [height, width, channels], stored as PNG;
      label: the image's class;
      word: the word spoken;
      audio: int16 [num_samples] at 22 050 Hz, trimmed, levelled, not padded (x / 32767 is in
        [-1, 1]);
      recording_id: class label over the recordings, e.g. `zero/jackson_0`;
      voice_id: class label over the voices;
      image_id: split and position in the source of the images, e.g. `train_00042`.

    `info.metadata` says which recordings were used and how: see `_make_metadata`.

    TFDS recognises a prepared data set by name, config and version. So that different recordings or
    options never share a folder, the config's name is extended by the first 12 digits of
    `metadata["recordings_fingerprint"]`: `one_recording` becomes `one_recording-0123456789ab`.

    Attributes:
      AUDIO_LENGTH: L_s, the samples that a word may have at most.
      WORDS: class name of the images -> spoken word, in the order of the labels.
      IMAGE_SHAPE: (height, width, channels).
      DIGIT_SIZE: pixels of the square that a digit fills, in images of digits: a photo is laid out so.
      TFDS_IMAGES: TFDS data set that the images come from; or None, and the builder overrides
        `_images_id` and `_read_images`.
      DEFAULT_RECORDINGS_DIR: recordings that come with the builder, or None.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First release."}
    BUILDER_CONFIGS: ClassVar = [
        PairingConfig(
            name="one_recording",
            policy="one_recording",
            description="One canonical recording a word, by one speaker.",
        )
    ]

    AUDIO_LENGTH: ClassVar[int]
    WORDS: ClassVar[dict[str, str]]
    IMAGE_SHAPE: ClassVar[tuple[int, int, int]]
    DIGIT_SIZE: ClassVar[int | None] = None
    TFDS_IMAGES: ClassVar[str | None] = None
    DEFAULT_RECORDINGS_DIR: ClassVar = None

    def __init__(
        self,
        *,
        recordings_dir=None,
        speaker=None,
        processing=None,
        pairing_seed=0,
        images_dir=None,
        data_dir=None,
        **kwargs,
    ):
        """Reads the recordings; prepares nothing.

        Args:
          recordings_dir: the recordings folder, `<word>/<speaker>_<take>.wav|flac|ogg|mp3`.
          speaker: the voice to take, where the folder has several.
          processing: `recordings.Processing`, or a dict of its fields; None for its defaults.
          pairing_seed: integer.
          images_dir: TFDS data_dir of the images, where it is not `data_dir`.
          data_dir: where TFDS keeps data sets; None for `~/tensorflow_datasets`.
          **kwargs: what any TFDS builder takes (config, version, file_format).

        Raises:
          recordings.RecordingsError: if the recordings do not fulfil what the data set needs.
          audio.AudioError: if a recording cannot be used.
        """
        recordings_dir = recordings_dir or self.DEFAULT_RECORDINGS_DIR
        if recordings_dir is None:
            raise recordings.RecordingsError(
                f"{self.name} needs recordings: give recordings_dir=<folder> (in tfds.load:"
                ' builder_kwargs={"recordings_dir": <folder>}).'
                " `python -m experiments.make_recordings` makes such a folder."
            )
        if processing is None:
            processing = recordings.Processing()
        elif not isinstance(processing, recordings.Processing):
            processing = _processing_from_dict(processing)
        self._recordings_dir = recordings_dir
        self._speaker = speaker
        self._processing = processing
        self._pairing_seed = int(pairing_seed)
        self._images_dir = images_dir or data_dir
        super().__init__(data_dir=data_dir, **kwargs)
        # TFDS rebuilds a pickled builder from this.
        self._original_state.update(
            recordings_dir=recordings_dir,
            speaker=speaker,
            processing=processing,
            pairing_seed=pairing_seed,
            images_dir=images_dir,
        )

    def _create_builder_config(self, builder_config, **kwargs):
        config = super()._create_builder_config(builder_config, **kwargs)
        self._pairing = pairing.make_pairing(
            config.policy,
            self._recordings_dir,
            list(self.WORDS.values()),
            self.AUDIO_LENGTH,
            self._processing,
            self._speaker,
            self._pairing_seed,
        )
        self._metadata = self._make_metadata()
        fingerprint = self._metadata["recordings_fingerprint"]
        if config.fingerprint == fingerprint:
            return config
        if config.fingerprint:
            raise recordings.RecordingsError(
                f"The config {config.name} was made from other recordings or options than those"
                f" of {self._recordings_dir}. Give the config's name without the fingerprint."
            )
        name = f"{config.name}-{fingerprint[:12]}"
        return dataclasses.replace(config, name=name, fingerprint=fingerprint)

    def _make_metadata(self):
        """What `info.metadata` holds, as JSON types; the recordings in class label order."""
        identity = {
            "audio_length": self.AUDIO_LENGTH,
            "sample_rate": audio.SAMPLE_RATE,
            "policy": self._pairing.policy,
            "pairing_seed": self._pairing.seed,
            "processing": dataclasses.asdict(self._processing),
            "images": self._images_id(),
            "words": self.WORDS,
        }
        used = [
            {
                "recording_id": r.recording_id,
                "word": r.word,
                "voice_id": r.voice_id,
                "take": r.take,
                "longer_takes": list(r.longer_takes),
                "sha256": r.sha256,
                "num_samples": len(r.samples),
                "source_rate": r.source_rate,
            }
            for r in self._pairing.recordings
        ]
        # Files and choices, not what a version of the resampler made of them.
        hashed = {
            **identity,
            "recordings": [[r["recording_id"], r["sha256"]] for r in used],
            "candidates": self._pairing.candidates,
        }
        fingerprint = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
        layout = {} if self.DIGIT_SIZE is None else {"digit_size": self.DIGIT_SIZE}
        return {**identity, **layout, "recordings_fingerprint": fingerprint, "recordings": used}

    def _info(self):
        voices = sorted({r.voice_id for r in self._pairing.recordings})
        names = [r.recording_id for r in self._pairing.recordings]
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=self.IMAGE_SHAPE, encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=list(self.WORDS)),
                    "word": tfds.features.Text(),
                    # TFDS' own Audio feature stores varints: seven times slower and 2.5 times
                    # larger.
                    "audio": tfds.features.Tensor(
                        shape=(None,), dtype=np.int16, encoding=tfds.features.Encoding.BYTES
                    ),
                    "recording_id": tfds.features.ClassLabel(names=names),
                    "voice_id": tfds.features.ClassLabel(names=voices),
                    "image_id": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "audio"),
            metadata=tfds.core.MetadataDict(self._metadata),
        )

    def _split_generators(self, dl_manager):
        del dl_manager  # The images are downloaded by their own builder.
        return {split: self._generate_examples(split) for split in pairing.SPLITS}

    def _generate_examples(self, split):
        words = list(self.WORDS.values())
        for image_id, image, label in self._read_images(split):
            recording = self._pairing.index(split, words[label], image_id)
            used = self._pairing.recordings[recording]
            yield (
                image_id,
                {
                    "image": image,
                    "label": label,
                    "word": words[label],
                    "audio": used.samples,
                    "recording_id": recording,
                    "voice_id": used.voice_id,
                    "image_id": image_id,
                },
            )

    def _images_id(self):
        """Name and version of the images, for the metadata and the fingerprint."""
        builder = self._images_builder()
        return f"{builder.name}:{builder.version}"

    def _read_images(self, split):
        """Yields (image_id, image as PNG bytes or uint8 array, label int), in a fixed order."""
        builder = self._images_builder()
        self._prepare_images(builder)
        dataset = builder.as_dataset(
            split=split,
            shuffle_files=False,
            # The PNG bytes go from one data set to the other as they are.
            decoders={"image": tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
        )
        i = 0
        for batch in tfds.as_numpy(dataset.batch(_READ_BATCH)):
            for image, label in zip(batch["image"], batch["label"].tolist(), strict=True):
                yield f"{split}_{i:05d}", image, label
                i += 1

    def _images_builder(self):
        return tfds.builder(self.TFDS_IMAGES, data_dir=self._images_dir)

    def _prepare_images(self, builder):
        try:
            builder.download_and_prepare()
        except (OSError, tfds.download.DownloadError) as error:
            raise ImagesError(
                f"The images of {self.name}, TFDS {builder.name!r}, could not be downloaded to"
                f" {builder.data_path} ({error}). Where there is no network, put the prepared data"
                " set there (from another machine) and give that data_dir."
            ) from error
        names = builder.info.features["label"].names
        if names != list(self.WORDS):
            raise ImagesError(
                f"The classes of {builder.data_path} are {names}; {self.name} expects"
                f" {list(self.WORDS)}. Prepare the images again."
            )


def _processing_from_dict(fields):
    known = [field.name for field in dataclasses.fields(recordings.Processing)]
    if not isinstance(fields, dict) or set(fields) - set(known):
        raise recordings.RecordingsError(
            f"processing must be a Processing or a dict of {', '.join(known)}. Received: {fields}."
        )
    return recordings.Processing(**fields)
