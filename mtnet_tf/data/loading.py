"""A prepared data set on the disk -> a data set in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from etils import epath

from mtnet_tf.config import Config, DataConfig
from mtnet_tf.data.pairs import AudioDescriptions, DataError, Pairs, Recordings
from mtnet_tf.data.prepared import PREPARE_AGAIN, SPLITS, STORED, PreparedDataSet, refusal
from mtnet_tf.errors import first_line

_BATCH = 512  # pairs that are parsed at once
_STORED = {
    name: tf.io.FixedLenFeature([], {bytes: tf.string, int: tf.int64}[kind])
    for name, kind in STORED.items()
}


def fit_config(config: Config, dataset: PreparedDataSet) -> Config:
    """Returns `config` with the shapes, classes, voices and sample rate of a data set."""
    shape = dataclasses.replace(
        config.data,
        image_shape=dataset.image_shape,
        num_classes=len(dataset.class_names),
        num_voices=len(dataset.voice_ids),
        # A data set that says none has no digits: a photo is then not searched for one.
        digit_size=dataset.metadata.get("digit_size"),
        audio_length=dataset.metadata["audio_length"],
        sample_rate=dataset.metadata["sample_rate"],
    )
    return dataclasses.replace(config, data=shape)


def load(dataset: PreparedDataSet, config: DataConfig) -> AudioDescriptions:
    """Reads a prepared data set into memory.

    Args:
        dataset: the opened folder (`open_prepared`).
        config: `audio_length` is L_s, to which shorter recordings are zero-padded at the end;
            `validation_fraction` of the training split, drawn with `validation_seed`, becomes the
            validation split.

    Returns:
        The data set; the pairs of each split are in the order of their image ids.

    Raises:
        DataError: a file of pairs is missing, cut short or damaged, or a recording is longer than
            `audio_length` (it is never truncated).
    """
    shape = len(dataset.recording_ids), config.audio_length
    try:
        waveforms = np.zeros(shape, np.int16)
    except (MemoryError, ValueError) as error:
        raise DataError(
            f"{dataset.path} has {shape[0]:,} recordings, which do not fit into memory at"
            f" L_s = {shape[1]:,} samples. Prepare the data set with a smaller --audio_length, or"
            " use fewer recordings."
        ) from error
    labels = np.full([len(dataset.recording_ids)], -1, np.int32)
    train, test = (_read_split(dataset, split, waveforms, labels) for split in SPLITS)
    order = np.random.default_rng(config.validation_seed).permutation(len(train))
    num_validation = round(config.validation_fraction * len(order))
    return AudioDescriptions(
        name=dataset.name,
        train=train.take(np.sort(order[num_validation:])),
        validation=train.take(np.sort(order[:num_validation])),
        test=test,
        recordings=Recordings(dataset.recording_ids, labels, waveforms),
        words=tuple(dataset.metadata["words"].values()),
        voices=dataset.voice_ids,
        metadata=dataset.metadata,
    )


def read_batches(
    dataset: PreparedDataSet, file: epath.Path, *, decode_images: bool = True
) -> Iterator[dict[str, np.ndarray]]:
    """Yields the pairs of one file of a data set, in their order.

    Whole batches are parsed at once, which takes two thirds of the time of doing it pair by pair.

    Args:
        dataset: the opened folder (`open_prepared`).
        file: one of the files of its splits.
        decode_images: whether images are decoded or stay PNG bytes.

    Yields:
        "image": uint8 [b, height, width, channels], or bytes [b] of PNG;
        "audio": bytes [b], each the int16 samples of a recording, of their own length;
        "label", "recording_id", "voice_id": int64 [b], within the names of `dataset`;
        "word", "image_id": str [b].

    Raises:
        DataError: the file is missing or damaged, or a value is not one that a builder writes.
    """
    image = tf.TensorSpec(dataset.image_shape, tf.uint8)

    def decode(png: tf.Tensor):
        return tf.ensure_shape(tf.io.decode_png(png, image.shape[-1]), image.shape)

    def parse(records: tf.Tensor):
        batch = tf.io.parse_example(records, _STORED)
        if decode_images:
            batch["image"] = tf.map_fn(decode, batch["image"], fn_output_signature=image)
        return batch

    batches = tf.data.TFRecordDataset(str(file)).batch(_BATCH)
    try:
        for batch in batches.map(parse, tf.data.AUTOTUNE).prefetch(2).as_numpy_iterator():
            yield _checked(dataset, file, batch)
    except tf.errors.OpError as error:
        raise DataError(
            f"{file} is damaged or missing ({first_line(error)}). {PREPARE_AGAIN}"
        ) from error


def samples_of(stored: bytes) -> np.ndarray:
    """Returns int16 [num_samples], the samples of a pair's "audio"."""
    return np.frombuffer(stored, "<i2")


def _read_split(
    dataset: PreparedDataSet, split: str, waveforms: np.ndarray, labels: np.ndarray
) -> Pairs:
    """Reads a split, sorted by image id; fills in the recordings that it meets for the first time.

    `waveforms` is int16 [R, L_s]; `labels` is int32 [R], -1 for a recording not met yet.
    """
    columns = {name: [] for name in ("image", "label", "recording_id", "voice_id", "image_id")}
    files = dataset.splits[split]
    for file, num_pairs in zip(files.files, files.shard_lengths, strict=True):
        num_read = 0
        for batch in read_batches(dataset, file):
            num_read += len(batch["label"])
            for name, parts in columns.items():
                parts.append(batch[name])
            numbers, first = np.unique(batch["recording_id"], return_index=True)
            for number, row in zip(numbers, first):
                if labels[number] < 0:
                    labels[number] = batch["label"][row]
                    _fill_in(waveforms[number], batch["audio"][row], dataset, number)
        if num_read != num_pairs:
            raise refusal(file, f"holds {num_read:,} pairs instead of {num_pairs:,}")
    columns = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.argsort(columns["image_id"])  # however they were written
    return Pairs(
        images=columns["image"][order],
        labels=columns["label"][order].astype(np.int32),
        recordings=columns["recording_id"][order].astype(np.int32),
        voices=columns["voice_id"][order].astype(np.int32),
        image_ids=columns["image_id"][order],
    )


def _fill_in(waveform: np.ndarray, stored: bytes, dataset: PreparedDataSet, number: int):
    """Writes the samples of recording `number` to the start of its waveform, int16 [L_s]."""
    found = samples_of(stored)
    if len(found) > len(waveform):
        raise DataError(
            f"Recording {dataset.recording_ids[number]} of {dataset.full_name} is longer than"
            f" L_s = {len(waveform)} samples and is not truncated: prepare the data set with"
            f" --audio_length={len(waveform)}, or use shorter recordings."
        )
    waveform[: len(found)] = found


def _checked(
    dataset: PreparedDataSet, file: epath.Path, batch: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Returns a batch as read, its text decoded; refuses numbers without a name, half samples."""
    for column, names in (
        ("label", dataset.class_names),
        ("recording_id", dataset.recording_ids),
        ("voice_id", dataset.voice_ids),
    ):
        wrong = batch[column][(batch[column] < 0) | (batch[column] >= len(names))]
        if len(wrong):
            raise refusal(
                file, f"holds a pair of {column} {wrong[0]}; they go from 0 to {len(names) - 1}"
            )
    if any(len(stored) % 2 for stored in batch["audio"]):
        raise refusal(file, "holds audio of an odd number of bytes; a sample has two")
    try:
        text = {name: np.array([t.decode() for t in batch[name]]) for name in ("word", "image_id")}
    except UnicodeDecodeError as error:
        raise refusal(file, f"holds text that is not UTF-8 ({error})") from error
    return {**batch, **text}
