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
from mtnet_tf.files import write_text
from mtnet_tf.training.run_folder import RunFolder, RunFolderError
from mtnet_tf.training.stage import Stage

_logger = logging.getLogger(__name__)


class NonFiniteLossError(InputError, ArithmeticError):
    """A loss became NaN or infinite; the last checkpoint is from before."""


def run_stage(stage: Stage, run: RunFolder, config: TrainingConfig) -> float:
    """Runs a stage from its newest checkpoint to its last step.

    Returns the seconds spent training over all starts of this run. Raises NonFiniteLossError with step and term, and
    Interrupted after SIGINT or SIGTERM.
    """
    step, seconds = tf.Variable(0, dtype=tf.int64), tf.Variable(0.0, dtype=tf.float64)
    checkpoint = tf.train.Checkpoint(
        model=stage.model,
        optimizer=stage.optimizer,
        dropout_seeds=_dropout_seeds(stage.model),
        step=step,
        seconds=seconds,
    )
    manager = tf.train.CheckpointManager(
        checkpoint, str(run / "checkpoints" / stage.name), max_to_keep=2
    )
    _restore(checkpoint, manager, stage)
    first = int(step)
    if first == stage.num_steps:
        return float(seconds)
    _drop_log_after(run, stage.name, first)
    if first:
        _logger.info("%s: continuing at step %d of %d", stage.name, first, stage.num_steps)
    meter = _Meter(stage, run, first, float(seconds))
    validation_every = (
        math.ceil(stage.num_steps / config.validations)
        if config.validations
        else stage.num_steps + 1
    )
    saved_at = time.monotonic()
    pending = []  # (step, losses) not yet checked and logged
    writer = tf.summary.create_file_writer(str(run / "tensorboard" / stage.name))
    with writer.as_default(), _signals() as received:
        for number, batch in enumerate(stage.batches(first), start=first + 1):
            pending.append((number, stage.train_step(batch)))
            last, validating = (
                number == stage.num_steps,
                number % validation_every == 0 or number == stage.num_steps,
            )
            stopping = bool(
                received
            )  # looked at once: a signal that comes later waits for the next step
            save = last or stopping or time.monotonic() - saved_at > config.checkpoint_secs
            if save or validating or number % config.log_steps == 0:
                means = _check(stage.name, pending)
                pending = []
                meter.log(number, means, stage.validate() if validating else {})
                if validating:
                    stage.write_pictures(number)
            if save:
                step.assign(number)
                seconds.assign(meter.seconds())
                manager.save(checkpoint_number=number)
                saved_at = time.monotonic()
            if stopping and not last:
                raise Interrupted(received[0])
    return float(seconds)


def _dropout_seeds(model) -> list[tf.Variable]:
    """Returns the states of the dropout layers' random numbers, which a checkpoint of a Keras model leaves out."""
    weights = {id(weight) for weight in model.weights}
    return [variable.value for variable in model.variables if id(variable) not in weights]


def _restore(checkpoint, manager, stage) -> None:
    """Restores the newest readable checkpoint; one that was truncated is passed over with a word in the log."""
    for path in reversed(manager.checkpoints):
        try:
            checkpoint.restore(path).assert_consumed()
            return
        except (tf.errors.OpError, IndexError, ValueError, AssertionError) as error:
            _logger.warning(
                "%s: checkpoint %s cannot be read (%s); trying the one before.",
                stage.name,
                path,
                error,
            )
    if manager.checkpoints:
        raise RunFolderError(
            f"No checkpoint in {manager.directory} can be read. Delete that folder to begin the stage again."
        )


def _check(stage_name, pending) -> dict[str, float]:
    """Returns the mean of each loss over the pending steps; raises NonFiniteLossError at the first bad one."""
    sums = {}
    for step, losses in pending:
        losses = {name: float(loss) for name, loss in losses.items()}
        bad = [name for name, loss in losses.items() if not math.isfinite(loss)]
        if bad:
            values = ", ".join(f"{name}={loss:g}" for name, loss in losses.items())
            raise NonFiniteLossError(
                f"Stage {stage_name}, step {step}: the term {bad[0]} is not finite ({values}). The last checkpoint is from "
                "before; lower the learning rate or set training.*.optimizer.clip_norm, in a new run folder."
            )
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + loss
    return {name: total / len(pending) for name, total in sums.items()}


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
        with open(self._path, "a", encoding="utf-8") as file:
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
    kept = []
    for text in path.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(
            json.JSONDecodeError
        ):  # the last line of a killed run may be half a line
            line = json.loads(text)
            if line["stage"] != stage_name or line["step"] <= step:
                kept.append(text + "\n")
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
