"""Which recording goes with which image.

A policy selects the recordings of a data set; within it the choice for one image depends on the
seed and the image's id alone: not on the order in which images come, nor on who else is asked.
"""

import dataclasses
import hashlib
from collections.abc import Mapping

from data_builders import recordings

SPLITS = ("train", "test")


@dataclasses.dataclass(frozen=True, eq=False)
class Pairing:
    """The recordings of a data set and the rule that gives each image one of them.

    Attributes:
      policy: name of the rule, a key of `POLICIES`.
      recordings: the `Recording`s, in the order of the data set's class labels.
      candidates: split -> word -> indices into `recordings`.
      seed: integer.
    """

    policy: str
    recordings: tuple[recordings.Recording, ...]
    candidates: Mapping[str, Mapping[str, tuple[int, ...]]]
    seed: int

    def index(self, split, word, image_id):
        """Index into `recordings` of the one that goes with an image of `word`."""
        candidates = self.candidates[split][word]
        if len(candidates) == 1:
            return candidates[0]
        digest = hashlib.blake2b(f"{self.seed}/{image_id}".encode(), digest_size=8).digest()
        return candidates[int.from_bytes(digest, "little") % len(candidates)]


def one_recording(files, words, audio_length, processing, speaker, seed):
    """One canonical recording a word, the same in both splits; see `choose_one_recording`."""
    chosen = recordings.choose_one_recording(files, words, audio_length, processing, speaker)
    by_word = {word: (i,) for i, word in enumerate(words)}
    return Pairing("one_recording", tuple(chosen), dict.fromkeys(SPLITS, by_word), seed)


POLICIES = {"one_recording": one_recording}


def make_pairing(policy, recordings_dir, words, audio_length, processing, speaker=None, seed=0):
    """Reads a recordings folder and applies a policy to it.

    Args:
      policy: a key of `POLICIES`.
      recordings_dir: the recordings folder.
      words: distinct spoken words, in the order of the class labels.
      audio_length: samples that a word may have at most (the paper's L_s).
      processing: a `recordings.Processing`.
      speaker: the voice to take, where the policy takes one.
      seed: integer, for policies that choose.

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
    files = recordings.find_recordings(recordings_dir, words)
    return POLICIES[policy](files, words, audio_length, processing, speaker, seed)
