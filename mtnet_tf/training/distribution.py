"""Training spread over replicas by TensorFlow's own strategies: the GPUs of a machine, or several machines."""

import contextlib
import json
import os

import tensorflow as tf

from mtnet_tf.errors import InputError, first_line


class DistributionError(InputError):
    """A training that cannot be spread as asked, or a worker of it that is gone."""


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Returns a strategy. To be called before any operation, and after `devices.select_device`.

    Args:
        name: "none": one replica; "mirrored": one on each GPU of this machine (where TensorFlow sees none, on each
            logical CPU device); "multi_worker": on each device of each worker that the environment variable TF_CONFIG
            names, where the same program runs on each worker with its own `task`.

    Raises:
        DistributionError: TF_CONFIG is missing or broken.
    """
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if name == "multi_worker":
        try:
            found = json.loads(os.environ["TF_CONFIG"])
            found["cluster"]["worker"][found["task"]["index"]]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise DistributionError(
                "--strategy=multi_worker reads the environment variable TF_CONFIG, which is missing or broken "
                f"({error!r}). It is such as "
                '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}.'
            ) from error
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes checkpoints, logs and results."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec().jobs:
        return True
    return resolver.task_type == "chief" or (
        resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs
    )


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Returns when every worker has called this. Raises DistributionError if one is gone."""
    if strategy.num_replicas_in_sync == 1:
        return

    @tf.function
    def meet():
        one = strategy.run(lambda: tf.constant(1.0))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, one, axis=None)

    with lost_workers(strategy):
        float(meet())


@contextlib.contextmanager
def lost_workers(strategy: tf.distribute.Strategy):
    """A context in which an error of TensorFlow's, on several workers, is told as a worker that is gone."""
    try:
        yield
    except tf.errors.OpError as error:
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            raise
        raise DistributionError(
            f"Another worker of this training does not answer ({first_line(error)}). Start all workers "
            "again with their commands: the run goes on at its last checkpoint."
        ) from error
