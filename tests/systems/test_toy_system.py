"""A system from outside the package, as programs: train, score, describe, report."""

import json
import pathlib
import re

import pytest
import soundfile

from tests.programs import run

ROOT = pathlib.Path(__file__).parents[2]
MODULE = "--system_module=tests.systems.toy_system"
TRAINING = ["--preset=tiny", "--override=training.joint.epochs=0.1"]


@pytest.fixture(scope="module")
def study(data_dir, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("toy")
    done = run(
        "ablation",
        *(MODULE, "--rows=toy", *TRAINING, "--num_pairs=8", "--num_processes=1", "--keep=model"),
        *(f"--data_dir={data_dir}", f"--out_dir={out_dir}/study"),
    )
    assert done.returncode == 0, done.stderr
    return out_dir / "study", done.stdout


def test_it_is_a_row_of_the_table_and_of_the_report(study):
    out_dir, printed = study
    assert [line for line in printed.splitlines() if line.startswith("Toy ")]
    assert "| Toy |" in (out_dir / "report/report.md").read_text()
    summary = json.loads((out_dir / "toy/evaluation/test/model/summary.json").read_text())
    assert (summary["label"], summary["provenance"]["system"]) == ("Toy", "toy")
    done = run("report", MODULE, f"--out_dir={out_dir}", f"--report_dir={out_dir}/again")
    assert done.returncode == 0, done.stderr


def test_what_stays_of_a_finished_run(study):
    names = {path.name for path in (study[0] / "toy").iterdir()}
    files = {"config.json", "environment.json", "recordings.npz", "train_log.jsonl", "model.keras"}
    assert names == files | {"evaluation", ".lock"}
    assert json.loads((study[0] / "toy/environment.json").read_text())["training_seconds"] > 0


def test_it_is_described(study, tmp_path):
    from PIL import Image

    Image.new("L", (28, 28)).save(tmp_path / "image.png")
    done = run(
        "describe",
        *(MODULE, f"--run_dir={study[0]}/toy", f"--image={tmp_path}/image.png", "--invert=no"),
        f"--output={tmp_path}/word.wav",
    )
    assert done.returncode == 0, done.stderr
    assert soundfile.info(tmp_path / "word.wav").frames == 18140


@pytest.mark.parametrize("program", ["evaluate", "describe", "report"])
def test_without_its_module_it_is_unknown(program, study, tmp_path):
    arguments = {
        "evaluate": [f"--run_dir={study[0]}/toy"],
        "describe": [f"--run_dir={study[0]}/toy", "--image=x.png"],
        "report": [f"--out_dir={study[0]}", f"--report_dir={tmp_path}"],
    }
    done = run(program, *arguments[program])
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "toy" in done.stderr and "The systems are: gen_only" in done.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--rows="], "No system is named"),
        (["--rows=gen_only,bogus"], "There is no system 'bogus'"),
        (["--rows=mtnet,mtnet"], "named more than once: mtnet"),
        (["--system_module=no_such_module"], "--system_module=no_such_module cannot be imported"),
    ],
)
def test_rows_are_checked_before_any_training(arguments, message, tmp_path):
    done = run("ablation", f"--out_dir={tmp_path}/study", *arguments)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert message in line
    assert not (tmp_path / "study").exists()


def test_contributing_shows_this_system():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text[text.index("## Add a system") :]
    (shown,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert shown == (ROOT / "tests/systems/toy_system.py").read_text()
