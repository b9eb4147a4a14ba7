"""Which recording goes with which image.

A policy selects the recordings of a data set; within it the choice for one image depends on the
seed and the image's id alone: not on the order in which images come, nor on who else is asked.
A take is never chosen by how well it scores.
"""

import collections
import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from data_builders import recordings
from data_builders.shelf import Shelf
from mtnet_tf.data.draws import drawn_number
from mtnet_tf.data.prepared import SPLITS

# Split -> word -> indices of the recordings that an image of the word may get.
Candidates = Mapping[str, Mapping[str, tuple[int, ...]]]

_TEST_FRACTION = 0.2  # of the takes (many_takes, many_voices_seen) or of the voices (..._unseen)


@dataclasses.dataclass(frozen=True, eq=False)
class Pairing:
    """The recordings of a data set and the rule that gives each image one of them.

    Attributes:
        policy: name of the rule.
        recordings: in the order of the data set's class labels.
        candidates: split -> word -> indices into `recordings`.
        seed: draws among the candidates.
        too_long: ids of the recordings passed over because they are longer than the data set holds.
    """

    policy: str
    recordings: tuple[recordings.Recording, ...]
    candidates: Candidates
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
        policy: a key of `POLICIES`.
        recordings_dir: the recordings folder.
        words: distinct spoken words, in the order of the class labels.
        audio_length: samples that a word may have at most (the paper's L_s), or "auto" for as many
            as the longest has.
        processing: what is done to each recording.
        speaker: the voice to take, for the policies of one voice, or `shelf.ANY_SPEAKER`.
        seed: draws takes and voices.
        allow_missing_words: leaves out the words that are not recorded (by the speaker).

    Returns:
        The recordings that the policy takes, and its rule.

    Raises:
        recordings.RecordingsError: there is no such policy or folder, the folder lacks what the
            policy needs, or two of its recordings are the same sound.
        audio.AudioError: a recording cannot be used.
    """
    if policy not in POLICIES:
        raise recordings.RecordingsError(
            f"Unknown pairing policy {policy!r}. Known: {', '.join(POLICIES)}."
        )
    files = recordings.find_recordings(recordings_dir, words, allow_missing_words)
    shelf = Shelf(files, words, audio_length, processing, seed, allow_missing_words)
    candidates = POLICIES[policy].choose(shelf, speaker)
    shelf.refuse_words_without(candidates["train"])
    shelf.refuse_equal_sounds()
    return Pairing(policy, shelf.taken, candidates, seed, shelf.too_long)


def one_recording(shelf: Shelf, speaker: str | None) -> Candidates:
    """One recording a word, all by one speaker, in both splits: the lowest take that fits."""
    shelf.take_speaker(speaker, 1)
    chosen = {word: shelf.first_that_fits(files) for word, files in shelf.by_word().items()}
    return dict.fromkeys(SPLITS, chosen)


def one_recording_each(shelf: Shelf, speaker: str | None) -> Candidates:
    """One recording a word by each speaker, in both splits: the lowest take that fits."""
    shelf.take_several(speaker, "one_recording_each")
    chosen = {}
    for word, files in shelf.by_word().items():
        voices = sorted({file.voice_id for file in files})
        by_voice = ([f for f in files if f.voice_id == voice] for voice in voices)
        chosen[word] = tuple(i for mine in by_voice for i in shelf.first_that_fits(mine))
    return dict.fromkeys(SPLITS, chosen)


def many_takes(shelf: Shelf, speaker: str | None) -> Candidates:
    """Several takes of one speaker; a seeded fifth of each word's takes is for test."""
    shelf.take_speaker(speaker, 2)
    return _split_takes(shelf, "many_takes")


def many_voices_seen(shelf: Shelf, speaker: str | None) -> Candidates:
    """Several speakers, all in both splits; a seeded fifth of each one's takes is for test."""
    shelf.take_several(speaker, "many_voices_seen")
    return _split_takes(shelf, "many_voices_seen")


def many_voices_unseen(shelf: Shelf, speaker: str | None) -> Candidates:
    """Several speakers; a seeded fifth of them speaks in test only, the others in train only."""
    shelf.take_several(speaker, "many_voices_unseen")
    voices = sorted({file.voice_id for file in shelf.files})
    of_test = set(_draw(voices, shelf.seed, "voices"))
    candidates = {split: {} for split in SPLITS}
    for word, files in shelf.by_word().items():
        for split in SPLITS:
            mine = [file for file in files if (file.voice_id in of_test) == (split == "test")]
            candidates[split][word] = shelf.all_that_fit(mine)
    train, test = candidates["train"], candidates["test"]
    shelf.refuse_words_without({word: train[word] + test[word] for word in train})
    for split in SPLITS:
        lacking = [word for word, found in candidates[split].items() if not found]
        if lacking:
            names = ", ".join(v for v in voices if (v in of_test) == (split == "test"))
            raise recordings.RecordingsError(
                f"many_voices_unseen: the {split} voices ({names}) have no recording that fits of:"
                f" {', '.join(lacking)}. Add some, or draw other voices with --pairing_seed."
            )
    return candidates


@dataclasses.dataclass(frozen=True)
class Policy:
    """A rule.

    Attributes:
        choose: returns the recordings that it takes.
        keeps_apart: what the splits do not share.
    """

    choose: Callable[[Shelf, str | None], Candidates]
    keeps_apart: Literal["recordings", "voices"] | None = None


POLICIES = {
    "one_recording": Policy(one_recording),
    "one_recording_each": Policy(one_recording_each),
    "many_takes": Policy(many_takes, "recordings"),
    "many_voices_seen": Policy(many_voices_seen, "recordings"),
    "many_voices_unseen": Policy(many_voices_unseen, "voices"),
}


def _split_takes(shelf: Shelf, policy: str):
    """Candidates in which each voice's takes of a word are divided between train and test."""
    candidates = {split: {} for split in SPLITS}
    single, all_fitting = [], collections.defaultdict(tuple)
    for word, files in shelf.by_word().items():
        test, train = [], []
        for voice in sorted({file.voice_id for file in files}):
            fitting = shelf.all_that_fit([file for file in files if file.voice_id == voice])
            all_fitting[word] += fitting
            if len(fitting) < 2:
                single.append(f"{word!r} by {voice} ({len(fitting)})")
                continue
            drawn = set(_draw(fitting, shelf.seed, f"{word}/{voice}"))
            test += [index for index in fitting if index in drawn]
            train += [index for index in fitting if index not in drawn]
        candidates["train"][word], candidates["test"][word] = tuple(train), tuple(test)
    shelf.refuse_words_without(all_fitting)
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
