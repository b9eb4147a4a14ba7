"""The program: its flags, its messages, its exit codes."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "experiments.make_recordings", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def fsdd(tmp_path):
    folder = tmp_path / "fsdd"
    folder.mkdir()
    for digit in range(10):
        soundfile.write(folder / f"{digit}_ann_0.wav", np.full(800, 0.1), 8000)
    return folder


def test_fsdd(fsdd, tmp_path):
    result = run(f"--fsdd_dir={fsdd}", "--speakers=ann", f"--output_dir={tmp_path / 'ann'}")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"10 recordings in {tmp_path / 'ann'}\n"
    assert (tmp_path / "ann" / "zero" / "ann_0.wav").exists()
    again = run(f"--fsdd_dir={fsdd}", "--speakers=ann", f"--output_dir={tmp_path / 'ann'}")
    assert again.returncode == 1
    assert "not an empty folder" in again.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "either --words"),
        (["--words=digits", "--speakers=ann"], "--speakers is for --fsdd_dir"),
        (["--words=ca7"], "'ca7'"),
        (["--fsdd_dir=none", "--takes=2"], "With --fsdd_dir, --takes has no meaning"),
    ],
)
def test_bad_input_is_one_line(tmp_path, arguments, message):
    result = run(*arguments, f"--output_dir={tmp_path / 'x'}")
    assert result.returncode == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_help_names_every_flag():
    text = run("--help").stdout
    for flag in ("output_dir", "words", "takes", "length_scale", "noise_scale", "seed", "fsdd_dir"):
        assert f"--{flag}" in text or f"--[no]{flag}" in text
    assert "python -m experiments.make_recordings --words=digits" in text
