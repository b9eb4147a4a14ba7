"""What every program shares: its --help, its quiet start, its flags' ranges."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
OUR_LINE = re.compile(r"\d\d:\d\d:\d\d  ")  # of our own log


def run(*arguments):
    """Runs Python as a user does, without the settings of the tests."""
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_help_shows_the_shared_flags():
    text = run("-m", "experiments.train", "--help").stdout
    shared = "preset override device strategy dataset data_dir recordings_dir speaker audio_length"
    for name in [*shared.split(), "run_dir"]:
        assert f"--{name}" in text, name
    assert "--verbosity" not in text  # absl's own: --helpfull has them


def test_a_program_starts_without_a_word_of_tensorflow(data_dir, tmp_path):
    done = run(
        "-m", "experiments.train", "--preset=tiny", "--dry_run", f"--data_dir={data_dir}",
        f"--run_dir={tmp_path / 'run'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if not OUR_LINE.match(line)] == []
    assert "trainable parameters" in done.stdout


def test_who_only_asks_for_tensorflow_does_not_make_it_loud(tmp_path):
    code = """
import importlib.util
from experiments import program

def main(argv):
    assert importlib.util.find_spec("tensorflow")
    import tensorflow

program.run(main)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_failed_import_of_tensorflow_shows_what_was_written(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'a library is missing\\n')\nraise ImportError('no TensorFlow')\n"
    )
    code = f"""
import sys
from experiments import program
sys.path.insert(0, {str(tmp_path)!r})
program.run(lambda argv: __import__("tensorflow"))
"""
    done = run("-c", code)
    assert done.returncode == 1
    assert "a library is missing" in done.stderr
    assert done.stderr.strip().endswith("ImportError: no TensorFlow")


@pytest.mark.parametrize(
    "program, flag",
    [
        ("evaluate", "num_processes=0"),
        ("evaluate", "num_pairs=-1"),
        ("evaluate", "num_wavs=-1"),
        ("ablation", "num_processes=-2"),
        ("ablation", "num_pairs=-1"),
        ("compare_exports", "num_pairs=-1"),
    ],
)
def test_counts_have_a_lower_bound(program, flag):
    done = run("-m", f"experiments.{program}", f"--{flag}", "--run_dir=r", "--out_dir=o")
    assert done.returncode == 1
    assert f"flag --{flag}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "program, arguments",
    [
        ("train", ["--run_dir=r"]),
        ("train", ["--run_dir=r", "--init_from={pretrained}"]),
        ("ablation", ["--out_dir=o"]),
        ("recipe", ["--out_dir=o", "--results=s"]),
        ("readings", ["--results=s"]),
        ("voices", ["--out_dir=o", "--results=s", "--new_voice=v"]),
        ("reproduce", ["--list"]),
        ("pretrain", []),
    ],
)
def test_an_override_of_what_the_data_set_fixes_is_refused(program, arguments):
    pretrained = ROOT / "mtnet_tf/pretrained/mnist_ad"
    arguments = [argument.format(pretrained=pretrained) for argument in arguments]
    done = run("-m", f"experiments.{program}", "--override=data.audio_length=9", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: --override=data.audio_length=... is given, and the prep")


def test_the_data_set_fixes_all_but_the_validation_part():
    code = """
import dataclasses
from absl import flags
from experiments import program
from mtnet_tf.config import DataConfig
from mtnet_tf.errors import InputError

program.define_override_flag()
flags.FLAGS(["program"])
for key in ["data", *(f"data.{field.name}" for field in dataclasses.fields(DataConfig))]:
    flags.FLAGS.override = [f"{key}=1"]
    try:
        program.read_overrides()
    except InputError:
        print(key)
"""
    assert run("-c", code).stdout.split() == [
        "data", "data.image_shape", "data.num_classes", "data.num_voices", "data.digit_size",
        "data.audio_length", "data.sample_rate",
    ]  # fmt: skip


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("size", [1, 10**6])
def test_output_that_nobody_reads_ends_the_program_silently(size, unbuffered):
    """Whether `print` notices, or only the end of the program."""
    code = f"from experiments import program; program.run(lambda argv: print('x' * {size}))"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=write, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_another_broken_pipe_keeps_its_traceback():
    code = """
from experiments import program

def main(argv):
    raise BrokenPipeError("of a worker")

program.run(main)
"""
    done = run("-c", code)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("BrokenPipeError: of a worker")


def test_a_program_notes_first_of_all_which_code_runs():
    code = """
from experiments import program
from mtnet_tf.runs.provenance import note_start

program.run(lambda argv: print(note_start.cache_info().currsize))
"""
    assert run("-c", code).stdout == "1\n"


def test_ctrl_c_promises_only_what_holds_for_every_program():
    """Some begin anew: a data set, a folder of recordings."""
    code = """
import os, signal
from experiments import program

program.run(lambda argv: os.kill(os.getpid(), signal.SIGINT))
"""
    done = run("-c", code)
    assert (done.returncode, done.stderr) == (
        130,
        "error: interrupted; run the same command again.\n",
    )


def test_two_networks_are_refused():
    done = run("-m", "experiments.export", "--run_dir=r", "--pretrained=mnist_ad", "--output=o")
    assert done.returncode == 1
    assert done.stderr.startswith("error: --run_dir=r and --pretrained=mnist_ad are given")


def test_a_name_that_is_not_utf_8_is_printed_with_an_escape(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    code = r"from experiments import program; program.run(lambda argv: print('caf\udce9.png'))"
    done = run("-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "caf\\udce9.png\n", "")
