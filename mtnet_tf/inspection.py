"""Facts and faults of a prepared audio-description data set, found in one pass over its pairs.

What the pass holds grows with the recordings and the classes, and by 18 bytes a pair: the digest of its image and its
label. Images are not decoded.

A check is FAILED where the data set is not what it says it is, a note where it is but a reader should know.
"""

from __future__ import annotations

import array
import dataclasses
import hashlib
import io
import logging
import math
import time

import numpy as np
import PIL.Image
import tensorflow as tf
import tensorflow_datasets as tfds

from mtnet_tf.errors import InputError

OK, NOTE, FAILED = "ok", "note", "FAILED"

_logger = logging.getLogger(__name__)
_SPLITS = ("train", "test")
_READ_BATCH = 512
_PROGRESS_SECS = 5.0
_MAX_EXAMPLES = 100
_MAX_HELD = 1000  # recordings of 20 to 60 kB
_NEEDED = ("audio_length", "sample_rate", "policy", "processing", "images", "words", "recordings")
_KEEPING_APART = {
    "many_takes": "recordings",
    "many_voices_seen": "recordings",
    "many_voices_unseen": "voices",
}
_NEEDED_OF_RECORDINGS = (
    "recording_id",
    "word",
    "voice_id",
    "splits",
    "samples_sha256",
    "num_samples",
)

_SILENT_RMS_DB = -60  # of full scale
_SILENCE_DB = -45  # of the loudest 10 ms
_LONG_SILENCE_MS = 100
_FULL_SCALE = 32767
_CLIPPED_RUN = 3  # samples

_WRONG_WORD = "the word is not that of the label"
_WRONG_RECORDING = "the recording is of another word"
_WRONG_VOICE = "the recording is by another voice"
_WRONG_ID = "the recording's id names another word or voice"


class InspectionError(InputError, ValueError):
    """A folder that holds no data set to inspect, or a damaged one; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Check:
    """The outcome of a check: `status` is OK, NOTE or FAILED; `detail` is one line."""

    name: str
    status: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Sound:
    """What is measured of a recording.

    Attributes:
        num_samples: its length.
        peak: largest absolute sample, 0 to 32767.
        rms_db: level in dB of full scale; -inf for digital silence.
        leading_ms, trailing_ms: silence before and after the word: frames of 10 ms whose level is more than 45 dB below
            the loudest.
        flat_top: the longest run of samples that all stand at the peak, on one side of zero.
    """

    num_samples: int
    peak: int
    rms_db: float
    leading_ms: float
    trailing_ms: float
    flat_top: int


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """A pair: image uint8 [height, width, channels]; samples int16 [num_samples], not padded."""

    image_id: str
    word: str
    voice_id: str
    image: np.ndarray
    samples: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Inspection:
    """What is known of a data set.

    Attributes:
        facts: JSON types; see `_facts`.
        checks: one of each kind, always in the same order.
        examples: of each class (the first 100) the test pair with the lowest image id, in label order.
    """

    facts: dict
    checks: tuple[Check, ...]
    examples: tuple[Example, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return tuple(check.name for check in self.checks if check.status == FAILED)


def open_folder(path) -> tfds.core.DatasetBuilder:
    """Returns the builder of a prepared data set's folder, `.../<name>/<config>/<version>`.

    Raises:
        InspectionError: if there is no prepared data set.
    """
    try:
        return tfds.builder_from_directory(path)
    except Exception as error:  # TFDS raises whatever its readers of JSON and protocol buffers do
        raise InspectionError(
            f"{path} cannot be opened as a prepared data set ({_first_line(error)}). It must be the folder that holds"
            " dataset_info.json and features.json, .../<name>/<config>/<version>."
        ) from error


def inspect(builder: tfds.core.DatasetBuilder) -> Inspection:
    """Reads a prepared audio-description data set once and checks it.

    Args:
        builder: a builder of `data_builders`, or `open_folder(...)`.

    Raises:
        InspectionError: if the data set is not prepared, is none of ours, was prepared by an earlier version of the
            project, or if its files are damaged.
    """
    _refuse_others(builder)
    tally = _Tally(builder)
    declared = {split: builder.info.splits[split].num_examples for split in _SPLITS}
    try:
        for split, batch in _with_progress(_batches(builder), sum(declared.values())):
            tally.add(split, batch)
    except tf.errors.OpError as error:
        raise InspectionError(
            f"The files of {builder.data_path} are damaged or missing ({_first_line(error)}). Delete the folder and"
            " prepare the data set again."
        ) from error
    metadata, records = builder.info.metadata, tally.records
    policy, names = metadata["policy"], [record["recording_id"] for record in records]
    sounds = {names[number]: sound for number, sound in sorted(tally.sounds.items())}
    checks = (
        check_pairs(declared, {split: len(labels) for split, labels in tally.labels.items()}),
        check_hashes(names, tally.pairs, tally.wrong_samples, tally.wrong_length),
        check_labels(tally.disagreements),
        check_splits(records, tally.pairs),
        check_leak(policy, records, tally.pairs),
        check_balance(list(metadata["words"]), tally.class_counts()),
        check_silence(sounds),
        check_clipping(sounds, 1.0 if policy == "authors" else metadata["processing"]["peak"]),
        check_images(tally.digests, tally.labels),
        check_recordings(records),
    )
    return Inspection(
        facts=_facts(builder, tally, sounds), checks=checks, examples=tally.examples()
    )


def check_pairs(declared: dict, found: dict) -> Check:
    """Whether each split ({split: number of pairs}) holds as many pairs as it says."""
    wrong = [f"{split} has {found[split]:,} of {declared[split]:,}" for split in declared
             if found[split] != declared[split]]  # fmt: skip
    if wrong:
        return Check("pairs", FAILED, f"pairs are missing: {'; '.join(wrong)}")
    return Check("pairs", OK, ", ".join(f"{n:,} {split}" for split, n in found.items()))


def check_hashes(names, pairs: dict, wrong_samples, wrong_length) -> Check:
    """Whether each recording sounds the same in all its pairs: as the metadata say.

    Args:
        names: ids of the recordings.
        pairs: {split: int [R]}, in how many pairs each recording occurs.
        wrong_samples: int [R], in how many of them the SHA-256 of its samples is not that of the metadata.
        wrong_length: int [R], in how many of them its length is not.
    """
    totals = sum(pairs.values())
    wrong = []
    for counts, what in ((wrong_samples, "other audio"), (wrong_length, "another length")):
        wrong += [f"{names[i]}: {what} in {counts[i]} of {totals[i]} pairs"
                  for i in np.flatnonzero(counts)]  # fmt: skip
    if wrong:
        return Check("hashes", FAILED, f"not as in the metadata: {_listing(wrong)}")
    used = np.count_nonzero(totals)
    return Check("hashes", OK, f"{used} recordings sound the same in all pairs, as in the metadata")


def check_labels(disagreements: dict) -> Check:
    """Whether label, word, recording and voice of each pair agree.

    Args:
        disagreements: {what is wrong: (number of pairs, id of an image)}.
    """
    if disagreements:
        wrong = [f"{what} in {count:,} pairs, e.g. {image_id}"
                 for what, (count, image_id) in disagreements.items()]  # fmt: skip
        return Check("labels", FAILED, "; ".join(wrong))
    return Check("labels", OK, "labels, words, recordings and voices agree")


def check_splits(records, pairs: dict) -> Check:
    """Whether recordings (the metadata's) occur only in the splits that they are for; {split: int [R]} pairs of each."""
    astray = [
        f"{record['recording_id']} ({count:,} pairs of {split})"
        for split, counts in pairs.items()
        for record, count in zip(records, counts, strict=True)
        if count and split not in record["splits"]
    ]
    if astray:
        return Check(
            "splits", FAILED, f"recordings in a split they are not for: {_listing(astray)}"
        )
    unused = [
        record["recording_id"]
        for record, count in zip(records, sum(pairs.values()), strict=True)
        if not count
    ]
    if unused:
        return Check(
            "splits", NOTE,
            f"{len(unused)} of {len(records)} recordings go with no image: {_listing(unused)}",
        )  # fmt: skip
    return Check("splits", OK, "all recordings occur, in the splits they are for alone")


def check_leak(policy: str, records, pairs: dict) -> Check:
    """Whether train and test share what the policy keeps apart: voices, or recordings (told by their sound, not id)."""
    train, test = (
        [record for record, count in zip(records, pairs[split], strict=True) if count]
        for split in _SPLITS
    )
    heard = {record["samples_sha256"] for record in train}
    shared = [record["recording_id"] for record in test if record["samples_sha256"] in heard]
    if policy not in _KEEPING_APART:
        detail = f"{len(shared)} recordings are in both splits, by design of {policy}"
        return Check("leak", NOTE, f"{detail}: test asks which word, not how it sounds")
    leaks = []
    if _KEEPING_APART[policy] == "voices":
        voices = {record["voice_id"] for record in train} & {r["voice_id"] for r in test}
        leaks += [f"voices {_listing(sorted(voices))}"] if voices else []
    leaks += [f"recordings {_listing(shared)}"] if shared else []
    if leaks:
        return Check("leak", FAILED, f"{policy}, but test shares with train: {'; '.join(leaks)}")
    apart = _KEEPING_APART[policy]
    return Check("leak", OK, f"{policy}: train and test share no {apart}")


def check_balance(class_names, counts: dict) -> Check:
    """How evenly the classes are filled: {split: int [number of classes]}; an empty one is a fault."""
    empty, details, even = [], [], True
    for split, numbers in counts.items():
        empty += [f"{class_names[i]} ({split})" for i in np.flatnonzero(numbers == 0)]
        least, most = int(np.argmin(numbers)), int(np.argmax(numbers))
        even &= numbers[least] == numbers[most]
        if numbers[least] == numbers[most]:
            details.append(f"{split} {numbers[least]:,} of each class")
        else:
            details.append(
                f"{split} {numbers[least]:,} ({class_names[least]}) to {numbers[most]:,}"
                f" ({class_names[most]}), ratio {numbers[least] / numbers[most]:.2f}"
            )
    if empty:
        return Check("balance", FAILED, f"classes without pairs: {_listing(empty)}")
    return Check("balance", OK if even else NOTE, "; ".join(details))


def check_silence(sounds: dict) -> Check:
    """Which recordings ({id: Sound}) are silent, or begin or end with long silence."""
    found = []
    for name, sound in sounds.items():
        if sound.rms_db < _SILENT_RMS_DB:
            found.append(f"{name} is silent ({sound.rms_db:.0f} dB of full scale)")
        elif max(sound.leading_ms, sound.trailing_ms) > _LONG_SILENCE_MS:
            found.append(
                f"{name} has {sound.leading_ms:.0f} ms before and {sound.trailing_ms:.0f} ms after the word"
            )
    if found:
        return Check("silence", NOTE, f"{len(found)} of {len(sounds)}: {_listing(found)}")
    return Check("silence", OK, f"no silent recording, none over {_LONG_SILENCE_MS} ms at an end")


def check_clipping(sounds: dict, peak: float) -> Check:
    """Which recordings ({id: Sound}) have three or more samples in a row at their own largest value.

    It is a note where the level is at most `peak`, to which the recordings were brought (1 for those taken as they are):
    the source was clipped. Above that it is a fault: samples were cut off when the data set was written.
    """
    clipped = {name: sound for name, sound in sounds.items() if sound.flat_top >= _CLIPPED_RUN}
    if not clipped:
        return Check("clipping", OK, "no recording has a flat top")
    found = [
        f"{name} ({sound.flat_top} samples at {20 * math.log10(sound.peak / _FULL_SCALE):.1f} dB)"
        for name, sound in clipped.items()
    ]
    cut_off = any(sound.peak > round(peak * _FULL_SCALE) for sound in clipped.values())
    detail = f"{len(found)} of {len(sounds)} have a flat top: {_listing(found)}"
    return Check("clipping", FAILED if cut_off else NOTE, detail)


def check_images(digests: dict, labels: dict) -> Check:
    """Which images occur more than once; always a note, for the picture sets themselves have such.

    Args:
        digests: {split: bytes}, 16 of each image.
        labels: {split: int [n]}, in the same order.
    """
    keys = np.frombuffer(b"".join(map(bytes, digests.values())), "<u8").reshape(-1, 2)
    _, image = np.unique(keys, axis=0, return_inverse=True)
    splits = np.repeat(np.arange(len(labels)), [len(part) for part in labels.values()])
    by_split = {split: image.reshape(-1)[splits == i] for i, split in enumerate(labels)}
    found = []
    for split, part in by_split.items():
        if copies := len(part) - len(np.unique(part)):
            found.append(f"{copies:,} in {split} repeat an image of the same split")
    if leaked := np.count_nonzero(np.isin(by_split["test"], by_split["train"])):
        found.append(f"{leaked:,} of test are in train too")
    named = np.unique(np.stack([image.reshape(-1), np.concatenate(list(labels.values()))]), axis=1)
    if ambiguous := np.count_nonzero(np.unique(named[0], return_counts=True)[1] > 1):
        found.append(f"{ambiguous:,} have more than one label")
    return Check("images", NOTE if found else OK, "; ".join(found) or "no image occurs twice")


def check_recordings(records) -> Check:
    """Which recordings (the metadata's) sound the same under two ids; of different words that is a fault."""
    first, same, status = {}, [], NOTE
    for record in records:
        other = first.setdefault(record["samples_sha256"], record)
        if other is not record:
            same.append(f"{other['recording_id']} = {record['recording_id']}")
            if other["word"] != record["word"]:
                status = FAILED
    if same:
        return Check("recordings", status, f"identical under two ids: {_listing(same)}")
    return Check("recordings", OK, f"{len(records)} recordings, all different")


def measure(samples, sample_rate: int) -> Sound:
    """Measures a recording, int16 [num_samples] at `sample_rate` Hz, as `Sound` says."""
    samples = np.maximum(samples, -_FULL_SCALE).astype(np.int64)
    peak = int(np.abs(samples).max(initial=0))
    if not peak:
        return Sound(len(samples), 0, -math.inf, 0.0, 0.0, 0)
    frame = round(0.01 * sample_rate)
    starts = np.arange(0, len(samples), frame)
    ends = np.minimum(starts + frame, len(samples))
    power = np.add.reduceat(samples**2, starts) / (ends - starts)
    loud = np.flatnonzero(power >= power.max() * 10 ** (_SILENCE_DB / 10))
    return Sound(
        num_samples=len(samples),
        peak=peak,
        rms_db=10 * math.log10(np.mean(samples**2) / _FULL_SCALE**2),
        leading_ms=1000 * int(starts[loud[0]]) / sample_rate,
        trailing_ms=1000 * int(len(samples) - ends[loud[-1]]) / sample_rate,
        flat_top=max(_longest_run(samples == peak), _longest_run(samples == -peak)),
    )


def _first_line(error) -> str:
    """An error's first line, without the graph node that TensorFlow puts before it."""
    return (str(error).splitlines() or [type(error).__name__])[0].rpartition("}} ")[2]


def _longest_run(mask) -> int:
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _listing(items, most=5) -> str:
    """The first items, and how many there are if that is not all of them."""
    rest = f", ... ({len(items)} in all)" if len(items) > most else ""
    return ", ".join(items[:most]) + rest


def _refuse_others(builder) -> None:
    if not builder.is_prepared():
        raise InspectionError(
            f"{builder.info.full_name} is not prepared in {builder.data_path}: run experiments.prepare_data."
        )
    metadata, features = builder.info.metadata or {}, builder.info.features
    if any(key not in metadata for key in _NEEDED) or "recording_id" not in features:
        raise InspectionError(
            f"{builder.data_path} holds no audio-description data set: its metadata.json does not say which recordings"
            " go with the images. Give a folder that experiments.prepare_data has made."
        )
    records = metadata["recordings"]
    if any(key not in record for record in records for key in _NEEDED_OF_RECORDINGS):
        raise InspectionError(
            f"{builder.data_path} was prepared by an earlier version, whose metadata do not hold the splits and hashes"
            " of the recordings. Run experiments.prepare_data again."
        )
    if (
        [record["recording_id"] for record in records] != features["recording_id"].names
        or list(metadata["words"]) != features["label"].names
        or any(split not in builder.info.splits for split in _SPLITS)
    ):
        raise InspectionError(
            f"The files of {builder.data_path} contradict each other: metadata.json names other recordings or classes"
            " than features.json, or a split is missing. Delete the folder and prepare the data set again."
        )


def _batches(builder):
    """Yields (split, dict of arrays); images as PNG bytes, audio padded, its length in "num_samples"."""
    for split in _SPLITS:
        dataset = builder.as_dataset(
            split=split,
            shuffle_files=False,
            decoders={"image": tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(try_autocache=False),  # it would hold the whole split
        )
        dataset = dataset.map(
            lambda example: {**example, "num_samples": tf.shape(example["audio"])[0]},
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        for batch in dataset.padded_batch(_READ_BATCH).prefetch(2).as_numpy_iterator():
            yield split, batch


def _with_progress(batches, total):
    """Yields the batches and logs every few seconds how far they are."""
    start = told = time.monotonic()
    done = 0
    for split, batch in batches:
        yield split, batch
        done += len(batch["label"])
        now = time.monotonic()
        if now - told > _PROGRESS_SECS:
            told, rate = now, done / (now - start)
            _logger.info(
                "inspected %d/%d  %.0f pairs/s  ETA %d:%02d",
                done, total, rate, *divmod(int(max(total - done, 0) / rate), 60),
            )  # fmt: skip


class _Tally:
    """What is counted in the pass; `pairs` and the like by split, and there by recording."""

    def __init__(self, builder):
        features, metadata = builder.info.features, builder.info.metadata
        self.records = metadata["recordings"]
        self.pairs = {split: np.zeros(len(self.records), np.int64) for split in _SPLITS}
        self.wrong_samples = np.zeros(len(self.records), np.int64)
        self.wrong_length = np.zeros(len(self.records), np.int64)
        self._right_samples = {}  # of some recordings: comparing is ten times faster than hashing
        self.sounds = {}  # number of the recording: the Sound of its first pair
        self.disagreements = {}
        self.digests = {split: bytearray() for split in _SPLITS}
        self.labels = {split: array.array("H") for split in _SPLITS}
        self._class_words = list(metadata["words"].values())
        self._voices = features["voice_id"].names
        self._sample_rate = metadata["sample_rate"]
        self._chosen = {}  # label: (image id, PNG bytes, number of the recording, samples)

    def add(self, split, batch) -> None:
        """Counts a batch of `_batches`."""
        self.labels[split].extend(batch["label"].tolist())
        np.add.at(self.pairs[split], batch["recording_id"], 1)
        for i, number in enumerate(batch["recording_id"].tolist()):
            samples = batch["audio"][i, : batch["num_samples"][i]]
            image_id, png = batch["image_id"][i].decode(), batch["image"][i]
            self.digests[split] += hashlib.blake2b(png, digest_size=16).digest()
            self._add_sound(number, samples)
            self._compare(
                image_id,
                self._class_words[batch["label"][i]],
                batch["word"][i].decode(),
                self.records[number],
                self._voices[batch["voice_id"][i]],
            )
            if split == "test":
                self._choose(int(batch["label"][i]), image_id, png, number, samples)

    def _add_sound(self, number, samples) -> None:
        record = self.records[number]
        self.wrong_samples[number] += not self._is_right(number, samples)
        self.wrong_length[number] += len(samples) != record["num_samples"]
        if number not in self.sounds:
            self.sounds[number] = measure(samples, self._sample_rate)

    def _is_right(self, number, samples) -> bool:
        """Whether the samples have the SHA-256 of the metadata."""
        held = self._right_samples.get(number)
        if held is not None and np.array_equal(held, samples):
            return True
        right = hashlib.sha256(samples).hexdigest() == self.records[number]["samples_sha256"]
        if right and len(self._right_samples) < _MAX_HELD:
            self._right_samples[number] = samples.copy()
        return right

    def _compare(self, image_id, label_word, word, record, voice) -> None:
        own_name = f"{record['word'].replace(' ', '_')}/{record['voice_id']}_"
        for what, wrong in (
            (_WRONG_WORD, word != label_word),
            (_WRONG_RECORDING, word != record["word"]),
            (_WRONG_VOICE, voice != record["voice_id"]),
            (_WRONG_ID, not record["recording_id"].startswith(own_name)),
        ):
            if wrong:
                count, first = self.disagreements.get(what, (0, image_id))
                self.disagreements[what] = (count + 1, min(first, image_id))

    def _choose(self, label, image_id, png, number, samples) -> None:
        chosen = self._chosen.get(label)
        if label < _MAX_EXAMPLES and (chosen is None or image_id < chosen[0]):
            # A copy: a slice would hold the batch.
            self._chosen[label] = (image_id, png, number, samples.copy())

    def class_counts(self) -> dict:
        """{split: int [number of classes]}, the pairs of each class."""
        count = len(self._class_words)
        return {
            split: np.bincount(np.asarray(labels), minlength=count)
            for split, labels in self.labels.items()
        }

    def examples(self) -> tuple[Example, ...]:
        """The pairs chosen for the contact sheet, in label order."""
        examples = []
        for _, (image_id, png, number, samples) in sorted(self._chosen.items()):
            try:
                with PIL.Image.open(io.BytesIO(png)) as file:
                    image = np.atleast_3d(np.asarray(file))
            except OSError as error:
                raise InspectionError(
                    f"The image {image_id} cannot be decoded ({_first_line(error)}). Prepare its source and the data set"
                    " again."
                ) from error
            record = self.records[number]
            examples.append(Example(image_id, record["word"], record["voice_id"], image, samples))
        return tuple(examples)


def _facts(builder, tally, sounds) -> dict:
    """Section 4.1 of the paper, of this data set; words and recordings as they occur in the pairs."""
    metadata = builder.info.metadata
    rate = metadata["sample_rate"]
    lengths = {name: sound.num_samples for name, sound in sounds.items()}
    takes = {}
    for record in tally.records:
        key = (record["word"], record["voice_id"])
        takes[key] = takes.get(key, 0) + 1
    words = {record["recording_id"]: record["word"] for record in tally.records}

    def extreme(choose):
        name = choose(lengths, key=lengths.get)
        return {"word": words[name], "recording_id": name, "ms": round(1000 * lengths[name] / rate)}

    return {
        "data_set": builder.info.full_name,
        "folder": str(builder.data_path),
        "policy": metadata["policy"],
        "pairs": {split: len(labels) for split, labels in tally.labels.items()},
        "image_source": metadata["images"],
        "image_shape": list(builder.info.features["image"].shape),
        "words": list(metadata["words"].values()),
        "missing_words": metadata.get("missing_words", []),
        "shortest": extreme(min),
        "longest": extreme(max),
        "speakers": sorted({record["voice_id"] for record in tally.records}),
        "takes_of_a_word_by_a_speaker": [min(takes.values()), max(takes.values())],
        "recordings": {
            "all": len(tally.records),
            **{split: int(np.count_nonzero(counts)) for split, counts in tally.pairs.items()},
        },
        "audio_length": metadata["audio_length"],
        "audio_length_ms": round(1000 * metadata["audio_length"] / rate),
        "sample_rate": rate,
        "num_bytes": sum(path.stat().length for path in builder.data_path.iterdir()),
    }
