"""The run folder: broken records, other processes, no permission."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from mtnet_tf.config import override
from mtnet_tf.files import InUseError, locked, write_json, write_npz, write_text
from mtnet_tf.runs.run_folder import RunFolder, RunFolderError

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("text", ["", '{"preset": "ti', "\0\0\0\0"])
@pytest.mark.parametrize("name", ["config.json", "environment.json"])
def test_a_broken_record_is_told_and_written_anew(name, text, tiny_config, tmp_path):
    run = RunFolder(tmp_path)
    run.begin(tiny_config, "0" * 64, "cpu")
    (tmp_path / name).write_text(text)
    with pytest.raises(
        RunFolderError, match=rf"{name} (cannot be used|is missing or broken).*Delete it"
    ):
        run.begin(tiny_config, "0" * 64, "cpu")
    (tmp_path / name).unlink()
    run.begin(tiny_config, "0" * 64, "cpu")
    assert run.config() == tiny_config
    assert run.environment()["recordings_fingerprint"] == "0" * 64


@pytest.mark.parametrize("text", ["", "{}"])
def test_who_mends_the_record_of_a_trained_run_is_told_that_it_is_trained_again(
    text, tiny_config, tmp_path
):
    run = RunFolder(tmp_path)
    run.begin(tiny_config, "0" * 64, "cpu")
    write_text(tmp_path / "model.keras", "a network")
    (tmp_path / "environment.json").write_text(text)
    with pytest.raises(RunFolderError, match="Put it back from a copy, or .* trains the run again"):
        run.is_finished()
    with pytest.raises(RunFolderError) as caught:
        run.begin(tiny_config, "0" * 64, "cpu")
    assert "Delete it" not in str(caught.value) and "written anew" not in str(caught.value)


def test_a_configuration_without_end_is_not_read_whole(tmp_path):
    with open(tmp_path / "config.json", "wb") as file:
        file.truncate(10**12)
    with pytest.raises(RunFolderError, match="config.json cannot .* more than 67,108,864 bytes"):
        RunFolder(tmp_path).config()


def test_other_recordings_are_refused_without_a_config_too(tiny_config, tmp_path):
    run = RunFolder(tmp_path)
    run.begin(tiny_config, "0" * 64, "cpu")
    (tmp_path / "config.json").unlink()
    with pytest.raises(RunFolderError, match="recordings: 000000000000 -> 111111111111"):
        run.begin(tiny_config, "1" * 64, "cpu")


def test_another_configuration_is_refused_without_a_config_too(tiny_config, tmp_path):
    run, other = RunFolder(tmp_path), override(tiny_config, ["training.seed=7"])
    run.begin(tiny_config, "0" * 64, "cpu")
    (tmp_path / "config.json").unlink()
    with pytest.raises(RunFolderError, match="config.json, which is missing, was not that of"):
        run.begin(other, "0" * 64, "cpu")
    assert not (tmp_path / "config.json").exists()
    record = run.environment()
    del record["config_fingerprint"]  # as in earlier versions
    write_json(tmp_path / "environment.json", record)
    run.begin(other, "0" * 64, "cpu")
    assert run.config() == other


def test_one_process_an_evaluation_and_no_leftovers(tmp_path):
    run = RunFolder(tmp_path)
    for name in (".123_model.keras", "evaluation/test/12_x", ".hidden", "12_x"):
        write_text(run / name, "half")
    with run.lock(), locked(run / "evaluation/test", wait=False):
        assert {path.name for path in tmp_path.iterdir()} == {
            ".lock",
            ".hidden",
            "12_x",
            "evaluation",
        }
        names = {path.name for path in (tmp_path / "evaluation/test").iterdir()}
        assert names == {".lock", "12_x"}
        with (
            pytest.raises(InUseError, match="Another process is using .*/evaluation/test"),
            locked(tmp_path / "evaluation/test", wait=False),
        ):
            pass


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch, caplog):
    def no_locks(*unused):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with RunFolder(tmp_path).lock():
        assert "cannot be locked (Function not implemented)" in caplog.text


READ_ONLY = """
import os, pathlib
from experiments import program
from mtnet_tf.files import locked

def main(argv):
    if os.getuid() == 0:
        os.setgroups([]), os.setgid(65534), os.setuid(65534)
    with locked(pathlib.Path("run", {part!r}), wait=False):
        print("locked")

program.run(main)
"""


@pytest.mark.parametrize("part", ["", "evaluation/test"])
def test_a_read_only_run_folder_is_one_error(part, tmp_path):
    """Root may write everything and becomes nobody, who may not enter the folders above."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o555)
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY.format(part=part)], check=False, capture_output=True,
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    place = pathlib.Path("run", part)
    assert line.startswith(
        f"error: {place} cannot be written (Permission denied). Make room or mend"
    )


@pytest.mark.slow
def test_a_finished_run_without_its_record_writes_it_anew(tiny_config, synthetic_data, tmp_path):
    from mtnet_tf import systems
    from mtnet_tf.systems.train import train

    run, config = RunFolder(tmp_path), systems.configure("gen_only", tiny_config)
    model = train(config, synthetic_data, run, "cpu")
    before = run.environment()
    (run / "environment.json").unlink()
    (run / "model.keras").write_bytes((run / "model.keras").read_bytes()[:1000])
    again = train(config, synthetic_data, run, "cpu")
    for a, b in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert {**run.environment(), "started": 0} == {**before, "started": 0}


def test_a_run_goes_on_from_the_network_that_it_began_with(tiny_config, tmp_path):
    run, base, other = (RunFolder(tmp_path / name) for name in ("run", "base", "other"))
    write_text(base / "model.keras", "a network")
    write_text(other / "model.keras", "another network")
    run.begin(tiny_config, "abc", "cpu", base)
    assert run.environment()["init_from"] == str(base.path)
    run.begin(tiny_config, "abc", "cpu", base)
    for init_from in (other, None):
        with pytest.raises(RunFolderError, match=r"the network of .*base -> (.*other|None)"):
            run.begin(tiny_config, "abc", "cpu", init_from)
    with pytest.raises(RunFolderError, match="model.keras cannot be read .* to its end first"):
        run.begin(tiny_config, "abc", "cpu", RunFolder(tmp_path / "none"))
    fresh = RunFolder(tmp_path / "fresh")
    fresh.begin(tiny_config, "abc", "cpu")
    with pytest.raises(RunFolderError, match=r"the network of None -> .*base"):
        fresh.begin(tiny_config, "abc", "cpu", base)


def test_a_run_that_goes_on_says_how(tiny_config, tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    run.begin(tiny_config, "abc", "cpu")
    begun = run.environment()
    run.begin(tiny_config, "abc", "cpu")
    assert run.environment() == begun
    monkeypatch.setattr(sys, "argv", ["program.py", "--device=cpu"])
    run.begin(tiny_config, "abc", "cpu")
    resumed = run.environment().pop("resumed")
    assert [way["command"].endswith("--device=cpu") for way in resumed] == [True]
    assert {**run.environment(), "resumed": None} == {**begun, "resumed": None}


def test_a_run_that_goes_on_says_where_its_data_set_is(tiny_config, tmp_path):
    run = RunFolder(tmp_path)
    run.begin(tiny_config, "abc", "cpu", data_path="here")
    begun = run.environment()
    run.begin(tiny_config, "abc", "cpu", data_path="there")
    assert run.environment() == {**begun, "data_path": "there"}


@pytest.mark.parametrize("name", ["a" * 300, "nul\0byte"])
def test_a_path_that_cannot_be_is_one_error(name, tmp_path):
    with pytest.raises(RunFolderError, match="config.json (cannot be used|Train)|no config.json"):
        RunFolder(tmp_path / name).config()


def test_the_looks_at_the_last_stage(tmp_path):
    run = RunFolder(tmp_path)
    lines = [
        '{"stage": "a", "step": 1, "validation_total": 9}',
        '{"stage": "b", "step": 1, "loss": 3}',
        '{"stage": "b", "step": 2, "loss": 3, "validation_x": 1, "generator_total": 2}',
    ]
    write_text(tmp_path / "train_log.jsonl", "\n".join(lines) + "\n")
    assert run.validations() == [{"step": 2, "validation_x": 1, "generator_total": 2}]
    assert [line["step"] for line in run.log()] == [1, 1, 2]


@pytest.mark.parametrize(
    "broken",
    [b'{"stage": "a"', b"[1]", b"1", b'{"step": 1}', b"\xff\0", b"", b"[" * 10**5],
    ids=range(7),
)
def test_a_broken_line_of_the_log_is_named(broken, tmp_path):
    path = tmp_path / "train_log.jsonl"
    path.write_bytes(b'{"stage": "a", "step": 1}\n' + broken + b"\n")
    with pytest.raises(RunFolderError, match="log.jsonl: line 2 is no JSON .* Remove that line"):
        RunFolder(tmp_path).validations()


def test_a_missing_log_is_one_error(tmp_path):
    with pytest.raises(RunFolderError, match="is missing or cannot be read .* train the run again"):
        RunFolder(tmp_path).validations()


@pytest.mark.parametrize(
    "read, num_words, num_samples, message",
    [
        ("words", 4, 900, "does not fit config.json: 4 words, not 3.*run the command again"),
        ("recordings", 4, 900, "does not fit config.json: 4 words, not 3"),
        ("recordings", 3, 899, "does not fit config.json: 899 samples of a recording, not 900"),
    ],
)
def test_recordings_of_another_run_are_one_error(
    read, num_words, num_samples, message, tiny_config, tmp_path
):
    run, words = RunFolder(tmp_path), np.array(["zero", "one", "two", "three"][:num_words])
    run.begin(tiny_config, "0" * 64, "cpu")
    waveforms = np.zeros([num_words, num_samples], np.int16)
    write_npz(run / "recordings.npz", id=words, word=words, words=words, waveform=waveforms)
    with pytest.raises(RunFolderError, match=message):
        getattr(run, read)()
