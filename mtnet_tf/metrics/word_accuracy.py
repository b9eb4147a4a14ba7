"""Word accuracy (beyond the paper): what a recogniser hears that never saw our networks.

The recogniser is PocketSphinx with its own US English model, made to choose among the data set's
words. It is weak on very short words: show its accuracy on the reference recordings beside that on
generated ones.
"""

from collections.abc import Iterable

import numpy as np

from mtnet_tf.errors import InputError, install
from mtnet_tf.metrics.resampling import resample_polyphase
from mtnet_tf.metrics.signals import as_signal, check_sample_rate, failure_reason

SAMPLE_RATE = 16000
# On both sides of the word.
SILENCE_SECS = 0.25
# Words that the model's dictionary lacks, in its phones.
PRONUNCIATIONS = {"shrew": "SH R UW"}


class MissingRecognizerError(InputError, ImportError):
    """PocketSphinx is not installed."""


class UnknownWordError(InputError, ValueError):
    """Words that the recogniser has no pronunciation for.

    Attributes:
        words: these words.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        super().__init__(
            f"The speech recogniser's dictionary lacks {', '.join(map(repr, self.words))}. Add what"
            " is lacking, in the phones of the CMU dictionary, to PRONUNCIATIONS in"
            f" {__file__}, or do without word accuracy."
        )


class SameWordError(InputError, ValueError):
    """Two words that are spoken alike, so that the recogniser cannot tell which one it hears."""


class WordRecognizer:
    """Hears one of a fixed set of words."""

    def __init__(self, words: Iterable[str]) -> None:
        """Makes the recogniser.

        Args:
            words: the data set's words; `_` and space both part the words of a name
                ("aquarium_fish").

        Raises:
            MissingRecognizerError: the package `pocketsphinx` is missing.
            UnknownWordError: there are words that neither the dictionary nor PRONUNCIATIONS has.
            SameWordError: two words differ in case, `_` and spaces alone, or in nothing.
            ValueError: there is no word.
        """
        self._words = {}
        for word in words:
            spoken = _spoken(word)
            if spoken in self._words:
                raise SameWordError(
                    f"The speech recogniser cannot tell {self._words[spoken]!r} from {word!r}: both"
                    f" are spoken {spoken!r}. Rename one of them, or do without word accuracy."
                )
            self._words[spoken] = word
        if not self._words:
            raise ValueError("There must be at least one word.")
        self._decoder = _make_decoder(list(self._words))

    def recognize(self, samples: np.ndarray, sample_rate: int = 22050) -> str | None:
        """Listens to one recording. The answer does not depend on what was heard before.

        Args:
            samples: float [num_samples] in [-1, 1]; louder ones are clipped.
            sample_rate: Hz.

        Returns:
            One of `words` as it was given, or None where no word was heard or the samples are not
            finite.

        Raises:
            ValueError: wrong shape or type, or an impossible sample rate.
        """
        check_sample_rate(sample_rate)
        samples = as_signal(samples, "given")
        if failure_reason(samples, "given"):
            return None
        samples = resample_polyphase(samples, sample_rate, SAMPLE_RATE)
        samples = np.pad(samples, int(SILENCE_SECS * SAMPLE_RATE))
        pcm = np.rint(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2")
        # Forgets the noise level of earlier recordings.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        return self._words.get(heard.hypstr) if heard else None


def _spoken(word: str):
    return " ".join(word.lower().replace("_", " ").split())


def _make_decoder(phrases: list[str]):
    try:
        import pocketsphinx
    except ImportError as error:
        raise MissingRecognizerError(
            f"Word accuracy needs the package `pocketsphinx`. {install('asr')}"
        ) from error
    decoder = pocketsphinx.Decoder(
        hmm=pocketsphinx.get_model_path("en-us/en-us"),
        dict=pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"),
        lm=None,
        loglevel="FATAL",
    )
    spoken_words = sorted({word for phrase in phrases for word in phrase.split()})
    missing = [word for word in spoken_words if decoder.lookup_word(word) is None]
    for word in missing:
        if word in PRONUNCIATIONS:
            decoder.add_word(word, PRONUNCIATIONS[word], True)
    missing = [word for word in missing if word not in PRONUNCIATIONS]
    if missing:
        raise UnknownWordError(missing)
    grammar = f"#JSGF V1.0; grammar words; public <word> = {' | '.join(phrases)};"
    decoder.add_jsgf_string("words", grammar)
    decoder.activate_search("words")
    return decoder
