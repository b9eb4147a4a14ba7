"""What the tests of several systems do: few images, and a training that is stopped on its way."""

import dataclasses

import numpy as np
import pytest

from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.trained import train
from mtnet_tf.training import loop


def of_four_images(data):
    """Returns the data with four training pairs, at least one of each of its three words."""
    rows = [np.flatnonzero(data.train.labels == k)[0] for k in (0, 1, 2)] + [3]
    return dataclasses.replace(data, train=data.train.take(rows))


def assert_resumes_to_the_same_bits(config, data, stage, folder):
    """Trains once whole, and once stopped in a stage, without a last checkpoint, and continued."""
    whole, parts = RunFolder(folder / "whole"), RunFolder(folder / "parts")
    expected = train(config, data, whole, "cpu")
    check = loop._check

    def dying_check(name, pending):
        if name == stage and pending[-1][0] >= 5:
            raise KeyError
        return check(name, pending)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_check", dying_check)
        with pytest.raises(KeyError):
            train(config, data, parts, "cpu")
    for a, b in zip(expected.weights, train(config, data, parts, "cpu").weights):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)
