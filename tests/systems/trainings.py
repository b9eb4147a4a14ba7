"""What the tests of several systems do: few images, and a training that is stopped on its way."""

import dataclasses
import shutil

import numpy as np
import pytest

from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.train import train
from mtnet_tf.training import loop
from tests.logs import log_of


def of_four_images(data):
    """Returns the data with four training pairs, at least one of each of its three words."""
    rows = [np.flatnonzero(data.train.labels == k)[0] for k in (0, 1, 2)] + [3]
    return dataclasses.replace(data, train=data.train.take(rows))


def assert_resumes_to_the_same_bits(config, data, folder, *stages, train=train):
    """Trains once whole, and goes on from what a kill in each of the stages would have left.

    That is a copy of the run folder at this moment, without a last checkpoint.
    """
    whole, check = RunFolder(folder / "whole"), loop._check

    def copying_check(name, pending):
        if name in stages and pending[-1][0] == 5:
            shutil.copytree(whole.path, folder / name)
        return check(name, pending)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_check", copying_check)
        expected = train(config, data, whole, "cpu")
    for stage in stages:
        killed = RunFolder(folder / stage)
        assert (killed / f"checkpoints/{stage}/ckpt-4.index").is_file()
        for a, b in zip(expected.weights, train(config, data, killed, "cpu").weights):
            np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)
        np.testing.assert_equal(log_of(killed), log_of(whole))
        np.testing.assert_equal([path.name for path in killed.path.glob(".*")], [".lock"])
