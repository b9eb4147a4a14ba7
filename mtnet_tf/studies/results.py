"""The result files of a study: what each says of its training, and when it is not made again."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from typing import Any, Literal

from mtnet_tf.config import Config, differences, flatten, from_json
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json
from mtnet_tf.runs.provenance import environment


def identity(config: Config, data: AudioDescriptions) -> dict[str, Any]:
    """Returns what is trained on which data, as JSON types.

    Args:
        config: of the training.
        data: the data set.

    Returns:
        {"preset", "seed", "precision", "dataset", "num_pairs"}; the last are those of training.
    """
    return {
        "preset": config.preset,
        "seed": config.training.seed,
        "precision": config.training.precision,
        "dataset": data.name,
        "num_pairs": len(data.train),
    }


def training_record(
    config: Config, data: AudioDescriptions, device: Literal["cpu", "gpu"]
) -> dict[str, Any]:
    """Returns what was trained, on which recordings and where, as JSON types.

    Args:
        config: of the training.
        data: the data set.
        device: what the program runs on.

    Returns:
        The values of `identity` and `environment`, and "recordings".
    """
    return {
        **identity(config, data),
        "recordings": data.recordings_record(),
        **environment(device),
    }


def is_made(path: pathlib.Path | str, asked: dict[str, Any], config: Config | None = None) -> bool:
    """Returns whether a result file is there.

    Args:
        path: of the file.
        asked: {key: value} that it must hold, as JSON types; a key may have dots, such as
            "scores.num_pairs". One that it does not hold is not compared: earlier versions wrote
            fewer.
        config: that its "config" must hold, but for what the data set fixes; None for any.

    Raises:
        InputError: the file is broken, or was made otherwise than is asked.
    """
    if not os.path.isfile(path):
        return False
    result = read_json(path)
    kept = flatten(result)
    changed = [
        f"{key}: {kept[key]!r} -> {value!r}"
        for key, value in asked.items()
        if key in kept and kept[key] != value
    ]
    if config is not None and "config" in result:
        made = from_json(json.dumps(result["config"]))
        held_out = ("validation_fraction", "validation_seed")
        chosen = {name: getattr(config.data, name) for name in held_out}
        data = dataclasses.replace(made.data, **chosen)
        changed += differences(made, dataclasses.replace(config, data=data))
    if changed:
        raise InputError(
            f"{path} was made with other flags: {'; '.join(changed)}. Use the same flags, give"
            " another --results, or delete it."
        )
    return True
