"""The loop of every stage: steps, logs, checkpoints, interruption and resumption.

It knows no model: a stage hands it a step, what a checkpoint holds, and validation.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping

import tensorflow as tf

from mtnet_tf.config import TrainingConfig
from mtnet_tf.errors import InputError, Interrupted
from mtnet_tf.files import writing
from mtnet_tf.runs.layout import CHECKPOINTS, EVENTS
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training.checkpoints import Checkpoints
from mtnet_tf.training.distribution import DistributionError, is_chief, lost_workers
from mtnet_tf.training.interruption import collected_signals
from mtnet_tf.training.log import Means, Meter, drop_lines_after
from mtnet_tf.training.profiling import Profiler
from mtnet_tf.training.stage import Stage
from mtnet_tf.training.summaries import summary_writer

_logger = logging.getLogger(__name__)


class NonFiniteLossError(InputError, ArithmeticError):
    """A loss, or a figure of a validation, is NaN or infinite."""

    def __init__(self, stage_name: str, step: int, figures: Mapping[str, float]) -> None:
        """Names the first figure of the step that is not finite."""
        bad = next(name for name, figure in figures.items() if not math.isfinite(figure))
        values = ", ".join(f"{name}={figure:g}" for name, figure in figures.items())
        super().__init__(
            f"Stage {stage_name}, step {step}: the term {bad} is not finite ({values})."
            " The last checkpoint is from before. Lower the learning rate or set"
            " training.*.optimizer.clip_norm, in a new run folder."
        )


def run_stage(
    stage: Stage, run: RunFolder, config: TrainingConfig, *, profile: bool = False
) -> float:
    """Runs a stage from its newest checkpoint to its last step.

    Of several workers, all restore and train. The chief alone writes and validates.

    Args:
        stage: the stage.
        run: the folder that receives checkpoints, log and TensorBoard's events.
        config: how often to log, to validate and to write a checkpoint.
        profile: writes a trace of some steps for TensorBoard's profiler.

    Returns:
        The seconds spent in the stage over all starts of this run.

    Raises:
        NonFiniteLossError: a loss, or a figure of the validation, is NaN or infinite; the message
            has step and term.
        Interrupted: after SIGINT or SIGTERM; a checkpoint was written.
        DistributionError: another worker is gone.
    """
    step, seconds = tf.Variable(0, dtype=tf.int64), tf.Variable(0.0, dtype=tf.float64)
    means = Means()
    checkpoint = tf.train.Checkpoint(**stage.trackables(), means=means, step=step, seconds=seconds)
    checkpoints = Checkpoints(checkpoint, run / CHECKPOINTS / stage.name)
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
    drop_lines_after(run, stage.name, first)
    meter = Meter(stage, run, first, float(seconds))
    saved_at = time.monotonic()
    pending = []  # (step, figures) not yet checked: reading a figure waits for the device
    logdir = str(run / EVENTS / stage.name)
    with (
        summary_writer(logdir) as writer,
        collected_signals() as received,
        Profiler(logdir, profile) as profiler,
    ):
        for number, batch in enumerate(stage.batches(first), start=first + 1):
            with lost_workers(stage.strategy), profiler.step(number - first):
                pending.append((number, stage.train_step(batch)))
            last = number == stage.num_steps
            validating = last or _is_validation_step(stage, number)
            # Looked at once: a signal that comes later waits for the next step.
            stopping = bool(received)
            save = last or stopping or time.monotonic() - saved_at > config.checkpoint_secs
            log = validating or number % config.log_steps == 0
            if save or log:
                with lost_workers(stage.strategy):
                    means.add(_check(stage.name, pending))
                pending = []
            if log:
                found = {}
                if validating:
                    with stage.as_kept():
                        found = stage.validate()
                        check_finite(stage.name, number, found)
                        stage.write_pictures(number)
                meter.log(number, means.take(), found)
                with writing(logdir):
                    writer.flush()
            if save:
                step.assign(number)
                seconds.assign(meter.seconds())
                checkpoints.save(number)
                saved_at = time.monotonic()
            if stopping:
                break
        # Also after a signal during the last step: what comes after the stage is not begun.
        if received:
            raise Interrupted(received[0])
    return float(seconds)


def _is_validation_step(stage: Stage, step: int) -> bool:
    """Whether one of the validations, evenly spread, comes after this step."""
    before, after = ((step - back) * stage.num_validations // stage.num_steps for back in (1, 0))
    return after > before


def _follow(stage: Stage, first: int, config: TrainingConfig) -> None:
    """Takes the steps of a worker that is not the chief, until the last or the chief is gone."""
    pending = []
    with collected_signals() as received:
        try:
            with lost_workers(stage.strategy):
                for number, batch in enumerate(stage.batches(first), start=first + 1):
                    pending.append((number, stage.train_step(batch)))
                    if number % config.log_steps == 0 or number == stage.num_steps:
                        _check(stage.name, pending)
                        pending = []
        except DistributionError:
            # A signal sent to all workers stops the chief at a checkpoint, and this worker when
            # the chief is gone.
            if received:
                raise Interrupted(received[0]) from None
            raise


def _check(stage_name: str, pending: list) -> list[dict[str, float]]:
    """Returns the figures of the pending steps; raises NonFiniteLossError at the first bad one."""
    checked = []
    for step, figures in pending:
        figures = {name: float(figure) for name, figure in figures.items()}
        check_finite(stage_name, step, figures)
        checked.append(figures)
    return checked


def check_finite(stage_name: str, step: int, figures: Mapping[str, float]) -> None:
    """Raises NonFiniteLossError unless all figures of a step are finite."""
    if not all(map(math.isfinite, figures.values())):
        raise NonFiniteLossError(stage_name, step, figures)
