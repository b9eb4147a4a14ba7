"""Files that are never half-written and never trusted when they are read."""

from mtnet_tf.files.arrays import read_npy_header, read_npz, write_npz
from mtnet_tf.files.errors import FileError, check_writable, reading, writing
from mtnet_tf.files.locking import InUseError, locked
from mtnet_tf.files.replacing import remove, remove_leftovers, replacing, safe_name, whole_files
from mtnet_tf.files.text import parse_json, read_csv, read_json, read_text, write_json, write_text

__all__ = [
    "FileError",
    "InUseError",
    "check_writable",
    "locked",
    "parse_json",
    "read_csv",
    "read_json",
    "read_npy_header",
    "read_npz",
    "read_text",
    "reading",
    "remove",
    "remove_leftovers",
    "replacing",
    "safe_name",
    "whole_files",
    "write_json",
    "write_npz",
    "write_text",
    "writing",
]
