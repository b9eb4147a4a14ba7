"""The model card of a shipped network, from made-up results."""

import json

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.reporting import model_card


def test_results_without_the_network_are_one_error(summary, tmp_path):
    results, shipped = tmp_path / "results", tmp_path / "mnist_ad"
    results.mkdir()
    shipped.mkdir()
    control = summary("white_noise", "white noise", 0.5)
    (results / "white_noise.json").write_text(json.dumps(control))
    (shipped / "calibration.json").write_text("{}")
    with pytest.raises(InputError, match="experiments.pretrain.*KeyError.'mtnet'"):
        model_card.card(results, shipped)
