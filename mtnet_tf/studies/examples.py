"""Figure 5: pairs that went well and pairs that did not, as pictures and as sounds.

One run chooses the pairs, by a rule and not by hand: of some words, evenly spread over the
alphabet, the pair whose Corr2D is the median of those whose word was retrieved; and likewise of
those whose word was not. Other systems and the controls then say the same pairs.

examples.json holds what was "chosen", the words whose recordings the sounds of each system ("said")
and of each control ("controls") are nearest to, and what a speech recogniser "heard" in each.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mtnet_tf.data import audio_files
from mtnet_tf.data.images import write_image
from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.errors import InputError
from mtnet_tf.evaluation.figures import draw_examples, draw_systems
from mtnet_tf.files import read_csv, read_json, remove_leftovers, replacing, write_json
from mtnet_tf.models.inputs import named_inputs
from mtnet_tf.runs.examples import (
    RECORD,
    SPECTROGRAMS,
    TRUE,
    TRUE_LABEL,
    Example,
    image_of,
    sound_of,
)
from mtnet_tf.runs.layout import MODEL, ROWS, result_folder
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems import plan
from mtnet_tf.systems.controls import CEILING, Context, Control, make_controls
from mtnet_tf.systems.trained import load_network

_logger = logging.getLogger(__name__)
_WORDS_OF_EACH_KIND = 3


def write_examples(run: RunFolder, data: AudioDescriptions, folder: pathlib.Path | str) -> None:
    """Chooses examples of a run, and writes them as a picture and as sounds.

    Args:
        run: a run that was scored on the test split.
        data: the data set of the run.
        folder: receives examples.json, which says what was chosen; examples.png;
            images/<number>.png; and sounds/<number>_<kind>_<word>_<true or system>.flac. Those of
            an earlier choice go.

    Raises:
        InputError: the run was not scored on the test split, or a file cannot be written.
    """
    folder = pathlib.Path(folder)
    examples = choose(read_scored(_rows_of(run)))
    if not examples:
        _logger.warning("%s: no pair has a Corr2D, so there is no example to show.", run.path)
        return
    remove_leftovers(folder)
    for old in ("images", "sounds"):
        shutil.rmtree(folder / old, ignore_errors=True)
    pairs = _pairs(data, examples)
    true = data.recordings.float_waveforms()[pairs.recordings]
    generated = _say(run, pairs)
    rate = run.config().data.sample_rate
    with replacing(folder / "examples.png") as temporary:
        labels = [_label(example) for example in examples]
        draw_examples(temporary, pairs.images, true, generated, labels, rate)
    for number, image in enumerate(pairs.images, 1):
        write_image(image_of(folder, number), image)
    _write_sounds(folder, examples, TRUE, true, rate)
    chosen = [dataclasses.asdict(example) for example in examples]
    write_json(folder / RECORD, {"chosen": chosen, "said": {}, "controls": {}, "heard": {}})
    add_system(run, data, folder, run.config().system)


def add_system(
    run: RunFolder, data: AudioDescriptions, folder: pathlib.Path | str, name: str
) -> None:
    """Lets another network say the examples that were chosen, and draws all that said them.

    Args:
        run: a run that was scored on the test split.
        data: the data set of the run.
        folder: of `write_examples`; receives the sounds of the run, and systems.png.
        name: of the row, as `plan.label` takes it, which the sounds are named after.

    Raises:
        InputError: as `write_examples`, or examples.json is broken.
    """
    folder = pathlib.Path(folder)
    record, examples = _read(folder)
    titles = {said: plan.label(said) for said in {**record["said"], name: None}}
    titles = {TRUE: TRUE_LABEL, **titles}
    pairs, rate = _pairs(data, examples), run.config().data.sample_rate
    _write_sounds(folder, examples, name, _say(run, pairs), rate)
    record["said"][name] = _retrieved(_rows_of(run), examples)
    record["heard"].pop(name, None)  # which was of the sounds before
    write_json(folder / RECORD, record)
    sounds = {
        title: [
            audio_files.read_audio(sound_of(folder, number, example, column))[0]
            for number, example in enumerate(examples, 1)
        ]
        for column, title in titles.items()
    }
    nearest = {titles[said]: words for said, words in record["said"].items()}
    with replacing(folder / SPECTROGRAMS) as temporary:
        words = [example.word for example in examples]
        draw_systems(temporary, pairs.images, sounds, words, nearest, rate)


def add_controls(
    run: RunFolder,
    data: AudioDescriptions,
    folder: pathlib.Path | str,
    controls: Sequence[Control],
) -> None:
    """Lets controls say the examples that were chosen; the ceiling is the recording itself.

    Args:
        run: the run that they were scored beside, on the test split.
        data: the data set of the run.
        folder: of `write_examples`; receives their sounds.
        controls: those of the run's system that were scored beside it.

    Raises:
        InputError: as `add_system`.
    """
    folder = pathlib.Path(folder)
    record, examples = _read(folder)
    pairs, config = _pairs(data, examples), run.config()
    rows = read_csv(_rows_of(run))
    predicted = {row["image_id"]: row["softmax_word"] for row in rows}
    context = Context(data, predicted, config=config, network=load_network(run))
    for control in make_controls(context, [c for c in controls if c is not CEILING]):
        waveforms = control.speak(pairs)
        _write_sounds(folder, examples, control.name, waveforms, config.data.sample_rate)
        path = _rows_of(run, control.name)
        record["controls"][control.name] = _retrieved(path, examples)
        record["heard"].pop(control.name, None)
    write_json(folder / RECORD, record)


def hear(
    folder: pathlib.Path | str, recognize: Callable[[np.ndarray, int], str | None]
) -> dict[str, list[str]]:
    """Writes down what a speech recogniser hears in each sound, and returns it.

    Args:
        folder: of `write_examples`.
        recognize: (samples, rate in Hz) -> word, None for none (`metrics.word_accuracy`).

    Returns:
        {system, control or "true": the word of each example, "" for none}.

    Raises:
        InputError: examples.json is broken, or a sound cannot be read.
    """
    folder = pathlib.Path(folder)
    record, examples = _read(folder)
    record["heard"] = {
        name: [
            recognize(*audio_files.read_audio(sound_of(folder, number, example, name))) or ""
            for number, example in enumerate(examples, 1)
        ]
        for name in (TRUE, *record["said"], *record["controls"])
    }
    write_json(folder / RECORD, record)
    return record["heard"]


def _read(folder: pathlib.Path) -> tuple[dict[str, Any], list[Example]]:
    """Returns what examples.json holds, and the examples."""
    record = read_json(folder / RECORD)
    try:
        parts = {name: dict(record[name]) for name in ("said", "controls", "heard")}
        return {**record, **parts}, [Example(**values) for values in record["chosen"]]
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"{folder / RECORD} is broken ({error!r}). Remove {folder}, and run MT-Net's first seed"
            " again."
        ) from error


def _retrieved(rows: pathlib.Path, examples: list[Example]) -> list[str]:
    """Returns the word that a candidate's sound is nearest to, of each example; "" for silence."""
    scored = {row.image_id: row for row in read_scored(rows)}
    found = [scored.get(example.image_id) for example in examples]
    return [row.retrieved_word if row else "" for row in found]


def _rows_of(run: RunFolder, candidate: str = MODEL) -> pathlib.Path:
    return run.path / result_folder(candidate) / ROWS


def _pairs(data: AudioDescriptions, examples: list[Example]) -> Pairs:
    places = {image_id: place for place, image_id in enumerate(data.test.image_ids)}
    return data.test.take([places[example.image_id] for example in examples])


def _say(run: RunFolder, pairs: Pairs) -> np.ndarray:
    network = load_network(run)
    return network(named_inputs(network, pairs.inputs()), training=False)["waveform"].numpy()


def _label(example: Example) -> str:
    word, heard = example.word, example.retrieved_word
    return word if example.kind == "good" else f"{word}\nas {heard}"


def _write_sounds(
    folder: pathlib.Path, examples: list[Example], name: str, waveforms: np.ndarray, rate: int
) -> None:
    for number, (example, waveform) in enumerate(zip(examples, waveforms), 1):
        audio_files.write_audio(sound_of(folder, number, example, name), waveform, rate)


def read_scored(path: pathlib.Path) -> list[Example]:
    """Returns the pairs of a rows.csv that have a Corr2D.

    Raises:
        InputError: the file is missing or broken.
    """
    try:
        scored = [
            Example(row["image_id"], row["word"], row["retrieved_word"], float(row["corr2d"]))
            for row in read_csv(path)
        ]
    except (LookupError, ValueError) as error:
        raise InputError(
            f"{path} is broken ({error!r}). Run experiments.evaluate again."
        ) from error
    return [example for example in scored if not np.isnan(example.corr2d)]


def choose(scored: list[Example]) -> list[Example]:
    """Returns the examples that the rule of this module chooses, the good ones first.

    Args:
        scored: the pairs of a split.
    """
    chosen = []
    for kind in ("good", "bad"):
        of_kind = [example for example in scored if example.kind == kind]
        words = sorted({example.word for example in of_kind})
        for k in range(min(_WORDS_OF_EACH_KIND, len(words))):
            word = words[k * len(words) // min(_WORDS_OF_EACH_KIND, len(words))]
            of_word = [example for example in of_kind if example.word == word]
            of_word.sort(key=lambda example: (example.corr2d, example.image_id))
            chosen.append(of_word[(len(of_word) - 1) // 2])
    return chosen
