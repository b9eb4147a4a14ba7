"""Sounds on the loudspeaker, by whatever player the machine has."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

from mtnet_tf.data import audio, audio_files

# Programs that play a wav file and end: of Linux (ALSA, PulseAudio, PipeWire), macOS, and FFmpeg.
_PLAYERS = (
    ("aplay", "-q"),
    ("paplay",),
    ("pw-play",),
    ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)


def play(samples: np.ndarray, sample_rate: int) -> None:
    """Plays a sound, and returns when it has ended.

    Args:
        samples: float [n] in [-1, 1].
        sample_rate: in Hz.

    Raises:
        AudioError: there is no player, or it fails.
    """
    player = next((command for command in _PLAYERS if shutil.which(command[0])), None)
    if player is None:
        names = ", ".join(command[0] for command in _PLAYERS)
        raise audio.AudioError(
            f"No program that plays sounds was found ({names}). Install one, such as aplay of the"
            " package alsa-utils, or write the sound to a file."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "sound.wav"
        audio_files.write_audio(path, samples, sample_rate)
        done = subprocess.run([*player, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise audio.AudioError(
            f"{player[0]} cannot play the sound ({said[-1] if said else done.returncode}). Write it"
            " to a file instead."
        )
