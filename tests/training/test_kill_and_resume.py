"""What a kill, a full disk, a missing permission or a broken file may do to a run: cost time, nothing else."""

import contextlib
import importlib.util
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import evaluation
from mtnet_tf.config import StageConfig, TrainingConfig
from mtnet_tf.errors import InputError, Interrupted
from mtnet_tf.files import FileError, write_npz, write_text
from mtnet_tf.metrics.score import METRICS, Score
from mtnet_tf.training import loop
from mtnet_tf.training.checkpoints import Checkpoints
from mtnet_tf.training.run_folder import RunFolder, RunFolderError
from mtnet_tf.training.stage import Stage

ROOT = pathlib.Path(__file__).parents[2]


@contextlib.contextmanager
def files_up_to(num_bytes):
    """No file of this process can grow beyond `num_bytes` meanwhile: what a full disk does, for root too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# ------------------------------------------------------------------------------------------------- programs, killed


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("kill_and_resume")


def kill_and_resume(work_dir, *arguments):
    """Returns what `tests/kill_and_resume.py` prints; it fails where the files differ from the undisturbed ones."""
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
    assert ("exit status 143" in output) == ("TERM" in signals)


def test_the_comparison_sees_what_differs(tmp_path):
    spec = importlib.util.spec_from_file_location("tool", ROOT / "tests/kill_and_resume.py")
    tool = importlib.util.module_from_spec(spec)
    sys.modules["tool"] = tool
    spec.loader.exec_module(tool)
    a, b = tmp_path / "a", tmp_path / "b"
    for folder, loss, seconds in ((a, 1.0, 5), (b, 1.0, 6)):
        log = [{"stage": "joint", "step": step, "total": loss, "examples_per_second": seconds} for step in (1, 2)]  # fmt: skip
        write_text(folder / "train_log.jsonl", "".join(json.dumps(line) + "\n" for line in log))
        write_text(folder / "summary.json", json.dumps({"provenance": {"seconds": seconds}}))
        write_npz(folder / "a.npz", x=np.zeros(2, np.float32))
    assert tool.compare(a, b) == []
    write_npz(b / "a.npz", x=np.array([0.0, -0.0], np.float32))
    write_text(b / ".17_rows.csv", "half")
    assert [line.partition(":")[0] for line in tool.compare(a, b)] == [".17_rows.csv", "a.npz"]
    with open(b / "train_log.jsonl", "a") as log:
        log.write('{"stage": "joint", "step": 2}\n')
    with pytest.raises(tool.Failure, match="not in order or not once"):
        tool.compare(a, b)


# ---------------------------------------------------------------------------------------------------- a small stage


class Line(Stage):
    """Fits a line with dropout: it has weights, an optimiser's state and random numbers."""

    name = "line"

    def losses(self, batch, training):
        error = self.model(batch["x"], training=training)[:, 0] - batch["y"]
        return {"total": tf.reduce_mean(tf.square(error))}

    def write_pictures(self, step):
        tf.summary.image("noise", np.zeros([1, 8, 8, 1], np.float32), step=step)


TRAINING = TrainingConfig(checkpoint_secs=0, log_steps=4, validations=2)
NUM_STEPS = 18


def train_line(run, training=TRAINING):
    """Runs the stage in `run` from where it stands; returns its weights."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input([5]), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=[12, 5]).astype(np.float32)
    stage = Line(model, StageConfig(batch_size=4, epochs=6), training, {"x": x, "y": x.sum(-1)})
    assert stage.num_steps == NUM_STEPS
    with run.lock():
        loop.run_stage(stage, run, training)
    return [weight.numpy() for weight in model.trainable_weights]


def log_of(run):
    lines = map(json.loads, (run / "train_log.jsonl").read_text().splitlines())
    return [{k: v for k, v in line.items() if k != "examples_per_second"} for line in lines]


def steps_saved(run):
    return sorted(int(path.name[5:-6]) for path in (run / "checkpoints/line").glob("*.index"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nothing disturbed: its weights, and the folder."""
    run = RunFolder(tmp_path_factory.mktemp("whole"))
    return train_line(run), run


def assert_ends_as(whole, run):
    weights = train_line(run)
    for a, b in zip(whole[0], weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert log_of(run) == log_of(whole[1])
    assert [line["step"] for line in log_of(run)] == [4, 8, 9, 12, 16, 18]


class Killed(BaseException):
    pass


@pytest.fixture
def at_step(monkeypatch):
    """`at_step(number, action)`: does it when the losses of that step are looked at, before they are logged."""
    check = loop._check

    def arrange(number, action):
        def acting_check(stage_name, pending):
            if pending[-1][0] == number:
                monkeypatch.setattr(loop, "_check", check)
                action()
            return check(stage_name, pending)

        monkeypatch.setattr(loop, "_check", acting_check)

    return arrange


def kill():
    raise Killed


def test_the_log_does_not_depend_on_when_checkpoints_are_written(whole, tmp_path):
    run = RunFolder(tmp_path)
    seldom = TrainingConfig(checkpoint_secs=1000, log_steps=4, validations=2)
    train_line(run, seldom)
    assert steps_saved(run) == [NUM_STEPS]
    assert log_of(run) == log_of(whole[1])


def test_killed_between_two_lines_of_the_log(whole, tmp_path, at_step):
    """The line of steps 5 to 8 is the mean of all four, those before the checkpoint of step 6 too."""
    run = RunFolder(tmp_path)
    for number in (7, 8, 13):
        at_step(number, kill)
        with pytest.raises(Killed):
            train_line(run)
    (
        tmp_path / "checkpoints/line/incomplete"
    ).mkdir()  # as a kill in the middle of writing leaves it
    (tmp_path / "checkpoints/line/incomplete/ckpt-13.data-00000-of-00001").write_bytes(b"half")
    with open(run / "train_log.jsonl", "ab") as file:
        file.write(b'{"stage": "line", "step": 13, "tot\0\xff')
    assert_ends_as(whole, run)
    assert not (tmp_path / "checkpoints/line/incomplete").exists()
    assert steps_saved(run) == [17, 18]


@pytest.mark.parametrize("number", [6, NUM_STEPS])
def test_a_signal_stops_at_a_checkpoint(number, whole, tmp_path, at_step):
    """Also one that comes in the last step: what follows the stage is not begun."""
    run = RunFolder(tmp_path)
    at_step(number, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted) as error:
        train_line(run)
    assert error.value.exit_status == 143
    assert steps_saved(run)[-1] == min(number + 1, NUM_STEPS)
    assert_ends_as(whole, run)


def test_disk_full_while_a_checkpoint_is_written(whole, tmp_path, monkeypatch):
    run, save = RunFolder(tmp_path), Checkpoints.save

    def save_on_a_full_disk(self, step):
        with files_up_to(100) if step == 10 else contextlib.nullcontext():
            save(self, step)

    monkeypatch.setattr(Checkpoints, "save", save_on_a_full_disk)
    with pytest.raises(
        FileError, match=r"checkpoints/line/ckpt-10 cannot be written \([^;{]*\). Make room"
    ):
        train_line(run)
    monkeypatch.setattr(Checkpoints, "save", save)
    assert sorted(path.name for path in (tmp_path / "checkpoints/line").iterdir()) == [
        f"ckpt-{step}.{part}" for step in (8, 9) for part in ("data-00000-of-00001", "index")
    ]
    assert_ends_as(whole, run)


def test_disk_full_while_the_log_is_written(whole, tmp_path, monkeypatch):
    run, log = RunFolder(tmp_path), loop._Meter.log

    def log_on_a_full_disk(self, step, *arguments):
        half_a_line = (run / "train_log.jsonl").stat().st_size + 20 if step == 12 else -1
        with files_up_to(half_a_line):
            log(self, step, *arguments)

    monkeypatch.setattr(loop._Meter, "log", log_on_a_full_disk)
    with pytest.raises(FileError, match=r"train_log.jsonl cannot be written \(File too large\)"):
        train_line(run)
    monkeypatch.setattr(loop._Meter, "log", log)
    assert (run / "train_log.jsonl").read_text().splitlines()[-1] == '{"stage": "line", "s'
    assert steps_saved(run) == [10, 11]
    assert_ends_as(whole, run)


def test_disk_full_while_events_are_written(whole, tmp_path, monkeypatch):
    run, pictures = RunFolder(tmp_path), Line.write_pictures

    def on_a_full_disk(self, step):
        pictures(self, step)
        limit.enter_context(files_up_to(300))

    monkeypatch.setattr(Line, "write_pictures", on_a_full_disk)
    with (
        contextlib.ExitStack() as limit,
        pytest.raises(FileError, match="tensorboard/line cannot be written"),
    ):
        train_line(run)
    monkeypatch.setattr(Line, "write_pictures", pictures)
    assert steps_saved(run) == [7, 8]
    assert_ends_as(whole, run)


# ------------------------------------------------------------------------------------------------------ checkpoints


def save_three(directory):
    """Returns (variable, checkpoints) after the steps 1, 2 and 10, where the variable held 1, 2 and 10."""
    variable = tf.Variable(tf.zeros([50]))
    checkpoints = Checkpoints(tf.train.Checkpoint(variable=variable), directory)
    for step in (1, 2, 10):
        variable.assign(tf.fill([50], float(step)))
        checkpoints.save(step)
    return variable, checkpoints


@pytest.mark.parametrize("name", ["ckpt-10.index", "ckpt-10.data-00000-of-00001"])
def test_a_newest_checkpoint_that_is_broken_anywhere(name, tmp_path, caplog):
    variable, checkpoints = save_three(tmp_path)
    whole = (tmp_path / name).read_bytes()
    for length in [*range(0, len(whole), max(1, len(whole) // 8)), len(whole) - 1, None]:
        variable.assign(tf.zeros([50]))
        if length is None:
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_bytes(whole[:length])
        checkpoints.restore()
        assert variable.numpy().tolist() == [2.0] * 50
    assert "ckpt-10 cannot be read" in caplog.text
    checkpoints.save(7)
    names = {path.name.partition(".")[0] for path in tmp_path.iterdir()}
    assert names == {"ckpt-2", "ckpt-7"}  # the broken one is gone, the good one is kept


def test_checkpoints_of_which_none_can_be_read(tmp_path):
    _, checkpoints = save_three(tmp_path)
    for path in tmp_path.glob("*.index"):
        path.write_bytes(b"")
    with pytest.raises(RunFolderError, match="No checkpoint in .* can be read. Delete that folder"):
        checkpoints.restore()
    assert len(list(tmp_path.glob("*.index"))) == 2


def test_checkpoints_are_found_whatever_the_clock_says(tmp_path):
    variable, checkpoints = save_three(tmp_path)
    for path in tmp_path.iterdir():
        os.utime(path, (4e9, 4e9))
    variable.assign(tf.zeros([50]))
    checkpoints.restore()
    assert variable.numpy()[0] == 10


# ------------------------------------------------------------------------------------------------------- run folder


@pytest.mark.parametrize("text", ["", '{"preset": "ti', "\0\0\0\0"])
@pytest.mark.parametrize("name", ["config.json", "environment.json"])
def test_a_broken_record_is_told_and_written_anew(name, text, tiny_config, tmp_path):
    run = RunFolder(tmp_path)
    run.begin(tiny_config, "0" * 64, "cpu")
    (tmp_path / name).write_text(text)
    with pytest.raises(
        RunFolderError, match=rf"{name} (cannot be used|is missing or broken).*Delete it"
    ):
        run.begin(tiny_config, "0" * 64, "cpu")
    (tmp_path / name).unlink()
    run.begin(tiny_config, "0" * 64, "cpu")
    assert run.config() == tiny_config
    assert run.environment()["recordings_fingerprint"] == "0" * 64


def test_other_recordings_are_refused_without_a_config_too(tiny_config, tmp_path):
    run = RunFolder(tmp_path)
    run.begin(tiny_config, "0" * 64, "cpu")
    (tmp_path / "config.json").unlink()
    with pytest.raises(RunFolderError, match="recordings: 000000000000 -> 111111111111"):
        run.begin(tiny_config, "1" * 64, "cpu")


def test_one_process_an_evaluation_and_no_leftovers(tmp_path):
    run = RunFolder(tmp_path)
    for name in (".123_model.keras", "evaluation/test/.123_x", ".hidden", "12_x"):
        write_text(run / name, "half")
    with run.lock(), run.lock("evaluation/test"):
        assert {path.name for path in tmp_path.iterdir()} == {
            ".lock",
            ".hidden",
            "12_x",
            "evaluation",
        }
        assert [path.name for path in (tmp_path / "evaluation/test").iterdir()] == [".lock"]
        with (
            pytest.raises(RunFolderError, match="Another process is using .*/evaluation/test"),
            RunFolder(tmp_path).lock("evaluation/test"),
        ):
            pass


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch, caplog):
    def no_locks(*unused):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with RunFolder(tmp_path).lock():
        assert "cannot be locked (Function not implemented)" in caplog.text


READ_ONLY = """
import os, sys
from experiments import program
from mtnet_tf.training.run_folder import RunFolder

def main(argv):
    if os.getuid() == 0:
        os.setgroups([]), os.setgid(65534), os.setuid(65534)
    with RunFolder(sys.argv[0]).lock({part!r}):
        print("locked")

sys.argv = [{folder!r}]
program.run(main)
"""


@pytest.mark.parametrize("part", ["", "evaluation/test"])
def test_a_read_only_run_folder_is_one_error(part):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY.format(folder=folder, part=part)],
            check=False, cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        os.chmod(folder, 0o755)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    place = pathlib.Path(folder, part)
    assert line.startswith(
        f"error: {place} cannot be written (Permission denied). Make room or mend"
    )


@pytest.mark.slow
def test_a_finished_run_without_its_record_writes_it_anew(tiny_config, synthetic_data, tmp_path):
    from mtnet_tf import variants
    from mtnet_tf.training import algorithm1

    run, config = RunFolder(tmp_path), variants.apply("gen_only", tiny_config)
    model = algorithm1.train(config, synthetic_data, run, "cpu")
    before = run.environment()
    (run / "environment.json").unlink()
    (run / "model.keras").write_bytes((run / "model.keras").read_bytes()[:1000])
    again = algorithm1.train(config, synthetic_data, run, "cpu")
    for a, b in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert {**run.environment(), "started": 0} == {**before, "started": 0}


# ------------------------------------------------------------------------------------------------------- evaluation


class Scores:
    """In place of a scoring pool: a score that follows from the waveform."""

    def map(self, jobs):
        for waveforms, _ in jobs:
            yield [
                ({name: Score(float(waveform[0])) for name in METRICS}, 0) for waveform in waveforms
            ]


class Ramp:
    name, label = "ramp", "ramp"

    def __call__(self, pairs, first):
        return np.linspace(0, 1, len(pairs) * 900, dtype=np.float32).reshape(len(pairs), 900)


@pytest.fixture
def score(synthetic_data, tmp_path):
    def score():
        return evaluation.evaluate(
            Ramp(), synthetic_data.test, synthetic_data, tmp_path, provenance={}, split="test",
            pool=Scores(), num_wavs=2,
        )  # fmt: skip

    return score


def results(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "summary.json"
    }


@pytest.mark.parametrize("keep", [0, 10, -3])
@pytest.mark.parametrize("name", ["rows.csv", "summary.json"])
def test_a_truncated_result_is_scored_anew(name, keep, score, tmp_path, caplog):
    score()
    before = results(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[:keep])
    write_text(tmp_path / ".99_rows.csv", "half")
    write_text(tmp_path / "wavs/.a.wav.99.tmp", "half")
    summary = score()
    assert "scoring anew" in caplog.text
    assert results(tmp_path) == before
    assert json.loads((tmp_path / "summary.json").read_text()) == summary


@pytest.mark.parametrize(
    "writer, name",
    [("_write_rows", "rows.csv"), ("write_json", "summary.json"), ("audio.write_audio", "wav")],
)
def test_disk_full_while_scoring(writer, name, score, tmp_path, monkeypatch):
    *module, function = writer.split(".")
    place = getattr(evaluation, module[0]) if module else evaluation
    write = getattr(place, function)

    def write_on_a_full_disk(*arguments):
        with files_up_to(100):
            write(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(place, function, write_on_a_full_disk)
        with pytest.raises(InputError, match=rf"{name}:? cannot be written \(File too large\)"):
            score()
    assert not (tmp_path / "summary.json").exists()
    assert not any(path.name.startswith(".") for path in tmp_path.rglob("*"))
    assert score()["num_pairs"] == 6


SCORING = """
import itertools, multiprocessing, signal
import numpy as np
from experiments import program
from mtnet_tf.metrics.scoring_pool import ScoringPool

def main(argv):
    tone = np.sin(np.arange(12000, dtype=np.float32) / 10)[None]
    with ScoringPool(tone, 2) as pool:
        for _ in pool.map(itertools.repeat((tone, np.array([0])))):
            print(*(child.pid for child in multiprocessing.active_children()), flush=True)

if __name__ == "__main__":
    # What a shell starts in the background ignores SIGINT, and so do these tests then.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program.run(main)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "who, number, status",
    [
        ("worker", signal.SIGKILL, 1),
        ("program", signal.SIGKILL, -9),
        ("program", signal.SIGTERM, -15),
        ("group", signal.SIGINT, 130),
    ],
)
def test_no_worker_outlives_its_program(who, number, status, tmp_path):
    (tmp_path / "score.py").write_text(SCORING)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "score.py"], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert len(workers) == 2
    if who == "group":
        os.killpg(process.pid, number)
    else:
        os.kill(process.pid if who == "program" else workers[0], number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == status, errors
    if status > 0:
        (line,) = errors.splitlines()
        assert ("killed, by want of memory" if who == "worker" else "interrupted") in line
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(is_running(pid) for pid in workers):
        time.sleep(0.1)
    assert not any(is_running(pid) for pid in workers)


def is_running(pid):
    """Whether there is such a process, other than a zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
