"""train, evaluate, describe and ablation as a user runs them: as programs, on digits_ad."""

import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from PIL import Image

import data_builders
from data_builders.digits_ad import digits_ad_dataset_builder
from data_builders.words import CIFAR10
from tests.programs import run

ROOT = pathlib.Path(__file__).parents[2]
QUICK = [
    "--preset=tiny",
    "--dataset=digits_ad",
    "--override=training.autoencoder.epochs=30",
    "--override=training.max_reconstruction_error=5",  # so few updates teach nothing
    "--override=training.joint.epochs=2",
    "--override=image_encoder.widths=[4, 8]",
    "--override=image_encoder.pool_after=[1, 2]",
    "--override=audio_generator.num_blocks=1",
    "--override=training.log_steps=5",
]


class OtherWordsAd(digits_ad_dataset_builder.Builder):
    """The pictures of digits_ad, called by other words."""

    WORDS = CIFAR10


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


def test_precision_auto_is_what_it_was_when_the_run_was_begun(trained, data_dir, tmp_path):
    config = json.loads((trained / "config.json").read_text())
    config["training"]["precision"] = "mixed_float16"  # which no CPU chooses
    (tmp_path / "config.json").write_text(json.dumps(config))
    asked = [*QUICK, "--override=training.precision=auto", f"--data_dir={data_dir}", "--dry_run"]
    done = run("train", *asked, f"--run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert '"precision": "mixed_float16"' in done.stdout


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
        *("--controls", "--num_processes=1", "--num_pairs=12", "--num_wavs=2", "--extra_metrics"),
    )
    assert done.returncode == 0, done.stderr
    for label in ("MT-Net", "white noise", "mean waveform", "wrong word", "classifier + recording"):
        assert label in done.stdout
    folder = copy / "evaluation/validation/model"
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["num_pairs"], summary["split_size"]) == (12, 144)
    assert {"corr2d", "pesq", "stoi", "estoi"} < set(summary["metrics"])
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
    assert "photo.jpg: " in done.stdout and "; light and dark: inverted\n" in done.stdout
    assert "not sure: " in done.stdout or ", then " in done.stdout
    samples, rate = soundfile.read(output)
    assert rate == 16000
    assert len(samples) == pytest.approx(18140 * 16000 / 22050, abs=2)
    assert np.abs(samples).max() > 0.01


def test_calibrate_says_when_a_run_is_sure(trained, tmp_path):
    run_dir = shutil.copytree(trained, tmp_path / "run")
    others = data_builders.open_builder(OtherWordsAd, data_dir=tmp_path, audio_length="auto")
    others.download_and_prepare()
    arguments = [f"--run_dir={run_dir}", f"--outliers={others.data_path}", "--num_outliers=20"]
    done = run("calibrate", *arguments)
    assert done.returncode == 0, done.stderr
    record = json.loads((run_dir / "calibration.json").read_text())
    assert f"temperature {record['temperature']:.3f}" in done.stdout
    assert record["outliers"]["num_images"] == 20 and record["validation"]["num_images"] == 144
    assert 0 < record["threshold"] <= 1
    assert record["command"].startswith("python -m experiments.calibrate")


def test_describe_speaks_a_folder_and_goes_on_after_a_bad_picture(trained, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, ink in (("a", 40), ("c", 90)):
        image = np.full([40, 40], 230, np.uint8)
        image[8:32, 18:23] = ink
        Image.fromarray(image).save(folder / f"{name}.png")
    (folder / "b.jpg").write_text("no picture")
    for name in (".hidden", "a.MOV", "a.json", "c.wav", "c"):
        (folder / name).write_text("not looked at")
    done = run(
        "describe",
        f"--run_dir={trained}",
        f"--image={folder}",
        f"--output={tmp_path / 'words'}",
        f"--seen={tmp_path / 'seen'}",
        "--json",
    )
    assert done.returncode == 1
    assert "error: " in done.stderr and "b.jpg: is not a picture" in done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [pathlib.Path(record["image"]).name for record in records] == ["a.png", "c.png"]
    for record in records:
        assert len(record["guesses"]) == 2 and record["word"] == record["guesses"][0]["word"]
        assert record["sure"] in (True, False) and record["inverted"] is True
        assert soundfile.info(record["sound"]).duration * 1000 == pytest.approx(823, abs=1)
    assert sorted(path.name for path in (tmp_path / "words").iterdir()) == ["a.wav", "c.wav"]
    assert Image.open(tmp_path / "seen/a.png").size == (252, 252)


def test_describe_writes_all_sounds_before_it_plays_one(trained, tmp_path):
    for name in ("a.png", "b.picture"):  # by its own name a file is tried whatever its suffix
        Image.fromarray(np.uint8(255 * np.eye(28))).save(tmp_path / name, "PNG")
    images = [f"--image={tmp_path / name}" for name in ("a.png", "b.picture")]
    output = tmp_path / "words"
    done = run(
        "describe", f"--run_dir={trained}", *images, f"--output={output}", "--play", PATH="/nowhere"
    )
    assert done.returncode == 1
    assert "error: No program that plays sounds was found" in done.stderr
    assert {path.name for path in output.iterdir()} == {"a.wav", "b.wav"}


def test_describe_says_that_a_photo_was_inverted(tmp_path):
    Image.new("RGB", (32, 32), (10, 20, 30)).save(tmp_path / "photo.png")
    arguments = ["--pretrained=cifar10_ad", f"--image={tmp_path / 'photo.png'}", "--json"]
    for more, inverted in ((["--invert=yes"], True), ([], None)):
        done = run("describe", *arguments, f"--output={tmp_path / 'word.wav'}", *more)
        assert json.loads(done.stdout)["inverted"] is inverted, done.stderr


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
            "The presets are: paper, released, small, tuned, compact, tiny",
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
            ["--run_dir={trained}", "--image={tmp}/empty.png", "--output=."],
            "'.' is a folder. Name a file in it, such as word.wav",
        ),
        (
            "describe",
            ["--run_dir={trained}", "--image={tmp}/empty.png", "--output={tmp}/empty.png/a.wav"],
            "empty.png is a file. Give a folder.",
        ),
        (
            "describe",
            ["--image={tmp}/empty.png", "--seen={tmp}/../{tmp.name}/empty.png"],
            "empty.png is a picture to be described, and would be lost",
        ),
        ("describe", ["--image={tmp}", "--seen={tmp}"], "empty.png is a picture to be described"),
        (
            "describe",
            ["--image={tmp}/empty.png", "--seen={tmp}/seen.jpg"],
            "seen.jpg: only .png can be written",
        ),
        (
            "describe",
            ["--image={tmp}/empty.png", "--seen={tmp}/empty.png/seen"],
            "empty.png is a file. Give a folder.",
        ),
        (
            "describe",
            ["--image={tmp}/empty.png", "--output={tmp}/a/b.wav", "--seen={tmp}/c/d"],
            "empty.png: is empty",
        ),
        (
            "describe",
            ["--image={tmp}/empty.png", "--image="],
            "--image names no picture",
        ),
        ("describe", ["--image={tmp}/{long}"], "cannot be opened (File name too long)"),
        (
            "describe",
            ["--image={tmp}/empty.png", "--seen={tmp}/{long}.png"],
            "cannot be written (File name too long)",
        ),
        ("build_page", ["--output={tmp}/{long}"], "cannot be written (File name too long)"),
        ("build_page", ["--output={tmp}/empty.png"], "empty.png is there and is no page"),
        ("report", ["--out_dir={tmp}/{long}"], "holds no evaluation of the test split"),
        ("report", ["--seeds={tmp}/{long}"], "holds no run that was evaluated"),
    ],
)
def test_bad_input_is_one_error(program, arguments, message, trained, tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    names = {"tmp": tmp_path, "trained": trained, "long": "a" * 5000}
    done = run(program, *(text.format(**names) for text in arguments))
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
        "--override=training.joint.epochs=0.25",
        "--rows=mtnet,gen_only",
        "--num_pairs=10",
        "--num_processes=1",
        f"--data_dir={data_dir}",
    ]
    arguments.append(f"--out_dir={tmp_path / 'study'}")
    first = run("ablation", *arguments)
    assert first.returncode == 0, first.stderr
    assert "MT-Net" in first.stdout
    report = tmp_path / "study/report"
    assert "## Examples of MT-Net\n" in (report / "report.md").read_text()
    assert (report / "examples.png").stat().st_size > 10_000
    rows = {path: path.read_bytes() for path in (tmp_path / "study").rglob("rows.csv")}
    assert len(rows) == 2 + 5
    (tmp_path / "study/mtnet/evaluation/test/model/summary.json").unlink()
    second = run("ablation", *arguments)
    assert second.returncode == 0, second.stderr
    assert {path: path.read_bytes() for path in rows} == rows


def test_export_writes_what_tensorflow_alone_can_run(trained, tmp_path):
    output = tmp_path / "network"
    done = run("export", f"--run_dir={trained}", "--format=saved_model", f"--output={output}")
    assert done.returncode == 0, done.stderr
    assert f"written: {output}, " in done.stdout and "largest difference: " in done.stdout
    network = tf.saved_model.load(output).signatures["serving_default"]
    found = network(image=tf.zeros([2, 28, 28, 1], tf.uint8))
    assert found["waveform"].shape == (2, 18140) and found["probabilities"].shape == (2, 10)


def test_a_page_whose_runtime_lacks_a_file_is_one_error(tmp_path):
    """It is not the page that cannot be written."""
    npm = tmp_path / "bin/npm"
    npm.parent.mkdir()
    npm.write_text('#!/bin/sh\nmkdir -p "$3/node_modules/onnxruntime-web/dist"\n')
    npm.chmod(0o755)
    path = f"{npm.parent}:{os.environ['PATH']}"
    done = run("build_page", f"--output={tmp_path / 'page'}", PATH=path)
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "as npm fetches it, has no dist/ort.wasm.min.mjs, which the page needs" in error
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


@pytest.fixture
def npm(tmp_path):
    """The PATH of an npm that fetches empty files."""
    program = tmp_path / "bin/npm"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\ncd "$3" && mkdir -p node_modules/onnxruntime-web/dist'
        " && cd node_modules/onnxruntime-web && touch README.md dist/ort.wasm.min.mjs"
        " dist/ort-wasm-simd-threaded.mjs dist/ort-wasm-simd-threaded.wasm\n"
    )
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def earlier_page(folder):
    folder.mkdir()
    for name in ("page.js", "metadata.json", "model.onnx", "example_10.png"):
        (folder / name).write_text("earlier")
    return folder


@pytest.mark.parametrize("output", [".", "../link"])
def test_a_page_takes_the_place_of_an_earlier_one(output, npm, tmp_path):
    pytest.importorskip("tf2onnx")
    page = earlier_page(tmp_path / "page")
    (tmp_path / "link").symlink_to("page")
    environment = {"PATH": npm, "PYTHONPATH": str(ROOT)}
    done = run("build_page", f"--output={output}", "--quantize=int8", cwd=page, **environment)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "link", "page"}
    assert (tmp_path / "link").is_symlink() and "index.html" in os.listdir(page)
    assert json.loads((page / "metadata.json").read_text())["words"][0] == "zero"


@pytest.mark.parametrize(
    "lacking, added, message",
    [
        ("metadata.json", (), "page is there and is no page"),
        ("model.onnx", (), "page is there and is no page"),
        (None, ("notes.txt", ".git"), "page holds .git, notes.txt beside the page, which would be"),
    ],
)
def test_only_a_page_gives_way_to_a_page(lacking, added, message, npm, tmp_path):
    page = earlier_page(tmp_path / "page")
    if lacking:
        (page / lacking).unlink()
    for name in added:
        (page / name).write_text("weeks of work")
    before = sorted(page.iterdir())
    done = run("build_page", f"--output={page}", PATH=npm)
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert message in error
    assert sorted(page.iterdir()) == before


@pytest.mark.parametrize(
    "name, arguments, message",
    [
        ("export", ["--run_dir=not/here"], "not/here is no run folder"),
        ("export", ["--run_dir="], ". is no run folder"),
        ("build_page", ["--run_dir=", "--output=page"], ". is no run folder"),
        ("compare_exports", ["--run_dir=not/here"], "not/here is no run folder"),
        ("images_of_sounds", ["--of_run=not/here"], "not/here is no run folder"),
        (
            "voices",
            ["--new_voice=theo", "--out_dir=not/here", "--results=not/here"],
            "Say how the voice enters, with --override=voice.conditioning=concatenation.",
        ),
        (
            "train",
            ["--system=no_holes", "--override=image_encoder.dilation_rates=[4]", "--run_dir=here"],
            "has no effect: the system no_holes sets image_encoder.dilation_rates itself",
        ),
    ],
)
def test_what_cannot_begin_is_one_error(name, arguments, message, tmp_path):
    done = run(name, *arguments, cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    (error,) = done.stderr.splitlines()
    assert error.startswith("error: ") and message in error
    assert not list(tmp_path.iterdir())
