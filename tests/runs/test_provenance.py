"""What a result says of its command, its code and its hardware."""

import re
import shlex
import subprocess
import sys

import pytest

from mtnet_tf.runs import provenance


def test_a_shell_reads_the_command_back(monkeypatch):
    arguments = ["--override=image_encoder.widths=[4, 8]", "--image=a b.png", "--seed=0"]
    monkeypatch.setattr(sys, "argv", ["program.py", *arguments])
    assert shlex.split(provenance.command_line())[-3:] == arguments


def git(*arguments):
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *author, *arguments], check=True, capture_output=True)


@pytest.fixture
def at_start():
    """Returns the commit that a process notes that starts at this moment."""

    def commit():
        provenance.note_start.cache_clear()
        return provenance.environment("cpu")["git_commit"]

    yield commit
    provenance.note_start.cache_clear()


@pytest.mark.parametrize("place", ["", "vendor"])
def test_only_code_makes_a_commit_dirty(place, tmp_path, monkeypatch, at_start):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / place
    shipped, result = "mtnet_tf/pretrained/mnist_ad/config.json", "experiments/results/z.json"
    for name in ("mtnet_tf/runs/x.py", "experiments/programs/y.py", result, shipped):
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_text("1")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    monkeypatch.setattr(provenance, "__file__", str(root / "mtnet_tf/runs/x.py"))
    clean = at_start()
    assert len(clean) == 12
    (root / result).write_text("2")
    (root / shipped).write_text("2")
    (root / "mtnet_tf/untracked.py").write_text("2")
    assert at_start() == clean
    (root / "experiments/programs/y.py").write_text("2")
    assert at_start() == f"{clean}-dirty"
    # What is changed while a program runs is not what runs.
    git("commit", "-qam", "second")
    assert provenance.environment("cpu")["git_commit"] == f"{clean}-dirty"
    assert at_start() not in (clean, f"{clean}-dirty")


def test_outside_of_a_checkout_there_is_no_commit(tmp_path, monkeypatch, at_start):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "mtnet_tf/runs/x.py"))
    assert at_start() is None


def test_somebody_elses_checkout_is_not_ours(tmp_path, monkeypatch, at_start):
    monkeypatch.chdir(tmp_path)
    package = tmp_path / ".venv/mtnet_tf/runs"
    package.mkdir(parents=True)
    (package / "x.py").write_text("1")
    (tmp_path / "own.py").write_text("1")
    git("init", "-q")
    git("add", "own.py")
    git("commit", "-qm", "first")
    monkeypatch.setattr(provenance, "__file__", str(package / "x.py"))
    assert at_start() is None


def test_a_training_says_how_it_was_continued(monkeypatch):
    record = provenance.environment("cpu")
    assert provenance.continuations(record, "cpu") == {}
    assert "training_resumed" not in provenance.of_training(record)
    monkeypatch.setattr(sys, "argv", ["program.py", "--other"])
    record |= provenance.continuations(record, "cpu")
    (way,) = provenance.of_training(record)["training_resumed"]
    assert way["command"].endswith("--other") and way["hardware"] == record["hardware"]
    # Once a way.
    assert provenance.continuations(record, "cpu") == {}


def test_the_hardware_says_whether_the_cpu_has_bfloat16():
    assert re.search(
        r" cores of .+ \((amx_bf16|avx512_bf16|no bfloat16)\)$", provenance.hardware("cpu")
    )
