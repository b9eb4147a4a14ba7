"""Word accuracy: which words a speech recogniser hears. The paper does not have it.

The recogniser is PocketSphinx with its own US English model, which was never trained on this
project's signals. It chooses among the data set's words. It often misses very short words, so show
its accuracy on the reference recordings beside that on the generated signals.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from mtnet_tf.errors import InputError
from mtnet_tf.metrics.resampling import resample_polyphase
from mtnet_tf.metrics.signals import as_signal, check_sample_rate, failure_reason

SAMPLE_RATE = 16000
SILENCE_SECS = 0.25  # on both sides of the word

# The words of the data sets that the model's dictionary lacks, in its phones.
PRONUNCIATIONS = {"shrew": "SH R UW"}


class UnknownWordError(InputError, ValueError):
    """The recogniser has no pronunciation for some words.

    Attributes:
        words: All words without a pronunciation, in lower case.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        super().__init__(
            f"The recogniser's dictionary lacks {', '.join(map(repr, self.words))}. Give their "
            "pronunciations, in the phones of the CMU dictionary: "
            f"WordRecognizer(words, pronunciations={{{self.words[0]!r}: '...'}})."
        )


class WordRecognizer:
    """Recognises one of a fixed set of words.

    Args:
        words: The data set's words. An underscore and a space both separate the spoken words of a
            name ("aquarium_fish").
        pronunciations: {spoken word in lower case: its phones, like "SH R UW"}, for words that the
            dictionary lacks. They are added to PRONUNCIATIONS.

    Raises:
        InputError: The package `pocketsphinx` is missing.
        UnknownWordError: Some words have no pronunciation.
        ValueError: There are no words, or a word comes twice.
    """

    def __init__(
        self, words: Iterable[str], pronunciations: Mapping[str, str] | None = None
    ) -> None:
        words = list(words)
        self._words = {_spoken(word): word for word in words}
        if not words or len(self._words) != len(words):
            raise ValueError(f"words must be different words, at least one. Received: {words}.")
        self._decoder = _make_decoder(
            list(self._words), {**PRONUNCIATIONS, **(pronunciations or {})}
        )

    def recognize(self, samples: np.ndarray, sample_rate: int = 22050) -> str | None:
        """Listens to one recording. The answer does not depend on what was heard before.

        Args:
            samples: Float [num_samples] in [-1, 1]. Samples beyond that are clipped.
            sample_rate: Samples per second, in Hz.

        Returns:
            One of `words` as it was given, or None where no word was heard or samples are not
            finite or beyond MAX_MAGNITUDE.

        Raises:
            ValueError: The shape or type is wrong, or the sample rate is not a positive whole
                number.
        """
        check_sample_rate(sample_rate)
        samples = as_signal(samples, "given")
        if failure_reason(samples, "given"):
            return None
        samples = resample_polyphase(samples, sample_rate, SAMPLE_RATE)
        samples = np.pad(samples, int(SILENCE_SECS * SAMPLE_RATE))
        pcm = np.rint(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2")
        # The decoder forgets the noise level of earlier recordings.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        return self._words.get(heard.hypstr) if heard else None


def _spoken(word: str):
    return " ".join(word.lower().replace("_", " ").split())


def _make_decoder(phrases: list[str], pronunciations: Mapping[str, str]):
    try:
        import pocketsphinx
    except ImportError as error:
        raise InputError(
            "Word accuracy needs the package `pocketsphinx`: pip install 'mtnet-tf[asr]'."
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
        if word in pronunciations:
            decoder.add_word(word, pronunciations[word], True)
    missing = [word for word in missing if word not in pronunciations]
    if missing:
        raise UnknownWordError(missing)
    grammar = f"#JSGF V1.0; grammar words; public <word> = {' | '.join(phrases)};"
    decoder.add_jsgf_string("words", grammar)
    decoder.activate_search("words")
    return decoder
