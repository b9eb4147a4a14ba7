"""How many processes and threads the programs start: what this process may use."""

import os
import pathlib

from mtnet_tf.runs.cores import num_cores

ROOT = pathlib.Path(__file__).parents[2]


def test_an_affinity_mask_counts(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5}, raising=False)
    assert num_cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert num_cores() == 64
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert num_cores() == 1


def test_only_one_module_counts_the_cores():
    """os.cpu_count alone, as a default of --num_processes, would be all cores of a shared node."""
    packages = ("mtnet_tf", "experiments", "data_builders")
    paths = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    counting = [p for p in paths if "cpu_count" in p.read_text() or "getaffinity" in p.read_text()]
    assert counting == [ROOT / "mtnet_tf/runs/cores.py"]
