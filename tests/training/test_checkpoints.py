"""Checkpoints: broken ones are passed over, and no clock is asked."""

import os

import pytest
import tensorflow as tf

from mtnet_tf.runs.run_folder import RunFolderError
from mtnet_tf.training.checkpoints import Checkpoints


def save_three(directory):
    """Returns (variable, checkpoints) after the steps 1, 2 and 10; the variable held the step."""
    variable = tf.Variable(tf.zeros([50]))
    checkpoints = Checkpoints(tf.train.Checkpoint(variable=variable), directory)
    for step in (1, 2, 10):
        variable.assign(tf.fill([50], float(step)))
        checkpoints.save(step)
    return variable, checkpoints


@pytest.mark.parametrize("name", ["ckpt-10.index", "ckpt-10.data-00000-of-00001"])
def test_a_newest_checkpoint_that_is_broken_anywhere(name, tmp_path, caplog):
    variable, checkpoints = save_three(tmp_path)
    whole = (tmp_path / name).read_bytes()
    for length in [*range(0, len(whole), max(1, len(whole) // 8)), len(whole) - 1, None]:
        variable.assign(tf.zeros([50]))
        if length is None:
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_bytes(whole[:length])
        checkpoints.restore()
        assert variable.numpy().tolist() == [2.0] * 50
    assert "ckpt-10 cannot be read" in caplog.text
    checkpoints.save(7)
    names = {path.name.partition(".")[0] for path in tmp_path.iterdir()}
    assert names == {"ckpt-2", "ckpt-7"}  # the broken one is gone, the good one is kept


def test_checkpoints_of_which_none_can_be_read(tmp_path):
    _, checkpoints = save_three(tmp_path)
    for path in tmp_path.glob("*.index"):
        path.write_bytes(b"")
    with pytest.raises(RunFolderError, match="No checkpoint in .* can be read. Delete that folder"):
        checkpoints.restore()
    assert len(list(tmp_path.glob("*.index"))) == 2


def test_checkpoints_are_found_whatever_the_clock_says(tmp_path):
    variable, checkpoints = save_three(tmp_path)
    for path in tmp_path.iterdir():
        os.utime(path, (4e9, 4e9))
    variable.assign(tf.zeros([50]))
    checkpoints.restore()
    assert variable.numpy()[0] == 10
