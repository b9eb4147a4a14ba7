"""--strategy: two replicas give what one gives, in one process and in two.

A worker that dies is told, and the run goes on when all are started again.
"""

import contextlib
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from mtnet_tf.training.distribution import DistributionError, make_strategy
from tests import programs

ROOT = pathlib.Path(__file__).parents[2]
# Starts experiments.train with two logical CPU devices.
TWO_DEVICES = """
import runpy, sys
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
runpy.run_module("experiments.train", run_name="__main__", alter_sys=True)
"""


def arguments(data_dir, run_dir, strategy, *more):
    return [
        "--preset=tiny",
        "--dataset=digits_ad",
        f"--data_dir={data_dir}",
        f"--run_dir={run_dir}",
        f"--strategy={strategy}",
        "--override=training.autoencoder.epochs=20",
        "--override=training.max_reconstruction_error=5",  # so few updates teach nothing
        "--override=training.joint.epochs=1",
        # Small, because tracing it for each replica takes longest.
        "--override=image_encoder.widths=[4, 8]",
        "--override=image_encoder.pool_after=[1, 2]",
        "--override=image_encoder.residual_batch_norm=true",
        "--override=audio_generator.num_blocks=1",
        "--override=training.log_steps=5",
        "--override=training.checkpoint_secs=0.5",
        *more,
    ]


def start(argv, task=None, **kwargs):
    environment = dict(os.environ)
    if task is not None:
        environment["TF_CONFIG"] = json.dumps(task)
    return subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process):
    try:
        output = process.communicate(timeout=programs.MOST_SECS)[0]
    finally:
        process.kill()
    assert process.returncode == 0, output


@pytest.fixture(scope="module")
def one_replica(data_dir, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "none"
    argv = arguments(data_dir, run_dir, "none", "--profile")
    finish(start([sys.executable, "-m", "experiments.train", *argv]))
    assert list((run_dir / "tensorboard/joint/plugins/profile").glob("*/*.xplane.pb"))
    return run_dir


def joint_log(run_dir):
    lines = map(json.loads, (run_dir / "train_log.jsonl").read_text().splitlines())
    return [line for line in lines if line["stage"] == "joint"]


def weights(run_dir):
    from mtnet_tf.runs.run_folder import RunFolder
    from mtnet_tf.systems.trained import load_network

    network = load_network(RunFolder(run_dir))
    return np.concatenate([weight.numpy().ravel() for weight in network.weights])


def assert_same_training(one, other):
    """Asserts that two trainings have the same losses, but for rounding.

    They agree to 1e-4 over the first five steps and to 1e-3 over ten. Rounding grows to the end.
    """
    logs = joint_log(one), joint_log(other)
    assert [line["step"] for line in logs[0]] == [line["step"] for line in logs[1]]
    for tolerance, stretch in ((1e-4, slice(0, 1)), (1e-3, slice(1, 2)), (0.05, slice(2, None))):
        for a, b in zip(logs[0][stretch], logs[1][stretch]):
            for term in (
                "generation",
                "perceptual",
                "representation",
                "decay",
                "total",
                "gradient_norm",
            ):
                assert b[term] == pytest.approx(a[term], rel=tolerance), (term, a["step"])
    a, b = weights(one), weights(other)
    assert a.shape == b.shape
    assert np.linalg.norm(a - b) < 0.02 * np.linalg.norm(a)


@pytest.mark.slow
def test_two_replicas_in_one_process(data_dir, one_replica, tmp_path):
    run_dir = tmp_path / "run"
    finish(start([sys.executable, "-c", TWO_DEVICES, *arguments(data_dir, run_dir, "mirrored")]))
    assert json.loads((run_dir / "environment.json").read_text())["num_replicas"] == 2
    assert_same_training(one_replica, run_dir)


@pytest.mark.slow
def test_two_replicas_scale_losses_together(data_dir, tmp_path):
    """In float16 both replicas or none leave out a step whose gradients overflow."""
    run_dir = tmp_path / "run"
    argv = arguments(data_dir, run_dir, "mirrored", "--override=training.precision=mixed_float16")
    finish(start([sys.executable, "-c", TWO_DEVICES, *argv]))
    log = joint_log(run_dir)
    skipped = [line["skipped_steps"] * 5 for line in log]  # of the five steps of a line
    assert skipped == pytest.approx([round(count) for count in skipped])
    assert skipped[0] > 0 and skipped[-1] == 0
    assert log[-1]["generation"] < log[0]["generation"] / 2


def free_ports(count):
    """Ports that nobody uses, and that no connection of another program is given meanwhile."""
    with contextlib.ExitStack() as tried:
        ports = []
        while len(ports) < count:
            port = random.randrange(10_000, 32_000)  # below those that Linux gives by itself
            with contextlib.suppress(OSError):
                tried.enter_context(socket.socket()).bind(("localhost", port))
                ports.append(port)
        return ports


def start_workers(data_dir, run_dir):
    addresses = [f"localhost:{port}" for port in free_ports(2)]
    argv = [
        sys.executable,
        "-m",
        "experiments.train",
        *arguments(data_dir, run_dir, "multi_worker"),
    ]
    return [
        start(argv, {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}})
        for i in (0, 1)
    ]


@pytest.mark.slow
def test_two_processes_one_of_which_dies(data_dir, one_replica, tmp_path):
    run_dir = tmp_path / "run"
    workers = chief, other = start_workers(data_dir, run_dir)
    deadline = time.monotonic() + programs.MOST_SECS
    try:
        while not list((run_dir / "checkpoints/joint").glob("ckpt-*.index")):
            for process in workers:
                assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        other.kill()
        output = chief.communicate(timeout=programs.MOST_SECS)[0]
    finally:
        for process in workers:
            process.kill()
    assert chief.returncode == 1 and "does not answer" in output, output
    for process in start_workers(data_dir, run_dir):
        finish(process)
    assert_same_training(one_replica, run_dir)
    steps = [line["step"] for line in joint_log(run_dir)]
    assert steps == sorted(set(steps))


@pytest.mark.parametrize(
    "task", [{"cluster": {}}, {"cluster": {"worker": ["localhost:1"]}, "task": {"index": 0}}]
)
def test_a_broken_cluster_is_one_error(task, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps(task))
    with pytest.raises(DistributionError, match="TF_CONFIG, which is missing or broken"):
        make_strategy("multi_worker")


def test_bad_strategies_are_one_error(tmp_path):
    argv = arguments(tmp_path, tmp_path / "run", "multi_worker")
    # What TensorFlow itself refuses: an address without a port.
    task = {"cluster": {"worker": ["localhost"]}, "task": {"type": "worker", "index": 0}}
    done = programs.run("train", *argv, TF_CONFIG=json.dumps(task))
    assert done.returncode == 1
    assert "TF_CONFIG" in done.stderr and "Traceback" not in done.stderr
