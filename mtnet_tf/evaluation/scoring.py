"""Scores a generator over a split: one row a pair, a summary, and some sounds.

    <out_dir>/rows.csv        a row a pair
    <out_dir>/summary.json    means, deviations, counts; over all pairs, over those heard right, per word
    <out_dir>/wavs/           the first N generated waveforms

Both files are the same bytes whenever the same waveforms are scored, but for the summary's provenance.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import logging
import math
import pathlib
import time

import numpy as np

from mtnet_tf.data import audio
from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.files import remove_leftovers, replacing, write_json, writing
from mtnet_tf.metrics.score import FLOORS, METRICS
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.progress import Progress
from mtnet_tf.systems.controls import Generator

_logger = logging.getLogger(__name__)
_CHUNK = 20  # pairs scored by one call of a worker


@dataclasses.dataclass(frozen=True)
class Row:
    """The scores of one pair. A score that cannot be computed is NaN, with its reason in `failures`."""

    image_id: str
    word: str
    recording_id: str
    scores: dict[str, float]
    failures: dict[str, str]  # metric: reason
    unscorable_references: tuple[str, ...]  # the metrics that the reference makes unscorable
    heard_word: str  # the word of the recording with the highest Corr2D; "" where there is none

    @property
    def heard_right(self) -> bool:
        return self.heard_word == self.word


def evaluate(
    generator: Generator,
    pairs: Pairs,
    data: AudioDescriptions,
    out_dir,
    *,
    provenance: dict,
    split: str,
    pool: ScoringPool,
    num_wavs: int = 10,
    recognizer=None,
    **extras,
) -> dict:
    """Scores `generator` on `pairs` and writes rows.csv, summary.json and wavs under `out_dir`; returns the summary.

    A finished evaluation of as many pairs (its summary.json and its rows are there) is read, not repeated. One that was
    interrupted starts over.

    Args:
        generator: a network or a control.
        pairs: the split.
        data: the data set of the pairs.
        out_dir: the result folder.
        provenance: goes into the summary; the seconds are added.
        split: the split's name, for the summary.
        pool: scores the waveforms; its references are `data.recordings`.
        num_wavs: how many of the first waveforms to keep as 22 050 Hz wav files.
        recognizer: a `metrics.word_accuracy.WordRecognizer`, or None to leave the word accuracy out.
        **extras: further entries of the summary.

    Raises:
        FileError, audio.AudioError: a result cannot be written.
    """
    out_dir = pathlib.Path(out_dir)
    if finished := _read_finished(out_dir, len(pairs), recognizer):
        return finished
    start = time.monotonic()
    rows, recognized = _score(generator, pairs, data, out_dir, pool, num_wavs, recognizer)
    _write_rows(out_dir / "rows.csv", rows)
    summary = {
        "generator": generator.name,
        "label": generator.label,
        "dataset": data.name,
        "split": split,
        "num_pairs": len(rows),
        "num_recordings": len(np.unique(pairs.recordings)),
        **summarize(rows),
        "word_accuracy": recognized,
        **extras,
        "provenance": {**provenance, "seconds": round(time.monotonic() - start, 1)},
    }
    write_json(out_dir / "summary.json", summary)
    return json.loads((out_dir / "summary.json").read_text(encoding="utf-8"))


def _read_finished(out_dir, num_pairs, recognizer):
    """Returns the summary of a finished evaluation that holds what is asked for, or None."""
    path = out_dir / "summary.json"
    if not path.is_file():
        return None
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        lines = (out_dir / "rows.csv").read_bytes().splitlines(keepends=True)
    except (OSError, ValueError) as error:
        _logger.warning("%s is broken (%s): scoring anew.", out_dir, error)
        return None
    heard = recognizer is None or summary["word_accuracy"] is not None
    if summary["num_pairs"] != num_pairs or not heard:
        return None
    if len(lines) != num_pairs + 1 or not lines[-1].endswith(b"\n"):
        _logger.warning("%s does not hold %d rows: scoring anew.", out_dir / "rows.csv", num_pairs)
        return None
    return summary


def summarize(rows: list[Row]) -> dict:
    """Returns the statistics of a summary: "metrics" over all rows, "heard_right" over those heard right, "per_word".

    Of each metric: mean and sd over the scored pairs; how many were scored, failed, or had a reference that cannot be
    scored; and `floor_mean`, the mean with failures at the metric's floor, so that silence cannot win. A pair with an
    unscorable reference is in neither mean.
    """
    right = [row for row in rows if row.heard_right]
    per_word = {}
    for word in sorted({row.word for row in rows}):
        of_word = [row for row in rows if row.word == word]
        metrics = _statistics(of_word)
        per_word[word] = {
            "num_pairs": len(of_word),
            "heard_right": sum(row.heard_right for row in of_word) / len(of_word),
            "metrics": {name: metrics[name]["mean"] for name in METRICS},
        }
    return {
        "metrics": _statistics(rows),
        "heard_right": {
            "fraction": len(right) / len(rows),
            "num_pairs": len(right),
            "metrics": _statistics(right),
        },
        "per_word": per_word,
    }


def _statistics(rows: list[Row]) -> dict:
    statistics = {}
    for name in METRICS:
        unscorable = sum(name in row.unscorable_references for row in rows)
        scored = np.array([row.scores[name] for row in rows if not math.isnan(row.scores[name])])
        failed = len(rows) - unscorable - len(scored)
        reasons = {}
        for row in rows:
            if name in row.failures:
                reasons[row.failures[name]] = reasons.get(row.failures[name], 0) + 1
        counted = len(scored) + failed
        statistics[name] = {
            "mean": float(scored.mean()) if len(scored) else math.nan,
            "sd": float(scored.std()) if len(scored) else math.nan,
            "num_scored": len(scored),
            "num_failed": failed,
            "num_unscorable_reference": unscorable,
            "floor_mean": float((scored.sum() + failed * FLOORS[name]) / counted)
            if counted
            else math.nan,
            "failures": dict(sorted(reasons.items())),
        }
    return statistics


def _score(generator, pairs, data, out_dir, pool, num_wavs, recognizer):
    """Returns the rows in the order of the pairs, and the word accuracy or None."""
    seen = {}  # (digest of the waveform, reference) -> place of its result: controls repeat themselves
    places, heard = [], []  # of each pair

    def jobs():
        for first in range(0, len(pairs), _CHUNK):
            chunk = pairs.take(np.arange(first, min(first + _CHUNK, len(pairs))))
            waveforms = generator(chunk, first)
            fresh = []
            for i, (waveform, reference) in enumerate(zip(waveforms, chunk.recordings)):
                if first + i < num_wavs:
                    name = f"{chunk.image_ids[i]}_{data.words[chunk.labels[i]]}.wav"
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
    progress = Progress(generator.label, len(pairs))
    for chunk_results in pool.map(jobs()):
        results.extend(chunk_results)
        progress.reach(len(places))
    rows = []
    for i, place in enumerate(places):
        scores, nearest = results[place]
        rows.append(
            Row(
                image_id=str(pairs.image_ids[i]),
                word=data.words[pairs.labels[i]],
                recording_id=data.recordings.ids[pairs.recordings[i]],
                scores={name: score.value for name, score in scores.items()},
                failures={name: score.reason for name, score in scores.items() if score.reason},
                unscorable_references=tuple(
                    n for n, score in scores.items() if score.culprit == "reference"
                ),
                heard_word="" if nearest is None else data.words[data.recordings.labels[nearest]],
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


def _write_rows(path, rows: list[Row]) -> None:
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["image_id", "word", "recording_id", "heard_word", "heard_right", *METRICS, "failures"]
        )
        for row in rows:
            failures = "; ".join(f"{name}: {reason}" for name, reason in row.failures.items())
            scores = [f"{row.scores[name]:.6f}" for name in METRICS]
            writer.writerow(
                [
                    row.image_id,
                    row.word,
                    row.recording_id,
                    row.heard_word,
                    int(row.heard_right),
                    *scores,
                    failures,
                ]
            )
