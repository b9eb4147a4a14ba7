"""One network of many voices, beside one of each, one deaf to them, and one that learns later.

The networks from fresh weights are trained alike, and each sees its pairs as often. They are
compared on the test split, each with the recordings of the voice that was asked for.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np

from mtnet_tf.config import Config, override
from mtnet_tf.config.new_voice import configure_new_voice
from mtnet_tf.data import audio, audio_files
from mtnet_tf.data.images import write_image
from mtnet_tf.data.pairs import AudioDescriptions, DataError, Pairs
from mtnet_tf.data.voices import beside, select_voices, spoken_by
from mtnet_tf.describe import Describer
from mtnet_tf.evaluation.run import evaluate_run
from mtnet_tf.files import write_json
from mtnet_tf.metrics.scorer import Scorer, nearest_reference
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.models.voice_conditioning import SHARED_LAYERS
from mtnet_tf.runs.examples import RECORD, image_of, sound_of_voice
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.train import train
from mtnet_tf.training.new_voice import join_voices

_FROZEN = ("image_encoder", "classifier", "cross_modal_mapper")
_SHARES = (10, 50, 90, 100)  # percent of the words that the new voice was heard to say
_NEW_VOICE_IMAGES = 30_000  # twice that where the known voices are replayed, half of them theirs


@dataclasses.dataclass(frozen=True)
class _Way:
    """How a new voice is learned.

    Attributes:
        label: what the table calls it.
        frozen: the layers that stay as they are, beside those that all voices share.
        replayed: whether the known voices' pairs are learned with it, so that they stay known.
    """

    label: str
    frozen: tuple[str, ...]
    replayed: bool = False


_WAYS = {
    "embedding": _Way("embedding", (*_FROZEN, "audio_generator")),
    "embedding_and_generator": _Way("embedding and generator", _FROZEN),
    "replayed": _Way("embedding and generator, the known voices replayed", _FROZEN, replayed=True),
}
_NUM_EXAMPLES = 2
# What speaks the examples: the recording, and the networks by their role.
_COLUMNS = {
    "recording": "the recording",
    "all": "one network of all voices",
    "deaf": "without the voice input",
    "alone": "a network of the voice alone",
    "new": "learned later",
}
# What is kept of the scores of the voices that the network knew before.
_OF_KNOWN = ("num_pairs", "metrics", "retrieval_accuracy", "voice_accuracy", "per_voice")


@dataclasses.dataclass(frozen=True)
class Row:
    """One training of the comparison.

    Attributes:
        name: of its run folder and its result file.
        role: "all" voices, "deaf" to them, one voice "alone", the "base" that does not hear the new
            voice, and that "new" voice.
        label: what the table calls it.
        config: of the training.
        data: what it is trained on, and scored on.
        voice: the one that it is scored on, and trained on unless others are replayed; or None.
        init_from: the name of the row with whose network it begins, or None.
        known: pairs of the voices of that network, to be scored too; or None.
    """

    name: str
    role: Literal["all", "deaf", "alone", "base", "new"]
    label: str
    config: Config
    data: AudioDescriptions
    voice: str | None = None
    init_from: str | None = None
    known: AudioDescriptions | None = None


def rows(config: Config, data: AudioDescriptions, new_voice: str | None) -> list[Row]:
    """Returns the trainings, in the order in which they must be run.

    Args:
        config: with a `voice.conditioning`; its data fits `data`.
        data: of several voices, each with a recording of every word.
        new_voice: the voice that is learned by a network of the others; None leaves that out.

    Raises:
        DataError: there are fewer than three voices, one of which is to be learned later, the test
            split has recordings of its own, or as `data.voices.spoken_by`.
    """
    if new_voice is not None and len(data.voices) < 3:
        raise DataError(
            f"{data.name} has the voices {', '.join(data.voices)}: one to be learned later and two"
            " to be known before it are needed."
        )
    if unseen := sorted({*data.test.recordings} - {*data.train.recordings}):
        raise DataError(
            f"{data.name} is scored on recordings that no network is trained on, such as"
            f" {data.recordings.ids[unseen[0]]}, and a network of one voice learns one recording of"
            " each word. Take a config whose recordings are the same, such as one_recording_each."
        )
    deaf = override(config, ["voice.conditioning=none"])
    alone = override(deaf, ["data.num_voices=1"])
    found = [
        Row("all", "all", "all voices, the one that is asked for", config, data),
        Row("deaf", "deaf", "all voices, without the voice input", deaf, data),
        *(
            Row(f"alone_{voice}", "alone", f"{voice} alone", alone, spoken_by(data, voice), voice)
            for voice in data.voices
        ),
    ]
    return found if new_voice is None else [*found, *_rows_of_new(config, data, new_voice)]


def _rows_of_new(config: Config, data: AudioDescriptions, new_voice: str) -> list[Row]:
    """Returns the network that does not hear a voice, and those that learn it from there."""
    others = [voice for voice in data.voices if voice != new_voice]
    of_base = override(config, [f"data.num_voices={len(others)}"])
    known = select_voices(data, others)
    found = [Row("base", "base", f"all voices but {new_voice}", of_base, known)]
    spoken = spoken_by(data, new_voice)
    of_new = select_voices(spoken, [new_voice])
    for name, way in _WAYS.items():
        for share in _SHARES:
            heard = _hearing(of_new, share)
            images = _NEW_VOICE_IMAGES
            if way.replayed:
                heard, images = _beside_known(_hearing(spoken, share), data, new_voice), 2 * images
            new = configure_new_voice(
                of_base,
                [*way.frozen, *SHARED_LAYERS[config.voice.conditioning]],
                [f"training.joint.epochs={images / len(heard.train)}"],
            )
            label = f"{new_voice} by {way.label}, {share} % of the words heard"
            row = Row(f"new_{name}_{share}", "new", label, new, heard, new_voice, "base", known)
            found.append(row)
    return found


def run_row(
    row: Row,
    runs: dict[str, RunFolder],
    device: Literal["cpu", "gpu"],
    num_processes: int,
    metrics: Sequence[str],
    num_pairs: int,
    **records: Any,
) -> dict[str, Any]:
    """Trains a row, or goes on where it was stopped, and scores it.

    Args:
        row: of `rows`.
        runs: the run folder of each row, by its name.
        device: for the record.
        num_processes: of the metrics.
        metrics: what is scored.
        num_pairs: of the test split, evenly spread; 0 for all.
        **records: further values for environment.json.

    Returns:
        The summary of its own pairs (`evaluation.scoring.evaluate`), with "heard", the words that
        it was trained on, by its voice if it has one; and, for a new voice, "known_voices", a
        summary of the other voices' pairs.
    """
    run, config, data, base = runs[row.name], row.config, row.data, None
    if row.init_from is not None:
        base = runs[row.init_from]
        config, data = join_voices(config, data, base)
    train(config, data, run, device, init_from=base, keep="model", **records)
    options = {"split": "test", "device": device, "num_pairs": num_pairs}
    with ScoringPool(data.recordings.float_waveforms(), num_processes, metrics) as pool:
        (found,) = evaluate_run(run, data, pool, **options)
        if row.known is not None:
            known = beside(row.known, run.words(), run.recordings())
            folder = run / "evaluation_of_known"
            (of_known,) = evaluate_run(run, known, pool, output_dir=folder, **options)
            found["known_voices"] = {key: of_known[key] for key in _OF_KNOWN}
    keras.backend.clear_session()
    labels = data.train.labels
    if row.voice is not None:
        labels = labels[data.train.voices == data.voices.index(row.voice)]
    heard = [data.words[label] for label in np.unique(labels)]
    own = {"row": row.name, "role": row.role, "voice": row.voice, "network": row.label}
    return {**own, "heard": heard, **found}


def write_examples(
    rows: Sequence[Row], runs: dict[str, RunFolder], folder: pathlib.Path | str
) -> None:
    """Lets the networks that have been trained speak some pictures in every voice.

    Of two words, evenly spread over the alphabet, it is the first picture of the test split. Where
    no run folder is left, what the networks have said before stays.

    Args:
        rows: of `rows`.
        runs: as in `run_row`.
        folder: receives examples.json, images/<number>.png and
            sounds/<number>_<voice>_<network or recording>.flac.

    Raises:
        InputError: a run is damaged, or a file cannot be written.
    """
    finished = [row for row in rows if row.role in _COLUMNS and runs[row.name].is_finished()]
    if not finished:
        return
    folder, data = pathlib.Path(folder), next(row.data for row in rows if row.role == "all")
    words = sorted(data.words)
    chosen = [words[k * len(words) // _NUM_EXAMPLES] for k in range(_NUM_EXAMPLES)]
    labels = [data.words.index(word) for word in chosen]
    images = data.test.images[[np.flatnonzero(data.test.labels == k)[0] for k in labels]]
    for place, image in enumerate(images, 1):
        write_image(image_of(folder, place), image)
    scorer = Scorer(data.recordings.float_waveforms(), audio.SAMPLE_RATE)
    said = [data.words[label] for label in data.recordings.labels]
    whose = [f"{word}, {voice}" for word, voice in zip(said, data.recordings.voices())]
    nearest = {name: {} for name in _COLUMNS}

    def keep(name: str, voice: str, waveforms: np.ndarray) -> None:
        nearest[name][voice] = []
        for place, waveform in enumerate(waveforms, 1):
            path = sound_of_voice(folder, place, voice, name)
            audio_files.write_audio(path, waveform, audio.SAMPLE_RATE)
            row, _ = nearest_reference(scorer.correlations(waveform[None])[0])
            nearest[name][voice].append("" if row is None else whose[row])

    for voice in data.voices:
        pairs = spoken_by(data, voice).test
        recordings = [pairs.recordings[pairs.labels == label][0] for label in labels]
        keep("recording", voice, data.recordings.float_waveforms()[recordings])
    # Of the new voice's networks the last one counts, which has heard and learned most.
    for row in {(row.role, row.voice): row for row in finished}.values():
        describer = Describer(runs[row.name].path)
        for voice in data.voices if row.voice is None else [row.voice]:
            asked = {} if row.role in ("deaf", "alone") else {"voice": voice}
            said = describer.describe_all(list(images), **asked)
            keep(row.role, voice, np.stack([description.waveform for description in said]))
    record = {"chosen": [{"word": word} for word in chosen], "voices": data.voices}
    write_json(folder / RECORD, {**record, "columns": _COLUMNS, "nearest": nearest})


def _hearing(data: AudioDescriptions, share: int) -> AudioDescriptions:
    """Returns a data set whose first words alone are heard in training: `share` percent of them."""
    count = max(1, round(share * len(data.words) / 100))

    def hear(pairs: Pairs) -> Pairs:
        return pairs.take(np.flatnonzero(pairs.labels < count))

    return dataclasses.replace(data, train=hear(data.train), validation=hear(data.validation))


def _beside_known(
    heard: AudioDescriptions, data: AudioDescriptions, new_voice: str
) -> AudioDescriptions:
    """Returns a data set whose training pairs are a new voice's and, as in `data`, the others'.

    The others' share of the pairs is the same, however few words of the new voice were heard.
    """
    number = data.voices.index(new_voice)

    def join(own: Pairs, of_all: Pairs) -> Pairs:
        if not len(of_all):  # nothing is held out
            return own
        others = of_all.take(np.flatnonzero(of_all.voices != number))
        others = others.spread(max(1, round(len(others) * len(own) / len(of_all))))
        columns = [field.name for field in dataclasses.fields(Pairs)]
        return Pairs(
            *(np.concatenate([getattr(own, name), getattr(others, name)]) for name in columns)
        )

    return dataclasses.replace(
        heard,
        train=join(heard.train, data.train),
        validation=join(heard.validation, data.validation),
    )
