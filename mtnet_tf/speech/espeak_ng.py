"""The formant synthesiser eSpeak NG, a program that Debian and other systems ship."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import tempfile
from typing import Any

import numpy as np

from mtnet_tf.data import audio, audio_files
from mtnet_tf.speech.engine import NoSoundError, SpeechError

_PROGRAM = "espeak-ng"
_VOICE = "en-us"  # whose speaker is named after the program alone
_VARIANT = re.compile(r"!v/(\S+)")  # in the program's list of them: the file, and so the name
_LONGEST_SECS = 60  # that the program may take for one word


class EspeakNg:
    """A `SpeechEngine`. What it says depends on nothing but the text.

    Attributes:
        speaker: "espeak", or for another voice "espeak-en-us-f3".
    """

    def __init__(self, voice: str = _VOICE) -> None:
        """Looks for the program.

        Args:
            voice: a voice of the program, with a variant or without: "en-us+f3", "en-gb-scotland".

        Raises:
            SpeechError: it is not installed, or has no such variant.
        """
        self._voice = voice
        self.speaker = "espeak"
        if voice != _VOICE:
            self.speaker += "-" + re.sub(r"[^a-z0-9]+", "-", voice.lower()).strip("-")
        if shutil.which(_PROGRAM) is None:
            raise SpeechError(
                f"The program {_PROGRAM} is not installed. On Debian and Ubuntu: apt install"
                f" {_PROGRAM}."
            )
        # The program speaks without a variant that it does not know, and does not say so.
        _, plus, variant = voice.partition("+")
        if plus and variant not in (known := _VARIANT.findall(_run("--voices=variant"))):
            raise SpeechError(
                f"{_PROGRAM} has no variant {variant!r} of its voices, which {voice!r} names. It"
                f" has: {', '.join(sorted(known))}."
            )

    def speak(self, text: str) -> np.ndarray:
        """Returns the sound of a text; see `SpeechEngine`."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "word.wav"
            # Not through a pipe: there the file's header would not know its length.
            _run("-v", self._voice, "-w", str(path), "--", text)
            try:
                samples, rate = audio_files.read_audio(path)
            except audio.AudioError as error:
                raise NoSoundError(
                    f"{_PROGRAM} makes no sound of {text!r} ({error}). Spell it differently."
                ) from error
        return audio.resample(samples, rate)

    def record(self) -> dict[str, Any]:
        """Returns what the voice is; see `SpeechEngine`."""
        return {
            "engine": _PROGRAM,
            "voice": self._voice,
            "voice_licence": "eSpeak NG is GPL-3.0-or-later",
            "versions": {_PROGRAM: _run("--version").partition("  Data")[0].strip()},
        }


def _run(*arguments: str) -> str:
    """Returns what the program prints. Raises SpeechError where it fails."""
    try:
        done = subprocess.run(
            [_PROGRAM, *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip()
        raise SpeechError(
            f"{_PROGRAM} failed ({said}). Check the voice's name, or install the program again."
        ) from error
    return done.stdout
