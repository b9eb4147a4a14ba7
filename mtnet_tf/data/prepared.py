"""A prepared data set on the disk -> a data set in memory."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from mtnet_tf.config import Config, DataConfig
from mtnet_tf.data.pairs import AudioDescriptions, DataError, Pairs, Recordings


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
