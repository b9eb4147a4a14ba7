"""Programs that are killed and started again, and the worker processes of the metrics."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from mtnet_tf.files import write_npz, write_text
from tests.programs import MOST_SECS

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("kill_and_resume")


def kill_and_resume(work_dir, *arguments):
    """Returns what `tests/kill_and_resume.py` prints.

    It fails where the files differ from those of an undisturbed run.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.kill_and_resume", f"--work_dir={work_dir}", *arguments],
        check=False, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "stage, signals", [("build", "KILL"), ("training", "KILL,TERM"), ("evaluate", "KILL")],
)  # fmt: skip
def test_killed_at_a_random_moment(stage, signals, work_dir):
    """A training once in stage 1, and once told to stop in stage 2."""
    kills = signals.count(",") + 1
    output = kill_and_resume(
        work_dir, f"--stage={stage}", f"--kills={kills}", f"--signals={signals}", "--seed=1"
    )
    assert "exit status -9" in output
    # Before the training loop, SIGTERM ends the program as it ends any other.
    assert bool(re.search("exit status (143|-15)", output)) == ("TERM" in signals)


def test_the_comparison_sees_what_differs(tmp_path):
    spec = importlib.util.spec_from_file_location("tool", ROOT / "tests/kill_and_resume.py")
    tool = importlib.util.module_from_spec(spec)
    sys.modules["tool"] = tool
    spec.loader.exec_module(tool)
    a, b = tmp_path / "a", tmp_path / "b"
    for folder, loss, seconds in ((a, 1.0, 5), (b, 1.0, 6)):
        line = {"stage": "joint", "total": loss, "examples_per_second": seconds}
        log = [line | {"step": step} for step in (1, 2)]
        write_text(folder / "train_log.jsonl", "".join(json.dumps(line) + "\n" for line in log))
        write_text(folder / "summary.json", json.dumps({"provenance": {"seconds": seconds}}))
        write_npz(folder / "a.npz", x=np.zeros(2, np.float32))
        network = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
        network.set_weights([np.ones([2, 1]), np.ones([1])])
        network.save(folder / "model.keras")
    assert tool.compare(a, b) == []
    network.set_weights([np.ones([2, 1]), np.full([1], 1.5)])
    network.save(b / "model.keras")
    (line,) = tool.compare(a, b)
    assert line.startswith("model.keras: at layers/dense/vars/1")
    shutil.copyfile(a / "model.keras", b / "model.keras")
    write_npz(b / "a.npz", x=np.array([0.0, -0.0], np.float32))
    write_text(b / ".17_rows.csv", "half")
    assert [line.partition(":")[0] for line in tool.compare(a, b)] == [".17_rows.csv", "a.npz"]
    with open(b / "train_log.jsonl", "a") as log:
        log.write('{"stage": "joint", "step": 2}\n')
    with pytest.raises(tool.Failure, match="not in order or not once"):
        tool.compare(a, b)


SCORING = """
import itertools, multiprocessing
import numpy as np
from experiments import program
from mtnet_tf.metrics.scoring_pool import ScoringPool

def main(argv):
    tone = np.sin(np.arange(12000, dtype=np.float32) / 10)[None]
    job = np.repeat(tone, 10, axis=0), np.zeros(10, int)  # more than a pipe holds, as a real one is
    with ScoringPool(tone, 2) as pool:
        for _ in pool.map(itertools.repeat(job)):
            print(*(child.pid for child in multiprocessing.active_children()), flush=True)

if __name__ == "__main__":
    program.run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "who, number, status",
    [
        ("worker", signal.SIGKILL, 1),
        ("program", signal.SIGKILL, -9),
        ("program", signal.SIGTERM, -15),
    ],
)
def test_no_worker_outlives_its_program(who, number, status, tmp_path):
    (tmp_path / "score.py").write_text(SCORING)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "score.py"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert len(workers) == 2
    os.kill(process.pid if who == "program" else workers[0], number)
    try:
        errors = process.communicate(timeout=MOST_SECS)[1]
    finally:
        process.kill()
    assert process.returncode == status, errors
    if who == "worker":
        (line,) = errors.splitlines()
        assert "killed, by want of memory" in line
    deadline = time.monotonic() + MOST_SECS
    while time.monotonic() < deadline and any(is_running(pid) for pid in workers):
        time.sleep(0.1)
    assert not any(is_running(pid) for pid in workers)


def is_running(pid):
    """Whether there is such a process, other than a zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
