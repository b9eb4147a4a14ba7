"""The run folder: everything a later program needs, and nothing half-written.

config.json          the configuration; a run continues only under the same one
environment.json     versions, hardware, command line, git commit, data set and recordings hashes
recordings.npz       the distinct recordings: ids, words, waveforms
audio_features.npz   the audio feature of each recording (line 3 of Algorithm 1)
train_log.jsonl      one line each log_steps, each step once
checkpoints/<stage>/ model + optimiser + step
tensorboard/
autoencoder.keras, model.keras   the trained networks
evaluation/<split>/<generator>/  rows.csv, summary.json, wavs
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import pathlib

from mtnet_tf import config as config_lib
from mtnet_tf.errors import InputError
from mtnet_tf.files import remove_leftovers, write_json, write_text, writing
from mtnet_tf.runs.provenance import environment

_logger = logging.getLogger(__name__)
_MENDING = "Delete it and run the command again that the run was begun with: it is written anew."


class RunFolderError(InputError):
    """A run folder that cannot be used; the message says why and what to do."""


class RunFolder:
    """Paths and records of one run."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def __truediv__(self, name) -> pathlib.Path:
        return self.path / name

    @contextlib.contextmanager
    def lock(self, part: str = ""):
        """Holds the folder, or the folder `part` in it, for one process.

        What killed processes left half-written in it is removed. Raises RunFolderError if another process has it, and
        FileError if it cannot be written.
        """
        folder = self / part
        with contextlib.ExitStack() as stack:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(open(folder / ".lock", "w"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunFolderError(
                    f"Another process is using the run folder {folder}. Wait for it, or give another --run_dir."
                ) from error
            except OSError as error:  # a file system without locks
                _logger.warning(
                    "%s cannot be locked (%s): see that no other process uses it.",
                    folder,
                    error.strerror,
                )
            remove_leftovers(folder)
            yield

    def begin(
        self, config: config_lib.Config, recordings_fingerprint: str, device: str, **records
    ) -> None:
        """Writes config.json and environment.json, or checks that the folder belongs to this configuration and data.

        Raises RunFolderError with the differences otherwise.
        """
        environment_path, changed = self / "environment.json", []
        if (self / "config.json").exists():
            changed = config_lib.differences(self.config(), config)
        if environment_path.exists():
            before = self.environment()["recordings_fingerprint"]
            if before != recordings_fingerprint:
                changed.append(f"recordings: {before[:12]} -> {recordings_fingerprint[:12]}")
        if changed:
            raise RunFolderError(
                f"The run folder {self.path} was begun with another configuration: {'; '.join(changed)}. "
                "Use the same flags to continue it, or give another --run_dir."
            )
        if not (self / "config.json").exists():
            write_text(self / "config.json", config_lib.to_json(config))
        if not environment_path.exists():
            write_json(
                environment_path,
                {
                    **environment(device),
                    "recordings_fingerprint": recordings_fingerprint,
                    **records,
                },
            )

    def config(self) -> config_lib.Config:
        """Returns the run's configuration. Raises RunFolderError if this is no run folder, or config.json is broken."""
        path = self / "config.json"
        if not path.is_file():
            raise RunFolderError(
                f"{self.path} is no run folder: it has no config.json. Train with experiments.train first."
            )
        try:
            return config_lib.from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{path} cannot be used: {error} {_MENDING}") from error

    def environment(self) -> dict:
        """Returns environment.json. Raises RunFolderError if it is missing or broken."""
        path = self / "environment.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{path} is missing or broken ({error}). {_MENDING}") from error

    def record(self, **values) -> None:
        """Adds values to environment.json."""
        write_json(self / "environment.json", {**self.environment(), **values})

    def model(self, name: str = "model.keras"):
        """Returns the trained Keras model. Raises RunFolderError if the run has not finished."""
        import keras

        import mtnet_tf.layers.blocks  # registers the layers
        import mtnet_tf.layers.standardization  # noqa: F401

        path = self / name
        if not path.is_file():
            raise RunFolderError(
                f"{self.path} has no {name}: the run has not finished. Continue it with the command it was begun with."
            )
        try:
            return keras.models.load_model(path, compile=False)
        except Exception as error:
            raise RunFolderError(
                f"{path} cannot be read ({error}). Delete it and continue the run to write it anew."
            ) from error
