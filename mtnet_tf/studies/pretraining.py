"""How a trained network becomes one that ships with the package (`mtnet_tf.pretrained`)."""

from __future__ import annotations

import pathlib

import numpy as np

from mtnet_tf.data.pairs import Pairs
from mtnet_tf.files import read_json, reading, replacing, write_json, write_npz
from mtnet_tf.runs.layout import CALIBRATION, CONFIG, ENVIRONMENT, NETWORK, RECORDINGS
from mtnet_tf.runs.networks import halve
from mtnet_tf.runs.run_folder import RunFolder

EXAMPLES = "examples.npz"  # image, uint8 [n, height, width, channels], and label, int [n]
_COPIED = (CONFIG, RECORDINGS, CALIBRATION)


def ship(run: RunFolder, folder: pathlib.Path | str, pairs: Pairs) -> RunFolder:
    """Copies what `describe` needs of a run into a folder, and returns that as a run folder.

    The weights are rounded to float16. Where the data set lay is left out: it is not there on
    another machine.

    Args:
        run: trained and calibrated.
        folder: receives the files.
        pairs: of the test split; the first picture of each word goes along (`EXAMPLES`).

    Raises:
        FileError: a file is missing, or cannot be written.
        RunFolderError: the run has no trained network.
    """
    shipped, copied = RunFolder(folder), {}
    for name in _COPIED:
        with reading(run / name):
            copied[name] = (run / name).read_bytes()
    record = read_json(run / ENVIRONMENT)
    record.pop("data_path", None)
    for name, content in copied.items():
        with replacing(shipped / name) as temporary:
            temporary.write_bytes(content)
    write_json(shipped / ENVIRONMENT, record)
    halve(run / NETWORK, shipped / NETWORK)
    _, first = np.unique(pairs.labels, return_index=True)
    write_npz(shipped / EXAMPLES, image=pairs.images[first], label=pairs.labels[first])
    return shipped
