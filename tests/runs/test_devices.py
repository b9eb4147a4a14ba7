import pytest
import tensorflow as tf

from mtnet_tf.errors import InputError
from mtnet_tf.runs import devices


def test_gpu_without_a_gpu_is_an_error(monkeypatch):
    hidden = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *given: hidden.append(given))
    with pytest.raises(InputError, match="TensorFlow sees no GPU"):
        devices.select_device("gpu")
    assert hidden == []
    assert devices.select_device("auto") == "cpu"
    assert hidden == [([], "GPU")]
