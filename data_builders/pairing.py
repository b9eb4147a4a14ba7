"""Which recording goes with which image.

A policy selects the recordings of a data set; within it the choice for one image depends on the
seed and the image's id alone: not on the order in which images come, nor on who else is asked.
A take is never chosen by how well it scores.
"""

import collections
import dataclasses
import hashlib
import itertools
from collections.abc import Mapping

from data_builders import recordings
from mtnet_tf.data import audio

SPLITS = ("train", "test")
MAX_SECS = 10.0
"""What is longer than this is no word, whatever audio length is asked for."""

_TEST_FRACTION = 0.2  # of the takes (many_takes, many_voices_seen) or of the voices (..._unseen)


@dataclasses.dataclass(frozen=True, eq=False)
class Pairing:
    """The recordings of a data set and the rule that gives each image one of them.

    Attributes:
      policy: name of the rule.
      recordings: the `Recording`s, in the order of the data set's class labels.
      candidates: split -> word -> indices into `recordings`.
      seed: integer.
      too_long: ids of the recordings passed over because they are longer than the data set holds.
    """

    policy: str
    recordings: tuple[recordings.Recording, ...]
    candidates: Mapping[str, Mapping[str, tuple[int, ...]]]
    seed: int
    too_long: tuple[str, ...] = ()

    @property
    def words(self):
        """The words that have recordings, in the order of the class labels."""
        return list(self.candidates["train"])

    def index(self, split, word, image_id):
        """Index into `recordings` of the one that goes with an image of `word`."""
        candidates = self.candidates[split][word]
        if len(candidates) == 1:
            return candidates[0]
        return candidates[_number(self.seed, image_id) % len(candidates)]

    def splits_of(self, index):
        """The splits in which a recording may occur."""
        return [
            split
            for split in SPLITS
            if any(index in candidates for candidates in self.candidates[split].values())
        ]


def make_pairing(
    policy,
    recordings_dir,
    words,
    audio_length,
    processing,
    speaker=None,
    seed=0,
    allow_missing_words=False,
):
    """Reads a recordings folder and applies a policy to it.

    Args:
      policy: a key of `POLICIES`.
      recordings_dir: the recordings folder.
      words: distinct spoken words, in the order of the class labels.
      audio_length: samples that a word may have at most (the paper's L_s), or "auto" for as many as
        the longest has.
      processing: a `recordings.Processing`.
      speaker: the voice to take, for the policies of one voice.
      seed: integer.
      allow_missing_words: leaves out the words that are not recorded (by the speaker).

    Returns:
      a `Pairing`.

    Raises:
      recordings.RecordingsError: if the folder or the policy's demands on it are not met.
      audio.AudioError: if a recording cannot be used.
    """
    if policy not in POLICIES:
        raise recordings.RecordingsError(
            f"Unknown pairing policy {policy!r}. Known: {', '.join(POLICIES)}."
        )
    files = recordings.find_recordings(recordings_dir, words, allow_missing_words)
    shelf = _Shelf(files, words, audio_length, processing, seed, allow_missing_words)
    return POLICIES[policy](shelf, speaker)


def one_recording(shelf, speaker):
    """One recording a word, all by one speaker, in both splits: the lowest-numbered take that fits."""
    shelf.take_speaker(speaker)
    chosen = {word: shelf.first_that_fits(files) for word, files in shelf.by_word().items()}
    return shelf.pairing("one_recording", dict.fromkeys(SPLITS, chosen))


def many_takes(shelf, speaker):
    """Several takes of one speaker; a seeded fifth of each word's takes is for test, the others for train."""
    shelf.take_speaker(speaker)
    return shelf.pairing("many_takes", _split_takes(shelf, "many_takes"))


def many_voices_seen(shelf, speaker):
    """Several speakers, who all occur in both splits; a seeded fifth of each one's takes is for test."""
    shelf.take_several(speaker, "many_voices_seen")
    return shelf.pairing("many_voices_seen", _split_takes(shelf, "many_voices_seen"))


def many_voices_unseen(shelf, speaker):
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
                f" {', '.join(lacking)}. Add some, or draw other voices with another pairing_seed."
            )
    return shelf.pairing("many_voices_unseen", candidates)


POLICIES = {
    policy.__name__: policy
    for policy in (one_recording, many_takes, many_voices_seen, many_voices_unseen)
}


def _split_takes(shelf, policy):
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
            f"{policy} keeps the takes of train and test apart and needs two takes that fit, by each"
            f" voice of each word. Fewer: {shown}. Add takes, or use one_recording."
        )
    return candidates


def _draw(items, seed, salt):
    """A seeded fifth of the items, at least one and never all."""
    count = min(max(1, round(_TEST_FRACTION * len(items))), len(items) - 1)
    return sorted(items, key=lambda item: _number(seed, f"{salt}/{item}"))[:count]


def _number(seed, text):
    digest = hashlib.blake2b(f"{seed}/{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


class _Shelf:
    """The files of a recordings folder, and those read so far: what a policy chooses from."""

    def __init__(self, files, words, audio_length, processing, seed, allow_missing_words):
        self.files = files
        self.seed = seed
        self._words = [word for word in words if any(file.word == word for file in files)]
        self._processing = processing
        self._allow_missing_words = allow_missing_words
        whole = round(MAX_SECS * audio.SAMPLE_RATE)
        self._limit = whole if audio_length == "auto" else audio_length
        self._recordings, self._too_long = [], []

    def by_word(self):
        """{word: its files, by voice and take}."""
        return {word: [f for f in self.files if f.word == word] for word in self._words}

    def take_speaker(self, speaker):
        """Leaves only the files of one speaker, who must be named where there are several."""
        spoken = collections.defaultdict(set)
        for file in self.files:
            spoken[file.voice_id].add(file.word)
        total = len(self._words)
        listing = ", ".join(f"{v} ({len(spoken[v])} of {total} words)" for v in sorted(spoken))
        if speaker is None:
            if len(spoken) != 1:
                raise recordings.RecordingsError(
                    f"The recordings have {len(spoken)} speakers: {listing}. This pairing takes"
                    " one: name it with `speaker`."
                )
            (speaker,) = spoken
        if speaker not in spoken:
            raise recordings.RecordingsError(
                f"There is no speaker {speaker!r}. The recordings have: {listing}."
            )
        missing = [word for word in self._words if word not in spoken[speaker]]
        if missing and not self._allow_missing_words:
            raise recordings.RecordingsError(
                f"The speaker {speaker!r} has no recordings of {len(missing)} of {total} words:"
                f" {', '.join(missing)}. Add them, name another speaker, or make a data set of the"
                f" other words with --allow_missing_words; there are: {listing}."
            )
        self.files = [file for file in self.files if file.voice_id == speaker]
        self._words = [word for word in self._words if word in spoken[speaker]]

    def take_several(self, speaker, policy):
        """Checks that there are several speakers and that none was named."""
        voices = sorted({file.voice_id for file in self.files})
        if speaker is not None:
            raise recordings.RecordingsError(
                f"{policy} takes all speakers of the folder. Received: speaker={speaker!r}."
            )
        if len(voices) < 2:
            raise recordings.RecordingsError(
                f"{policy} needs recordings by two or more speakers. There is: {', '.join(voices)}."
            )

    def all_that_fit(self, files):
        """Reads files; returns the indices of those that are short enough."""
        return tuple(index for index in map(self._read, files) if index is not None)

    def first_that_fits(self, files):
        """Reads files until one is short enough; returns its index, one or none."""
        found = (index for index in map(self._read, files) if index is not None)
        return tuple(itertools.islice(found, 1))

    def _read(self, file):
        recording = recordings.load_recording(file, self._processing)
        if len(recording.samples) > self._limit:
            self._too_long.append((file, recording))
            return None
        self._recordings.append(recording)
        return len(self._recordings) - 1

    def pairing(self, policy, candidates):
        """The `Pairing`, once every word has a recording that is short enough."""
        self._refuse_words_without(candidates)
        return Pairing(
            policy,
            tuple(self._recordings),
            candidates,
            self.seed,
            tuple(recording.recording_id for _, recording in self._too_long),
        )

    def _refuse_words_without(self, candidates):
        lacking = [word for word in self._words if not candidates["train"][word]]
        if not lacking:
            return
        shortest = []
        for word in lacking:
            takes = [pair for pair in self._too_long if pair[0].word == word]
            file, recording = min(takes, key=lambda pair: len(pair[1].samples))
            best = f", the shortest of {len(takes)} takes" if len(takes) > 1 else ""
            shortest.append(
                f"{file.path} lasts {recording.duration_ms:.0f} ms"
                f" ({len(recording.samples)} samples){best}"
            )
        limit = recordings.milliseconds(self._limit)
        raise recordings.RecordingsError(
            f"{len(lacking)} of {len(self._words)} words are longer than the {limit:.0f} ms"
            f" ({self._limit} samples) that the data set holds, after trimming:"
            f" {'; '.join(shortest)}. Nothing is truncated: give shorter recordings, trim more"
            f" (top_db below {self._processing.top_db:g}), or take the longest word's length with"
            " --audio_length=auto."
        )
