"""A data set seen from its voices: one of them, some of them, or beside those a network knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from mtnet_tf.data.pairs import AudioDescriptions, DataError, Pairs, Recordings

_SPLITS = ("train", "validation", "test")


def spoken_by(data: AudioDescriptions, voice: str) -> AudioDescriptions:
    """Returns a data set with all its images, each spoken by one voice.

    A word is said by the first recording of it that the training split uses of that voice.

    Args:
        data: the data set.
        voice: one of `data.voices`.

    Raises:
        DataError: there is no such voice, or it lacks a word.
    """
    number = _number(data, voice)
    of_words = data.heard_by_voice()[number]
    lacking = [word for word, recording in zip(data.words, of_words) if recording < 0]
    if lacking:
        raise DataError(
            f"{voice} has no recording in the training split of {data.name} of:"
            f" {', '.join(lacking)}."
        )

    def say(pairs: Pairs) -> Pairs:
        return dataclasses.replace(
            pairs,
            recordings=of_words[pairs.labels].astype(np.int32),
            voices=np.full(len(pairs), number, np.int32),
        )

    return dataclasses.replace(data, **{split: say(getattr(data, split)) for split in _SPLITS})


def select_voices(data: AudioDescriptions, voices: Sequence[str]) -> AudioDescriptions:
    """Returns the pairs and the recordings of some voices, in the order of `data.voices`.

    Raises:
        DataError: there is no voice of a name.
    """
    numbers = sorted(_number(data, voice) for voice in voices)
    names = [data.voices[number] for number in numbers]
    kept = np.flatnonzero(np.isin(data.recordings.voices(), names))
    of_recordings, of_voices = _places(kept), _places(numbers)

    def select(pairs: Pairs) -> Pairs:
        return _moved(
            pairs.take(np.flatnonzero(np.isin(pairs.voices, numbers))), of_recordings, of_voices
        )

    return dataclasses.replace(
        data,
        **{split: select(getattr(data, split)) for split in _SPLITS},
        recordings=_taken(data.recordings, kept),
        voices=tuple(names),
    )


def beside(data: AudioDescriptions, words: Sequence[str], known: Recordings) -> AudioDescriptions:
    """Returns a data set in the terms of a network that knows some words and recordings.

    Labels become places in the network's words, which may be more. Its recordings come first and
    those of the data set that are not among them follow; the voices are those of all, in
    alphabetical order, as a run folder counts them. A data set on which the network was trained
    stays as it is.

    Args:
        data: the data set.
        words: that the network can say, in the order of its classes.
        known: the recordings that the network was trained on.

    Raises:
        DataError: the data set has a word that is none of `words`.
    """
    if data.words == tuple(words) and data.recordings.ids == known.ids:
        return data
    if unknown := [word for word in data.words if word not in words]:
        raise DataError(
            f"{data.name} has words that the network cannot say: {', '.join(unknown)}. It can say"
            f" {', '.join(words)}."
        )
    of_labels = np.array([list(words).index(word) for word in data.words], np.int32)
    own, places = data.recordings, {}
    for place, (name, waveform) in enumerate(zip(known.ids, known.waveforms)):
        places[name, waveform.tobytes()] = place
    keys = [(name, waveform.tobytes()) for name, waveform in zip(own.ids, own.waveforms)]
    added = [row for row, key in enumerate(keys) if key not in places]
    places |= {keys[row]: len(known) + k for k, row in enumerate(added)}
    # A recording that goes with no image has the label -1.
    labels = np.where(own.labels < 0, -1, of_labels[own.labels]).astype(np.int32)
    new = _taken(dataclasses.replace(own, labels=labels), added)
    recordings = Recordings(
        known.ids + new.ids,
        np.concatenate([known.labels, new.labels]).astype(np.int32),
        np.concatenate([known.waveforms, new.waveforms]),
    )
    voices = sorted({*recordings.voices()})
    of_voices = {number: voices.index(name) for number, name in enumerate(data.voices)}
    of_recordings = {row: places[key] for row, key in enumerate(keys)}

    def move(pairs: Pairs) -> Pairs:
        moved = _moved(pairs, of_recordings, of_voices)
        return dataclasses.replace(moved, labels=of_labels[pairs.labels])

    return dataclasses.replace(
        data,
        **{split: move(getattr(data, split)) for split in _SPLITS},
        recordings=recordings,
        words=tuple(words),
        voices=tuple(voices),
    )


def never_heard(data: AudioDescriptions) -> dict[str, list[str]]:
    """Returns which words each voice of the training pairs was never heard to say."""
    found = {}
    for voice in np.unique(data.train.voices):
        labels = set(data.train.labels[data.train.voices == voice].tolist())
        never = [word for label, word in enumerate(data.words) if label not in labels]
        found[data.voices[voice]] = never
    return found


def describe_hearing(data: AudioDescriptions) -> str:
    """Returns how many words each voice of the training pairs was heard to say, one per line."""
    lines, total = [], len(data.words)
    for voice, never in never_heard(data).items():
        rest = f"; never heard: {', '.join(never)}" if never else ""
        lines.append(f"{voice}: {total - len(never)} of {total} words{rest}")
    return "\n".join(lines)


def require_heard(data: AudioDescriptions) -> None:
    """Raises DataError where a voice is in no training pair: its embedding would learn nothing."""
    heard = never_heard(data)
    if silent := [voice for voice in data.voices if voice not in heard]:
        raise DataError(
            f"The training split of {data.name} has no pair of {', '.join(silent)}, and a network"
            " that is told the voice cannot speak as one that it never heard. Take a config whose"
            " training split has all voices, such as one_recording_each, or"
            " --override=voice.conditioning=none."
        )


def _number(data: AudioDescriptions, voice: str) -> int:
    if voice not in data.voices:
        raise DataError(
            f"{data.name} has no voice {voice!r}. Its voices are: {', '.join(data.voices)}."
        )
    return data.voices.index(voice)


def _places(kept: Sequence[int] | np.ndarray) -> dict[int, int]:
    return {int(old): new for new, old in enumerate(kept)}


def _moved(pairs: Pairs, of_recordings: dict[int, int], of_voices: dict[int, int]) -> Pairs:
    """Returns pairs with other numbers for their recordings and voices: {old: new}."""
    return dataclasses.replace(
        pairs,
        recordings=np.array([of_recordings[int(old)] for old in pairs.recordings], np.int32),
        voices=np.array([of_voices[int(old)] for old in pairs.voices], np.int32),
    )


def _taken(recordings: Recordings, rows: Sequence[int] | np.ndarray) -> Recordings:
    return Recordings(
        tuple(recordings.ids[row] for row in rows),
        recordings.labels[list(rows)],
        recordings.waveforms[list(rows)],
    )
