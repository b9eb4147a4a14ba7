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

    def recordings_record(self) -> dict:
        """Returns what a result says of its recordings: which, and how they were made where the data set knows it."""
        return {
            "fingerprint": self.metadata["recordings_fingerprint"],
            "policy": self.metadata["policy"],
            "made_by": self.metadata.get("recordings_made_by"),
            "used": [dict(recording) for recording in self.metadata["recordings"]],
        }


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
    builder: tfds.core.DatasetBuilder, split: str, audio_length: int, batch_size: int = 512
) -> tf.data.Dataset:
    """Returns the pairs of a prepared split from its files, in their order.

    Whole batches are parsed, decoded and padded at once: `builder.as_dataset`, which does it pair by pair, takes half as
    long again.

    Yields {"image": uint8 [b, height, width, channels], "label": int64 [b], "recording_id": int64 [b], "image_id":
    string [b], "audio": int16 [b, audio_length], "audio_bytes": int32 [b]}; audio is zero-padded at the end, and cut where
    `audio_bytes` is more than 2 * audio_length, which is for the caller to refuse. Raises DataError for a data set that
    is not stored as TFRecord.
    """
    if builder.info.file_format != tfds.core.FileFormat.TFRECORD:
        raise DataError(
            f"{builder.info.full_name} in {builder.data_path} is stored as {builder.info.file_format.value}: prepare it as "
            "tfrecord."
        )
    features = builder.info.features
    names = ("image", "label", "recording_id", "image_id", "audio")
    spec = {name: features.tf_example_spec[name] for name in names}
    image = tf.TensorSpec(features["image"].shape, tf.uint8)

    def decode(records):
        batch = tf.io.parse_example(records, spec)
        return {
            **batch,
            "image": tf.map_fn(
                lambda png: tf.ensure_shape(tf.io.decode_png(png, image.shape[-1]), image.shape),
                batch["image"],
                fn_output_signature=image,
            ),
            "audio": tf.io.decode_raw(batch["audio"], tf.int16, fixed_length=2 * audio_length),
            "audio_bytes": tf.strings.length(batch["audio"]),
        }

    files = tf.data.TFRecordDataset(builder.info.splits[split].filepaths)
    return files.batch(batch_size).map(decode, tf.data.AUTOTUNE).prefetch(2)


def _read_split(builder, split, waveforms, labels, ids) -> Pairs:
    """Returns the pairs of a split in the order of their image ids; fills in the recordings met for the first time."""
    columns = {name: [] for name in ("image", "label", "recording_id", "image_id")}
    batches = read_batches(builder, split, waveforms.shape[1])
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
    order = np.argsort(columns["image_id"])  # however they were written
    return Pairs(
        images=columns["image"][order],
        labels=columns["label"][order].astype(np.int32),
        recordings=columns["recording_id"][order].astype(np.int32),
        image_ids=columns["image_id"][order].astype(str),
    )


def shuffled_batches(
    columns: dict,
    *,
    batch_size: int,
    seed: int,
    first_step: int,
    num_steps: int,
    sampling: str = "permutation",
    num_parts: int = 1,
    parts: range = range(1),
) -> tf.data.Dataset:
    """Returns the batches of the steps `first_step` to `num_steps` - 1 of the endless shuffled stream of rows.

    Step s is the same batch whether or not the run was interrupted before it.

    Args:
        columns: {name: array [rows, ...]}.
        sampling: "permutation": the stream is one random permutation of the rows after another (each epoch its own),
            cut into batches. "contiguous_slices": each batch is `batch_size` neighbouring rows, in the order of the
            columns; of all places where such a slice fits, its start is drawn uniformly and independently of the other
            steps. So no slice wraps around the end, an epoch is a number of steps in which a row may come often or
            not at all, and the rows next to either end come less often. Columns shorter than a batch are repeated.
        num_parts: equal parts of each batch, one a replica.
        parts: which of them are yielded, one after the other.

    Yields {name: tensor [batch_size / num_parts, ...]}.
    """
    (size,) = {len(values) for values in columns.values()}
    columns = {name: tf.constant(values) for name, values in columns.items()}
    draw = {"permutation": _permuted_rows, "contiguous_slices": _contiguous_rows}[sampling]

    def indices():
        for batch in draw(size, batch_size, seed, range(first_step, num_steps)):
            yield from np.split(batch, num_parts)[parts.start : parts.stop]

    rows = tf.data.Dataset.from_generator(
        indices, output_signature=tf.TensorSpec([batch_size // num_parts], tf.int64)
    )
    return rows.map(
        lambda row: {name: tf.gather(values, row) for name, values in columns.items()}
    ).prefetch(4)


def _permuted_rows(size, batch_size, seed, steps):
    """Yields int64 [batch_size], the rows of each step's batch: see `shuffled_batches`."""
    epoch, order = -1, None
    for step in steps:
        batch = np.empty([batch_size], np.int64)
        for i, position in enumerate(range(step * batch_size, (step + 1) * batch_size)):
            if position // size != epoch:
                epoch = position // size
                order = np.random.default_rng([seed, epoch]).permutation(size)
            batch[i] = order[position % size]
        yield batch


def _contiguous_rows(size, batch_size, seed, steps):
    """Yields int64 [batch_size], the rows of each step's batch: see `shuffled_batches`."""
    num_starts = max(size - batch_size, 0) + 1
    for step in steps:
        start = np.random.default_rng([seed, step]).integers(num_starts)
        yield np.arange(start, start + batch_size) % size


def in_order_batches(pairs: Pairs, batch_size: int) -> tf.data.Dataset:
    """Returns all pairs once, in order, in the columns of `Pairs.columns`; the last batch may be smaller."""
    return tf.data.Dataset.from_tensor_slices(pairs.columns()).batch(batch_size)
