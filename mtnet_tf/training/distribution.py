"""Training that TensorFlow's own strategies spread over replicas.

The replicas are the GPUs of one machine, or the devices of several machines.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Literal

import tensorflow as tf

from mtnet_tf.errors import InputError, first_line
from mtnet_tf.models.tracing import traced


class DistributionError(InputError):
    """A training cannot be spread as asked, or one of its workers is gone."""


def make_strategy(name: Literal["none", "mirrored", "multi_worker"]) -> tf.distribute.Strategy:
    """Returns the strategy that the flag `--strategy` names.

    It is called before any operation of TensorFlow's, and after `devices.select_device`.

    Args:
        name: "none" is one replica. "mirrored" is a replica on each GPU of this machine or, where
            TensorFlow sees no GPU, on each logical CPU device. "multi_worker" is a replica on each
            device of each worker that the environment variable TF_CONFIG names; the same program
            runs on each worker, with its own `task` in TF_CONFIG.

    Raises:
        DistributionError: TF_CONFIG is missing or broken, or a worker does not answer.
    """
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if name == "multi_worker":
        try:
            found = json.loads(os.environ["TF_CONFIG"])
            found["cluster"]["worker"][found["task"]["index"]]
            return tf.distribute.MultiWorkerMirroredStrategy()
        # TensorFlow has no common error for a cluster that is not what it should be.
        except (KeyError, IndexError, TypeError, ValueError, tf.errors.OpError) as error:
            raise DistributionError(
                "--strategy=multi_worker reads the environment variable TF_CONFIG, which is missing"
                " or broken, or names a worker that does not answer"
                f" ({type(error).__name__}: {first_line(error)}). An example of it is"
                ' {"cluster": {"worker": ["host1:2222", "host2:2222"]},'
                ' "task": {"type": "worker", "index": 0}}.'
            ) from error
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process is the one that writes checkpoints, logs and results."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec().jobs:
        return True
    return resolver.task_type == "chief" or (
        resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs
    )


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Waits until every worker has called this.

    Raises:
        DistributionError: a worker is gone.
    """
    if strategy.num_replicas_in_sync == 1:
        return

    @traced
    def meet():
        one = strategy.run(lambda: tf.constant(1.0))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, one, axis=None)

    with lost_workers(strategy):
        float(meet())


@contextlib.contextmanager
def lost_workers(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Yields a context that turns TensorFlow's errors on several workers into one clear error.

    Raises:
        DistributionError: another worker does not answer.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            raise
        raise DistributionError(
            f"Another worker of this training does not answer ({first_line(error)}). Start all"
            " workers again with their commands: the run goes on at its last checkpoint."
        ) from error
