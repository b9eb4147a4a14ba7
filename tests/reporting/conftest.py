"""Result files as `evaluation` writes them."""

import json

import pytest

from mtnet_tf.metrics import METRICS
from mtnet_tf.systems import plan


def make_summary(candidate, label, mean, failed=0, system="mtnet", precision="float32", seed=0):
    metrics = {
        name: {
            "mean": mean, "sd": 0.1, "num_scored": 10 - failed, "num_failed": failed,
            "num_failed_references": 0, "floor_mean": (mean or 0.0) / 2, "failures": {},
        }
        for name in METRICS
    }  # fmt: skip
    return {
        "candidate": candidate,
        "label": label,
        "dataset": "digits_ad/one_recording-0123",
        "split": "test",
        "num_pairs": 10,
        "num_recordings": 10,
        "metrics": metrics,
        "retrieval_accuracy": 0.9,
        "retrieved": {"num_pairs": 9, "metrics": metrics},
        "per_word": {},
        "classifier_accuracy": 0.95 if candidate == "model" else None,
        "word_accuracy": None,
        "provenance": {
            "preset": "tiny", "system": system, "seed": seed, "precision": precision,
            "hardware": "h", "training_hardware": "h", "versions": {"python": "3"},
            "git_commit": "abc", "steps": 5, "images_seen": 50, "num_training_pairs": 25,
            "num_parameters": 1000, "training_seconds": 2.0, "seconds": 1.0,
            "training_command": "python -m x",
            "recordings": {
                "fingerprint": "0" * 64, "policy": "one_recording", "used": [{"voice_id": "joe"}],
            },
        },
    }  # fmt: skip


@pytest.fixture
def study(tmp_path):
    files = {
        "gen_only/evaluation/test/model": make_summary("model", "Meth.(L_gen)", 0.5, 2, "gen_only"),
        "mtnet/evaluation/test/model": make_summary("model", "MT-Net", 0.75),
        "mtnet/evaluation/test/wrong_word": make_summary("wrong_word", "wrong word", None, 10),
    }
    for name, values in files.items():
        (tmp_path / "study" / name).mkdir(parents=True)
        (tmp_path / "study" / name / "summary.json").write_text(json.dumps(values | {"floor": 0}))
    return tmp_path / "study"


@pytest.fixture
def summary():
    return make_summary


@pytest.fixture
def cells(tmp_path):
    """A function that writes the result file of a cell into its `folder`, and returns the path.

    A seed of None is a control's.
    """
    folder = tmp_path / "tables"
    folder.mkdir()

    def write(dataset, row, seed=0, scores=(0.9, 3.0, 0.8), provenance=None, **changes):
        control, system = seed is None, "mtnet" if row in plan.BEYOND or seed is None else row
        summary = make_summary(row if control else "model", f"label of {row}", 0.5, 0, system)
        if control:
            provenance = {"command": "python -m y", **(provenance or {})}
        summary["dataset"] = f"{dataset}/one_recording-0123"
        summary["metrics"] = {
            name: values | {"mean": score, "floor_mean": score}
            for (name, values), score in zip(summary["metrics"].items(), scores)
        }
        summary["provenance"] |= {
            "preset": plan.BEYOND[row].preset if row in plan.BEYOND else "small", "seed": seed or 0,
            "command": "python -m x", "training_seconds": 60.0, "flops_per_image": 2.5e9,
            **(provenance or {}),
        }  # fmt: skip
        key = f"{dataset}/{row}" + ("" if control else f"/{seed}")
        path = folder / f"{dataset}_{row}{'' if control else f'_seed{seed}'}.json"
        path.write_text(json.dumps({"cell": key, **summary, **changes}))
        return path

    write.folder = folder
    return write
