"""Which recording goes with which image.

A policy selects the recordings of a data set; within it the choice for one image depends on the
seed and the image's id alone: not on the order in which images come, nor on who else is asked.
A take is never chosen by how well it scores.
"""

import collections
import dataclasses
import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from data_builders import recordings
from mtnet_tf.data import audio
from mtnet_tf.data.draws import drawn_number
from mtnet_tf.data.prepared import SPLITS

MAX_SECS = 10.0
"""What is longer than this is no word, whatever audio length is asked for."""
ANY_SPEAKER = "any"
"""In place of a speaker's name: one speaker a word, not the same for all words."""

_TEST_FRACTION = 0.2  # of the takes (many_takes, many_voices_seen) or of the voices (..._unseen)
_TOP_DBS = (40, 35, 30, 25, 20, 15)  # what is tried, to advise a user whose words are too long


@dataclasses.dataclass(frozen=True, eq=False)
class Pairing:
    """The recordings of a data set and the rule that gives each image one of them.

    Attributes:
        policy: Name of the rule.
        recordings: In the order of the data set's class labels.
        candidates: Split -> word -> indices into `recordings`.
        seed: Draws among the candidates.
        too_long: Ids of the recordings passed over because they are longer than the data set holds.
    """

    policy: str
    recordings: tuple[recordings.Recording, ...]
    candidates: Mapping[str, Mapping[str, tuple[int, ...]]]
    seed: int
    too_long: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The words that have recordings, in the order of the class labels."""
        return list(self.candidates["train"])

    def index(self, split: str, word: str, image_id: str) -> int:
        """Returns the index into `recordings` of the one that goes with an image of `word`."""
        candidates = self.candidates[split][word]
        if len(candidates) == 1:
            return candidates[0]
        return candidates[drawn_number(self.seed, image_id) % len(candidates)]

    def splits_of(self, index: int) -> list[str]:
        """Returns the splits in which a recording may occur."""
        return [
            split
            for split in SPLITS
            if any(index in candidates for candidates in self.candidates[split].values())
        ]


def make_pairing(
    policy: str,
    recordings_dir: os.PathLike | str,
    words: Sequence[str],
    audio_length: int | Literal["auto"],
    processing: recordings.Processing,
    speaker: str | None = None,
    seed: int = 0,
    allow_missing_words: bool = False,
) -> Pairing:
    """Reads a recordings folder and applies a policy to it.

    Args:
        policy: A key of `POLICIES`.
        recordings_dir: The recordings folder.
        words: Distinct spoken words, in the order of the class labels.
        audio_length: Samples that a word may have at most (the paper's L_s), or "auto" for as many
            as the longest has.
        processing: What is done to each recording.
        speaker: The voice to take, for the policies of one voice, or `ANY_SPEAKER`.
        seed: Draws takes and voices.
        allow_missing_words: Leaves out the words that are not recorded (by the speaker).

    Returns:
        The recordings that the policy takes, and its rule.

    Raises:
        recordings.RecordingsError: If the folder or the policy's demands on it are not met.
        audio.AudioError: If a recording cannot be used.
    """
    if policy not in POLICIES:
        raise recordings.RecordingsError(
            f"Unknown pairing policy {policy!r}. Known: {', '.join(POLICIES)}."
        )
    files = recordings.find_recordings(recordings_dir, words, allow_missing_words)
    shelf = _Shelf(files, words, audio_length, processing, seed, allow_missing_words)
    return POLICIES[policy](shelf, speaker)


def one_recording(shelf: "_Shelf", speaker: str | None) -> Pairing:
    """One recording a word, all by one speaker, in both splits: the lowest take that fits."""
    shelf.take_speaker(speaker, 1)
    chosen = {word: shelf.first_that_fits(files) for word, files in shelf.by_word().items()}
    return shelf.pairing("one_recording", dict.fromkeys(SPLITS, chosen))


def one_recording_each(shelf: "_Shelf", speaker: str | None) -> Pairing:
    """One recording a word by each speaker, in both splits: the lowest take that fits."""
    shelf.take_several(speaker, "one_recording_each")
    chosen = {}
    for word, files in shelf.by_word().items():
        voices = sorted({file.voice_id for file in files})
        by_voice = ([f for f in files if f.voice_id == voice] for voice in voices)
        chosen[word] = tuple(i for mine in by_voice for i in shelf.first_that_fits(mine))
    return shelf.pairing("one_recording_each", dict.fromkeys(SPLITS, chosen))


def many_takes(shelf: "_Shelf", speaker: str | None) -> Pairing:
    """Several takes of one speaker; a seeded fifth of each word's takes is for test."""
    shelf.take_speaker(speaker, 2)
    return shelf.pairing("many_takes", _split_takes(shelf, "many_takes"))


def many_voices_seen(shelf: "_Shelf", speaker: str | None) -> Pairing:
    """Several speakers, all in both splits; a seeded fifth of each one's takes is for test."""
    shelf.take_several(speaker, "many_voices_seen")
    return shelf.pairing("many_voices_seen", _split_takes(shelf, "many_voices_seen"))


def many_voices_unseen(shelf: "_Shelf", speaker: str | None) -> Pairing:
    """Several speakers; a seeded fifth of them speaks in test only, the others in train only."""
    shelf.take_several(speaker, "many_voices_unseen")
    voices = sorted({file.voice_id for file in shelf.files})
    test = set(_draw(voices, shelf.seed, "voices"))
    candidates = {split: {} for split in SPLITS}
    for word, files in shelf.by_word().items():
        for split in SPLITS:
            mine = [file for file in files if (file.voice_id in test) == (split == "test")]
            candidates[split][word] = shelf.all_that_fit(mine)
    for split in SPLITS:
        lacking = [word for word, found in candidates[split].items() if not found]
        if lacking:
            names = ", ".join(v for v in voices if (v in test) == (split == "test"))
            raise recordings.RecordingsError(
                f"many_voices_unseen: the {split} voices ({names}) have no recording that fits of:"
                f" {', '.join(lacking)}. Add some, or draw other voices with --pairing_seed."
            )
    return shelf.pairing("many_voices_unseen", candidates)


POLICIES = {
    policy.__name__: policy
    for policy in (
        one_recording,
        one_recording_each,
        many_takes,
        many_voices_seen,
        many_voices_unseen,
    )
}


def _split_takes(shelf: "_Shelf", policy: str):
    """Candidates in which each voice's takes of a word are divided between train and test."""
    candidates = {split: {} for split in SPLITS}
    single = []
    for word, files in shelf.by_word().items():
        test, train = [], []
        for voice in sorted({file.voice_id for file in files}):
            fitting = shelf.all_that_fit([file for file in files if file.voice_id == voice])
            if len(fitting) < 2:
                single.append(f"{word!r} by {voice} ({len(fitting)})")
                continue
            drawn = set(_draw(fitting, shelf.seed, f"{word}/{voice}"))
            test += [index for index in fitting if index in drawn]
            train += [index for index in fitting if index not in drawn]
        candidates["train"][word], candidates["test"][word] = tuple(train), tuple(test)
    if single:
        shown = ", ".join(single[:20]) + (", ..." if single[20:] else "")
        raise recordings.RecordingsError(
            f"{policy} keeps the takes of train and test apart and needs two takes that fit, by"
            f" each voice of each word. Fewer: {shown}. Add takes, or use the config one_recording."
        )
    return candidates


def _draw(items: Sequence, seed: int, salt: str):
    """A seeded fifth of the items, at least one and never all."""
    count = min(max(1, round(_TEST_FRACTION * len(items))), len(items) - 1)
    return sorted(items, key=lambda item: drawn_number(seed, f"{salt}/{item}"))[:count]


class _Shelf:
    """The files of a recordings folder, and those read so far: what a policy chooses from."""

    def __init__(
        self,
        files: Sequence[recordings.RecordingFile],
        words: Sequence[str],
        audio_length: int | str,
        processing: recordings.Processing,
        seed: int,
        allow_missing_words: bool,
    ) -> None:
        self.files = files
        self.seed = seed
        self._words = [word for word in words if any(file.word == word for file in files)]
        self._processing = processing
        self._allow_missing_words = allow_missing_words
        self._is_auto = audio_length == "auto"
        self._limit = round(MAX_SECS * audio.SAMPLE_RATE) if self._is_auto else audio_length
        self._fitting, self._too_long = {}, {}  # file -> recording
        self._indices = {}  # file -> its index among the recordings of the pairing

    def by_word(self) -> dict[str, list[recordings.RecordingFile]]:
        """Returns the files of each word, by voice and take."""
        return {word: [f for f in self.files if f.word == word] for word in self._words}

    def take_speaker(self, speaker: str | None, num_takes: int) -> None:
        """Leaves only the files of one speaker, who must be named where there are several.

        With `ANY_SPEAKER` these are of one speaker a word: the first who has `num_takes` takes that
        fit, those first who have recorded the most words, then by name.
        """
        spoken = collections.defaultdict(set)
        for file in self.files:
            spoken[file.voice_id].add(file.word)
        total = len(self._words)
        listing = ", ".join(f"{v} ({len(spoken[v])} of {total} words)" for v in sorted(spoken))
        if speaker is None:
            if len(spoken) != 1:
                raise recordings.RecordingsError(
                    f"The recordings have {len(spoken)} speakers: {listing}. This pairing takes"
                    f" one: name it with --speaker, or take any for each word with"
                    f" --speaker={ANY_SPEAKER}."
                )
            (speaker,) = spoken
        elif speaker == ANY_SPEAKER:
            voices = sorted(spoken, key=lambda voice: (-len(spoken[voice]), voice))
            self.files = [
                file
                for files in self.by_word().values()
                for file in self._first_voice(files, voices, num_takes)
            ]
            return
        if speaker not in spoken:
            raise recordings.RecordingsError(
                f"There is no speaker {speaker!r}. The recordings have: {listing}."
            )
        missing = [word for word in self._words if word not in spoken[speaker]]
        if missing and not self._allow_missing_words:
            raise recordings.RecordingsError(
                f"The speaker {speaker!r} has no recordings of {len(missing)} of {total} words:"
                f" {', '.join(missing)}. Add them, name another speaker, take any for each word"
                f" with --speaker={ANY_SPEAKER}, or make a data set of the other words with"
                f" --allow_missing_words; there are: {listing}."
            )
        self.files = [file for file in self.files if file.voice_id == speaker]
        self._words = [word for word in self._words if word in spoken[speaker]]

    def _first_voice(
        self, files: list[recordings.RecordingFile], voices: list[str], num_takes: int
    ):
        """Of a word's files those of the first voice with enough takes that fit, or the first's."""
        by_voice = [[file for file in files if file.voice_id == voice] for voice in voices]
        by_voice = [mine for mine in by_voice if mine]
        for mine in by_voice:
            fitting = (file for file in mine if self._fits(file))
            if len(list(itertools.islice(fitting, num_takes))) == num_takes:
                return mine
        return by_voice[0]

    def take_several(self, speaker: str | None, policy: str) -> None:
        """Checks that there are several speakers and that none was named."""
        voices = sorted({file.voice_id for file in self.files})
        if speaker is not None:
            raise recordings.RecordingsError(
                f"{policy} takes all speakers of the folder: leave out --speaker={speaker}."
            )
        if len(voices) < 2:
            raise recordings.RecordingsError(
                f"{policy} needs recordings by two or more speakers. There is: {', '.join(voices)}."
            )

    def all_that_fit(self, files: Iterable[recordings.RecordingFile]) -> tuple[int, ...]:
        """Reads files; returns the indices of those that are short enough."""
        return tuple(self._index(file) for file in files if self._fits(file))

    def first_that_fits(self, files: Iterable[recordings.RecordingFile]) -> tuple[int, ...]:
        """Reads files until one is short enough; returns its index, one or none."""
        found = (self._index(file) for file in files if self._fits(file))
        return tuple(itertools.islice(found, 1))

    def _fits(self, file: recordings.RecordingFile):
        if file not in self._fitting and file not in self._too_long:
            recording = recordings.load_recording(file, self._processing)
            fits = len(recording.samples) <= self._limit
            (self._fitting if fits else self._too_long)[file] = recording
        return file in self._fitting

    def _index(self, file: recordings.RecordingFile):
        return self._indices.setdefault(file, len(self._indices))

    def pairing(self, policy: str, candidates: Mapping) -> Pairing:
        """Returns the `Pairing`, once every word has a recording that is short enough."""
        self._refuse_words_without(candidates)
        return Pairing(
            policy,
            tuple(self._fitting[file] for file in self._indices),
            candidates,
            self.seed,
            tuple(recording.recording_id for recording in self._too_long.values()),
        )

    def _refuse_words_without(self, candidates: Mapping):
        lacking = [word for word in self._words if not candidates["train"][word]]
        if not lacking:
            return
        described, shortest = [], []
        for word in lacking:
            takes = [pair for pair in self._too_long.items() if pair[0].word == word]
            file, recording = min(takes, key=lambda pair: len(pair[1].samples))
            best = f", the shortest of {len(takes)} takes" if len(takes) > 1 else ""
            described.append(
                f"{file.path} lasts {recording.duration_ms:.0f} ms"
                f" ({len(recording.samples)} samples){best}"
            )
            shortest.append(file)
        top_db = self._top_db_that_fits(shortest)
        if top_db is None:
            advice = f"(no --top_db down to {_TOP_DBS[-1]} trims them enough)"
        else:
            advice = f"trim more with --top_db={top_db}, with which these fit"
        if not self._is_auto:
            advice += ", or take the longest word's length with --audio_length=auto"
        limit = recordings.milliseconds(self._limit)
        raise recordings.RecordingsError(
            f"{len(lacking)} of {len(self._words)} words are longer than the {limit:.0f} ms"
            f" ({self._limit} samples) that the data set holds, after trimming:"
            f" {'; '.join(described)}. Nothing is truncated: give shorter recordings"
            f"{' ' if top_db is None else ', '}{advice}."
        )

    def _top_db_that_fits(self, files: list[recordings.RecordingFile]):
        """The largest of `_TOP_DBS` with which all files are short enough; None if none is."""
        tried = iter([db for db in _TOP_DBS if db < self._processing.top_db])
        top_db = next(tried, None)
        for file in files:  # one that fits at one level fits at all lower ones
            while top_db is not None and not self._fits_at(file, top_db):
                top_db = next(tried, None)
        return top_db

    def _fits_at(self, file: recordings.RecordingFile, top_db: float):
        processing = dataclasses.replace(self._processing, top_db=float(top_db))
        try:
            return len(recordings.load_recording(file, processing).samples) <= self._limit
        except audio.AudioError:
            return False
