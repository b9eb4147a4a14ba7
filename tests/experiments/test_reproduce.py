"""experiments.reproduce as a user runs it, on digits_ad."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from tests import programs
from tests.programs import Program

ROOT = pathlib.Path(__file__).parents[2]
QUICK = [
    "--datasets=digits_ad",
    "--preset=tiny",
    "--num_pairs=6",
    "--num_processes=1",
    "--override=training.autoencoder.epochs=3",
    "--override=training.max_reconstruction_error=100",
    "--override=training.max_feature_cosine=2",
    "--override=training.joint.epochs=0.1",
    "--override=image_encoder.widths=[4, 8]",
    "--override=image_encoder.pool_after=[1, 2]",
    "--override=audio_generator.num_blocks=1",
    "--override=training.validations=0",
]


def start(data_dir, out_dir, *arguments):
    folders = (f"--data_dir={data_dir}", f"--out_dir={out_dir}")
    return Program("reproduce", *QUICK, *arguments, *folders)


def run(data_dir, out_dir, *arguments):
    done = start(data_dir, out_dir, *arguments).finish()
    return done.returncode, done.stdout, done.stderr


def measured(folder):
    """The results without what tells how, when and how fast they were made."""
    results = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text())
        del result["provenance"]
        results[path.name] = result
    return results


@pytest.mark.slow
def test_two_processes_with_half_of_the_cells_each_measure_what_one_does(data_dir, tmp_path):
    cells = ["digits_ad/mtnet/0", "digits_ad/no_holes/0"]
    code, out, err = run(data_dir, tmp_path / "one", f"--cells={','.join(cells)}")
    assert (code, out) == (0, "2 done\n"), err
    assert "Taking over audio_features.npz" in err  # stage 1 of one seed is trained once
    assert re.search(r"cell 2 of 2: digits_ad/no_holes/0  time left: \d+:\d\d h", err)
    halves = [start(data_dir, tmp_path / "two", f"--cells={half}") for half in cells]
    assert [half.finish().returncode for half in halves] == [0, 0]
    one, two = (measured(tmp_path / name / "results") for name in ("one", "two"))
    assert one == two
    assert len(one) == 2 + 5  # the controls, with MT-Net's first seed
    assert one["digits_ad_mtnet_seed0.json"]["cell"] == "digits_ad/mtnet/0"
    assert one["digits_ad_white_noise.json"]["cell"] == "digits_ad/white_noise"
    # What is done is not done again.
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "two").rglob("*.json")}
    code, out, err = run(data_dir, tmp_path / "two", f"--cells={','.join(cells)}")
    assert (code, out) == (0, "2 done\n"), err
    # And does not pass for what was made otherwise.
    code, _, err = run(
        data_dir, tmp_path / "two", f"--cells={cells[0]}", "--override=loss.decay_weight=0"
    )
    assert code == 1 and "was made with other flags: loss.decay_weight: 0.0004 -> 0.0" in err, err
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.slow
def test_a_failed_cell_does_not_stop_the_others(data_dir, tmp_path):
    cells = "--cells=digits_ad/mtnet/0,digits_ad/gen_only/0"
    # Stage 1 cannot reach that error, and gen_only has no stage 1.
    broken = "--override=training.max_reconstruction_error=1e-6"
    code, out, err = run(data_dir, tmp_path, cells, broken)
    assert (code, out) == (1, "1 done, 1 failed\n"), err
    assert "digits_ad/mtnet/0 failed: Stage 1 has not learned the recordings" in err
    assert "Traceback" not in err
    failure = json.loads((tmp_path / "results/digits_ad_mtnet_seed0.failed.json").read_text())
    assert failure["cell"] == "digits_ad/mtnet/0"
    assert failure["error"].startswith("Stage 1 has not learned")
    assert failure["command"].startswith("python -m experiments.reproduce --datasets=digits_ad")
    code, out, err = run(data_dir, tmp_path, cells, "--list")
    assert code == 0, err
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["failed", "digits_ad/mtnet/0"],
        ["done", "digits_ad/gen_only/0"],
    ]
    assert out.splitlines()[0].endswith("--cells=digits_ad/mtnet/0")


def test_unknown_cells_are_one_error(data_dir, tmp_path):
    code, _, err = run(data_dir, tmp_path, "--cells=digits_ad/mtnet/7")
    assert code == 1
    assert err.startswith("error: There are no cells digits_ad/mtnet/7.")
    assert not list(tmp_path.iterdir())


def test_unknown_data_sets_are_one_error(data_dir, tmp_path):
    code, out, err = run(data_dir, tmp_path, "--datasets=digits_ad,foo", "--list")
    assert (code, out) == (1, "")
    assert err.startswith("error: --datasets: there is no data set foo. The data sets are: digits")


def test_the_list_has_commands_that_give_every_flag_but_its_own(data_dir, tmp_path):
    """However they were written, in one word or in two."""
    written = ["--list", "--cells", "digits_ad/mtnet/0", "--noword_accuracy", "--speaker", "a b"]
    code, out, err = run(data_dir, tmp_path, *written)
    assert code == 0, err
    state, _, command = out.partition("python -m experiments.reproduce ")
    assert state.split() == ["not", "run", "digits_ad/mtnet/0"]
    given = [*QUICK, f"--data_dir={data_dir}", f"--out_dir={tmp_path}"]
    given += ["--noword_accuracy", "--speaker=a b", "--cells=digits_ad/mtnet/0"]
    assert sorted(shlex.split(command)) == sorted(given)


@pytest.mark.parametrize(
    "program, arguments",
    [("reproduce", ["--datasets=digits_ad"]), ("ablation", ["--dataset=digits_ad"])],
)
def test_a_missing_speech_recogniser_is_told_before_the_training(
    program, arguments, data_dir, tmp_path
):
    (tmp_path / "pocketsphinx.py").write_text("raise ImportError('not installed')\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", f"experiments.{program}", "--preset=tiny", "--word_accuracy"),
            *(*arguments, f"--data_dir={data_dir}", f"--out_dir={tmp_path / 'runs'}"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: Word accuracy needs the package `pocketsphinx`"), done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_table_4_has_controls_of_its_own_and_says_the_examples_of_mtnet(data_dir, tmp_path):
    adversarial = [
        "log_mel.num_mels=8",
        "log_mel.num_frames=8",
        "log_mel.fft_length=8192",
        "adversarial.sound_channels=[4]",
        "adversarial.image_channels=[4]",
        "training.adversarial.epochs=0.1",
        "training.inverter.epochs=3",
    ]
    code, out, err = run(
        data_dir,
        tmp_path,
        "--table=4",
        "--cells=digits_ad/mtnet/0,digits_ad/dcmavg/0",
        *(f"--override={change}" for change in adversarial),
    )
    assert (code, out) == (0, "2 done\n"), err
    results = measured(tmp_path / "results")
    assert len(results) == 2 + 5 + 2
    assert results["digits_ad_griffin_lim.json"]["cell"] == "digits_ad/griffin_lim"
    assert "validation_word_accuracy" in results["digits_ad_dcmavg_seed0.json"]["looks"][-1]
    examples = tmp_path / "results/digits_ad_examples"
    record = json.loads((examples / "examples.json").read_text())
    assert list(record["said"]) == ["mtnet", "dcmavg"]
    count = len(record["chosen"])
    assert count and all(len(words) == count for words in record["said"].values())
    controls = ["white_noise", "mean_waveform", "wrong_word", "classifier_and_recording"]
    assert list(record["controls"]) == [*controls, "spectrogram_inverter", "griffin_lim"]
    assert all(len(words) == count for words in record["controls"].values())
    for name in ("true", *record["said"], *record["controls"]):
        assert len(list(examples.glob(f"sounds/*_{name}.flac"))) == count
    assert (examples / "systems.png").stat().st_size > 10_000
    done = programs.run("report", f"--tables={tmp_path}/results")
    assert done.returncode == 0, done.stderr
    written = [line.removeprefix(f"Written: {tmp_path}/") for line in done.stdout.splitlines()]
    pages = [f"table{number}.{form}" for number in "34" for form in ("md", "csv", "tex")]
    assert sorted(written) == sorted([*pages, "stability.png", "index.html"])
    assert "\n## digits_ad\n" in (tmp_path / "table4.md").read_text()
    assert "results/digits_ad_examples/" in (tmp_path / "index.html").read_text()
    # Its other half is trained of the run that is there.
    of_run = tmp_path / "digits_ad/dcmavg_seed0"
    done = programs.run("images_of_sounds", f"--of_run={of_run}")
    assert done.returncode == 0, done.stderr
    assert "Of 144 images" in done.stdout
    half = of_run / "images_of_sounds"
    assert json.loads((half / "images_of_sounds.json").read_text())["num_images"] == 144
    assert (half / "images_of_sounds.png").stat().st_size > 1000
