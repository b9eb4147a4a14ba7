"""The outer loop of every stage: steps, logs, checkpoints, interruption and resumption."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import signal
import time

import tensorflow as tf

from mtnet_tf.config import TrainingConfig
from mtnet_tf.errors import InputError, Interrupted
from mtnet_tf.files import write_text, writing
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training.checkpoints import Checkpoints
from mtnet_tf.training.distribution import DistributionError, is_chief, lost_workers
from mtnet_tf.training.profiling import Profiler
from mtnet_tf.training.stage import Stage
from mtnet_tf.training.summaries import summary_writer

_logger = logging.getLogger(__name__)


class NonFiniteLossError(InputError, ArithmeticError):
    """A loss became NaN or infinite; the last checkpoint is from before."""


def run_stage(stage: Stage, run: RunFolder, config: TrainingConfig, *, profile=False) -> float:
    """Runs a stage from its newest checkpoint to its last step.

    Of several workers, all restore and train, and the chief alone writes and validates.

    Args:
        profile: writes a trace of some steps for TensorBoard's profiler.

    Returns the seconds spent training over all starts of this run. Raises NonFiniteLossError with step and term,
    Interrupted after SIGINT or SIGTERM, and DistributionError where another worker is gone.
    """
    step, seconds = tf.Variable(0, dtype=tf.int64), tf.Variable(0.0, dtype=tf.float64)
    means = _Means()
    checkpoint = tf.train.Checkpoint(
        model=stage.model,
        optimizer=stage.optimizer,
        dropout_seeds=_dropout_seeds(stage.model),
        means=means,
        step=step,
        seconds=seconds,
    )
    checkpoints = Checkpoints(checkpoint, run / "checkpoints" / stage.name)
    checkpoints.restore()
    first = int(step)
    if first == stage.num_steps:
        return float(seconds)
    if first:
        _logger.info("%s: continuing at step %d of %d", stage.name, first, stage.num_steps)
    else:
        _logger.info("%s: %d updates, batches of %d", stage.name, stage.num_steps, stage.batch_size)
    if not is_chief(stage.strategy):
        _follow(stage, first, config)
        return float(seconds)
    _drop_log_after(run, stage.name, first)
    meter = _Meter(stage, run, first, float(seconds))
    validation_every = (
        math.ceil(stage.num_steps / config.validations)
        if config.validations
        else stage.num_steps + 1
    )
    saved_at = time.monotonic()
    pending = []  # (step, losses) not yet checked
    logdir = str(run / "tensorboard" / stage.name)
    with (
        summary_writer(logdir) as writer,
        _signals() as received,
        Profiler(logdir, profile) as profiler,
    ):
        for number, batch in enumerate(stage.batches(first), start=first + 1):
            with lost_workers(stage.strategy), profiler.step(number - first):
                pending.append((number, stage.train_step(batch)))
            last, validating = (
                number == stage.num_steps,
                number % validation_every == 0 or number == stage.num_steps,
            )
            stopping = bool(
                received
            )  # looked at once: a signal that comes later waits for the next step
            save = last or stopping or time.monotonic() - saved_at > config.checkpoint_secs
            log = validating or number % config.log_steps == 0
            if save or log:
                with lost_workers(stage.strategy):
                    means.add(_check(stage.name, pending))
                pending = []
            if log:
                meter.log(number, means.take(), stage.validate() if validating else {})
                if validating:
                    stage.write_pictures(number)
                with writing(logdir):
                    writer.flush()
            if save:
                step.assign(number)
                seconds.assign(meter.seconds())
                checkpoints.save(number)
                saved_at = time.monotonic()
            if stopping:
                break
        if received:  # also one that came during the last step: what comes after is not begun
            raise Interrupted(received[0])
    return float(seconds)


def _follow(stage, first, config) -> None:
    """Takes the steps of a worker that is not the chief, until the last one or until the chief is gone."""
    pending = []
    with _signals() as received:
        try:
            with lost_workers(stage.strategy):
                for number, batch in enumerate(stage.batches(first), start=first + 1):
                    pending.append((number, stage.train_step(batch)))
                    if number % config.log_steps == 0 or number == stage.num_steps:
                        _check(stage.name, pending)
                        pending = []
        except DistributionError:
            # A signal sent to all workers stops the chief at a checkpoint, and this one when the chief is gone.
            if received:
                raise Interrupted(received[0]) from None
            raise


def _dropout_seeds(model) -> list[tf.Variable]:
    """Returns the states of the dropout layers' random numbers, which a checkpoint of a Keras model leaves out."""
    weights = {id(weight) for weight in model.weights}
    return [variable.value for variable in model.variables if id(variable) not in weights]


def _check(stage_name, pending) -> list[dict[str, float]]:
    """Returns the losses of the pending steps; raises NonFiniteLossError at the first bad one."""
    checked = []
    for step, losses in pending:
        losses = {name: float(loss) for name, loss in losses.items()}
        bad = [name for name, loss in losses.items() if not math.isfinite(loss)]
        if bad:
            values = ", ".join(f"{name}={loss:g}" for name, loss in losses.items())
            raise NonFiniteLossError(
                f"Stage {stage_name}, step {step}: the term {bad[0]} is not finite ({values}). The last checkpoint is from "
                "before; lower the learning rate or set training.*.optimizer.clip_norm, in a new run folder."
            )
        checked.append(losses)
    return checked


class _Means(tf.train.experimental.PythonState):
    """The mean of each loss since the last line of the log.

    A checkpoint holds it: a run that was interrupted between two lines writes the second as if it had not been.
    """

    def __init__(self):
        self._sums, self._count = {}, 0

    def add(self, checked) -> None:
        for losses in checked:
            for name, loss in losses.items():
                self._sums[name] = self._sums.get(name, 0.0) + loss
        self._count += len(checked)

    def take(self) -> dict[str, float]:
        """Returns the means, and begins anew."""
        means = {name: total / self._count for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        return means

    def serialize(self):
        return json.dumps([self._sums, self._count])

    def deserialize(self, string_value):
        self._sums, self._count = json.loads(string_value)


class _Meter:
    """The log line, the progress line and the TensorBoard scalars."""

    def __init__(self, stage, run, first_step, seconds_before):
        self._stage, self._path = stage, run / "train_log.jsonl"
        self._first, self._before = first_step, seconds_before
        self._start = time.monotonic()
        self._last = first_step, self._start

    def seconds(self) -> float:
        return self._before + time.monotonic() - self._start

    def log(self, step, means, validation):
        now = time.monotonic()
        rate = (step - self._last[0]) * self._stage.batch_size / max(now - self._last[1], 1e-9)
        remaining = (now - self._start) / (step - self._first) * (self._stage.num_steps - step)
        self._last = step, time.monotonic()
        figures = {**means, **validation, "learning_rate": self._stage.learning_rate()}
        line = {
            "stage": self._stage.name,
            "step": step,
            **figures,
            "examples_per_second": round(rate, 1),
        }
        with writing(self._path), open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        for name, value in figures.items():
            tf.summary.scalar(name, value, step=step)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in {**means, **validation}.items())
        _logger.info(
            "%s %d/%d  %s  %.0f examples/s  ETA %s",
            self._stage.name, step, self._stage.num_steps, shown, rate, _minutes(remaining),
        )  # fmt: skip


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def _drop_log_after(run, stage_name, step) -> None:
    """Removes the log lines of steps that a killed run took after its last checkpoint: they will be taken again."""
    path = run / "train_log.jsonl"
    if not path.exists():
        return
    with writing(path):
        texts = path.read_text(encoding="utf-8", errors="replace").splitlines()
    kept = []
    for text in texts:
        try:
            line = json.loads(text)
            if line["stage"] != stage_name or line["step"] <= step:
                kept.append(text + "\n")
        except (ValueError, LookupError, TypeError):
            _logger.warning("%s: dropped a line that is broken: %.40s", path, text)
    write_text(path, "".join(kept))


@contextlib.contextmanager
def _signals():
    """Collects SIGINT and SIGTERM in a list instead of dying in the middle of a step; a second one kills."""
    received, before = [], {}

    def handler(number, frame):
        received.append(number)
        signal.signal(number, before[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            before[number] = signal.signal(number, handler)
        except ValueError:  # not in the main thread
            pass
    try:
        yield received
    finally:
        for number, old in before.items():
            signal.signal(number, old)
