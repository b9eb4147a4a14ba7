"""A prepared audio-description data set in memory, and its batches.

Images stay uint8 (184 MB for all of CIFAR), and each distinct recording is held once, as int16: a batch carries images
and recording numbers only, and the training step gathers the waveforms. The place of a pair in the stream is a
function of the seed and the step alone, so a run that resumes at a step sees what it would have seen.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from mtnet_tf import audio
from mtnet_tf.config import Config, DataConfig
from mtnet_tf.errors import InputError

_READ_BATCH = 512


class DataError(InputError, ValueError):
    """A data set that does not fit the network or itself; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Recordings:
    """The distinct recordings of a data set.

    Attributes:
        ids: e.g. "zero/jackson_0", one a recording.
        labels: int32 [R], the class each recording names.
        waveforms: int16 [R, L_s], zero-padded at the end.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    waveforms: np.ndarray

    def __len__(self):
        return len(self.ids)

    def float_waveforms(self) -> np.ndarray:
        """Returns float32 [R, L_s] in [-1, 1]."""
        return audio.from_int16(self.waveforms)


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Images paired with recordings.

    Attributes:
        images: uint8 [n, height, width, channels].
        labels: int32 [n].
        recordings: int32 [n], rows of `Recordings`.
        image_ids: str [n].
    """

    images: np.ndarray
    labels: np.ndarray
    recordings: np.ndarray
    image_ids: np.ndarray

    def __len__(self):
        return len(self.labels)

    def columns(self) -> dict[str, np.ndarray]:
        """Returns what a training step needs of each pair."""
        return {"image": self.images, "label": self.labels, "recording": self.recordings}

    def take(self, indices) -> Pairs:
        return Pairs(*(getattr(self, field.name)[indices] for field in dataclasses.fields(self)))

    def spread(self, count: int) -> Pairs:
        """Returns `count` pairs evenly spread over these; all of them for 0 or where there are no more."""
        if count <= 0 or count >= len(self):
            return self
        return self.take(np.arange(count) * len(self) // count)


@dataclasses.dataclass(frozen=True)
class AudioDescriptions:
    """A data set: its pairs by split, its recordings, its spoken words (in label order) and its metadata."""

    name: str
    train: Pairs
    validation: Pairs
    test: Pairs
    recordings: Recordings
    words: tuple[str, ...]
    metadata: dict


def fit_config(config: Config, builder: tfds.core.DatasetBuilder) -> Config:
    """Returns `config` with the image shape and layout, the number of classes and L_s of a prepared data set."""
    features = builder.info.features
    shape = dataclasses.replace(
        config.data,
        image_shape=tuple(features["image"].shape),
        num_classes=features["label"].num_classes,
        digit_size=builder.info.metadata.get("digit_size", config.data.digit_size),
        audio_length=int(builder.info.metadata["audio_length"]),
    )
    return dataclasses.replace(config, data=shape)


def load(builder: tfds.core.DatasetBuilder, config: DataConfig) -> AudioDescriptions:
    """Reads a prepared data set into memory.

    Args:
        builder: a prepared builder of `data_builders` (or `tfds.builder_from_directory`).
        config: `audio_length` is L_s, to which shorter recordings are zero-padded at the end; `validation_fraction` of
            the training split, drawn with `validation_seed`, becomes the validation split.

    Raises:
        DataError: the builder is not prepared, or a recording is longer than `audio_length` (never truncated).
    """
    if not builder.is_prepared():
        raise DataError(
            f"{builder.info.full_name} is not prepared in {builder.data_path}: run experiments.prepare_data."
        )
    features = builder.info.features
    ids = tuple(features["recording_id"].names)
    waveforms = np.zeros([len(ids), config.audio_length], np.int16)
    labels = np.full([len(ids)], -1, np.int32)
    splits = {
        split: _read_split(builder, split, waveforms, labels, ids) for split in ("train", "test")
    }
    order = np.random.default_rng(config.validation_seed).permutation(len(splits["train"]))
    num_validation = round(config.validation_fraction * len(order))
    return AudioDescriptions(
        name=builder.info.full_name.rsplit("/", 1)[0],
        train=splits["train"].take(np.sort(order[num_validation:])),
        validation=splits["train"].take(np.sort(order[:num_validation])),
        test=splits["test"],
        recordings=Recordings(ids, labels, waveforms),
        words=_words(features["label"].names, labels, builder.info.metadata["recordings"]),
        metadata=dict(builder.info.metadata),
    )


def _words(class_names, labels, recordings) -> tuple[str, ...]:
    """Returns the spoken word of each class: MNIST's class "7" is spoken "seven"."""
    words = list(class_names)
    for label, recording in zip(labels, recordings):
        if label >= 0:
            words[label] = recording["word"]
    return tuple(words)


def read_batches(
    builder: tfds.core.DatasetBuilder, split: str, batch_size: int, audio_length: int
) -> tf.data.Dataset:
    """Returns the pairs of a prepared split from its files, in their order.

    Yields {"image": uint8 [b, height, width, channels], "label": int64 [b], "recording_id": int64 [b], "image_id":
    string [b], "audio": int16 [b, audio_length], "audio_bytes": int32 [b]}; audio is zero-padded at the end, and cut where
    `audio_bytes` is more than 2 * audio_length, which is for the caller to refuse.
    """
    names = ("image", "label", "recording_id", "image_id", "audio")
    dataset = builder.as_dataset(
        split=split,
        shuffle_files=False,
        # The bytes of the audio go through undecoded: a whole batch is decoded and padded by one operation.
        decoders=tfds.decode.PartialDecoding(
            dict.fromkeys(names, True), decoders={"audio": tfds.decode.SkipDecoding()}
        ),
        read_config=tfds.ReadConfig(try_autocache=False),
    )

    def decode_audio(batch):
        encoded = batch["audio"]
        audio = tf.io.decode_raw(encoded, tf.int16, fixed_length=2 * audio_length)
        return {**batch, "audio": audio, "audio_bytes": tf.strings.length(encoded)}

    return dataset.batch(batch_size).map(decode_audio, tf.data.AUTOTUNE).prefetch(2)


def _read_split(builder, split, waveforms, labels, ids) -> Pairs:
    """Returns the pairs of a split in the order of their image ids; fills in the recordings met for the first time."""
    columns = {name: [] for name in ("image", "label", "recording_id", "image_id")}
    batches = read_batches(builder, split, _READ_BATCH, waveforms.shape[1])
    for batch in batches.as_numpy_iterator():
        for name, parts in columns.items():
            parts.append(batch[name])
        numbers, first = np.unique(batch["recording_id"], return_index=True)
        for number, row in zip(numbers, first):
            if labels[number] >= 0:
                continue
            if batch["audio_bytes"][row] > 2 * waveforms.shape[1]:
                raise DataError(
                    f"Recording {ids[number]} of {builder.info.full_name} is longer than L_s = {waveforms.shape[1]} "
                    "samples and is not truncated: set data.audio_length to the longest recording."
                )
            labels[number] = batch["label"][row]
            waveforms[number] = batch["audio"][row]
    columns = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.argsort(columns["image_id"])  # TFDS writes in hashed order
    return Pairs(
        images=columns["image"][order],
        labels=columns["label"][order].astype(np.int32),
        recordings=columns["recording_id"][order].astype(np.int32),
        image_ids=columns["image_id"][order].astype(str),
    )


def shuffled_batches(
    columns: dict, *, batch_size: int, seed: int, first_step: int, num_steps: int
) -> tf.data.Dataset:
    """Returns the batches of the steps `first_step` to `num_steps` - 1 of the endless shuffled stream of rows.

    The stream is one random permutation of the rows after another (each epoch its own), cut into batches; step s is
    the same batch whether or not the run was interrupted before it.

    Args:
        columns: {name: array [rows, ...]}.

    Yields {name: tensor [batch_size, ...]}.
    """
    (size,) = {len(values) for values in columns.values()}
    columns = {name: tf.constant(values) for name, values in columns.items()}

    def indices():
        epoch, order = -1, None
        for step in range(first_step, num_steps):
            batch = np.empty([batch_size], np.int64)
            for i, position in enumerate(range(step * batch_size, (step + 1) * batch_size)):
                if position // size != epoch:
                    epoch = position // size
                    order = np.random.default_rng([seed, epoch]).permutation(size)
                batch[i] = order[position % size]
            yield batch

    rows = tf.data.Dataset.from_generator(
        indices, output_signature=tf.TensorSpec([batch_size], tf.int64)
    )
    return rows.map(
        lambda row: {name: tf.gather(values, row) for name, values in columns.items()}
    ).prefetch(4)


def in_order_batches(pairs: Pairs, batch_size: int) -> tf.data.Dataset:
    """Returns all pairs once, in order, in the columns of `Pairs.columns`; the last batch may be smaller."""
    return tf.data.Dataset.from_tensor_slices(pairs.columns()).batch(batch_size)
