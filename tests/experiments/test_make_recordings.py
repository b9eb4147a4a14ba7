"""The program: its flags, its messages, its exit codes."""

import json
import zipfile

import numpy as np
import pytest
import soundfile
import tensorflow_datasets as tfds

from tests import programs


def run(*arguments):
    return programs.run("make_recordings", *arguments)


@pytest.fixture
def fsdd(tmp_path):
    folder = tmp_path / "fsdd"
    folder.mkdir()
    for digit in range(10):
        soundfile.write(folder / f"{digit}_ann_0.wav", np.full(800, 0.1), 8000)
    return folder


def test_fsdd(fsdd, tmp_path):
    result = run(f"--fsdd={fsdd}", "--speakers=ann", f"--output_dir={tmp_path / 'ann'}")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"10 recordings in {tmp_path / 'ann'}\n"
    assert (tmp_path / "ann" / "zero" / "ann_0.wav").exists()
    again = run(f"--fsdd={fsdd}", "--speakers=ann", f"--output_dir={tmp_path / 'ann'}")
    assert again.returncode == 1
    assert "not an empty folder" in again.stderr


def test_fsdd_archive(fsdd, tmp_path):
    archive = tmp_path / "fsdd.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in fsdd.iterdir():
            file.write(path, f"free-spoken-digit-dataset-master/recordings/{path.name}")
    result = run(f"--fsdd={archive}", f"--output_dir={tmp_path / 'all'}")
    assert result.returncode == 0, result.stderr
    copy = tmp_path / "all" / "nine" / "ann_0.wav"
    assert copy.read_bytes() == (fsdd / "9_ann_0.wav").read_bytes()


@pytest.mark.slow
def test_fsdd_from_a_prepared_tfds(tmp_path):
    """TFDS keeps the samples of 16-bit files as integers: none may change."""
    samples = np.array([-32768, 32767, -1, 0, 1, *range(-900, 900)], np.int64)
    names = [f"{digit}_{speaker}_13" for digit in range(10) for speaker in ("ann", "bob")]
    examples = [
        (name, {"audio": samples, "label": int(name[0]), "audio/filename": f"{name}.wav"})
        for name in names[1:]  # ann has no zero
    ]
    builder = tfds.builder("spoken_digit", data_dir=tmp_path / "tfds")
    builder._split_generators = lambda dl_manager: {"train": iter(examples)}
    builder.download_and_prepare()
    output = tmp_path / "bob"
    result = run(
        "--fsdd=tfds", f"--data_dir={tmp_path / 'tfds'}", "--speakers=bob", f"--output_dir={output}"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"10 recordings in {output}\n"
    read, rate = soundfile.read(output / "seven" / "bob_13.wav", dtype="int16")
    np.testing.assert_array_equal(read, samples)
    assert rate == 8000
    assert soundfile.info(output / "seven" / "bob_13.wav").subtype == "PCM_16"
    assert json.loads((output / "recordings.json").read_text())["source_kind"] == "tfds"


def test_own_voice(tmp_path):
    """Two bursts with a pause between are two words."""
    burst = np.random.default_rng(0).normal(0, 0.2, 8000)
    silence = np.zeros(8000)
    sound = np.concatenate([silence, burst, silence, burst, silence])
    soundfile.write(tmp_path / "reading.wav", sound, 16000)
    result = run(
        f"--from_recording={tmp_path / 'reading.wav'}", "--words=yes,no", "--speaker=ann",
        "--min_silence_secs=0.2", f"--output_dir={tmp_path / 'out'}/",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert f"2 recordings in {tmp_path / 'out'}/\n" in result.stdout
    assert result.stdout.endswith(f"the cuts: {tmp_path / 'out'}_cuts.png\n")
    assert (tmp_path / "out_cuts.png").is_file()
    record = json.loads((tmp_path / "out/recordings.json").read_text())
    assert set(record["recordings"]) == {"no/ann_0.flac", "yes/ann_0.flac"}
    assert record["parameters"]["min_silence_secs"] == 0.2


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "either --words"),
        (["--words=digits", "--fsdd=tfds"], "either --words"),
        (["--words=digits", "--speakers=ann"], "With --words, --speakers has no meaning"),
        (["--words=ca7"], "'ca7'"),
        (["--fsdd=none", "--takes=2"], "With --fsdd=none, --takes has no meaning"),
        (
            ["--words=two", "--engine=espeak_ng", "--takes=2"],
            "With --engine=espeak_ng, --takes has no meaning",
        ),
        (["--words=two", "--engine=espeak_ng", "--voices="], "--voices=: a name is empty"),
        (["--words=two", "--engine=espeak_ng", "--voices=en-us,"], "--voices=en-us,: a name is"),
        (["--fsdd=none", "--engine=piper"], "With --fsdd=none, --engine has no meaning"),
        (["--fsdd=a.zip", "--data_dir=x"], "With --fsdd=a.zip, --data_dir has no meaning"),
        (["--fsdd=none.zip"], "none.zip does not exist"),
        (["--fsdd=" + 5000 * "a"], "aaa does not exist"),
        (
            ["--words=two", "--speaker=me"],
            "With --words, --speaker has no meaning: --speaker needs --from_recording.",
        ),
        (
            ["--words=two", "--voices=en-us", "--data_dir=x"],
            "With --words, --data_dir, --voices has no meaning: --data_dir needs --fsdd=tfds,"
            " --voices needs --engine=espeak_ng.",
        ),
        (["--words=two", "--from_recording=a.wav", "--seed=1"], "--seed has no meaning"),
        (
            ["--words=two", "--from_recording=a.wav", "--engine=piper"],
            "--engine has no meaning: --engine needs --words without --from_recording",
        ),
        (["--words=two", "--from_recording=none.wav"], "none.wav: cannot be read"),
        (["--from_recording=a.wav"], "Give either --words"),
    ],
)
def test_bad_input_is_one_line(tmp_path, arguments, message):
    result = run(*arguments, f"--output_dir={tmp_path / 'x'}")
    assert result.returncode == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_help_names_every_flag():
    text = run("--help").stdout
    flags = (
        "output_dir words engine takes length_scale noise_scale noise_w_scale seed fsdd speakers"
        " data_dir from_recording speaker min_silence_secs silence_db"
    )
    for flag in flags.split():
        assert f"--{flag}:" in text
    assert "python -m experiments.make_recordings --words=digits" in text
