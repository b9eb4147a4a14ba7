"""Scores a candidate over pairs, and writes the result.

    <out_dir>/rows.csv        a row for each pair
    <out_dir>/summary.json    means, deviations and counts: over all pairs, over the retrieved ones
                              and for each word
    <out_dir>/wavs/           the first generated waveforms

Whenever the same waveforms are scored, both files are the same bytes, but for the provenance in the
summary.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import logging
import math
import pathlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mtnet_tf.data import audio
from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.errors import InputError
from mtnet_tf.files import (
    FileError,
    read_json,
    remove_leftovers,
    replacing,
    write_json,
    writing,
)
from mtnet_tf.metrics.score import FLOORS
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.progress import Progress
from mtnet_tf.systems.controls import Candidate

if TYPE_CHECKING:
    from mtnet_tf.metrics.word_accuracy import WordRecognizer

_logger = logging.getLogger(__name__)
_CHUNK = 20  # pairs that one call of a worker scores
# Of two words blended 8 : 2 the louder one has a Corr2D of some .93, of 6 : 4 some .64.
_CLEAN = 0.9


@dataclasses.dataclass(frozen=True)
class Row:
    """The scores of one pair.

    Attributes:
        image_id: the id of the image.
        word: the word of the image.
        recording_id: the id of the pair's recording, which is the reference.
        voice: whose recording that is.
        scores: {metric: score}; NaN where the metric failed.
        failures: {metric: reason}, for the metrics that failed.
        failed_references: the metrics that failed because of the reference.
        retrieved_word: the word of the recording with the highest Corr2D; "" where there is none.
        retrieved_voice: the voice of that recording; "" where there is none.
        nearest_corr2d: that Corr2D; NaN where there is none.
        softmax_word: what the softmax head takes the image for, or the text that is spoken; ""
            where there is neither.
    """

    image_id: str
    word: str
    recording_id: str
    voice: str
    scores: dict[str, float]
    failures: dict[str, str]
    failed_references: tuple[str, ...]
    retrieved_word: str
    retrieved_voice: str
    nearest_corr2d: float
    softmax_word: str = ""

    @property
    def retrieved(self) -> bool:
        """Whether the nearest recording is of the pair's own word."""
        return self.retrieved_word == self.word

    @property
    def blended(self) -> bool:
        """Whether the waveform is near to no recording: silence, noise, or two words at once."""
        # The condition is negated so that NaN, which silence has, is blended too.
        return not self.nearest_corr2d >= _CLEAN


def evaluate(
    candidate: Candidate,
    pairs: Pairs,
    data: AudioDescriptions,
    out_dir: pathlib.Path | str,
    *,
    provenance: dict,
    split: str,
    pool: ScoringPool,
    num_wavs: int = 10,
    recognizer: WordRecognizer | None = None,
    predicted: Mapping[str, str] | None = None,
    **extras: Any,
) -> dict:
    """Scores a candidate on pairs, writes the result, and returns its summary.

    A finished evaluation of the same training and of as many pairs is read, not repeated. One that
    was interrupted starts over. One of fewer pairs, or without the word accuracy that is asked for,
    is replaced.

    Args:
        candidate: a network or a control.
        pairs: what it is scored on.
        data: the data set of the pairs.
        out_dir: the result folder.
        provenance: goes into the summary, with the seconds added.
        split: the name of the split, for the summary.
        pool: scores the waveforms. Its references are `data.recordings`.
        num_wavs: how many of the first waveforms to keep as 22 050 Hz wav files.
        recognizer: hears the words; None leaves the word accuracy out.
        predicted: {image id: word by the softmax head, or as it is spelt}; None where the candidate
            has none.
        **extras: further entries of the summary.

    Returns:
        What summary.json holds: what `summarize` returns, what was scored, and the provenance.

    Raises:
        InputError: a finished evaluation of more pairs is there, or of another training.
        FileError, AudioError: a result cannot be written.
    """
    out_dir = pathlib.Path(out_dir)
    finished = read_finished(
        out_dir,
        num_pairs=len(pairs),
        dataset=data.name,
        provenance=provenance,
        metrics=pool.metrics,
        with_words=recognizer is not None,
    )
    if finished:
        return finished
    start = time.monotonic()
    rows, recognized = _score(
        candidate, pairs, data, out_dir, pool, num_wavs, recognizer, predicted or {}
    )
    _write_rows(out_dir / "rows.csv", rows)
    summary = {
        "candidate": candidate.name,
        "label": candidate.label,
        "dataset": data.name,
        "split": split,
        "num_pairs": len(rows),
        "num_recordings": len(np.unique(pairs.recordings)),
        **summarize(rows, len(data.voices)),
        "word_accuracy": recognized,
        **extras,
        "provenance": {**provenance, "seconds": round(time.monotonic() - start, 1)},
    }
    write_json(out_dir / "summary.json", summary)
    return read_json(out_dir / "summary.json")


def _training_of(provenance: dict) -> dict[str, Any]:
    """Returns what tells the training whose network, or beside whose network, is scored."""
    return {name: provenance.get(name) for name in ("training_command", "training_seconds", "seed")}


def read_finished(
    out_dir: pathlib.Path | str,
    *,
    num_pairs: int,
    dataset: str,
    provenance: dict,
    metrics: Sequence[str],
    with_words: bool,
) -> dict | None:
    """Returns the summary of a finished evaluation that holds what is asked for, or None.

    Args:
        out_dir: of `evaluate`.
        num_pairs: how many pairs are to be scored.
        dataset: the name of their data set.
        provenance: says the training.
        metrics: at least these.
        with_words: whether the word accuracy is asked for.

    Raises:
        InputError: one of more pairs, which would be overwritten by less, or of another training or
            data set.
    """
    out_dir, asked = pathlib.Path(out_dir), {"dataset": dataset, **_training_of(provenance)}
    path = out_dir / "summary.json"
    if not path.is_file():
        return None
    try:
        summary = read_json(path)
        lines = (out_dir / "rows.csv").read_bytes().splitlines(keepends=True)
        found, has_words = summary["num_pairs"], summary["word_accuracy"] is not None
        own = {"dataset": summary["dataset"], **_training_of(summary["provenance"])}
        whole = len(lines) == found + 1 and lines[-1].endswith(b"\n")
        # Older versions wrote no "blended" and no "classified".
        has_metrics = set(summary["metrics"]) >= set(metrics)
        has_metrics &= "blended" in summary and "classified" in summary
    except (FileError, OSError, LookupError, TypeError) as error:
        _logger.warning("%s is broken (%s): scoring anew.", out_dir, error)
        return None
    if not whole:
        _logger.warning("%s does not hold %d rows: scoring anew.", out_dir / "rows.csv", found)
        return None
    if others := [name for name, value in own.items() if value != asked[name]]:
        raise InputError(
            f"{out_dir} holds an evaluation of another training or data set ({', '.join(others)})."
            " Give another --output_dir."
        )
    if found > num_pairs:
        raise InputError(
            f"{out_dir} holds an evaluation of {found:,} pairs, and {num_pairs:,} would replace it."
            " Score as many, or give another --output_dir."
        )
    return summary if found == num_pairs and has_words >= with_words and has_metrics else None


def summarize(rows: list[Row], num_voices: int = 1) -> dict:
    """Returns the statistics of a summary.

    Args:
        rows: the scores of the pairs, at least one.
        num_voices: of the recordings that what was generated is compared with.

    Returns:
        "metrics", over all rows; "retrieval_accuracy", the share of rows whose nearest recording is
        of their own word; "retrieved", the metrics over those rows; "classifier_accuracy", the
        share of rows that the softmax head gets right, and "classified", the metrics over those,
        both None without a head; "blended", the share of rows whose Corr2D with the nearest
        recording is below 0.9; "per_word"; and, where there are several voices,
        "voice_accuracy", the share of rows whose nearest recording is by their own voice, and
        "per_voice". Else both are None.

        Each metric has its "mean" and standard deviation "sd" over the scored pairs; how many were
        scored, failed, and failed because of their reference; and "floor_mean", in which failures
        count as the metric's floor, so that silence cannot win; NaN for failures of a distance. A
        pair that failed because of its reference is in neither mean.
    """
    names = list(rows[0].scores)
    retrieved = [row for row in rows if row.retrieved]
    has_head = any(row.softmax_word for row in rows)
    classified = [row for row in rows if row.softmax_word == row.word]
    has_voices = num_voices > 1
    return {
        "metrics": _statistics(rows, names),
        "retrieval_accuracy": len(retrieved) / len(rows),
        "retrieved": {"num_pairs": len(retrieved), "metrics": _statistics(retrieved, names)},
        "classifier_accuracy": len(classified) / len(rows) if has_head else None,
        "classified": {"num_pairs": len(classified), "metrics": _statistics(classified, names)}
        if has_head
        else None,
        "blended": sum(row.blended for row in rows) / len(rows),
        "per_word": _grouped(rows, lambda row: row.word, names),
        "voice_accuracy": sum(row.retrieved_voice == row.voice for row in rows) / len(rows)
        if has_voices
        else None,
        "per_voice": _grouped(rows, lambda row: row.voice, names) if has_voices else None,
    }


def _grouped(rows: list[Row], group_of: Callable[[Row], str], names: list[str]) -> dict[str, dict]:
    """Returns {group: its number of pairs, its retrieval accuracy and the means of its metrics}."""
    groups = {}
    for row in rows:
        groups.setdefault(group_of(row), []).append(row)
    return {
        group: {
            "num_pairs": len(members),
            "retrieval_accuracy": sum(row.retrieved for row in members) / len(members),
            "metrics": {
                name: values["mean"] for name, values in _statistics(members, names).items()
            },
        }
        for group, members in sorted(groups.items())
    }


def _statistics(rows: list[Row], names: list[str]) -> dict:
    statistics = {}
    for name in names:
        of_reference = sum(name in row.failed_references for row in rows)
        scored = np.array([row.scores[name] for row in rows if not math.isnan(row.scores[name])])
        failed = len(rows) - of_reference - len(scored)
        reasons = {}
        for row in rows:
            if name in row.failures:
                reasons[row.failures[name]] = reasons.get(row.failures[name], 0) + 1
        counted = len(scored) + failed
        # A distance has no floor: without failures it needs none.
        floor = FLOORS.get(name, None if failed else 0.0)
        statistics[name] = {
            "mean": float(scored.mean()) if len(scored) else math.nan,
            "sd": float(scored.std()) if len(scored) else math.nan,
            "num_scored": len(scored),
            "num_failed": failed,
            "num_failed_references": of_reference,
            "floor_mean": float((scored.sum() + failed * floor) / counted)
            if counted and floor is not None
            else math.nan,
            "failures": dict(sorted(reasons.items())),
        }
    return statistics


def _score(
    candidate: Candidate,
    pairs: Pairs,
    data: AudioDescriptions,
    out_dir: pathlib.Path,
    pool: ScoringPool,
    num_wavs: int,
    recognizer: WordRecognizer | None,
    predicted: Mapping[str, str],
) -> tuple[list[Row], dict | None]:
    """Returns the rows in the order of the pairs, and the word accuracy or None."""
    # Controls repeat themselves: (digest of the waveform, reference) -> the place of its result.
    seen = {}
    places, heard = [], []

    def jobs():
        for first in range(0, len(pairs), _CHUNK):
            chunk = pairs.take(np.arange(first, min(first + _CHUNK, len(pairs))))
            waveforms = candidate.speak(chunk)
            fresh = []
            for i, (waveform, reference) in enumerate(zip(waveforms, chunk.recordings)):
                if first + i < num_wavs:
                    name = _file_name(chunk.image_ids[i], data.words[chunk.labels[i]])
                    audio.write_audio(out_dir / "wavs" / name, waveform, audio.SAMPLE_RATE)
                key = hashlib.blake2b(waveform.tobytes(), digest_size=16).digest(), int(reference)
                if key not in seen:
                    seen[key] = len(seen)
                    fresh.append(i)
                    if recognizer is not None:
                        heard.append(recognizer.recognize(waveform, audio.SAMPLE_RATE))
                places.append(seen[key])
            if fresh:
                yield waveforms[fresh], chunk.recordings[fresh]

    with writing(out_dir):
        (out_dir / "wavs").mkdir(parents=True, exist_ok=True)
    for folder in (out_dir, out_dir / "wavs"):
        remove_leftovers(folder)
    results = []
    progress = Progress(candidate.label, len(pairs))
    for chunk_results in pool.map(jobs()):
        results.extend(chunk_results)
        progress.reach(len(places))
    rows, voices = [], data.recordings.voices()
    for i, place in enumerate(places):
        scores, nearest, nearest_corr2d = results[place]
        rows.append(
            Row(
                image_id=str(pairs.image_ids[i]),
                word=data.words[pairs.labels[i]],
                recording_id=data.recordings.ids[pairs.recordings[i]],
                voice=voices[pairs.recordings[i]],
                scores={name: score.value for name, score in scores.items()},
                failures={name: score.reason for name, score in scores.items() if score.reason},
                failed_references=tuple(
                    n for n, score in scores.items() if score.culprit == "reference"
                ),
                retrieved_word=""
                if nearest is None
                else data.words[data.recordings.labels[nearest]],
                retrieved_voice="" if nearest is None else voices[nearest],
                nearest_corr2d=nearest_corr2d,
                softmax_word=predicted.get(pairs.image_ids[i], ""),
            )
        )
    if recognizer is None:
        return rows, None
    words = [data.words[label] for label in pairs.labels]
    references = data.recordings.float_waveforms()
    right = {
        int(r): recognizer.recognize(references[r], audio.SAMPLE_RATE)
        == data.words[data.recordings.labels[r]]
        for r in np.unique(pairs.recordings)
    }
    return rows, {
        "generated": float(np.mean([heard[place] == word for place, word in zip(places, words)])),
        "references": float(np.mean([right[int(r)] for r in pairs.recordings])),
    }


def _file_name(image_id: str, word: str) -> str:
    """Returns the name of a sound. Ids and words come from a data set, which may hold any text."""
    return re.sub(r"[^\w -]", "_", f"{image_id}_{word}") + ".wav"


def _write_rows(path: pathlib.Path, rows: list[Row]) -> None:
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        header = ["image_id", "word", "recording_id", "softmax_word", "retrieved_word", "retrieved"]
        metrics = list(rows[0].scores)
        writer.writerow([*header, "retrieved_voice", "nearest_corr2d", *metrics, "failures"])
        for row in rows:
            failures = "; ".join(f"{name}: {reason}" for name, reason in row.failures.items())
            scores = [f"{row.scores[name]:.6f}" for name in metrics]
            writer.writerow(
                [
                    row.image_id,
                    row.word,
                    row.recording_id,
                    row.softmax_word,
                    row.retrieved_word,
                    int(row.retrieved),
                    row.retrieved_voice,
                    f"{row.nearest_corr2d:.6f}",
                    *scores,
                    failures,
                ]
            )
