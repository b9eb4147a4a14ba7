"""The folder of a result, and when what is there is not made again.

<out_dir>/rows.csv        a row for each pair
<out_dir>/summary.json    means, deviations and counts: over all pairs, over the retrieved ones
                          and for each word; written last
<out_dir>/wavs/           the first generated waveforms
"""

from __future__ import annotations

import csv
import dataclasses
import io
import logging
import os
import pathlib
from typing import Any

from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.errors import InputError
from mtnet_tf.evaluation.summary import Row
from mtnet_tf.files import FileError, read_json, replacing, whole_files, write_json
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.metrics.word_accuracy import WordRecognizer
from mtnet_tf.runs.layout import ROWS, SUMMARY, WAVS

_logger = logging.getLogger(__name__)
_FINGERPRINT = "network_fingerprint"  # two networks of one training differ in their precision


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What is scored, and what of it is asked for.

    Attributes:
        pairs: what a candidate is scored on.
        data: the data set of the pairs.
        split: which of its splits they are of.
        pool: scores the waveforms, by its metrics. Its references are `data.recordings`.
        provenance: goes into the summary; it says which training it was.
        num_wavs: how many of the first waveforms to keep as 22 050 Hz wav files.
        recognizer: hears the words; None leaves the word accuracy out.
    """

    pairs: Pairs
    data: AudioDescriptions
    split: str
    pool: ScoringPool
    provenance: dict
    num_wavs: int = 10
    recognizer: WordRecognizer | None = None


def read_finished(out_dir: pathlib.Path | str, asked: Evaluation) -> dict | None:
    """Returns the summary of a finished evaluation that holds what is asked for, or None.

    Args:
        out_dir: of `evaluate`.
        asked: what it must be of, and hold.

    Raises:
        InputError: one of more pairs, which would be overwritten by less, of others, of another
            training or data set, or one that holds more than is asked for where it lacks a part.
    """
    out_dir, num_pairs = pathlib.Path(out_dir), len(asked.pairs)
    network = {"dataset": asked.data.name, **_network_of(asked.provenance)}
    path = out_dir / SUMMARY
    if not os.path.isfile(path):
        return None
    try:
        summary = read_json(path)
        rows = _read_pairs(out_dir)
        found, has_words = summary["num_pairs"], summary["word_accuracy"] is not None
        own = {"dataset": summary["dataset"], **_network_of(summary["provenance"])}
        # Older versions wrote no "blended" and no "classified".
        has_metrics = set(summary["metrics"]) >= set(asked.pool.metrics)
        has_metrics &= "blended" in summary and "classified" in summary
    except (FileError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        _logger.warning("%s is broken (%s): scoring anew.", out_dir, error)
        return None
    if len(rows) != found:
        _logger.warning("%s does not hold %d rows: scoring anew.", out_dir / ROWS, found)
        return None
    if own[_FINGERPRINT] is None:  # Older versions wrote none.
        network[_FINGERPRINT] = None
    if others := [name for name, value in own.items() if value != network[name]]:
        raise InputError(
            f"{out_dir} holds an evaluation of another training or data set ({', '.join(others)})."
            " Give another folder for the results."
        )
    if found > num_pairs:
        raise InputError(
            f"{out_dir} holds an evaluation of {found:,} pairs, and {num_pairs:,} would replace it."
            " Score as many, or give another folder for the results."
        )
    if found == num_pairs and rows != _pairs_of(asked.pairs, asked.data):
        raise InputError(
            f"{out_dir} holds an evaluation of {found:,} other pairs of {asked.data.name}: other"
            " images, or with other recordings. Give another folder for the results."
        )
    with_words = asked.recognizer is not None
    has_wavs = len(whole_files(out_dir / WAVS, "*.wav")) >= min(asked.num_wavs, num_pairs)
    if found == num_pairs and has_words >= with_words and has_metrics and has_wavs:
        return summary
    lost = [name for name in summary["metrics"] if name not in asked.pool.metrics]
    lost += ["the word accuracy"] if has_words > with_words else []
    if lost:
        raise InputError(
            f"{out_dir} holds {', '.join(lost)} too, which scoring anew would lose. Ask for them"
            " too (--extra_metrics, --word_accuracy), or give another folder for the results."
        )
    return None


def _pairs_of(pairs: Pairs, data: AudioDescriptions) -> list[list[str]]:
    """Returns [image id, recording id] of each pair."""
    ids = [data.recordings.ids[row] for row in pairs.recordings]
    return [[str(image), recording] for image, recording in zip(pairs.image_ids, ids)]


def _read_pairs(out_dir: pathlib.Path) -> list[list[str]]:
    """Returns [image id, recording id] of each row of rows.csv that was written whole.

    Raises:
        OSError, ValueError, LookupError: it cannot be read, or is no such file.
    """
    text = (out_dir / ROWS).read_text("utf-8")
    whole = io.StringIO(text[: text.rfind("\n") + 1], newline="")
    return [[row["image_id"], row["recording_id"]] for row in csv.DictReader(whole)]


def _network_of(provenance: dict) -> dict[str, Any]:
    """Returns what tells one network from another: the one scored, or the one of a control."""
    names = ("training_command", "training_seconds", "seed", _FINGERPRINT)
    return {name: provenance.get(name) for name in names}


def write_rows(out_dir: pathlib.Path, rows: list[Row]) -> None:
    """Writes rows.csv.

    Raises:
        FileError: it cannot be written.
    """
    path = out_dir / ROWS
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


def write_summary(out_dir: pathlib.Path, summary: dict) -> dict:
    """Writes summary.json, which says that the result is whole, and returns what it then holds.

    Raises:
        FileError: it cannot be written.
    """
    write_json(out_dir / SUMMARY, summary)
    return read_json(out_dir / SUMMARY)
