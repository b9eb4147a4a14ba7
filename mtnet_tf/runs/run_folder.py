"""The run folder: everything a later program needs, and nothing half-written (`layout`)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import pathlib
import re
import shutil
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from mtnet_tf import config as config_lib
from mtnet_tf.data.pairs import Recordings, voice_of
from mtnet_tf.errors import InputError, first_line
from mtnet_tf.files import (
    FileError,
    locked,
    read_json,
    read_npz,
    read_text,
    remove_leftovers,
    write_json,
    write_text,
)
from mtnet_tf.runs.layout import CHECKPOINTS, CONFIG, ENVIRONMENT, EVENTS, LOG, NETWORK, RECORDINGS
from mtnet_tf.runs.provenance import continuations, environment

_VALIDATED = re.compile(r"^step$|^validation|_total$")
_MENDING = "Delete it and run the command again that the run was begun with: it is written anew."
# environment.json says that the training has ended, and the checkpoints may be gone by then.
MENDING_OF_TRAINED = (
    "Put it back from a copy, or delete it and run the command again that the run was begun with:"
    " that trains the run again, from the start where there are no checkpoints."
)


class RunFolderError(InputError):
    """A run folder that cannot be used; the message says why and what to do."""


class RunFolder:
    """Paths and records of one run."""

    def __init__(self, path: pathlib.Path | str) -> None:
        """Names a folder; it need not be there."""
        self.path = pathlib.Path(path)

    def __truediv__(self, name: str) -> pathlib.Path:
        return self.path / name

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the folder for this process, and removes what killed processes left half-written.

        Raises:
            InUseError: another process holds it.
            FileError: it cannot be written.
        """
        with locked(self.path, wait=False):
            remove_leftovers(self.path)
            yield

    def begin(
        self,
        config: config_lib.Config,
        recordings_fingerprint: str,
        device: Literal["cpu", "gpu"],
        init_from: RunFolder | None = None,
        **records: Any,
    ) -> None:
        """Writes config.json and environment.json, or checks that the folder belongs to this run.

        Where a training goes on, environment.json says so if command, code, versions or hardware
        are others than before, and where its data set is now.

        Args:
            config: of the run.
            recordings_fingerprint: of its data set.
            device: for the record.
            init_from: the run with whose network this one begins, or None.
            **records: further values for environment.json.

        Raises:
            RunFolderError: the folder was begun with another configuration, other recordings or
                another network.
        """
        path, is_begun = self / ENVIRONMENT, (self / ENVIRONMENT).exists()
        record = self.environment() if is_begun else {}
        begun_with = {
            "config_fingerprint": hashlib.sha256(config_lib.to_json(config).encode()).hexdigest(),
            "recordings_fingerprint": recordings_fingerprint,
            "init_from": init_from and str(init_from.path),
            "init_from_fingerprint": init_from and init_from.network_fingerprint(),
        }
        if changed := self._changes(config, record, begun_with):
            raise RunFolderError(
                f"The run folder {self.path} was begun with another configuration:"
                f" {'; '.join(changed)}. Use the same flags to continue it, or give another"
                " --run_dir."
            )
        if not (self / CONFIG).exists():
            write_text(self / CONFIG, config_lib.to_json(config))
        if not is_begun:
            write_json(path, {**environment(device), **begun_with, **records})
        elif not self.is_finished():
            records["init_from"] = begun_with["init_from"]
            moved = {key: value for key, value in records.items() if record.get(key) != value}
            if changes := moved | continuations(record, device):
                self.record(**changes)

    def _changes(
        self, config: config_lib.Config, record: dict[str, Any], begun_with: dict[str, Any]
    ) -> list[str]:
        """Returns what is otherwise than the run was begun with.

        Args:
            config: of the run.
            record: environment.json; {} where there is none.
            begun_with: what it would say of a run that is begun now.
        """
        has_config = (self / CONFIG).exists()
        changed = config_lib.differences(self.config(), config) if has_config else []
        # Runs of earlier versions do not say all of it.
        others = [key for key in begun_with if record.get(key, begun_with[key]) != begun_with[key]]
        if "recordings_fingerprint" in others:
            before, now = (of["recordings_fingerprint"][:12] for of in (record, begun_with))
            changed.append(f"recordings: {before} -> {now}")
        if "init_from_fingerprint" in others:
            before, now = record["init_from"], begun_with["init_from"]
            changed.append(f"init_from: the network of {before} -> {now}")
        if "config_fingerprint" in others and not has_config:
            changed.append("config.json, which is missing, was not that of these flags")
        return changed

    def config(self) -> config_lib.Config:
        """Returns the run's configuration.

        Raises:
            RunFolderError: this is no run folder, or its config.json is broken.
        """
        path = self / CONFIG
        try:
            if not path.is_file():
                raise RunFolderError(
                    f"{self.path} is no run folder: it has no {CONFIG}. Train with"
                    " experiments.train first."
                )
            return config_lib.from_json(read_text(path))
        except FileError as error:
            # The reason alone: what a FileError says to do is not what mends a run.
            reason = first_line(error.__cause__)
            raise RunFolderError(f"{path} cannot be read ({reason}). {_MENDING}") from error
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{path} cannot be used: {error} {_MENDING}") from error

    def neighbours(self) -> list[RunFolder]:
        """Returns the other run folders in the folder of this one, by name."""
        found = sorted(self.path.parent.glob(f"*/{CONFIG}"))
        return [RunFolder(path.parent) for path in found if path.parent != self.path]

    def environment(self) -> dict[str, Any]:
        """Returns environment.json.

        Raises:
            RunFolderError: it is missing or broken, or does not say what every run says.
        """
        path = self / ENVIRONMENT
        mending = MENDING_OF_TRAINED if (self / NETWORK).is_file() else _MENDING
        try:
            values = read_json(path)
        except FileError as error:
            # The reason alone: what a FileError says to do would train the run again.
            reason = first_line(error.__cause__)
            raise RunFolderError(f"{path} is missing or broken ({reason}). {mending}") from error
        needed = ("command", "hardware", "recordings_fingerprint")
        if any(not isinstance(values.get(name), str) for name in needed):
            raise RunFolderError(
                f"{path} does not say {', '.join(needed)}, as every run does. {mending}"
            )
        return values

    def record(self, **values: Any) -> None:
        """Adds values to environment.json."""
        write_json(self / ENVIRONMENT, {**self.environment(), **values})

    def recordings(self) -> Recordings:
        """Returns the recordings of recordings.npz. One that goes with no image has the label -1.

        Raises:
            RunFolderError: the file is missing or damaged, holds something else, or does not fit
                config.json.
        """
        kinds = {"id": ("U", 1), "word": ("U", 1), "waveform": ("i", 2), "words": ("U", 1)}
        stored = self._read_recordings(kinds)
        ids, words, waveforms = stored["id"], stored["word"], stored["waveform"]
        places = {word: label for label, word in enumerate(stored["words"])}
        labels = np.array([places.get(word, -1) for word in words], np.int32)
        same_number = len(ids) == len(words) == len(waveforms)
        is_sound = waveforms.dtype == np.int16 and (labels >= 0).any()
        if not same_number or not is_sound or (words[labels < 0] != "").any():
            raise RunFolderError(
                f"{self / RECORDINGS} does not hold the words and waveforms of a run's recordings."
                f" {_MENDING}"
            )
        wanted = self.config().data
        self._check_fit("words", len(stored["words"]), wanted.num_classes)
        self._check_fit("samples of a recording", waveforms.shape[1], wanted.audio_length)
        return Recordings(tuple(map(str, ids)), labels, waveforms)

    def log(self) -> list[dict[str, Any]]:
        """Returns the lines of train_log.jsonl: {"stage", "step", the figures of that step}.

        Raises:
            RunFolderError: it is missing, or a line is broken.
        """
        path = self / LOG
        try:
            texts = path.read_bytes().splitlines()
        except (OSError, ValueError) as error:
            raise RunFolderError(
                f"{path} is missing or cannot be read ({first_line(error)}). Put it back from a"
                f" copy, or remove {self.path} and train the run again."
            ) from error
        lines = list(map(_line_of_log, texts))
        if None in lines:
            place = lines.index(None)
            raise RunFolderError(
                f"{path}: line {place + 1} is no JSON object that names a stage:"
                f" {texts[place][:40]!r}. Remove that line: its figures alone are lost."
            )
        return lines

    def validations(self) -> list[dict[str, Any]]:
        """Returns what each validation of the last stage found.

        Returns:
            [{"step", the figures of its validation, and the total losses of an adversarial stage}],
            with the names of train_log.jsonl.

        Raises:
            RunFolderError: as `log`.
        """
        lines = self.log()
        return [
            {key: figure for key, figure in line.items() if _VALIDATED.search(key)}
            for line in lines
            if line["stage"] == lines[-1]["stage"]
            and any(key.startswith("validation") for key in line)
        ]

    def words(self) -> list[str]:
        """Returns the words of the data set, in the order of the classes.

        Raises:
            RunFolderError: recordings.npz is missing, does not say them, or does not fit
                config.json.
        """
        words = [str(word) for word in self._read_recordings({"words": ("U", 1)})["words"]]
        self._check_fit("words", len(words), self.config().data.num_classes)
        return words

    def voices(self) -> list[str]:
        """Returns the voices of all recordings of the data set, in alphabetical order.

        Raises:
            RunFolderError: recordings.npz is missing or broken.
        """
        ids = self._read_recordings({"id": ("U", 1)})["id"]
        return sorted({voice_of(str(recording_id)) for recording_id in ids})

    def voices_heard(self) -> list[str]:
        """Returns the voices of the training pairs; of older runs those of all recordings.

        Raises:
            RunFolderError: as `environment` and `voices`.
        """
        heard = self.environment().get("never_heard")
        return list(heard) if isinstance(heard, dict) else self.voices()

    def voices_spoken(self) -> list[str]:
        """Returns the voices that the network speaks in, in the order of their numbers.

        It speaks as the one that is asked for; where it does not depend on the voice, as all of
        them together, or as the only one.

        Raises:
            RunFolderError: as `voices_heard`.
        """
        return self.voices() if self.config().depends_on_voice else self.voices_heard()

    def voices_to_choose(self) -> list[str]:
        """Returns `voices_spoken`, of which one can be asked for.

        Raises:
            InputError: there is nothing to choose: it speaks as several voices together.
            RunFolderError: as `voices_heard`.
        """
        voices = self.voices_spoken()
        if len(voices) > 1 and not self.config().depends_on_voice:
            raise InputError(
                f"The network does not depend on the voice: it speaks as all of {', '.join(voices)}"
                " together. Train with --override=voice.conditioning=concatenation to choose one."
            )
        return voices

    def voice_number(self, name: str) -> int:
        """Returns the place of a voice among `voices_to_choose`.

        Raises:
            InputError: there is no such voice, or none to choose.
            RunFolderError: as `voices_heard`.
        """
        voices = self.voices_to_choose()
        if name not in voices:
            raise InputError(f"There is no voice {name!r}. The voices are: {', '.join(voices)}.")
        return voices.index(name)

    def _read_recordings(self, kinds: dict[str, tuple[str, int]]) -> dict[str, np.ndarray]:
        """Returns arrays of recordings.npz, as `read_npz` does."""
        try:
            return read_npz(self / RECORDINGS, kinds)
        except FileError as error:
            path, reason = self / RECORDINGS, first_line(error.__cause__)
            raise RunFolderError(f"{path} is missing or broken ({reason}). {_MENDING}") from error

    def _check_fit(self, what: str, found: int, wanted: int) -> None:
        """Raises RunFolderError where recordings.npz is another run's than config.json."""
        if found != wanted:
            raise RunFolderError(
                f"{self / RECORDINGS} does not fit config.json: {found} {what}, not {wanted}."
                f" {_MENDING}"
            )

    def is_finished(self) -> bool:
        """Whether the training has ended and its network is there."""
        return (self / NETWORK).is_file() and "steps" in self.environment()

    def network_fingerprint(self) -> str:
        """Returns the SHA-256 of the file of the trained network, as hex digits.

        Raises:
            RunFolderError: it is missing or cannot be read.
        """
        path = self / NETWORK
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise RunFolderError(
                f"{path} cannot be read ({error.strerror}). Train {self.path} to its end first."
            ) from error

    def remove_training_state(self) -> None:
        """Removes what only a training needs: checkpoints, events, networks of earlier stages.

        Audio features stay, because another run may share them.
        """
        for name in (CHECKPOINTS, EVENTS):
            shutil.rmtree(self / name, ignore_errors=True)
        for path in self.path.glob("*.keras"):
            if path.name != NETWORK:
                path.unlink()


def _line_of_log(text: bytes) -> dict[str, Any] | None:
    """Returns a line of train_log.jsonl; None for what is none."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):  # the second: too many lists within lists
        return None
    return line if isinstance(line, dict) and "stage" in line else None
