"""The benchmark of the data sets prints one complete JSON object. No speed is asserted."""

import json
import pathlib

import pytest

from experiments import benchmark_data
from mtnet_tf import progress
from tests import programs

ROOT = pathlib.Path(__file__).parents[2]


def run(*arguments, **environment):
    return programs.run("benchmark_data", *arguments, **environment)


@pytest.mark.slow
def test_what_is_printed(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = run("--num_pairs=400", f"--output={tmp_path / 'b.json'}", TMPDIR=str(scratch))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)  # nothing else is there
    assert json.loads((tmp_path / "b.json").read_text()) == result
    # AutoGraph leaves byte code there, where Python may write it.
    assert {path.suffix for path in scratch.rglob("*") if path.is_file()} <= {".pyc"}
    assert list(result)[:8] == [
        *("num_pairs", "audio_length", "build_pairs_per_second", "tfds_audio_pairs_per_second"),
        *("build_ratio", "read_pairs_per_second", "data_set_mib", "peak_mib"),
    ]
    assert {"command", "git_commit", "versions", "hardware", "device", "started"} <= set(result)
    assert (result["num_pairs"], result["audio_length"]) == (400, 29356)
    for name in ("build_pairs_per_second", "tfds_audio_pairs_per_second", "build_ratio"):
        assert result[name] > 0
    assert result["read_pairs_per_second"] > 0
    assert 10 < result["data_set_mib"] < 30  # 500 pairs of some 40 kB
    assert list(result["peak_mib"]) == ["quarter", "whole"]
    assert all(100 < peak < 4000 for peak in result["peak_mib"].values())  # in MiB


def test_the_progress_is_that_of_the_whole_data_set(monkeypatch, caplog):
    monkeypatch.setattr(progress, "_SECS", -1.0)
    with caplog.at_level("INFO", logger="mtnet_tf"):
        images = benchmark_data.SyntheticImages(num_pairs=200)
        told = [
            len(list(images.images(*asked)))
            for asked in (("test",), ("train", 0, 0), ("train", 0, 80), ("train", 80))
        ]
    assert told == [100, 0, 80, 120]
    counts = [message.split()[1] for message in caplog.messages]
    assert counts == [f"{k}/300" for k in range(1, 301)]


def test_too_small_a_disk_is_one_line():
    done = run("--num_pairs=1000000000000000")  # more bytes than a file system can count
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "1000000000000000 pairs need 50000000000.0 GB for a while" in line and "TMPDIR" in line
    assert "Traceback" not in done.stderr
