"""The checkpoints of a stage: whole or not there, and the newest two kept."""

from __future__ import annotations

import logging
import pathlib
import re
import shutil

import tensorflow as tf

from mtnet_tf.errors import first_line
from mtnet_tf.files import writing
from mtnet_tf.runs.run_folder import RunFolderError

_logger = logging.getLogger(__name__)
_KEPT = 2


class Checkpoints:
    """The files `<directory>/ckpt-<step>.*` of a `tf.train.Checkpoint`; their names are the only record of them.

    `tf.train.CheckpointManager` keeps a record by the clock: on a machine whose clock is behind, a run folder that was
    copied there would begin again.
    """

    def __init__(self, checkpoint: tf.train.Checkpoint, directory):
        self._checkpoint = checkpoint
        self._directory = pathlib.Path(directory)
        self._good = []  # steps, in ascending order

    def restore(self) -> None:
        """Restores the newest that can be read; one that was truncated is passed over with a word in the log.

        Raises RunFolderError if there are some and none can be read.
        """
        steps = sorted(step for step, path in self._files() if path.suffix == ".index")
        for step in reversed(steps):
            path = self._directory / f"ckpt-{step}"
            try:
                self._checkpoint.read(str(path)).assert_consumed()
            except (tf.errors.OpError, IndexError, ValueError, AssertionError) as error:
                _logger.warning(
                    "checkpoint %s cannot be read (%s); trying the one before.",
                    path,
                    first_line(error),
                )
            else:
                self._good = [good for good in steps if good <= step]
                return
        if steps:
            raise RunFolderError(
                f"No checkpoint in {self._directory} can be read. Delete that folder to begin the stage again."
            )

    def save(self, step: int) -> None:
        """Writes the checkpoint of a step, then removes all but it and the one before.

        Raises FileError if it cannot be written; those before are still there.
        """
        incomplete = self._directory / "incomplete"
        with writing(self._directory / f"ckpt-{step}"):
            shutil.rmtree(incomplete, ignore_errors=True)  # of a killed process
            incomplete.mkdir(parents=True)
            try:
                self._checkpoint.write(str(incomplete / f"ckpt-{step}"))
                for path in sorted(incomplete.iterdir()):  # the index, which makes it count, last
                    path.replace(self._directory / path.name)
            finally:
                shutil.rmtree(incomplete, ignore_errors=True)
            self._good = [*self._good, step][-_KEPT:]
            for other, path in self._files():
                if other not in self._good:
                    path.unlink(missing_ok=True)

    def _files(self) -> list[tuple[int, pathlib.Path]]:
        """Returns (step, path) of each file of a checkpoint."""
        paths = self._directory.glob("ckpt-*")
        return [
            (int(match[1]), path)
            for path in paths
            if (match := re.fullmatch(r"ckpt-(\d+)\.(index|data-.*)", path.name))
        ]
