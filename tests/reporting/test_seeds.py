"""The spread over seeds by hand."""

import json
import shutil

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.reporting import seeds


@pytest.fixture
def runs(summary, tmp_path):
    """Three seeds in float32, two in bfloat16, and a run that is not evaluated."""
    found = {
        "a": summary("model", "MT-Net", 0.5, seed=2),
        "b": summary("model", "MT-Net", 0.7, seed=0),
        "c": summary("model", "MT-Net", 0.6, seed=1),
        "d": summary("model", "MT-Net", 0.9, seed=0, precision="mixed_bfloat16"),
        "e": summary("model", "MT-Net", 0.8, seed=1, precision="mixed_bfloat16"),
    }
    (tmp_path / "runs/unfinished").mkdir(parents=True)
    for name, values in found.items():
        (tmp_path / "runs" / name / "evaluation/test/model").mkdir(parents=True)
        path(tmp_path / "runs", name).write_text(json.dumps(values))
    return tmp_path / "runs"


def path(runs, name):
    return runs / name / "evaluation/test/model/summary.json"


def change(runs, name, **changes):
    values = json.loads(path(runs, name).read_text())
    for key, value in changes.items():
        place = values if key in values else values["provenance"]
        place[key] = value
    path(runs, name).write_text(json.dumps(values))


def test_mean_and_spread_by_hand(runs):
    table = seeds.markdown_table(seeds.read_runs(runs)).splitlines()
    assert table[2].startswith(
        "| digits_ad | MT-Net | tiny | float32 | 0, 1, 2 | 0.6000 ± 0.1000 |"
    )
    assert table[3].startswith(
        "| digits_ad | MT-Net | tiny | mixed_bfloat16 | 0, 1 | 0.8500 ± 0.0707 |"
    )
    right = " / ".join(["0.6000 ± 0.1000"] * 3)
    assert table[2].endswith(f"| 90.00 % ± 0.00 % | {right} | 95.00 % ± 0.00 % |")
    assert len({line.count("|") for line in table}) == 1


def test_single_seed_has_no_spread_and_a_missing_mean_no_number(runs):
    summaries = seeds.read_runs(runs)
    summaries[0]["metrics"]["pesq"]["mean"] = None
    table = seeds.markdown_table(summaries[:1]).splitlines()[2]
    assert "| 0 | 0.7000 | - | 0.7000 | 90.00 % | 0.7000 / 0.7000 / 0.7000 | 95.00 % |" in table


def test_failures_are_counted_over_the_seeds(runs):
    summaries = [s for s in seeds.read_runs(runs) if s["provenance"]["precision"] == "float32"]
    for summary, failed in zip(summaries, (9, 0, 1)):
        summary["metrics"]["stoi"] |= {"num_failed": failed, "num_scored": 10 - failed}
    cell = "0.6000 ± 0.1000 (20 scored, 10 failed: floor mean 0.3000 ± 0.0500)"
    assert f"| {cell} | 90.00 %" in seeds.markdown_table(summaries)


def test_footer_says_how_each_setting_was_made(runs):
    lines = seeds.footer(seeds.read_runs(runs)).splitlines()
    assert len(lines) == 6
    assert "Controls: none" in lines[1]
    assert "5 steps, 50 images" in lines[2]
    assert lines[3].startswith("- Seed 0, 1") and "`python -m x`" in lines[3]


def test_collected_runs_read_the_same(runs, tmp_path):
    names = seeds.collect(runs, tmp_path / "results")
    assert "digits_ad_one_recording-0123_mtnet_tiny_mixed_bfloat16_seed1.json" in names
    assert seeds.read_committed(tmp_path / "results") == seeds.read_runs(runs)


def test_a_run_that_is_gone_is_in_no_later_collection(runs, tmp_path):
    seeds.collect(runs, tmp_path / "results")
    shutil.rmtree(runs / "a")
    seeds.collect(runs, tmp_path / "results")
    assert seeds.read_committed(tmp_path / "results") == seeds.read_runs(runs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 0}, "the same seed twice"),
        ({"steps": 6}, "steps differs"),
        ({"num_pairs": 9}, "num_pairs differs.*--num_pairs"),
    ],
)
def test_what_is_not_comparable_is_refused(runs, changes, message):
    change(runs, "a", **changes)
    with pytest.raises(InputError, match=message):
        seeds.read_runs(runs)


@pytest.mark.parametrize("lost", ["preset", "training_hardware"])
def test_a_summary_of_another_version_is_one_error(lost, runs):
    values = json.loads(path(runs, "b").read_text())
    del values["provenance"][lost]
    path(runs, "b").write_text(json.dumps(values))
    with pytest.raises(InputError, match=f"runs is no result of .*{lost}.*Delete the summaries"):
        seeds.shown(seeds.read_runs(runs), runs)


def test_folder_without_runs(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        seeds.read_runs(tmp_path)


def test_runs_of_studies_are_read_too(runs, tmp_path):
    (tmp_path / "all").mkdir()
    runs.rename(tmp_path / "all/study")
    assert len(seeds.read_runs(tmp_path / "all")) == 5


def test_presets_are_never_in_one_row(runs):
    change(runs, "a", preset="small")
    table = seeds.markdown_table(seeds.read_runs(runs)).splitlines()
    assert "| small | float32 | 2 | 0.5000 |" in table[2]
    assert "| tiny | float32 | 0, 1 | 0.6500 ± 0.0707 |" in table[3]
