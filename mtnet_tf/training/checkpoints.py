"""The checkpoints of a stage: each is whole or not there, and the newest two are kept."""

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
    """The files `<directory>/ckpt-<step>.*` of a `tf.train.Checkpoint`.

    Their names are the only record of them. `tf.train.CheckpointManager` keeps a record by the
    clock: a run folder that is copied to a machine whose clock is behind would begin again there.
    """

    def __init__(self, checkpoint: tf.train.Checkpoint, directory: pathlib.Path | str) -> None:
        """Takes what is saved and where.

        Args:
            checkpoint: all that a step changes.
            directory: the folder of the files; made when the first checkpoint is written.
        """
        self._checkpoint = checkpoint
        self._directory = pathlib.Path(directory)
        # The steps whose checkpoints can be read, in ascending order.
        self._good = []

    def restore(self) -> None:
        """Restores the newest checkpoint that can be read; does nothing where there is none.

        It passes over a truncated checkpoint, and says so in the log.

        Raises:
            RunFolderError: there are checkpoints, and none of them can be read.
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
                f"No checkpoint in {self._directory} can be read. Delete that folder to begin the"
                " stage again."
            )

    def save(self, step: int) -> None:
        """Writes the checkpoint of a step, then removes all but it and the one before.

        Args:
            step: the number of steps that have been taken.

        Raises:
            FileError: it cannot be written. The earlier ones are still there.
        """
        incomplete = self._directory / "incomplete"
        with writing(self._directory / f"ckpt-{step}"):
            # A killed process may have left one.
            shutil.rmtree(incomplete, ignore_errors=True)
            incomplete.mkdir(parents=True)
            try:
                self._checkpoint.write(str(incomplete / f"ckpt-{step}"))
                # The index comes last: a checkpoint counts when its index is there.
                for path in sorted(incomplete.iterdir()):
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
