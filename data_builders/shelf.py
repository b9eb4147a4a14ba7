"""What a pairing policy chooses from: the recordings of a folder that are short enough."""

import collections
import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from data_builders import recordings
from mtnet_tf.data import audio

ANY_SPEAKER = "any"
"""In place of a speaker's name: one speaker a word, not the same for all words."""

_TOP_DBS = (40, 35, 30, 25, 20, 15)  # what is tried, to advise a user whose words are too long


class Shelf:
    """The files of a recordings folder, and those read so far: what a policy chooses from.

    Attributes:
        files: those that are left.
        seed: draws takes and voices.
    """

    def __init__(
        self,
        files: Sequence[recordings.RecordingFile],
        words: Sequence[str],
        audio_length: int | Literal["auto"],
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
        self._limit = recordings.MAX_WORD_SAMPLES if self._is_auto else audio_length
        self._fitting, self._too_long = {}, {}  # file -> recording
        self._indices = {}  # file -> its index in `taken`

    def by_word(self) -> dict[str, list[recordings.RecordingFile]]:
        """Returns the files of each word, by voice and take."""
        return {word: [f for f in self.files if f.word == word] for word in self._words}

    def take_speaker(self, speaker: str | None, num_takes: int) -> None:
        """Leaves only the files of one speaker, who must be named where there are several.

        With `ANY_SPEAKER` these are of one speaker a word: the first who has `num_takes` takes that
        fit, those first who have recorded the most words, then by name.

        Raises:
            RecordingsError: the speaker must be named, is unknown, or lacks words.
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
        """Checks that there are several speakers and that none was named.

        Raises:
            RecordingsError: there is only one, or one was named.
        """
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

    @property
    def taken(self) -> tuple[recordings.Recording, ...]:
        """The recordings that a policy may pair, which the indices count."""
        return tuple(self._fitting[file] for file in self._indices)

    @property
    def too_long(self) -> tuple[str, ...]:
        """The ids of the recordings that were read and passed over."""
        return tuple(recording.recording_id for recording in self._too_long.values())

    def refuse_equal_sounds(self) -> None:
        """Raises RecordingsError where two of the recordings taken are the same sound.

        A copy would be another word, voice or take in name alone, and could be in train and test.
        """
        by_sound = collections.defaultdict(list)
        for recording in self.taken:
            by_sound[recording.samples.tobytes()].append(recording.recording_id)
        if copies := [" = ".join(ids) for ids in by_sound.values() if len(ids) > 1]:
            shown = "; ".join(copies[:10]) + ("; ..." if copies[10:] else "")
            raise recordings.RecordingsError(
                f"These recordings are the same sound, sample by sample: {shown}. Record each anew,"
                " or remove the copies."
            )

    def refuse_words_without(self, candidates: Mapping[str, tuple[int, ...]]) -> None:
        """Raises RecordingsError for words of which no recording is short enough.

        Args:
            candidates: word -> indices of the recordings that may be taken.
        """
        lacking = [word for word in self._words if not candidates[word]]
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
            advice = f"(with no --top_db down to {_TOP_DBS[-1]} do all of these fit)"
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
        """The largest of `_TOP_DBS` with which all files fit; None if there is none."""
        for top_db in _TOP_DBS:  # a lower one may leave too little of a word that fits at this
            if top_db < self._processing.top_db and all(self._fits_at(f, top_db) for f in files):
                return top_db
        return None

    def _fits_at(self, file: recordings.RecordingFile, top_db: float):
        processing = dataclasses.replace(self._processing, top_db=float(top_db))
        try:
            return len(recordings.load_recording(file, processing).samples) <= self._limit
        except audio.AudioError:
            return False
