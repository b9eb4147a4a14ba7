"""From a picture file to a sound file: the program from its start, and a process that is warm."""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from experiments.benchmarking.setting import Setting
from experiments.benchmarking.synthetic import synthetic_data
from experiments.benchmarking.timing import significant
from mtnet_tf.data import images as image_files
from mtnet_tf.describe import Describer
from mtnet_tf.errors import InputError
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.train import train

_COLD_STARTS = 3
_WARM_CALLS = 20


def describe(setting: Setting) -> dict:
    """Measures the program from its start to its sound file, and each picture once it is warm."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        data = _one_step_run(setting, folder / "run")
        (folder / "picture.png").write_bytes(image_files.encode_png(data.train.images[0]))
        cold = [_cold_start(setting, folder) for _ in range(_COLD_STARTS)]
        warm = 1e3 * _warm(setting, folder)
    return {
        "cold_start_seconds": significant(np.median(cold)),
        "cold_start_spread": [significant(min(cold)), significant(max(cold))],
        "warm_milliseconds_p50": significant(np.percentile(warm, 50)),
        "warm_milliseconds_p95": significant(np.percentile(warm, 95)),
        "warm_pictures": len(warm),
    }


def _one_step_run(setting: Setting, path: pathlib.Path):
    """Trains stage 2 for one step into a run folder and returns the data."""
    config = setting.config
    joint = dataclasses.replace(config.training.joint, batch_size=2, epochs=1e-9)
    config = dataclasses.replace(
        config,
        loss=config.loss.without_audio_feature(),  # so that there is no stage 1
        training=dataclasses.replace(config.training, joint=joint),
    )
    data = synthetic_data(config.data)
    train(config, data, RunFolder(path), setting.device)
    return data


def _cold_start(setting: Setting, folder: pathlib.Path) -> float:
    output = folder / "cold.wav"
    output.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "experiments.describe"),
        f"--run_dir={folder / 'run'}",
        f"--image={folder / 'picture.png'}",
        f"--output={output}",
        f"--device={setting.device}",
    ]
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        while not output.exists() and process.poll() is None:
            time.sleep(0.002)
        seconds = time.perf_counter() - start
        _, errors = process.communicate()
    if process.returncode or not output.exists():
        raise InputError(f"{' '.join(command)} wrote no sound file: {errors.strip()}")
    return seconds


def _warm(setting: Setting, folder: pathlib.Path) -> np.ndarray:
    """Returns float64 [pictures], the seconds to read, describe and write each."""
    describer, data = Describer(folder / "run"), setting.config.data

    def speak():
        start = time.perf_counter()
        image, _ = image_files.read_image(
            folder / "picture.png", data.image_shape, digit_size=data.digit_size
        )
        describer.describe(image).write(folder / "warm.wav", data.sample_rate)
        return time.perf_counter() - start

    speak()
    taken = [speak() for _ in range(_WARM_CALLS)]
    while sum(taken) < setting.seconds:
        taken.append(speak())
    return np.array(taken)
