"""What can be trained and scored: one record a system in a file of its own, and the one registry.

TensorFlow is not imported before a network is built or trained.
"""

from mtnet_tf.systems.registry import configure, find, find_all, names, of_table, register
from mtnet_tf.systems.system import System

__all__ = ["System", "configure", "find", "find_all", "names", "of_table", "register"]
