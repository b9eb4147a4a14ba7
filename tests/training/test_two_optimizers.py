"""A stage with two optimisers: killed in the middle and continued, it ends in the same bits."""

import signal
import time

import numpy as np

from mtnet_tf.runs.run_folder import RunFolder
from tests import programs
from tests.logs import log_of


def start(run, **environment):
    return programs.Program("toy_gan", run, package="tests.training", **environment)


def assert_ends_well(program):
    done = program.finish()
    assert done.returncode == 0, done.stderr


def weights_of(run):
    with np.load(run / "weights.npz") as stored:
        return [stored[name] for name in stored.files]


def test_killed_and_continued_it_ends_in_the_same_bits(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert_ends_well(start(whole))
    killed = start(parts, TOY_GAN_PAUSE="60")
    # It pauses in the validation after step 20 of 40; the checkpoint of step 19 is written.
    deadline = time.monotonic() + programs.MOST_SECS
    try:
        while not list(parts.glob("checkpoints/toy_gan/ckpt-19.index")):
            assert killed.process.is_alive() and time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        killed.process.kill()
    assert killed.finish().returncode == -signal.SIGKILL
    assert not (parts / "weights.npz").exists()
    assert_ends_well(start(parts))
    for a, b in zip(weights_of(whole), weights_of(parts), strict=True):
        np.testing.assert_array_equal(a, b)
    log = log_of(RunFolder(whole))
    assert log_of(RunFolder(parts)) == log
    assert [line["step"] for line in log] == list(range(5, 41, 5))
    last = log[-1]
    assert {"discriminator", "generator", "generator_rate", "discriminator_rate"} <= set(last)


def test_both_networks_move_and_each_by_its_own_loss():
    from tests.training import toy_gan

    stage = toy_gan.make()
    before = [w.copy() for w in stage.weights()]
    batch = next(iter(stage.batches(0)))
    first = {name: float(value) for name, value in stage.train_step(batch).items()}
    assert all(not np.array_equal(a, b) for a, b in zip(before, stage.weights(), strict=True))
    assert first["discriminator"] > 0 and first["generator"] > 0
    assert stage.learning_rates()["discriminator_rate"] < stage.learning_rates()["generator_rate"]
