"""The results of DCMAVG's other half, from made-up files."""

import json

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.reporting import images_of_sounds

RESULT = {
    "dataset": "mnist_ad/one_recording-0123", "preset": "small", "seed": 0, "num_images": 3000,
    "word_accuracy": 0.75, "word_accuracy_of_true_images": 0.99, "precision": "float32",
    "looks": [
        {"validation_word_accuracy": 0.8, "validation_diversity": 0.5},
        {"validation_word_accuracy": 0.6, "validation_diversity": 0.25},
    ],
    "steps": 700, "training_seconds": 90.0, "training_command": "c", "training_hardware": "h",
    "versions": {"python": "3"}, "git_commit": "abc",
}  # fmt: skip


def test_where_words_do_not_differ_no_diversity_is_shown(tmp_path):
    looks = [{"validation_word_accuracy": 0.8}]
    (tmp_path / "one_word_ad.json").write_text(json.dumps({**RESULT, "looks": looks}))
    assert "| 80.00 % | - | 1.5 |" in images_of_sounds.section(tmp_path)


def test_a_line_a_training_and_its_picture(tmp_path):
    (tmp_path / "mnist_ad.json").write_text(json.dumps(RESULT))
    (tmp_path / "mnist_ad.png").write_bytes(b"")
    text = images_of_sounds.section(tmp_path)
    line = "| mnist_ad | 75.00 % | 99.00 % | epoch 1 of 2 | 60.00 % | 0.2500 | 1.5 |"
    assert line in text and f"({tmp_path.name}/mnist_ad.png)" in text
    assert "preset small, seed 0, float32, 3,000 images, 700 steps; on h. python 3; code" in text


def test_what_is_no_result_is_one_error(tmp_path):
    with pytest.raises(InputError, match="no result. Run experiments.images_of_sounds, and"):
        images_of_sounds.section(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps(RESULT | {"looks": None}))
    with pytest.raises(InputError, match="a.json is no result of experiments.images_of_sounds"):
        images_of_sounds.section(tmp_path)
