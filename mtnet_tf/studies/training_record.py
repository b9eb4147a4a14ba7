"""What the result of a study says of its training, whatever the study looks at."""

from __future__ import annotations

from typing import Any, Literal

from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.runs.provenance import environment


def training_record(
    config: Config, data: AudioDescriptions, device: Literal["cpu", "gpu"]
) -> dict[str, Any]:
    """Returns what was trained, on which data and where, as JSON types.

    Args:
        config: of the training.
        data: the data set.
        device: what the program runs on.

    Returns:
        {"preset", "seed", "precision", "dataset", "recordings"} and the values of `environment`.
    """
    return {
        "preset": config.preset,
        "seed": config.training.seed,
        "precision": config.training.precision,
        "dataset": data.name,
        "recordings": data.recordings_record(),
        **environment(device),
    }
