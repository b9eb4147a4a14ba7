"""What a function makes of two replicas on this machine's CPU, in a process of its own.

The number of its devices is fixed when a process first uses TensorFlow.
"""

import importlib
import json
import sys

import tensorflow as tf

from tests import programs


def call(function, package="tests.training"):
    """Returns what a function of a test module returns of a strategy; JSON types.

    Args:
        function: "<module>.<function>".
        package: of the module.
    """
    done = programs.run("two_replicas", f"{package}.{function}", package="tests.training")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    module, _, function = sys.argv[1].rpartition(".")
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    print(json.dumps(getattr(importlib.import_module(module), function)(strategy)))


if __name__ == "__main__":
    main()
