"""Recordings folders made of tones."""

import numpy as np
import pytest
import soundfile


@pytest.fixture(scope="session")
def add():
    """The function that adds a recording to a folder."""
    return _add


@pytest.fixture
def folder(add, tmp_path):
    """Two takes of "zero" and "fire truck" by ann."""
    for word in ("zero", "fire_truck"):
        for take in (0, 1):
            add(tmp_path, f"{word}/ann_{take}.wav", secs=0.3 + 0.1 * take)
    return tmp_path


def _add(root, name, secs=0.3, rate=22050, silence_secs=0.1, **kwargs):
    """Writes a tone between two silences as e.g. `zero/ann_0.wav`."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(int(secs * rate)) / rate
    silence = np.zeros(int(silence_secs * rate))
    soundfile.write(
        path,
        np.concatenate([silence, 0.3 * np.sin(2 * np.pi * 440 * time), silence]),
        rate,
        **kwargs,
    )
    return path
