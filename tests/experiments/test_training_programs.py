"""train, evaluate, describe and ablation as a user runs them: as programs, on digits_ad."""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from PIL import Image

ROOT = pathlib.Path(__file__).parents[2]
QUICK = [
    "--preset=tiny",
    "--dataset=digits_ad",
    "--override=training.autoencoder.epochs=30",
    "--override=training.max_reconstruction_error=5",  # so few updates teach nothing
    "--override=training.joint.epochs=2",
    "--override=image_encoder.widths=[4, 8, 8]",
    "--override=training.log_steps=5",
]


def command(program, *arguments):
    return [sys.executable, "-m", f"experiments.{program}", *arguments]


def run(program, *arguments):
    return subprocess.run(
        command(program, *arguments), check=False, cwd=ROOT, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def trained(data_dir, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "run"
    done = run("train", *QUICK, f"--data_dir={data_dir}", f"--run_dir={run_dir}")
    assert done.returncode == 0, done.stderr
    assert "trainable parameters" in done.stdout
    assert "examples/s  ETA" in done.stderr
    return run_dir


def test_run_folder_is_complete(trained):
    names = {path.name for path in trained.iterdir()}
    assert names >= {
        "config.json", "environment.json", "recordings.npz", "audio_features.npz",
        "train_log.jsonl", "checkpoints", "tensorboard", "autoencoder.keras", "model.keras",
    }  # fmt: skip
    environment = json.loads((trained / "environment.json").read_text())
    assert environment["command"].startswith("python -m experiments.train --preset=tiny")
    assert environment["steps"] == 81


def test_evaluate_a_run_folder_from_another_machine(trained, tmp_path):
    """It prints the table and writes the results, where the run and the data have been moved."""
    copy = tmp_path / "copied"
    shutil.copytree(trained, copy)
    environment = json.loads((copy / "environment.json").read_text())
    path, environment["data_path"] = environment["data_path"], "/not/here"
    (copy / "environment.json").write_text(json.dumps(environment))
    done = run(
        "evaluate",
        f"--run_dir={copy}",
        f"--data_path={path}",
        "--split=validation",
        "--controls",
        "--num_processes=1",
        "--num_pairs=12",
        "--num_wavs=2",
    )
    assert done.returncode == 0, done.stderr
    for label in ("MT-Net", "white noise", "mean waveform", "wrong word", "classifier + recording"):
        assert label in done.stdout
    folder = copy / "evaluation/validation/model"
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["num_pairs"], summary["split_size"]) == (12, 144)
    assert summary["provenance"]["training_command"].startswith("python -m experiments.train")
    wavs = sorted((folder / "wavs").iterdir())
    samples, rate = soundfile.read(wavs[0])
    assert (len(wavs), len(samples), rate) == (2, 18140, 22050)


def test_describe_speaks_a_photo(trained, tmp_path):
    with np.load(ROOT / "data_builders/digits_ad/digits.npz") as digits:
        digit = digits["images"][1437].astype(np.float32)
    ink = Image.fromarray(np.uint8(digit / digit.max() * 200)).resize(
        (300, 300), Image.Resampling.BICUBIC
    )
    photo = Image.new("RGB", (640, 480), (245, 240, 230))
    photo.paste((30, 30, 60), (170, 90), ink)
    photo.save(tmp_path / "photo.jpg")
    output = tmp_path / "word.wav"
    done = run(
        "describe",
        f"--run_dir={trained}",
        f"--image={tmp_path / 'photo.jpg'}",
        f"--output={output}",
        "--sample_rate=16000",
    )
    assert done.returncode == 0, done.stderr
    assert "light and dark: inverted (--invert=auto)" in done.stdout
    assert "nearest word: " in done.stdout
    samples, rate = soundfile.read(output)
    assert rate == 16000
    assert len(samples) == pytest.approx(18140 * 16000 / 22050, abs=2)
    assert np.abs(samples).max() > 0.01


@pytest.mark.parametrize(
    "program, arguments, message",
    [
        (
            "train",
            ["--preset=tiny", "--run_dir={tmp}/x", "--override=training.joint.epoch=1"],
            "Did you mean",
        ),
        (
            "train",
            ["--preset=huge", "--run_dir={tmp}/x"],
            "The presets are: paper, released, small, tuned, tiny",
        ),
        ("train", ["--preset=tiny", "--run_dir={tmp}/x", "--device=gpu"], "TensorFlow sees no GPU"),
        ("evaluate", ["--run_dir={tmp}"], "is no run folder"),
        ("describe", ["--run_dir={trained}", "--image={tmp}/empty.png"], "empty.png"),
        (
            "describe",
            ["--run_dir={trained}", "--image={tmp}/empty.png", "--output={tmp}/word.mp3"],
            "only .wav and .flac can be written",
        ),
        (
            "describe",
            ["--run_dir={trained}", "--image={tmp}/empty.png", "--output={tmp}/empty.png/a.wav"],
            "a.wav cannot be written (File exists)",
        ),
    ],
)
def test_bad_input_is_one_error(program, arguments, message, trained, tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    done = run(program, *(text.format(tmp=tmp_path, trained=trained) for text in arguments))
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["empty.png"]


@pytest.mark.slow
def test_ablation_resumes_and_reports(data_dir, tmp_path):
    arguments = [
        *QUICK,
        "--override=training.joint.epochs=1",
        "--rows=gen_only,mtnet",
        "--num_pairs=40",
        f"--data_dir={data_dir}",
    ]
    arguments.append(f"--out_dir={tmp_path / 'study'}")
    first = run("ablation", *arguments)
    assert first.returncode == 0, first.stderr
    assert "MT-Net" in first.stdout
    report = tmp_path / "study/report"
    assert (report / "report.md").is_file()
    assert (report / "examples.png").stat().st_size > 10_000
    rows = {path: path.read_bytes() for path in (tmp_path / "study").rglob("rows.csv")}
    assert len(rows) == 2 + 5
    (tmp_path / "study/mtnet/evaluation/test/model/summary.json").unlink()
    second = run("ablation", *arguments)
    assert second.returncode == 0, second.stderr
    assert {path: path.read_bytes() for path in rows} == rows
