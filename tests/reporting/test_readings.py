"""The tables of the readings from result files as `experiments.readings` writes them."""

import json

import pytest

from mtnet_tf.reporting import readings


def result(stage, reading, seed, looks, **more):
    return {
        "reading": reading, "label": f"label of {reading}", "stage": stage, "preset": "paper",
        "seed": seed, "precision": "float32", "dataset": "digits_ad/x", "num_pairs": 1293,
        "seconds": 10.0 + seed, "started": f"2026-01-0{1 + seed}T00:00:00+00:00",
        "recordings": {"fingerprint": "0" * 64, "used": [{}] * 10}, "hardware": "h",
        "command": f"python -m experiments.readings --stage={stage}", "versions": {"python": "3"},
        "git_commit": "abc", "num_steps": 500, "looks": looks, **more,
    }  # fmt: skip


def autoencoder(reading, seed, error):
    looks = [
        {"step": step, "reconstruction_error": e, "feature_saturation": s, "nearest_cosine": c}
        for step, e, s, c in ((50, 99.0, 1.0, 1.0), (500, error, 0.25, -0.1))
    ]
    return result("autoencoder", reading, seed, looks)


def joint(seed):
    look = {
        "step": 100, "validation_generation": 50.0, "validation_representation": 0.5,
        "validation_accuracy": 0.25, "validation_phi_saturation": 0.1,
        "validation_phi_nearest_cosine": 0.4,
    }  # fmt: skip
    last = look | {"validation_generation": 12.5, "validation_accuracy": 0.75}
    log = [{"gradient_norm": 3.0}, {"gradient_norm": 700.0}, {"gradient_norm": 4.0}]
    return result("joint", "a", seed, [look, last], log=log)


@pytest.fixture
def text(tmp_path):
    results = [autoencoder("a", 0, 0.5), autoencoder("a", 1, 60.0)]
    results += [autoencoder("b", 1, 0.002), autoencoder("b", 0, 0.001), joint(0)]
    for i, values in enumerate(results):
        (tmp_path / f"{i}.json").write_text(json.dumps(values))
    return readings.section(tmp_path)


def test_stage_1_best_reading_first_by_its_worst_seed(text):
    table = [line for line in text.splitlines() if line.startswith("| label")]
    assert table[0] == "| label of b | `paper` | 0 | 500 of 500 | 0.001 | 25.00 % | -0.100 | 500 |"
    order = [tuple(line.strip("| ").split(" | ")[:3:2]) for line in table[:4]]
    assert order == [(f"label of {name}", seed) for name in "ba" for seed in "01"]
    assert "| 60 | 25.00 % | -0.100 | none |" in table[3]


def test_stage_2(text):
    assert "| 50, 12.5 | 0.5000, 0.5000 | 75.00 % | 10.00 % | 0.400 | 700 |" in text
    assert text.index("### Stage 1") < text.index("### Stage 2")
    for part in text.split("### ")[1:]:
        assert len({line.count("|") for line in part.splitlines() if line.startswith("|")}) == 1


def test_a_smaller_network_is_named(tmp_path):
    smaller = joint(0)
    smaller["command"] += " --override=image_encoder.widths=[4]"
    (tmp_path / "0.json").write_text(json.dumps(smaller))
    assert "| `paper` with a smaller image_encoder | 0 |" in readings.section(tmp_path)


def test_each_command_once(text):
    assert text.count("`python -m experiments.readings --stage=autoencoder`") == 1
    assert "10-11 s each on h" in text


def test_a_reading_has_the_label_of_its_newest_result(tmp_path):
    results = [autoencoder("a", seed, 0.5) | {"label": f"label {seed}"} for seed in (1, 0)]
    for i, values in enumerate(results):
        (tmp_path / f"{i}.json").write_text(json.dumps(values))
    text = readings.section(tmp_path)
    assert text.count("| label 1 |") == 2 and "label 0" not in text


def test_what_diverged_is_last_and_said(tmp_path):
    diverged = {"error": "Stage joint, step 1234: the term total is not finite (total=nan)."}
    collapsed = {"error": "Stage 1 has not learned the recordings: its error is 1.5."}
    results = [autoencoder("a", 0, 99.0), autoencoder("b", 0, 0.1), joint(0), joint(1)]
    results += [result("autoencoder", "b", 1, [], log=[], diverged=diverged)]
    results += [result("joint", "b", 0, [], log=[], diverged=collapsed)]
    results[3]["log"] = []  # which was given up at its first look
    for i, values in enumerate(results):
        (tmp_path / f"{i}.json").write_text(json.dumps(values))
    text = readings.section(tmp_path)
    for part in text.split("### ")[1:]:
        table = [line for line in part.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in table}) == 1
        assert table[-1].startswith("| label of b | `paper` | ")
    assert "| label of b | `paper` | 1 | diverged: Stage joint, step 1234 |  |" in text
    assert (
        "| label of b | `paper` | 0 | diverged: Stage 1 has not learned the recordings |  |" in text
    )
    assert text.index("label of a") < text.index("label of b")
