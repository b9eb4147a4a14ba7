"""The checks of a data set, on what one pass over its pairs has found (`pass_over_pairs.py`).

A check is FAILED where the data set is not what it says it is, a note where it is but a reader
should know.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from data_builders.pairing import POLICIES
from mtnet_tf.data import audio
from mtnet_tf.data.prepared import SPLITS

OK, NOTE, FAILED = "ok", "note", "FAILED"
_SILENT_RMS_DB = -60  # of full scale
_LONG_SILENCE_MS = 100
_CLIPPED_RUN = 3  # samples


@dataclasses.dataclass(frozen=True)
class Check:
    """The outcome of a check.

    Attributes:
        name: which check it is.
        status: OK, NOTE or FAILED.
        detail: what was found, in one line.
    """

    name: str
    status: Literal["ok", "note", "FAILED"]
    detail: str


@dataclasses.dataclass(frozen=True)
class Sound:
    """What is measured of a recording.

    Attributes:
        num_samples: its length.
        peak: the largest absolute sample, 0 to 32767.
        rms_db: level in dB of full scale; -inf for digital silence.
        leading_ms: silence before the word: frames of 10 ms whose level is more than 45 dB below
            that of the loudest one.
        trailing_ms: silence after the word, likewise.
        flat_top: the longest run of samples that all stand at the peak, on one side of zero.
    """

    num_samples: int
    peak: int
    rms_db: float
    leading_ms: float
    trailing_ms: float
    flat_top: int


def check_pairs(declared: dict[str, int], found: dict[str, int]) -> Check:
    """Checks that each split ({split: number of pairs}) holds as many pairs as it says."""
    wrong = [f"{split} has {found[split]:,} of {declared[split]:,}" for split in declared
             if found[split] != declared[split]]  # fmt: skip
    if wrong:
        return Check("pairs", FAILED, f"pairs are missing: {'; '.join(wrong)}")
    return Check("pairs", OK, ", ".join(f"{n:,} {split}" for split, n in found.items()))


def check_hashes(
    names: Sequence[str],
    pairs: dict[str, np.ndarray],
    wrong_samples: np.ndarray,
    wrong_length: np.ndarray,
) -> Check:
    """Checks that each recording sounds the same in all its pairs, as the metadata say.

    Args:
        names: ids of the R recordings.
        pairs: {split: int [R]}, in how many pairs each recording occurs.
        wrong_samples: int [R], in how many of them the SHA-256 of its samples is not that of the
            metadata.
        wrong_length: int [R], in how many of them its length is not that of the metadata.

    Returns:
        FAILED if any pair is wrong.
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


def check_labels(disagreements: dict[str, tuple[int, str]]) -> Check:
    """Checks that label, word, recording and voice of each pair agree.

    Args:
        disagreements: {what is wrong: (number of pairs, id of an image)}.

    Returns:
        FAILED if there is any.
    """
    if disagreements:
        wrong = [f"{what} in {count:,} pairs, e.g. {image_id}"
                 for what, (count, image_id) in disagreements.items()]  # fmt: skip
        return Check("labels", FAILED, "; ".join(wrong))
    return Check("labels", OK, "labels, words, recordings and voices agree")


def check_splits(records: Sequence[dict], pairs: dict[str, np.ndarray]) -> Check:
    """Checks that recordings occur in the splits that they are for, and in no other.

    Args:
        records: the metadata's records of the R recordings.
        pairs: {split: int [R]}, in how many pairs each recording occurs.

    Returns:
        FAILED if one is in another split; a note if one goes with no image.
    """
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


def check_leak(policy: str, records: Sequence[dict], pairs: dict[str, np.ndarray]) -> Check:
    """Checks that train and test do not share what the pairing policy keeps apart.

    That is voices, or recordings, which are told by their sound and not by their id.

    Args:
        policy: the metadata's pairing policy.
        records: the metadata's records of the R recordings.
        pairs: {split: int [R]}, in how many pairs each recording occurs.

    Returns:
        FAILED if they do; a note if the policy keeps nothing apart.
    """
    train, test = (
        [record for record, count in zip(records, pairs[split], strict=True) if count]
        for split in SPLITS
    )
    heard = {record["samples_sha256"] for record in train}
    shared = [record["recording_id"] for record in test if record["samples_sha256"] in heard]
    # Who made the authors' own files had no policy.
    apart = POLICIES[policy].keeps_apart if policy in POLICIES else None
    if apart is None:
        detail = f"{len(shared)} recordings are in both splits, by design of {policy}"
        return Check("leak", NOTE, f"{detail}: test asks which word, not how it sounds")
    leaks = []
    if apart == "voices":
        voices = {record["voice_id"] for record in train} & {r["voice_id"] for r in test}
        leaks += [f"voices {_listing(sorted(voices))}"] if voices else []
    leaks += [f"recordings {_listing(shared)}"] if shared else []
    if leaks:
        return Check("leak", FAILED, f"{policy}, but test shares with train: {'; '.join(leaks)}")
    return Check("leak", OK, f"{policy}: train and test share no {apart}")


def check_balance(class_names: Sequence[str], counts: dict[str, np.ndarray]) -> Check:
    """Checks how evenly the pairs are spread over the classes.

    Args:
        class_names: in label order.
        counts: {split: int [number of classes]}, the pairs of each class.

    Returns:
        FAILED if a class has none; a note if the numbers differ.
    """
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


def check_silence(sounds: dict[str, Sound]) -> Check:
    """Notes which recordings ({id: Sound}) are silent, or begin or end with long silence."""
    found = []
    for name, sound in sounds.items():
        if sound.rms_db < _SILENT_RMS_DB:
            found.append(f"{name} is silent ({sound.rms_db:.0f} dB of full scale)")
        elif max(sound.leading_ms, sound.trailing_ms) > _LONG_SILENCE_MS:
            found.append(
                f"{name} has {sound.leading_ms:.0f} ms before and {sound.trailing_ms:.0f} ms after"
                " the word"
            )
    if found:
        return Check("silence", NOTE, f"{len(found)} of {len(sounds)}: {_listing(found)}")
    return Check("silence", OK, f"no silent recording, none over {_LONG_SILENCE_MS} ms at an end")


def check_clipping(sounds: dict[str, Sound], peak: float) -> Check:
    """Checks which recordings have three or more samples in a row at their own largest value.

    Args:
        sounds: {recording id: Sound}.
        peak: the level to which the recordings were brought, in (0, 1]; 1 for those that were taken
            as they are.

    Returns:
        A note where the level is at most `peak`: the source was clipped. FAILED above that: samples
        were cut off when the data set was written.
    """
    clipped = {name: sound for name, sound in sounds.items() if sound.flat_top >= _CLIPPED_RUN}
    if not clipped:
        return Check("clipping", OK, "no recording has a flat top")
    found = [
        f"{name} ({sound.flat_top} samples at {_decibels(sound.peak):.1f} dB)"
        for name, sound in clipped.items()
    ]
    cut_off = any(sound.peak > round(peak * audio.INT16_MAX) for sound in clipped.values())
    detail = f"{len(found)} of {len(sounds)} have a flat top: {_listing(found)}"
    return Check("clipping", FAILED if cut_off else NOTE, detail)


def check_images(digests: dict[str, bytearray], labels: dict[str, Sequence[int]]) -> Check:
    """Notes which images occur more than once; no fault, for the picture sets themselves have such.

    Args:
        digests: {split: bytes}, 16 for each image.
        labels: {split: int [n]}, in the same order.

    Returns:
        A note if there are any.
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


def check_recordings(records: Sequence[dict]) -> Check:
    """Checks which recordings sound the same under two ids.

    Args:
        records: the metadata's records of the recordings.

    Returns:
        FAILED if two of different words do; a note if two of the same word do.
    """
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


def measure(samples: np.ndarray, sample_rate: int) -> Sound:
    """Measures a recording, int16 [num_samples] at `sample_rate` Hz."""
    samples = np.maximum(samples, -audio.INT16_MAX).astype(np.int64)
    peak = int(np.abs(samples).max(initial=0))
    if not peak:
        return Sound(len(samples), 0, -math.inf, 0.0, 0.0, 0)
    frame = round(0.01 * sample_rate)
    starts = np.arange(0, len(samples), frame)
    ends = np.minimum(starts + frame, len(samples))
    power = np.add.reduceat(samples**2, starts) / (ends - starts)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-audio.TOP_DB / 10))
    return Sound(
        num_samples=len(samples),
        peak=peak,
        rms_db=10 * math.log10(np.mean(samples**2) / audio.INT16_MAX**2),
        leading_ms=1000 * int(starts[loud[0]]) / sample_rate,
        trailing_ms=1000 * int(len(samples) - ends[loud[-1]]) / sample_rate,
        flat_top=max(_longest_run(samples == peak), _longest_run(samples == -peak)),
    )


def _decibels(peak: int) -> float:
    """Returns a peak of int16 samples in dB of full scale."""
    return 20 * math.log10(peak / audio.INT16_MAX)


def _longest_run(mask: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _listing(items: Sequence[str]) -> str:
    """Returns the first five items, and how many there are if that is not all of them."""
    rest = f", ... ({len(items)} in all)" if len(items) > 5 else ""
    return ", ".join(items[:5]) + rest
