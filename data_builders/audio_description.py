"""The core that all audio-description data sets share: images paired with spoken words.

A data set of this kind is a folder in TFDS form whose builder derives from
`AudioDescriptionBuilder` and says where its images come from, which words they are called, and how
long a word may be. Everything else is here.
"""

import dataclasses
import functools
import hashlib
import json
import os
from typing import Any, ClassVar, Literal

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import dataset_metadata

from data_builders import authors_npz, beam, building, pairing, recordings
from data_builders.errors import DataSetError
from data_builders.image_sources import ImageSource, TfdsImages
from data_builders.split_examples import SplitExamples
from mtnet_tf.data import audio

_IMAGES_A_SHARD = 5000  # of a file, and what a Beam worker takes at a time


@dataclasses.dataclass(eq=False)
class PairingConfig(tfds.core.BuilderConfig):
    """A TFDS config: the pairing policy, and what else makes one data set another than the next.

    The builder's arguments of the same names take precedence; as fields of the config they can be
    given where TFDS takes only a config: `tfds build --config '{"name": ..., "policy": ...,
    "recordings_dir": ...}'`.

    Attributes:
        policy: a key of `pairing.POLICIES`, or "authors".
        recordings_dir: the recordings folder, `<word>/<speaker>_<take>.wav|flac|ogg|mp3`; None for
            `recordings.shipped_recordings`.
        speaker: the voice to take, where the folder has several and the policy takes one; "any" for
            one voice a word, so that a folder of many people covers the most words.
        processing: `recordings.Processing`, or a dict of some of its fields; None for its
            defaults. Fields in the builder's dict replace those of the config's. The policy
            "authors" applies none.
        pairing_seed: draws takes and voices.
        audio_length: L_s in samples, "auto" for the longest word's, or None for the paper's.
        allow_missing_words: makes a data set of the words that are recorded, under its own name.
        images_dir: TFDS data_dir of the images, where it is not the data set's own.
        npz_dir: for the policy "authors", the folder of the authors' npz files.
        fingerprint: of the recordings and choices; a builder fills it in and extends `name` by it.
    """

    policy: str = "one_recording"
    recordings_dir: os.PathLike | str | None = None
    speaker: str | None = None
    processing: recordings.Processing | dict | None = None
    pairing_seed: int | None = None
    audio_length: int | Literal["auto"] | None = None
    allow_missing_words: bool | None = None
    images_dir: os.PathLike | str | None = None
    npz_dir: os.PathLike | str | None = None
    fingerprint: str = ""


_OPTIONS = [name for name in PairingConfig.__annotations__ if name not in ("policy", "fingerprint")]
_NOT_FOR_AUTHORS = {
    name: f"--{name}" for name in _OPTIONS if name not in ("audio_length", "npz_dir")
}
_NOT_FOR_AUTHORS |= {"processing": "--top_db, --margin_secs, --peak", "images_dir": "images_dir"}
_CONFIGS = {
    "one_recording": "One canonical recording a word, by one speaker.",
    "one_recording_each": "Several speakers, one canonical recording a word by each.",
    "many_takes": "Several takes a word, by one speaker; train and test have different takes.",
    "many_voices_seen": "Several speakers, the same in train and test, with different takes.",
    "many_voices_unseen": "Several speakers; those of test are not heard in train.",
    "authors": "Images and recordings of the paper's authors, from their npz files.",
}


class AudioDescriptionBuilder(tfds.core.ShardBasedBuilder, skip_registration=True):
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
    `metadata["recordings_fingerprint"]`: `one_recording` becomes `one_recording-0123456789ab`, and
    `one_recording-90words-0123456789ab` where words are missing.

    Attributes:
        AUDIO_LENGTH: L_s, the samples that a word may have at most.
        WORDS: class name of the images -> spoken word, in the order of the labels.
        IMAGE_SHAPE: (height, width, channels).
        DIGIT_SIZE: pixels of the square that a digit fills, in images of digits: a photo is laid
            out so.
        IMAGES_LICENCE: whose the images are, and under which licence; None where it is not known.
        TFDS_IMAGES: TFDS data set that the images come from; or None, and the builder overrides
            `_make_image_source`.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar = {"1.0.0": "First release."}
    BUILDER_CONFIGS: ClassVar = [
        PairingConfig(name=policy, policy=policy, description=description)
        for policy, description in _CONFIGS.items()
    ]

    AUDIO_LENGTH: ClassVar[int]
    WORDS: ClassVar[dict[str, str]]
    IMAGE_SHAPE: ClassVar[tuple[int, int, int]]
    DIGIT_SIZE: ClassVar[int | None] = None
    IMAGES_LICENCE: ClassVar[str | None] = None
    TFDS_IMAGES: ClassVar[str | None] = None

    def __init__(self, *, data_dir: os.PathLike | str | None = None, **kwargs: Any) -> None:
        """Reads the recordings; prepares nothing.

        Args:
            data_dir: where TFDS keeps data sets; None for `~/tensorflow_datasets`.
            **kwargs: the fields of `PairingConfig`, and what any TFDS builder takes (config,
                version, file_format).

        Raises:
            errors.RecordingsError: the recordings do not fulfil what the data set needs.
            audio.AudioError: a recording cannot be used.
        """
        self._options = {name: kwargs.pop(name, None) for name in _OPTIONS}
        self._own_data_dir = data_dir
        super().__init__(data_dir=data_dir, **kwargs)
        self._original_state.update(self._options)  # From this TFDS makes a copy of the builder.

    @classmethod
    def get_metadata(cls) -> dataset_metadata.DatasetMetadata:
        """Returns description, citation and tags, from the files beside a builder in a package.

        Where there are none, as of a script's builder, the description is the class's docstring.
        """
        if "." in cls.__module__:
            metadata = super().get_metadata()
        else:
            metadata = dataset_metadata.DatasetMetadata(description=None, citation=None, tags=[])
        description = (
            metadata.description or cls.__doc__ or f"{cls.name}: images with spoken words."
        )
        return dataclasses.replace(metadata, description=description)

    def _create_builder_config(self, builder_config: PairingConfig | str | None, **kwargs: Any):
        config = super()._create_builder_config(builder_config, **kwargs)
        said = list(self.WORDS.values())
        if twice := sorted({word for word in said if said.count(word) > 1}):
            raise DataSetError(
                f"{self.name}: WORDS says {', '.join(twice)} of several classes. Give each class a"
                " word of its own."
            )
        given = {name: value for name, value in self._options.items() if value is not None}
        if isinstance(given.get("processing"), dict):  # some of its fields: the others stay
            of_config = dataclasses.asdict(recordings.make_processing(config.processing))
            given["processing"] = {**of_config, **given["processing"]}
        config = dataclasses.replace(config, **given)
        self._processing = self._recordings_dir = None
        limit = self._longest_allowed(config.audio_length)
        self._open_sources(config, limit)
        # Class name -> word, of the words that there are.
        self._words = {k: w for k, w in self.WORDS.items() if w in self._pairing.words}
        longest = max(len(r.samples) for r in self._pairing.recordings)
        self._audio_length = longest if limit == "auto" else limit
        self._metadata = self._make_metadata()
        fingerprint = self._metadata["recordings_fingerprint"]
        if config.fingerprint == fingerprint:
            return config
        if config.fingerprint:
            raise recordings.RecordingsError(
                f"The config {config.name} was made from other recordings or options than those"
                " given. Give the config's name without the fingerprint."
            )
        subset = f"-{len(self._words)}words" if len(self._words) < len(self.WORDS) else ""
        name = f"{config.name}{subset}-{fingerprint[:12]}"
        return dataclasses.replace(config, name=name, fingerprint=fingerprint)

    def _open_sources(self, config: PairingConfig, limit: int | str):
        """Sets the pairing and the source of the images."""
        if config.policy == authors_npz.POLICY:
            self._images = self._open_archive(config, limit)
            self._pairing = self._images.pairing
            return
        if config.npz_dir is not None:
            raise recordings.RecordingsError(
                f"{self.name}/{config.name} takes nothing from --npz_dir={config.npz_dir}, which is"
                " for the config authors: leave it out, or choose that config."
            )
        recordings_dir = config.recordings_dir or recordings.shipped_recordings(self.WORDS.values())
        if recordings_dir is None:
            raise recordings.RecordingsError(
                f"{self.name} has words that do not ship with the package: give --recordings_dir"
                " (in Python: recordings_dir). `python -m experiments.make_recordings` makes such a"
                " folder."
            )
        self._processing = recordings.make_processing(config.processing)
        self._recordings_dir = recordings_dir
        self._images = self._make_image_source(config.images_dir or self._own_data_dir)
        self._pairing = pairing.make_pairing(
            config.policy,
            recordings_dir,
            list(self.WORDS.values()),
            limit,
            self._processing,
            config.speaker,
            config.pairing_seed or 0,
            config.allow_missing_words,
        )

    def _open_archive(self, config: PairingConfig, limit: int | str):
        """The authors' images and recordings."""
        prefix = self.TFDS_IMAGES
        if prefix is None:
            raise recordings.RecordingsError(f"{self.name} has no files of the authors.")
        if config.npz_dir is None:
            raise recordings.RecordingsError(
                f"{self.name}/authors needs --npz_dir, a folder with {prefix}_data.npz,"
                f" {prefix}_train_label.npz and {prefix}_test_data.npz."
            )
        ignored = [flag for name, flag in _NOT_FOR_AUTHORS.items() if getattr(config, name)]
        if ignored:
            raise recordings.RecordingsError(
                f"{self.name}/authors takes the authors' images, recordings and pairing as they"
                f" are: leave out {', '.join(ignored)}."
            )
        return authors_npz.AuthorsArchive(
            config.npz_dir, prefix, self.WORDS, self.IMAGE_SHAPE, limit
        )

    def _longest_allowed(self, audio_length: int | str | None):
        if audio_length in (None, "auto"):
            return audio_length or self.AUDIO_LENGTH
        most = recordings.MAX_WORD_SAMPLES
        if not str(audio_length).isdecimal() or not 1 <= int(audio_length) <= most:
            raise recordings.RecordingsError(
                f"--audio_length is a number of samples from 1 to {most}"
                f" ({recordings.MAX_WORD_SECS:g} s), or 'auto' for the longest word's."
                f" Received: {audio_length!r}."
            )
        return int(audio_length)

    def _make_metadata(self):
        """What `info.metadata` holds, as JSON types; the recordings in class label order."""
        identity = {
            "audio_length": self._audio_length,
            "sample_rate": audio.SAMPLE_RATE,
            "policy": self._pairing.policy,
            "pairing_seed": self._pairing.seed,
            "processing": self._processing and dataclasses.asdict(self._processing),
            "images": self._images.id,
            "words": self._words,
        }
        used = [
            {
                "recording_id": r.recording_id,
                "word": r.word,
                "voice_id": r.voice_id,
                "take": r.take,
                "splits": self._pairing.splits_of(i),
                "sha256": r.sha256,
                "samples_sha256": hashlib.sha256(r.samples.tobytes()).hexdigest(),
                "num_samples": len(r.samples),
                "source_rate": r.source_rate,
            }
            for i, r in enumerate(self._pairing.recordings)
        ]
        # Files and choices, not what a version of the resampler made of them.
        hashed = {
            **identity,
            "recordings": [[r["recording_id"], r["sha256"]] for r in used],
            "candidates": self._pairing.candidates,
        }
        fingerprint = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
        extras = {"digit_size": self.DIGIT_SIZE, "images_licence": self.IMAGES_LICENCE}
        extras = {name: value for name, value in extras.items() if value is not None}
        if self._pairing.policy == authors_npz.POLICY:
            extras["test_reference"] = authors_npz.TEST_REFERENCE
        return {
            **identity,
            **extras,
            "missing_words": [w for k, w in self.WORDS.items() if k not in self._words],
            "recordings_fingerprint": fingerprint,
            "recordings_made_by": recordings.read_maker_record(
                self._recordings_dir, [r["sha256"] for r in used]
            ),
            "recordings": used,
            "too_long": list(self._pairing.too_long),
        }

    def _info(self):
        voices = sorted({r.voice_id for r in self._pairing.recordings})
        names = [r.recording_id for r in self._pairing.recordings]
        info = self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=self.IMAGE_SHAPE, encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=list(self._words)),
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
        # TFDS would ask its bucket for these data sets, which are not there, over the network, and
        # leave an empty temporary folder each time.
        info.initialize_from_bucket = lambda: None
        return info

    def _make_image_source(self, data_dir: os.PathLike | str | None) -> ImageSource:
        """Returns the source of the images; a builder without TFDS_IMAGES overrides it."""
        return TfdsImages(self.TFDS_IMAGES, tuple(self.WORDS), data_dir)

    def download_and_prepare(
        self, *, download_config: tfds.download.DownloadConfig | None = None, **kwargs: Any
    ) -> None:
        """Does what TFDS's own does; on Beam where `download_config` has Beam options.

        Args:
            download_config: TFDS's, or that of `beam.download_config`.
            **kwargs: TFDS's other arguments.

        Raises:
            errors.DataSetError: the images cannot be had or read, or the data set cannot be
                written; nothing half-written is left.
        """
        if download_config and download_config.max_examples_per_split is not None:
            raise DataSetError(
                "max_examples_per_split is not supported: a part of a data set would pass for the"
                " whole."
            )
        with building.sole_builder(self.data_path.parent), building.one_error(self):
            super().download_and_prepare(
                download_config=beam.with_runner(download_config), **kwargs
            )
            if not self.info.splits:  # prepared meanwhile by another process
                self.info.read_from_directory(self.data_path)

    def _download_and_prepare(
        self,
        dl_manager: tfds.download.DownloadManager,
        download_config: tfds.download.DownloadConfig | None = None,
    ):
        super()._download_and_prepare(dl_manager, download_config)
        splits = beam.in_order_of_shards(self.info.splits, self.data_path)
        if empty := [name for name, info in splits.items() if not info.num_examples]:
            raise DataSetError(
                f"{self.name} would have no pairs in {' and '.join(empty)}: no image there shows a"
                " word that is recorded."
            )
        self.info.set_splits(splits)

    def _shard_iterators_per_split(self, dl_manager: tfds.download.DownloadManager):
        """Returns {split: functions, one a file, that yield its (image_id, example)}.

        The images keep the order of their source, so that nothing is held or sorted: memory does
        not grow with their number, and Beam's workers write what one process would.
        """
        del dl_manager  # The images are downloaded by their own builder.
        self._images.prepare()
        shards = {}
        for split in sorted(pairing.SPLITS):  # TFDS's Beam pipeline writes the first one twice
            of_split = SplitExamples(split, self._images, self._pairing, self.WORDS, self._words)
            size = self._images.num_images(split)
            firsts = range(0, size, _IMAGES_A_SHARD)
            shards[split] = [
                functools.partial(of_split.read, first, min(first + _IMAGES_A_SHARD, size))
                for first in firsts
            ]
        return shards
