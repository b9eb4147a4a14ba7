"""The data set that a run was trained on, as its folder names it."""

from __future__ import annotations

import os
import pathlib

from mtnet_tf.data import loading, prepared
from mtnet_tf.data.pairs import AudioDescriptions, DataError
from mtnet_tf.data.voices import beside, never_heard
from mtnet_tf.errors import InputError
from mtnet_tf.runs.layout import ENVIRONMENT
from mtnet_tf.runs.run_folder import RunFolder


def load_data(run: RunFolder, path: pathlib.Path | str | None = None) -> AudioDescriptions:
    """Reads the data set that a run was trained on. Nothing in its folder is run.

    A run that learned a voice beside those of another one also knows that one's words and voices.

    Args:
        run: the run folder.
        path: the folder of the prepared data set; by default that in which the run found it.

    Returns:
        The data set in memory.

    Raises:
        InputError: the data set is gone, damaged or another one, or the run does not name it.
    """
    config, record = run.config(), run.environment()
    path = path or record.get("data_path")
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(
            f"{run / ENVIRONMENT} does not say where the data set of the run is. Give its folder"
            " with --data_path."
        )
    try:
        dataset = prepared.open_prepared(path)
    except DataError as error:
        raise InputError(
            f"The data set of {run.path} cannot be read. {error} If the data set is in another"
            " folder, name that with --data_path."
        ) from error
    if dataset.metadata["recordings_fingerprint"] != record["recordings_fingerprint"]:
        raise InputError(
            f"The data set in {path} has other recordings than those {run.path} was trained on."
            " Give the folder of the run's data set with --data_path."
        )
    found, wanted = loading.fit_config(config, dataset).data, config.data
    fits = found.image_shape == wanted.image_shape and found.audio_length <= wanted.audio_length
    if not fits or found.num_classes > wanted.num_classes:
        raise InputError(
            f"The data set in {path} has images or classes of other shapes than {run.path} was"
            " trained on. Give the folder of the run's data set with --data_path."
        )
    # As of experiments.voices, some of whose networks know a part of the voices.
    if found.num_voices > wanted.num_voices:
        raise InputError(
            f"The data set in {path} has {found.num_voices} voices, and {run.path} was trained on"
            f" {wanted.num_voices} of them. The program that trained it scores it."
        )
    data = beside(loading.load(dataset, config.data), run.words(), run.recordings())
    if others := sorted(set(never_heard(data)) - set(run.voices_heard())):
        raise InputError(
            f"The data set in {path} has pairs of {', '.join(others)}, and {run.path} was trained"
            f" on {', '.join(run.voices_heard())}. The program that trained it scores it."
        )
    return data
