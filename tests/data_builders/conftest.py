"""Recordings folders made of tones, and MNIST AD of the dummy images."""

import tempfile
import zlib

import numpy as np
import pytest
import soundfile

import data_builders
from tests.dummy import DUMMY


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path_factory, monkeypatch):
    """Where TFDS leaves a folder for each of its own data sets that is opened and not prepared."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))


@pytest.fixture(scope="session")
def dummy():
    """The folder of MNIST AD's dummy images (20 and 10) and recordings."""
    return DUMMY


@pytest.fixture(scope="session")
def open_mnist():
    """The function that opens MNIST AD with the dummy images and, unless told, recordings."""
    return _open_mnist


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """MNIST AD of the dummy data, prepared."""
    builder = _open_mnist(tmp_path_factory.mktemp("tfds"))
    builder.download_and_prepare()
    return builder


def _open_mnist(data_dir, recordings_dir=DUMMY / "recordings", config="one_recording", **kwargs):
    kwargs = {"images_dir": DUMMY, **kwargs}
    return data_builders.open_builder(
        f"mnist_ad/{config}", data_dir=data_dir, recordings_dir=recordings_dir, **kwargs
    )


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


def _add(root, name, secs=0.3, rate=22050, silence_secs=0.1, channels=1, **kwargs):
    """Writes a tone between two silences as e.g. `zero/ann_0.wav`; its pitch follows the name."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(int(secs * rate)) / rate
    silence = np.zeros(int(silence_secs * rate))
    pitch = 400 + zlib.crc32(name.encode()) % 1000 / 10
    clip = np.concatenate([silence, 0.3 * np.sin(2 * np.pi * pitch * time), silence])
    soundfile.write(path, np.repeat(clip[:, np.newaxis], channels, axis=1), rate, **kwargs)
    return path
