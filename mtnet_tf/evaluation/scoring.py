"""Scores a candidate over pairs, and writes the result (`result_folder`).

Whenever the same waveforms are scored, the files are the same bytes, but for the provenance in the
summary.
"""

from __future__ import annotations

import hashlib
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from mtnet_tf.data import audio, audio_files
from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.data.slices import slices
from mtnet_tf.evaluation.result_folder import (
    Evaluation,
    read_finished,
    write_rows,
    write_summary,
)
from mtnet_tf.evaluation.summary import Row, summarize
from mtnet_tf.files import remove_leftovers, safe_name, whole_files, writing
from mtnet_tf.metrics.scoring_pool import PairScores
from mtnet_tf.metrics.word_accuracy import WordRecognizer
from mtnet_tf.progress import Progress
from mtnet_tf.runs.layout import WAVS
from mtnet_tf.systems.controls import Candidate

_CHUNK = 20  # pairs that one call of a worker scores


def evaluate(
    candidate: Candidate,
    out_dir: pathlib.Path | str,
    asked: Evaluation,
    predicted: Mapping[str, str] | None = None,
    **extras: Any,
) -> dict:
    """Scores a candidate on pairs, writes the result, and returns its summary.

    A finished evaluation of the same training and of as many pairs is read, not repeated. One that
    was interrupted starts over. One of fewer pairs or waveforms, or without the word accuracy that
    is asked for, is replaced.

    Args:
        candidate: a network or a control.
        out_dir: the result folder.
        asked: what it is scored on, by what, and what is kept.
        predicted: {image id: word by the softmax head, or as it is spelt}; None where the candidate
            has none.
        **extras: further entries of the summary.

    Returns:
        What summary.json holds: what `summarize` returns, what was scored, and the provenance with
        the seconds added.

    Raises:
        InputError: as `read_finished`.
        FileError, AudioError: a result cannot be written.
    """
    out_dir, data = pathlib.Path(out_dir), asked.data
    if finished := read_finished(out_dir, asked):
        return finished
    start = time.monotonic()
    rows, recognized = _score(candidate, out_dir, asked, predicted or {})
    write_rows(out_dir, rows)
    summary = {
        "candidate": candidate.name,
        "label": candidate.label,
        "dataset": data.name,
        "split": asked.split,
        "num_pairs": len(rows),
        "num_recordings": len(np.unique(asked.pairs.recordings)),
        **summarize(rows, len(data.voices), predicts_words=predicted is not None),
        "word_accuracy": recognized,
        "split_size": len(getattr(data, asked.split)),
        **extras,
        "provenance": {**asked.provenance, "seconds": round(time.monotonic() - start, 1)},
    }
    return write_summary(out_dir, summary)


def _score(
    candidate: Candidate,
    out_dir: pathlib.Path,
    asked: Evaluation,
    predicted: Mapping[str, str],
) -> tuple[list[Row], dict | None]:
    """Returns the rows in the order of the pairs, and the word accuracy or None."""
    pairs, data, recognizer = asked.pairs, asked.data, asked.recognizer
    # Controls repeat themselves: (digest of the waveform, reference) -> the place of its result.
    seen = {}
    places, heard = [], []

    def jobs():
        for rows in slices(len(pairs), _CHUNK):
            chunk = pairs.take(rows)
            waveforms = candidate.speak(chunk)
            fresh = []
            for i, (waveform, reference) in enumerate(zip(waveforms, chunk.recordings)):
                if rows.start + i < asked.num_wavs:
                    name = safe_name(f"{chunk.image_ids[i]}_{data.words[chunk.labels[i]]}")
                    path = out_dir / WAVS / f"{name}.wav"
                    # What is no number fails in each score, and is silence to the ear.
                    heard_as = np.where(np.isfinite(waveform), waveform, np.float32(0))
                    audio_files.write_audio(path, heard_as, audio.SAMPLE_RATE)
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
        (out_dir / WAVS).mkdir(parents=True, exist_ok=True)
        for path in whole_files(out_dir / WAVS, "*.wav"):  # of other images, or another network
            path.unlink()
    for folder in (out_dir, out_dir / WAVS):
        remove_leftovers(folder)
    results = []
    progress = Progress(candidate.label, len(pairs))
    for chunk_results in asked.pool.map(jobs()):
        results.extend(chunk_results)
        progress.reach(len(places))
    rows = _rows(pairs, data, [results[place] for place in places], predicted)
    if recognizer is None:
        return rows, None
    return rows, _word_accuracy(pairs, data, [heard[place] for place in places], recognizer)


def _rows(
    pairs: Pairs, data: AudioDescriptions, results: list[PairScores], predicted: Mapping[str, str]
) -> list[Row]:
    """Returns the rows of some pairs, from what the pool says of each."""
    rows, voices = [], data.recordings.voices()
    for i, (scores, nearest, nearest_corr2d) in enumerate(results):
        retrieved = {}
        if nearest is not None:
            retrieved["retrieved_word"] = data.words[data.recordings.labels[nearest]]
            retrieved["retrieved_voice"] = voices[nearest]
        failed = [name for name, score in scores.items() if score.culprit == "reference"]
        rows.append(
            Row(
                image_id=str(pairs.image_ids[i]),
                word=data.words[pairs.labels[i]],
                recording_id=data.recordings.ids[pairs.recordings[i]],
                voice=voices[pairs.recordings[i]],
                scores={name: score.value for name, score in scores.items()},
                failures={name: score.reason for name, score in scores.items() if score.reason},
                failed_references=tuple(failed),
                nearest_corr2d=nearest_corr2d,
                softmax_word=predicted.get(pairs.image_ids[i], ""),
                **retrieved,
            )
        )
    return rows


def _word_accuracy(
    pairs: Pairs, data: AudioDescriptions, heard: list[str], recognizer: WordRecognizer
) -> dict[str, float]:
    """Returns the shares of pairs whose word is heard: in what is generated, in the recordings."""
    references = data.recordings.float_waveforms()
    right = {
        int(r): recognizer.recognize(references[r], audio.SAMPLE_RATE)
        == data.words[data.recordings.labels[r]]
        for r in np.unique(pairs.recordings)
    }
    words = [data.words[label] for label in pairs.labels]
    return {
        "generated": float(np.mean([found == word for found, word in zip(heard, words)])),
        "references": float(np.mean([right[int(r)] for r in pairs.recordings])),
    }
