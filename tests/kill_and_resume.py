"""Kills a program at random moments, starts it again, and compares what it leaves.

    python -m tests.kill_and_resume --stage=all --kills=4 --seed=0

A stage is a program at work: the build of a data set, a training (stage 1 of Algorithm 1, then
stage 2), an evaluation, or an ablation of two rows. Its files tell how far it is, in marks:
kilobytes, lines of the log, or files. The marks are divided into as many equal parts as there are
kills, and a kill comes in each part. The seed draws at which mark, and how long after it. The
program is started again with the same command until it ends by itself.

Then each file that it left is compared with that of an undisturbed run: weights and arrays bit by
bit, data sets record by record, the log line by line, and rows, sounds and pictures byte by byte.
Only times may differ.
"""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
# What may differ.
TIMES = (
    "started",
    "seconds",
    "training_seconds",
    "examples_per_second",
    "description_milliseconds",
    "descriptions_per_second",
)
TRAINING = (
    "--preset=tiny",
    "--device=cpu",
    "--override=image_encoder.widths=[4, 8]",
    "--override=image_encoder.pool_after=[1, 2]",
    "--override=image_encoder.dropout_rate=0.2",
    "--override=image_encoder.feature_units=[32, 32]",
    "--override=audio_autoencoder.hidden_units=[32, 24, 16, 24, 32]",
    "--override=cross_modal_mapper.units=[32, 16]",
    "--override=audio_generator.num_blocks=1",
    "--override=audio_generator.hidden_units=[32]",
    "--override=training.autoencoder.epochs=40",
    "--override=training.max_reconstruction_error=5",  # so few updates teach nothing
    "--override=training.joint.epochs=1",
    "--override=training.validations=2",
    "--override=training.log_steps=3",
    "--override=training.checkpoint_secs=0.1",
)
_POLL_SECS = 0.02
_LIFE_SECS = 300  # that a program may take from one start to its end


@dataclasses.dataclass(frozen=True)
class Stage:
    """A program at work in a folder.

    Attributes:
        program: a module of `experiments`.
        arguments: the folder of all stages -> the arguments of the program. The program runs in a
            folder of its own, to which their paths are relative.
        marks: the folder of the program -> how far it is, a number that grows.
        starts_over: whether its marks begin at 0 with each start.
        needs: {stage: path}. The path is copied from the undisturbed run of that stage before the
            first start.
    """

    program: str
    arguments: Callable[[pathlib.Path], list[str]]
    marks: Callable[[pathlib.Path], int]
    starts_over: bool = False
    needs: dict[str, str] = dataclasses.field(default_factory=dict)


def _files(folder):
    return [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]


def _log_lines(folder):
    lines = 0
    for path in _files(folder):
        # Not the temporary file that is about to take its place.
        if os.path.basename(path) == "train_log.jsonl":
            with contextlib.suppress(FileNotFoundError):  # renamed meanwhile
                lines += pathlib.Path(path).read_bytes().count(b"\n")
    return lines


def _kilobytes(folder):
    size = 0
    for path in _files(folder):
        try:
            size += os.path.getsize(path)
        except FileNotFoundError:  # renamed meanwhile
            pass
    return size // 1024


def _data(work):
    return f"--data_dir={work}/build/undisturbed/data"


STAGES = {
    "build": Stage("prepare_data", lambda _: ["--data_dir=data"], _kilobytes, starts_over=True),
    "training": Stage("train", lambda work: [*TRAINING, _data(work), "--run_dir=run"], _log_lines),
    "evaluate": Stage(
        "evaluate",
        lambda _: [
            "--run_dir=run", "--device=cpu", "--controls", "--num_pairs=24", "--num_wavs=4",
            "--num_processes=2",
        ],
        lambda folder: len(_files(folder / "run/evaluation")),
        needs={"training": "run"},
    ),
    "ablation": Stage(
        "ablation",
        lambda work: [
            *TRAINING, _data(work), "--out_dir=study", "--rows=gen_only,mtnet", "--num_pairs=20",
            "--num_processes=2",
        ],
        lambda folder: _log_lines(folder) + len(_files(folder)),
    ),
}  # fmt: skip


class Failure(Exception):
    """A program that did not end well, or left something else than the undisturbed one."""


def check(name: str, work: pathlib.Path, kills: int, seed: int, signals=(signal.SIGKILL,)):
    """Runs a stage undisturbed (once a `work` folder) and killed; raises Failure if they differ.

    Args:
        name: of the stage.
        work: the folder of all stages.
        kills: how often it is killed, unless it ends before.
        seed: draws when.
        signals: sent by turns: SIGKILL to the whole process group, another to the program alone.
    """
    stage = STAGES[name]
    undisturbed = _undisturbed(name, work)
    timeline = json.loads((undisturbed.parent / "timeline.json").read_text())
    folder = work / name / f"killed_{seed}"
    _prepare(stage, work, folder)
    random = np.random.default_rng([seed, list(STAGES).index(name)])
    first, last = timeline[0][1], timeline[-1][1]
    for kill in range(kills):
        part = first + (last - first) * (kill + random.uniform()) / kills
        how = f"{name}: kill {kill + 1} of {kills}"
        sent = signals[kill % len(signals)]
        if not _live_and_die(how, stage, work, folder, timeline, part, random, sent):
            break
    else:
        _finish(_start(stage, work, folder), folder)
    differences = compare(undisturbed, folder)
    if differences:
        raise Failure(f"{name}, seed {seed}, in {folder}:\n  " + "\n  ".join(differences))
    print(f"{name}: the same as undisturbed", flush=True)


def _undisturbed(name, work):
    """Returns the folder of the undisturbed run, and what it needs before."""
    stage, folder = STAGES[name], work / name / "undisturbed"
    timeline = folder.parent / "timeline.json"
    if timeline.exists():
        return folder
    if name != "build":
        for needed in ("build", *stage.needs):
            _undisturbed(needed, work)
    _prepare(stage, work, folder)
    changes = [(0.0, stage.marks(folder))]  # (seconds since the start, marks)
    process, start = _start(stage, work, folder), time.monotonic()
    while process.poll() is None:
        marks = stage.marks(folder)
        if marks != changes[-1][1]:
            changes.append((time.monotonic() - start, marks))
        time.sleep(_POLL_SECS)
    _finish(process, folder)
    timeline.write_text(json.dumps(changes))
    return folder


def _prepare(stage, work, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for needed, path in stage.needs.items():
        shutil.copytree(work / needed / "undisturbed" / path, folder / path)


def _start(stage, work, folder):
    """Starts the program in `folder`, as a process group of its own.

    The command is the same whatever the folder is, because the results name it.
    """
    with open(folder.parent / f"{folder.name}.log", "a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"experiments.{stage.program}", *stage.arguments(work)],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
            stdout=log, stderr=log,
        )  # fmt: skip


def _finish(process, folder):
    try:
        status = process.wait(_LIFE_SECS)
    finally:
        _kill_group(process)
    if status:
        raise Failure(f"The program ended with {status}, see {folder}.log:\n{_tail(folder)}")


def _tail(folder):
    return (folder.parent / f"{folder.name}.log").read_text(errors="replace")[-3000:]


def _kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _live_and_die(how, stage, work, folder, timeline, mark, random, signal_number):
    """Starts the program and kills it between two marks; returns False if it ended before.

    The marks are the last one of the undisturbed run that is not above `mark`, and the next one.
    """
    last_mark = timeline[-1][1]
    before = stage.marks(folder) if stage.starts_over else 0
    place = max(i for i, (_, marks) in enumerate(timeline[:-1]) if marks <= mark)
    (secs, mark), (next_secs, _) = timeline[place : place + 2]
    delay = float(random.uniform(0, next_secs - secs))
    process, start = _start(stage, work, folder), time.monotonic()
    try:
        while process.poll() is None and time.monotonic() < start + _LIFE_SECS:
            if stage.marks(folder) - before >= mark:
                break
            time.sleep(_POLL_SECS)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(delay)
        if process.poll() is not None:
            print(f"{how}: it ended before", flush=True)
            _finish(process, folder)
            return False
        reached = stage.marks(folder) - before
        if signal_number != signal.SIGKILL:
            process.send_signal(signal_number)
            process.wait(_LIFE_SECS)
    finally:
        _kill_group(process)
    print(
        f"{how}, at mark {reached} of {last_mark}, {time.monotonic() - start:.1f} s after its"
        f" start: exit status {process.returncode}",
        flush=True,
    )
    # A signal that comes before or after the training loop ends the program as any other.
    if process.returncode not in (-signal_number, 128 + signal_number):
        raise Failure(f"{signal_number.name} ended it with {process.returncode}:\n{_tail(folder)}")
    return True


# -------------------------------------------------------------------------------------- comparison


def compare(undisturbed: pathlib.Path, killed: pathlib.Path) -> list[str]:
    """Returns what differs between two folders, a line each."""
    ours, theirs = ({os.path.relpath(path, f) for path in _files(f)} for f in (undisturbed, killed))
    # Which two steps have a checkpoint is a matter of time.
    passing = re.compile(r"/tensorboard/|/checkpoints/\w+/ckpt-\d+\.")
    found = [
        f"{path}: only in {folder.name}"
        for folder, paths in ((undisturbed, ours - theirs), (killed, theirs - ours))
        for path in sorted(paths)
        if not passing.search(path)
    ]
    for path in sorted(ours & theirs):
        if not passing.search(path):
            a, b = _contents(undisturbed / path), _contents(killed / path)
            if a != b:
                found.append(f"{path}: {_first_difference(a, b)}")
    return found


def _contents(path):
    """Returns what has to be equal in a file: bytes, or a list or dict of them."""
    if path.name.endswith(".keras"):
        return _weights(path)
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            return {name: _tensor(array) for name, array in archive.items()}
    if ".tfrecord" in path.name:
        import tensorflow as tf

        # The features of an example are a map, which has no order.
        return [
            {
                name: feature.SerializeToString()
                for name, feature in tf.train.Example.FromString(record).features.feature.items()
            }
            for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
        ]
    if path.suffix == ".json":
        return _without_times(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix == ".jsonl":
        return _log(path)
    if path.suffix == ".md":
        return re.sub(r"(trained|scored) in \d+ s", r"\1 in _ s", path.read_text(encoding="utf-8"))
    return path.read_bytes()


def _tensor(array):
    return str(array.dtype), array.shape, array.tobytes()


def _weights(path):
    """Returns the weights of a network's file, which has the time of its writing too."""
    weights = {}

    def add(name, item):
        if isinstance(item, h5py.Dataset):
            weights[name] = _tensor(item[()])

    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as member:
        with h5py.File(io.BytesIO(member.read())) as stored:
            stored.visititems(add)
    return weights


def _log(path):
    """Returns the lines of a log without times; the steps of a stage must ascend, each once."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for stage in {line["stage"] for line in lines}:
        steps = [line["step"] for line in lines if line["stage"] == stage]
        if steps != sorted(set(steps)):
            raise Failure(f"{path}: the steps of {stage} are not in order or not once: {steps}")
    return [_without_times(line) for line in lines]


def _without_times(values):
    if isinstance(values, dict):
        return {key: _without_times(value) for key, value in values.items() if key not in TIMES}
    if isinstance(values, list):
        return [_without_times(value) for value in values]
    return values


def _first_difference(a, b):
    if isinstance(a, (dict, list)) and type(a) is type(b) and len(a) == len(b):
        places = a if isinstance(a, dict) else range(len(a))
        for place in places:
            if isinstance(b, dict) and place not in b:
                return f"{place} is missing"
            if a[place] != b[place]:
                return f"at {place}: {_first_difference(a[place], b[place])}"
    return f"{str(a)[:200]} -> {str(b)[:200]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stage", choices=[*STAGES, "all"], default="all")
    parser.add_argument("--kills", type=int, default=4, help="kills of each stage")
    parser.add_argument("--seed", type=int, default=0, help="draws the moments")
    parser.add_argument("--signals", default="KILL", help="by turns; default: KILL; KILL,TERM,INT")
    parser.add_argument(
        "--work_dir", help="kept, with the undisturbed runs; default: a temporary one"
    )
    options = parser.parse_args()
    signals = [signal.Signals[f"SIG{name}"] for name in options.signals.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(options.work_dir or temporary).resolve()
        for name in STAGES if options.stage == "all" else [options.stage]:
            check(name, work, options.kills, options.seed, signals)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"error: {failure}")
