"""Words as rows of letters, for a network that writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyz '-"
# Stands before the first letter and after the last. The letters are 1, 2, ...
END = 0
NUM_SYMBOLS = 1 + len(LETTERS)


def encode(words: Sequence[str], num_steps: int) -> np.ndarray:
    """Returns words as int32 [words, num_steps]: their letters, then `END`.

    Args:
        words: of `LETTERS`, each shorter than `num_steps`.
        num_steps: the letters of the longest word and one `END`.

    Raises:
        ValueError: a word is too long, or has another letter; the message names it and says what to
            do.
    """
    rows = np.full([len(words), num_steps], END, np.int32)
    for row, word in zip(rows, words):
        if len(word) >= num_steps:
            raise ValueError(
                f"{word!r} has {len(word)} letters, and text_decoder.num_steps={num_steps} has room"
                f" for {num_steps - 1} and the end. Train with"
                f" --override=text_decoder.num_steps={1 + max(map(len, words))}."
            )
        if unknown := "".join(sorted(set(word) - set(LETTERS))):
            raise ValueError(
                f"{word!r} has {unknown!r}, and the letters are {LETTERS!r}. Spell it with these"
                " alone, and build the data set again."
            )
        row[: len(word)] = [1 + LETTERS.index(letter) for letter in word]
    return rows


def decode(rows: Iterable[np.ndarray]) -> list[str]:
    """Returns the words of rows of symbols: what stands before the first `END`."""
    words = []
    for row in rows:
        (ends,) = np.nonzero(row == END)
        letters = row[: ends[0]] if len(ends) else row
        words.append("".join(LETTERS[symbol - 1] for symbol in letters))
    return words
