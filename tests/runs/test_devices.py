import pytest
import tensorflow as tf

from mtnet_tf.errors import InputError
from mtnet_tf.runs import devices


def test_gpu_without_a_gpu_is_an_error(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])
    with pytest.raises(InputError, match="TensorFlow sees no GPU"):
        devices.select_device("gpu")
    assert devices.select_device("auto") == "cpu"
