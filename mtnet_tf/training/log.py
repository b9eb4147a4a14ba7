"""The log of a training: a line of JSON every few steps, a line for the eye, and TensorBoard's."""

from __future__ import annotations

import json
import logging
import time

import tensorflow as tf

from mtnet_tf.files import write_text, writing
from mtnet_tf.runs.layout import LOG
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training.stage import Stage

_logger = logging.getLogger(__name__)


class Means(tf.train.experimental.PythonState):
    """The mean of each figure since the last line of the log.

    A checkpoint holds it. So a run that was interrupted between two lines writes the second one as
    if it had not been.
    """

    def __init__(self) -> None:
        """Begins with no figures."""
        self._sums, self._count = {}, 0

    def add(self, steps: list[dict[str, float]]) -> None:
        """Adds the figures of some steps."""
        for figures in steps:
            for name, figure in figures.items():
                self._sums[name] = self._sums.get(name, 0.0) + figure
        self._count += len(steps)

    def take(self) -> dict[str, float]:
        """Returns the means, and begins anew."""
        means = {name: total / self._count for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        return means

    def serialize(self) -> str:
        """Returns the state as text, for a checkpoint."""
        return json.dumps([self._sums, self._count])

    def deserialize(self, string_value: str) -> None:
        """Takes the state from a checkpoint's text."""
        self._sums, self._count = json.loads(string_value)


class Meter:
    """Writes the lines of a stage and measures its speed."""

    def __init__(
        self, stage: Stage, run: RunFolder, first_step: int, seconds_before: float
    ) -> None:
        """Begins at `first_step`, after `seconds_before` of earlier starts of the same run."""
        self._stage, self._path = stage, run / LOG
        self._first, self._before = first_step, seconds_before
        self._start = time.monotonic()
        self._last = first_step, self._start

    def seconds(self) -> float:
        """Returns the seconds spent in this stage over all starts of the run."""
        return self._before + time.monotonic() - self._start

    def log(self, step: int, means: dict[str, float], validation: dict[str, float]) -> None:
        """Writes what is known after a step: the means since the last line, and the validation."""
        now = time.monotonic()
        rate = (step - self._last[0]) * self._stage.batch_size / max(now - self._last[1], 1e-9)
        remaining = (now - self._start) / (step - self._first) * (self._stage.num_steps - step)
        self._last = step, time.monotonic()
        figures = {**means, **validation, **self._stage.learning_rates()}
        line = {
            "stage": self._stage.name,
            "step": step,
            **figures,
            "examples_per_second": round(rate, 1),
        }
        with writing(self._path), open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
        for name, value in figures.items():
            tf.summary.scalar(name, value, step=step)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in {**means, **validation}.items())
        _logger.info(
            "%s %d/%d  %s  %.0f examples/s  ETA %s",
            self._stage.name, step, self._stage.num_steps, shown, rate, _minutes(remaining),
        )  # fmt: skip


def drop_lines_after(run: RunFolder, stage_name: str, step: int) -> None:
    """Removes the lines of steps that a killed run took after its last checkpoint.

    Those steps are taken again, and would be in the log twice.
    """
    path = run / LOG
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
        except (ValueError, LookupError, TypeError, RecursionError):
            _logger.warning("%s: dropped a line that is broken: %.40s", path, text)
    write_text(path, "".join(kept))


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
