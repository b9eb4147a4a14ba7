import json
import pathlib

import pytest

from mtnet_tf import report
from mtnet_tf.errors import InputError
from mtnet_tf.metrics import METRICS


def summary(generator, label, mean, failed=0, variant="mtnet"):
    metrics = {
        name: {
            "mean": mean, "sd": 0.1, "num_scored": 10 - failed, "num_failed": failed,
            "num_unscorable_reference": 0, "floor_mean": (mean or 0.0) / 2, "failures": {},
        }
        for name in METRICS
    }  # fmt: skip
    return {
        "generator": generator,
        "label": label,
        "dataset": "digits_ad/one_recording-0123",
        "split": "test",
        "num_pairs": 10,
        "num_recordings": 10,
        "metrics": metrics,
        "heard_right": {"fraction": 0.9, "num_pairs": 9, "metrics": metrics},
        "per_word": {},
        "classifier_accuracy": 0.95 if generator == "model" else None,
        "word_accuracy": None,
        "provenance": {
            "preset": "tiny", "variant": variant, "seed": 0, "hardware": "h", "training_hardware": "h",
            "versions": {"python": "3"}, "git_commit": "abc", "steps": 5, "images_seen": 50,
            "num_parameters": 1000, "training_seconds": 2.0, "seconds": 1.0, "training_command": "python -m x",
            "recordings": {"fingerprint": "0" * 64, "policy": "one_recording", "used": [{"voice_id": "joe"}]},
        },
    }  # fmt: skip


@pytest.fixture
def study(tmp_path):
    files = {
        "gen_only/evaluation/test/model": summary("model", "Meth.(L_gen)", 0.5, 2, "gen_only"),
        "mtnet/evaluation/test/model": summary("model", "MT-Net", 0.75),
        "mtnet/evaluation/test/wrong_word": summary("wrong_word", "wrong word", None, 10),
    }
    for name, values in files.items():
        (tmp_path / "study" / name).mkdir(parents=True)
        (tmp_path / "study" / name / "summary.json").write_text(json.dumps(values | {"floor": 0}))
    return tmp_path / "study"


def lines_of(table):
    return {line.split(" | ")[0].strip("| "): line for line in table.splitlines()}


def test_table_stands_beside_the_paper_and_hides_nothing(study):
    found = report.read_study(study)
    assert list(found) == ["gen_only", "mtnet", "wrong_word"]
    lines = lines_of(report.markdown_table(found))
    assert "0.9427 | 0.7500 ± 0.1000 | 3.1577" in lines["MT-Net"]
    assert "0.8560 | 0.5000 ± 0.1000 (floor mean 0.2500)" in lines["Meth.(L_gen)"]
    assert "| 8, 2 failed |" in lines["Meth.(L_gen)"]
    assert lines["Proposed(hole)"].count("not run") == 3
    assert "none scored (floor mean 0.0000)" in lines["wrong word"]
    assert "95.00 %" in lines["MT-Net"]
    assert len({line.count("|") for line in lines.values()}) == 1


def test_text_table(study):
    text = report.text_table(list(report.read_study(study).values())[:2])
    assert "MT-Net" in text
    assert "0.7500" in text
    assert "not run" not in text


def test_report_folder(study, tmp_path):
    wavs = study / "mtnet/evaluation/test/model/wavs"
    wavs.mkdir()
    (wavs / "a_zero.wav").write_bytes(b"RIFF")
    (study / "mtnet/evaluation/test/wrong_word/summary.json").unlink()
    path = report.write_report(study, tmp_path / "report")
    text = path.read_text()
    assert "`python -m x`" in text
    assert "[a_zero.wav](wavs/mtnet/a_zero.wav)" in text
    assert (tmp_path / "report/wavs/mtnet/a_zero.wav").read_bytes() == b"RIFF"


def test_committed_tables_go_stale(study, tmp_path):
    root = tmp_path / "checkout"
    (study / "mtnet/evaluation/test/wrong_word/summary.json").unlink()
    names = report.collect(study, root / "experiments/results/digits")
    assert names == ["gen_only", "mtnet"]
    (root / "README.md").write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    assert len(report.stale_files(root)) == 2
    for path, text in report.generated_files(root).items():
        path.write_text(text)
    assert report.stale_files(root) == []
    readme = (root / "README.md").read_text()
    assert readme.startswith("before\n") and readme.endswith("\nafter\n")
    assert "| digits: MT-Net | 0.7500 | 0.7500 | 0.7500 | 90.00 % | 95.00 % |" in readme
    changed = json.loads((root / "experiments/results/digits/mtnet.json").read_text())
    changed["metrics"]["stoi"]["mean"] = 0.7
    (root / "experiments/results/digits/mtnet.json").write_text(json.dumps(changed))
    assert len(report.stale_files(root)) == 2


def test_committed_tables_of_this_project_are_fresh():
    assert report.stale_files(pathlib.Path(__file__).parents[1]) == []


def test_rows_on_other_data_are_refused(study):
    path = study / "gen_only/evaluation/test/model/summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_pairs": 9}))
    with pytest.raises(InputError, match="not comparable, num_pairs differs"):
        report.read_study(study)


def test_folder_without_results(tmp_path):
    with pytest.raises(InputError, match="holds no evaluation of the test split"):
        report.read_study(tmp_path)
    (tmp_path / "mtnet/evaluation/test/model").mkdir(parents=True)
    (tmp_path / "mtnet/evaluation/test/model/summary.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        report.read_study(tmp_path)
