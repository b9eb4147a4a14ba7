"""What a reader needs to judge and repeat a result: command, code, versions, hardware, time."""

from __future__ import annotations

import contextlib
import datetime
import functools
import importlib.metadata
import os
import pathlib
import platform
import shlex
import subprocess
import sys
from typing import Any, Literal

from mtnet_tf.runs.cores import num_cores

# The packages whose versions a result depends on.
_VERSIONS = (
    "tensorflow",
    "keras",
    "tensorflow-datasets",
    "numpy",
    "scipy",
    "librosa",
    "pesq",
    "pystoi",
)
# What a result that was made later says of the training.
_OF_TRAINING = ("command", "git_commit", "versions", "hardware")
# Changes elsewhere, as in a result or a network that ships, leave the code as it was committed.
_CODE = ("mtnet_tf", "data_builders", "experiments/*.py", ":(exclude)mtnet_tf/pretrained/*/*")


def environment(device: Literal["cpu", "gpu"]) -> dict[str, Any]:
    """Returns what a reader needs to judge and repeat a result, as JSON types.

    Args:
        device: what the program runs on (`devices.select_device`).

    Returns:
        {"command", "git_commit", "versions", "hardware", "device", "started"}; commit and time are
        those of `note_start`.
    """
    versions = {name: importlib.metadata.version(name) for name in _VERSIONS}
    return {
        "command": command_line(),
        **note_start(),
        "versions": {"python": platform.python_version(), **versions},
        "hardware": hardware(device),
        "device": device,
    }


@functools.cache
def note_start() -> dict[str, str | None]:
    """Returns {"git_commit", "started"} of this process, as they were at the first call.

    A program calls it when it starts: what is committed while it runs is not the code that runs.
    The commit ends in "-dirty" where the code was changed since; it is None where the code is in no
    checkout of its own. The time is in UTC, in ISO 8601.
    """
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"git_commit": _git_commit(), "started": now.isoformat(timespec="seconds")}


def continuations(record: dict[str, Any], device: Literal["cpu", "gpu"]) -> dict[str, Any]:
    """Returns {"resumed": how a training was continued otherwise than it was begun, once a way}.

    Args:
        record: as in `of_training`.
        device: what it is continued on.

    Returns:
        {} where it never was.
    """
    own = environment(device)
    known = [record, *record.get("resumed", [])]
    way = {name: own[name] for name in _OF_TRAINING}
    if any(all(one.get(name) == way[name] for name in way) for one in known):
        return {}
    return {"resumed": [*known[1:], way]}


def of_training(record: dict[str, Any]) -> dict[str, Any]:
    """Returns what a result says of the training behind it: {"training_command", ...}.

    Args:
        record: `environment` of the training, and "resumed" where it was continued otherwise.
    """
    found = {f"training_{name}": record.get(name) for name in _OF_TRAINING}
    return found | ({"training_resumed": record["resumed"]} if "resumed" in record else {})


def command_line() -> str:
    """Returns the running command as a shell takes it: `python -m package.module --flag=value`."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    program = (
        f"python -m {spec.name}" if spec else " ".join(["python", os.path.relpath(sys.argv[0])])
    )
    return " ".join([program, shlex.join(sys.argv[1:])]).strip()


def _git_commit() -> str | None:
    try:
        # An installed package may lie inside somebody's checkout of something else.
        _git("ls-files", "--error-unmatch", __file__)
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", *_CODE)
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _git(*arguments: str) -> str:
    run = subprocess.run(
        ["git", *arguments],
        # The project may lie in a larger checkout.
        cwd=pathlib.Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


def hardware(device: Literal["cpu", "gpu"]) -> str:
    """Returns the hardware in words, such as "2 cores of ... (amx_bf16)" or "1 x <GPU>".

    Of a CPU it says the flag for arithmetic in bfloat16, on which the speed of a training depends.

    Args:
        device: what the program runs on.
    """
    if device == "gpu":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        names = [
            tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
            for gpu in gpus
        ]
        return f"{len(names)} x {names[0]}"
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    from mtnet_tf.layers.bfloat16 import bfloat16_flag

    return f"{num_cores()} cores of {name} ({bfloat16_flag() or 'no bfloat16'})"
