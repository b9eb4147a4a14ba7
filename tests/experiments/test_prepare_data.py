"""The program prepares once, prints what it prepared, and refuses bad input in one line."""

import pytest

import data_builders
from data_builders.digits_ad import digits_ad_dataset_builder
from experiments import program
from mtnet_tf.errors import InputError
from tests import programs
from tests.dummy import DUMMY


def run(*arguments):
    return programs.run("prepare_data", *arguments)


def test_prepares_and_prints(tmp_path):
    # The images of mnist_ad are looked for in data_dir.
    (tmp_path / "mnist").symlink_to(DUMMY / "mnist")
    arguments = (
        "--dataset=mnist_ad/one_recording",
        f"--recordings_dir={DUMMY / 'recordings'}",
        f"--data_dir={tmp_path}",
    )
    result = run(*arguments)
    assert result.returncode == 0, result.stderr
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines() if line)
    assert lines["train"] == "20 pairs" and lines["test"] == "10 pairs"
    assert lines["words"].startswith("zero, one, two")
    assert lines["recordings"] == "10, by tone"
    assert lines["L_s"] == "18140 samples at 22050 Hz, 823 ms"
    assert lines["folder"].startswith(f"{tmp_path}/mnist_ad/one_recording-")
    (lock,) = (tmp_path / "mnist_ad").rglob(".lock")
    lock.unlink()
    lock.mkdir()  # as little to be opened for writing as a file in a folder that is read-only
    again = run(*arguments)
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith(result.stdout[result.stdout.index("data set") :])
    assert "Generating" not in again.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--dataset=mnist_ad/many_takes"], "needs two takes that fit"),
        (["--dataset=digits_ad", "--speaker=eve"], "no speaker 'eve'"),
    ],
)
def test_bad_input_is_one_line(tmp_path, arguments, message):
    result = run(*arguments, f"--data_dir={tmp_path}")
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_what_an_earlier_version_of_the_builder_prepared_is_refused(data_dir, monkeypatch):
    builder = data_builders.open_builder("digits_ad", data_dir=data_dir)
    assert program.prepare(builder).path == builder.data_path
    monkeypatch.setattr(digits_ad_dataset_builder.Builder, "DIGIT_SIZE", 20)
    with pytest.raises(InputError, match="before its builder was changed: DIGIT_SIZE 28 -> 20"):
        program.prepare(data_builders.open_builder("digits_ad", data_dir=data_dir))
