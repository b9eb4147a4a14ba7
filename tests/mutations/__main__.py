"""Breaks the library on purpose, a line at a time, and tells which breaks no test notices.

    python -m tests.mutations
    python -m tests.mutations --only=losses --jobs=1

A mutant is a copy of the checkout with one piece of text replaced. The test files of its module run
on it, up to the first test that fails. A mutant whose tests all pass has survived.

The modules beside this one list them by hand: each entry is a plausible wrong implementation of
something that a reader of the paper relies on. It takes some minutes, so it is not part of the
tests' own run. The exit status is 1 if a mutant survives that is not in `EXPLAINED`, or if a text
to replace is not in its module exactly once.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import multiprocessing
import os
import pathlib
import shutil
import sys
import tempfile
import time

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    # Two mutants run at a time, and each has a core.
    os.environ.setdefault(name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# They are imported once for all forks that run tests: that takes longer than most tests do.
import pytest  # noqa: E402
import tensorflow  # noqa: E402, F401
import tensorflow_datasets  # noqa: E402, F401

from tests.mutations.mutants import MUTANTS, ROOT, stale  # noqa: E402

COPIED = ("mtnet_tf", "data_builders", "experiments", "tests", "pyproject.toml")

# Survivors that are no wrong implementation: {(module, text, replacement): why}.
EXPLAINED: dict[tuple[str, str, str], str] = {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="modules whose path holds this text")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    chosen = {module: m for module, m in MUTANTS.items() if arguments.only in module}
    if (outdated := stale(chosen)) or not chosen:
        print("These texts are not in the code exactly once:", *outdated, sep="\n  ")
        return 1
    print("The tests without a mutant ...", flush=True)
    for tests in sorted({tests for tests, _ in chosen.values()}):
        if _run(None, tests):
            print(f"They fail as it is: {' '.join(tests)}")
            return 1
    jobs = [(module, tests, m) for module, (tests, mutants) in chosen.items() for m in mutants]
    survivors, start = [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        codes = pool.map(lambda job: _run((job[0], *job[2]), job[1]), jobs)
        for done, ((module, _, mutant), code) in enumerate(zip(jobs, codes), 1):
            verdict = {0: "SURVIVED", 1: "killed"}.get(code, f"does not run ({code})")
            left = (time.monotonic() - start) / done * (len(jobs) - done)
            shown = " ".join(mutant[0].split())[:60]
            print(
                f"{done}/{len(jobs)}  {left:4.0f} s left  {verdict}  {module}: {shown}", flush=True
            )
            if code != 1:
                survivors.append((module, *mutant))
    killed = len(jobs) - len(survivors)
    print(f"{killed} of {len(jobs)} mutants killed ({100 * killed / len(jobs):.1f} %).")
    unexplained = [s for s in survivors if s not in EXPLAINED]
    for module, text, replacement in survivors:
        why = EXPLAINED.get((module, text, replacement), "NOT EXPLAINED")
        print(f"  {module}: {text!r} -> {replacement!r}: {why}")
    return bool(unexplained)


def _run(mutant, tests) -> int:
    """Runs test files on a copy with one replacement; returns pytest's exit status.

    They run in a fork of this process.
    """
    with tempfile.TemporaryDirectory(prefix="mutant_") as folder:
        for name in COPIED:
            source, target = ROOT / name, pathlib.Path(folder, name)
            if source.is_dir():
                shutil.copytree(
                    source, target, ignore=shutil.ignore_patterns("__pycache__", "results")
                )
            else:
                shutil.copyfile(source, target)
        if mutant:
            module, text, replacement = mutant
            path = pathlib.Path(folder, module)
            path.write_text(path.read_text().replace(text, replacement, 1))
        process = multiprocessing.get_context("fork").Process(target=_test, args=(folder, tests))
        process.start()
        process.join()
        return process.exitcode


def _test(folder, tests):
    """Runs the tests in the fork, which has imported TensorFlow and nothing of this project."""
    os.chdir(folder)
    os.environ.update(TMPDIR=folder, PYTHONPATH=folder)
    tempfile.tempdir = None
    sys.path[:] = [folder, *(p for p in sys.path if pathlib.Path(p or ".").resolve() != ROOT)]
    sys.dont_write_bytecode = True
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
    os._exit(int(code))


if __name__ == "__main__":
    sys.exit(main())
