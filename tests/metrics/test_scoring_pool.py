"""The pool gives what one process gives, tells what went wrong, and ends at once."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mtnet_tf.metrics.scoring_pool import ScoringPool, WorkerError
from tests.programs import MOST_SECS

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def references(voice):
    return np.stack([voice(6000, seed, 12000) for seed in (1, 2)])


@pytest.fixture(scope="module")
def pool(references):
    with ScoringPool(references, 2) as pool:
        yield pool


def jobs(references, sizes):
    generator = np.random.default_rng(0)
    for size in sizes:
        index = generator.integers(len(references), size=size)
        noise = generator.normal(0, 0.02, (size, references.shape[1]))
        yield (references[index] + noise).astype(np.float32), index


def test_results_are_those_of_one_process_in_the_order_of_the_jobs(pool, references):
    sizes = [6, 1, 1, 2, 0, 1, 3, 1]
    here = list(ScoringPool(references, 1).map(jobs(references, sizes)))
    there = list(pool.map(jobs(references, sizes)))
    assert [len(result) for result in there] == sizes
    assert repr(there) == repr(here)


def test_no_jobs_start_no_worker(references):
    with ScoringPool(references, 2) as pool:
        assert list(pool.map([])) == []
        assert not pool._workers


def test_an_error_in_a_worker_is_raised_and_the_pool_goes_on(pool, references):
    bad = np.zeros((1, 5), np.float32), np.zeros(1, int)
    with pytest.raises(ValueError, match=r"generated must have shape \[n, 12000\]"):
        list(pool.map([*jobs(references, [1, 1]), bad]))
    assert [len(result) for result in pool.map(jobs(references, [2]))] == [2]


def test_an_error_of_the_jobs_is_its_own(pool, references):
    def broken():
        yield from jobs(references, [1])
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(pool.map(broken()))


def test_results_that_nobody_waited_for_are_forgotten(pool, references):
    results = pool.map(jobs(references, [1] * 8))
    next(results)
    results.close()
    assert [len(result) for result in pool.map(jobs(references, [2, 3]))] == [2, 3]


def test_workers_do_not_hear_ctrl_c_and_a_killed_one_is_told(pool, references):
    list(pool.map(jobs(references, [1])))
    for worker in pool._workers.values():
        status = pathlib.Path(f"/proc/{worker.pid}/status").read_text()
        blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
        assert blocked >> (signal.SIGINT - 1) & 1
    next(iter(pool._workers.values())).kill()
    with pytest.raises(WorkerError, match="was killed, by want of memory .* fewer than 2 proc"):
        list(pool.map(jobs(references, [1] * 6)))


PROGRAM = """
import itertools, signal
import numpy as np
from experiments import program
from mtnet_tf.metrics.scoring_pool import ScoringPool

def main(argv):
    tone = np.sin(np.arange(12000, dtype=np.float32) / 10)[None]
    job = np.repeat(tone, 20, axis=0), np.zeros(20, int)
    with ScoringPool(tone, 2) as pool:
        print("started", flush=True)
        for _ in pool.map(itertools.repeat(job)):
            pass

if __name__ == "__main__":
    # What a shell starts in the background ignores SIGINT, and so do these tests then.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program.run(main)
"""


def group_members(group):
    """The running processes of a process group, zombies left out."""
    members = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            members.append(stat.parent.name)
    return members


@pytest.mark.slow
@pytest.mark.parametrize("secs", [0.0, 0.8, 3.0])  # the workers start, import, score
@pytest.mark.parametrize("interruptions", [1, 2])
def test_ctrl_c_ends_the_program_and_its_workers(interruptions, secs, tmp_path):
    (tmp_path / "score.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "score.py"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout.readline() == "started\n"
    try:
        time.sleep(secs)
        os.killpg(process.pid, signal.SIGINT)
        if interruptions == 2:
            time.sleep(0.1)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        errors = process.communicate(timeout=MOST_SECS)[1]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    # The second one may come when only the exit is left, and ends that.
    assert process.returncode in ((130,) if interruptions == 1 else (130, -signal.SIGINT)), errors
    assert [line for line in errors.splitlines() if "interrupted" not in line] == []
    assert interruptions == 2 or len(errors.splitlines()) == 1
    deadline = time.monotonic() + MOST_SECS
    while group_members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert group_members(process.pid) == []
