"""The program inspects what is prepared (or prepares it), writes it, and fails on a fault."""

import importlib.util
import json
import pathlib
import shutil

import numpy as np
import PIL.Image
import pytest

from tests import programs

ROOT = pathlib.Path(__file__).parents[2]


def run(*arguments, **options):
    return programs.run("inspect_data", *arguments, **options)


@pytest.mark.slow
def test_digits_good_and_spoilt(tmp_path):
    result = run(f"--data_dir={tmp_path / 'tfds'}", f"--output_dir={tmp_path / 'out'}")
    assert result.returncode == 0, result.stderr
    facts, checks, _ = result.stdout.split("\n\n")
    facts = dict(line.split(maxsplit=1) for line in facts[facts.index("images ") :].splitlines())
    assert facts["images"].startswith("1,437 train, 360 test, 28x28x1, scikit-learn digits")
    assert facts["words"].startswith("10: zero, one, two, three")
    assert facts["shortest"].endswith("/joe_0") and facts["longest"].endswith("/joe_0")
    assert facts["speakers"] == "1: joe"
    assert facts["takes"] == "1 of a word by a speaker"
    assert facts["recordings"] == "10: 10 in train, 10 in test"
    assert facts["L_s"] == "18140 samples at 22050 Hz, 823 ms"
    statuses = {line.split()[1]: line.split()[0] for line in checks.splitlines()}
    assert len(statuses) == 10 and "FAILED" not in statuses.values()
    assert statuses["hashes"] == statuses["labels"] == statuses["pairs"] == "ok"

    found = json.loads((tmp_path / "out" / "inspection.json").read_text())
    assert found["facts"]["pairs"] == {"train": 1437, "test": 360}
    assert {check["name"]: check["status"] for check in found["checks"]} == statuses
    sheet = np.asarray(PIL.Image.open(tmp_path / "out" / "contact_sheet.png").convert("RGB"))
    assert len(np.unique(sheet.reshape(-1, 3), axis=0)) > 500
    written = {"contact_sheet.png", "inspection.json"}
    if importlib.util.find_spec("mlcroissant"):
        written.add("croissant.json")
    assert {path.name for path in (tmp_path / "out").iterdir()} == written

    metadata = tmp_path / found["facts"]["folder"] / "metadata.json"
    contents = json.loads(metadata.read_text())
    contents["recordings"][7]["samples_sha256"] = "0" * 64
    metadata.write_text(json.dumps(contents))
    spoilt = run(f"--path={metadata.parent}")
    assert spoilt.returncode == 1
    assert "FAILED  hashes      not as in the metadata: seven/joe_0: other audio" in spoilt.stdout
    (line,) = [line for line in spoilt.stderr.splitlines() if line.startswith("error: ")]
    assert "1 of 10 checks of digits_ad/one_recording-" in line and "FAILED: hashes." in line
    assert "Traceback" not in spoilt.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--path=none"], "none cannot be opened as a prepared data set"),
        (["--path=none", "--dataset=digits_ad"], "leave out --dataset"),
        (["--path=none", "--speaker=joe"], "leave out --speaker"),
        (["--dataset=mnist_ad/many_takes"], "needs two takes that fit"),
        ([f"--output_dir={__file__}"], "test_inspect_data.py is a file. Give a folder."),
        ([f"--output_dir={__file__}/out"], "test_inspect_data.py is a file. Give a folder."),
        ([f"--output_dir={'a' * 5000}"], "cannot be written (File name too long)"),
    ],
)
def test_bad_input_is_one_line(tmp_path, arguments, message):
    if "--path=none" not in arguments:
        arguments = [f"--data_dir={tmp_path}", *arguments]
    result = run(f"--output_dir={tmp_path / 'out'}", *arguments)
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert message in line
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_nothing_in_the_folder_is_run(data_dir, tmp_path):
    """Not even a module of the current folder that features.json names."""
    (folder,) = data_dir.glob("digits_ad/*/1.0.0")
    copy = shutil.copytree(folder, tmp_path / "1.0.0")
    text = (copy / "features.json").read_text()
    name = "tensorflow_datasets.core.features.features_dict.FeaturesDict"
    assert name in text
    (copy / "features.json").write_text(text.replace(name, "named_by_features.FeaturesDict"))
    (tmp_path / "named_by_features.py").write_text("open('it was run', 'w')\n")
    result = run(f"--path={copy}", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "FAILED" not in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.0.0", "named_by_features.py"]
