"""The command `mtnet`, as it is installed."""

import pathlib
import re
import subprocess
import sys

from experiments import console

SCRIPT = pathlib.Path(sys.executable).parent / "mtnet"


def run(*arguments):
    return subprocess.run([SCRIPT, *arguments], check=False, capture_output=True, text=True)


def test_a_program_runs_with_its_flags(tmp_path):
    done = run("describe", f"--run_dir={tmp_path}", "--image=x.png", f"--output={tmp_path}/a.wav")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path} is no run folder")
    help_text = run("describe", "--help").stdout
    assert "--run_dir" in help_text and "--preset" not in help_text


def test_without_a_program_it_names_them():
    for arguments, code in (((), 1), (("nonsense",), 1), (("--help",), 0)):
        done = run(*arguments)
        assert done.returncode == code
        told, other = (done.stderr, done.stdout) if code else (done.stdout, done.stderr)
        assert other == ""
        named = dict(re.findall(r"^  (\w+) +(.+)$", told, re.MULTILINE))
        assert list(named) == list(console.programs()) and {"train", "describe"} <= set(named)
        assert "program" not in named
        assert all(text.endswith(".") for text in named.values())
