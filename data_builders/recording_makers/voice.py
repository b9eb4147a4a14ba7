"""Recordings spoken by a synthetic voice."""

import hashlib
import math
import os
import re
from collections.abc import Iterable, Sequence

from data_builders import recordings
from data_builders.errors import RecordingsError
from data_builders.recording_makers.new_folder import new_folder, write_record
from data_builders.words import CIFAR10, CIFAR100, DIGITS
from mtnet_tf.data import audio_files
from mtnet_tf.speech import EspeakNg, Piper, SpeechEngine

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
        RecordingsError: the file cannot be read, there is no word, or a word is not made of letters
            or occurs twice.
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
            name = word.strip().lower()
            words += _LISTS[name].values() if name in _LISTS else [word]
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

    Take 0 is spoken without noise and depends on nothing but the word and, by rounding, the CPU.
    Further takes draw noise from a generator seeded with `seed + take`, and depend on the words
    before them in the list.

    Args:
        output_dir: folder to make; if it exists, it must be empty.
        words: the words, with spaces.
        takes: number of takes a word, at least 1.
        length_scale: speaking time relative to the voice's own; above 1 is slower.
        noise_scale: noise of the sound in takes 1, 2, ...
        noise_w_scale: noise of the phonemes' lengths in takes 1, 2, ...
        seed: of the noise.
        command: the command that asks for the folder, for the record.

    Returns:
        The record that `recordings.json` holds.

    Raises:
        SpeechError: the voice is not installed, or a word gives no sound.
        RecordingsError: an argument is out of range, or `output_dir` is in use.
        files.FileError: `output_dir` cannot be written.
    """
    if takes < 1:
        raise RecordingsError(f"--takes must be at least 1. Received: {takes}.")
    if not 0.1 <= length_scale <= 10:
        raise RecordingsError(f"--length_scale must be in [0.1, 10]. Received: {length_scale}.")
    if not (0 <= noise_scale < math.inf and 0 <= noise_w_scale < math.inf):
        raise RecordingsError(
            "--noise_scale and --noise_w_scale must be at least 0, and finite."
            f" Received: {noise_scale}, {noise_w_scale}."
        )
    if seed < 0:
        raise RecordingsError(f"--seed must be at least 0. Received: {seed}.")

    def engine(take: int) -> SpeechEngine:
        noise = (noise_scale, noise_w_scale) if take else (0.0, 0.0)
        return Piper(length_scale, *noise, seed=seed + take)

    parameters = {
        "takes": takes,
        "length_scale": length_scale,
        "noise_scale": noise_scale,
        "noise_w_scale": noise_w_scale,
        "seed": seed,
    }
    return _make(
        output_dir,
        words,
        ((engine(take), take) for take in range(takes)),
        made_by=f"{__package__}.make_piper_recordings",
        command=command,
        parameters=parameters,
        noise="Take 0 has none. Take n was spoken by a voice loaded after"
        " onnxruntime.set_seed(seed + n), the words in the order listed.",
    )


def make_espeak_ng_recordings(
    output_dir: os.PathLike | str,
    words: Sequence[str],
    voices: Sequence[str] = ("en-us",),
    command: str | None = None,
) -> dict:
    """Speaks words with eSpeak NG: `<word>/espeak_0.flac`, 22 050 Hz, one take by each voice.

    Args:
        output_dir: folder to make; if it exists, it must be empty.
        words: the words, with spaces.
        voices: voices of the program, such as "en-us+f3", whose speaker is "espeak-en-us-f3".
        command: the command that asks for the folder, for the record.

    Returns:
        The record that `recordings.json` holds.

    Raises:
        SpeechError: the program is not installed, has no such voice or fails, or a word gives no
            sound.
        RecordingsError: there is no voice, a name is empty, two have one speaker's name or sound
            alike, or `output_dir` is in use.
        files.FileError: `output_dir` cannot be written.
    """
    if not voices or "" in voices:
        raise RecordingsError(
            f"--voices={','.join(voices)}: a name is empty. Name voices, such as en-us,en-us+f3, or"
            " leave it out."
        )
    engines = [EspeakNg(voice) for voice in voices]
    if len({engine.speaker for engine in engines}) < len(engines):
        raise RecordingsError(
            f"--voices names a speaker twice, by letters and digits: {', '.join(voices)}."
        )
    return _make(
        output_dir,
        words,
        [(engine, 0) for engine in engines],
        made_by=f"{__package__}.make_espeak_ng_recordings",
        command=command,
        parameters={"voices": list(voices)},
        voice=", ".join(voices),
    )


def _make(
    output_dir: os.PathLike | str,
    words: Sequence[str],
    engines: Iterable[tuple[SpeechEngine, int]],
    *,
    made_by: str,
    command: str | None,
    parameters: dict,
    **more: str,
) -> dict:
    """Writes a take of each word by each (engine, number of the take), and the record."""
    speakers = {}  # the sound of all words -> who says them so
    with new_folder(output_dir) as folder:
        for engine, take in engines:
            sounds = [engine.speak(word) for word in words]
            digest = hashlib.sha256(b"".join(sound.tobytes() for sound in sounds)).digest()
            other = speakers.setdefault(digest, engine.speaker)
            if other != engine.speaker:
                raise RecordingsError(
                    f"The speakers {other} and {engine.speaker} sound alike: check the names of the"
                    " voices."
                )
            for word, sound in zip(words, sounds):
                name = f"{engine.speaker}_{take}.flac"
                path = folder / recordings.folder_name(word) / name
                audio_files.write_audio(path, sound)
        record = {
            "made_by": made_by,
            "command": command,
            **engine.record(),
            "parameters": {"words": list(words), **parameters},
            **more,
        }
        return write_record(folder, record)
