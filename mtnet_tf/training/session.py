"""One process's part of a training: its run folder, its replicas, and what is computed once."""

from __future__ import annotations

import logging
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from mtnet_tf.config import TrainingConfig
from mtnet_tf.files import FileError, read_npz, write_npz
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training.distribution import is_chief, wait_for_all
from mtnet_tf.training.loop import run_stage
from mtnet_tf.training.stage import Stage

_logger = logging.getLogger(__name__)


class Session:
    """What the stages of a system need of the process that trains it.

    Attributes:
        run: the run folder.
        init_from: the run with whose network the training begins, or None.
        strategy: the stages that are made in its scope run on its replicas.
        last_stage: the stage that ran last; None before the first.
        seconds: how long the counted stages took, over all starts of the run.
    """

    def __init__(
        self,
        run: RunFolder,
        config: TrainingConfig,
        *,
        strategy: tf.distribute.Strategy | None = None,
        shared: Sequence[RunFolder] = (),
        profile: bool = False,
        init_from: RunFolder | None = None,
    ) -> None:
        """Begins a session.

        Args:
            run: a run folder that has begun.
            config: how often to log, to validate and to write a checkpoint.
            strategy: the strategy to train with; None for one replica.
            shared: other runs. Their artefacts are taken over where the keys agree.
            profile: whether to trace some steps of the stages that allow it.
            init_from: the run with whose network the training begins; None for fresh weights.
        """
        self.run, self.init_from = run, init_from
        self.strategy = strategy or tf.distribute.get_strategy()
        self.last_stage: Stage | None = None
        self.seconds = 0.0
        self._config, self._shared, self._profile = config, shared, profile

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes files."""
        return is_chief(self.strategy)

    def run_stage(self, stage: Stage, *, counted: bool = True) -> None:
        """Runs a stage from its newest checkpoint to its end.

        Args:
            stage: the stage.
            counted: whether its seconds count as the training's, and its steps may be traced, where
                a trace was asked for. A stage that makes an artefact is not counted: another run
                may have made it.

        Raises:
            InputError: as `loop.run_stage`.
        """
        profile = self._profile and counted
        seconds = run_stage(stage, self.run, self._config, profile=profile)
        self.seconds += seconds if counted else 0
        stage.finish()
        self.last_stage = stage

    def artefact(
        self, name: str, key: str, compute: Callable[[], dict[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """Returns arrays that are computed once, by the chief, and kept in the run folder.

        Args:
            name: of the file, with the suffix .npz.
            key: a hash of everything that the arrays depend on. A file with another key, in this
                run or in a shared one, is not taken.
            compute: makes the arrays, {name: array}.

        Returns:
            The arrays, and "key".

        Raises:
            InputError: this run's file is broken, or as `compute`.
            DistributionError: another worker is gone.
        """
        path = self.run / name
        if not self.is_chief:
            wait_for_all(self.strategy)
            return read_npz(path)
        arrays = self._stored(path, key)
        if arrays is None:
            arrays = {**compute(), "key": np.array(key)}
            write_npz(path, **arrays)
        wait_for_all(self.strategy)
        return arrays

    def _stored(self, path: pathlib.Path, key: str) -> dict[str, np.ndarray] | None:
        """Returns the arrays of this run or of a shared one, None where no key agrees."""
        candidates = [path, *(run / path.name for run in self._shared)]
        for candidate in candidates:
            if not candidate.is_file():
                continue
            try:
                arrays = read_npz(candidate)
            except FileError as error:
                if candidate == path:
                    raise
                _logger.warning("Another run's artefact is not taken over: %s", error)
                continue
            if str(arrays.get("key")) != key:
                continue
            if candidate != path:
                _logger.info("Taking over %s of %s.", path.name, candidate.parent)
                write_npz(path, **arrays)
            return arrays
        return None
