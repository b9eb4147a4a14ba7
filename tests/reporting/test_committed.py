"""The tables of the checkout against its result files."""

import json
import pathlib

from mtnet_tf.reporting import committed, seeds
from mtnet_tf.reporting import study as study_lib


def test_committed_tables_go_stale(study, tmp_path):
    root = tmp_path / "checkout"
    (study / "mtnet/evaluation/test/wrong_word/summary.json").unlink()
    names = study_lib.collect(study, root / "experiments/results/digits")
    assert names == ["gen_only", "mtnet"]
    (root / "README.md").write_text(f"before\n{committed.BEGIN}\nold\n{committed.END}\nafter\n")
    assert len(committed.stale_files(root)) == 2
    for path, text in committed.generated_files(root).items():
        path.write_text(text)
    assert committed.stale_files(root) == []
    readme = (root / "README.md").read_text()
    assert readme.startswith("before\n") and readme.endswith("\nafter\n")
    row = "| digits: MT-Net | tiny, 0.0 M, 2.0 epochs | 0.7500 | 0.7500 | 0.7500 | 90.00 % |"
    assert f"{row} 0.7500 / 0.7500 / 0.7500 | 95.00 % |" in readme
    assert "- digits: Controls: none were scored" in readme
    changed = json.loads((root / "experiments/results/digits/mtnet.json").read_text())
    changed["metrics"]["stoi"]["mean"] = 0.7
    (root / "experiments/results/digits/mtnet.json").write_text(json.dumps(changed))
    assert len(committed.stale_files(root)) == 2


def test_committed_tables_of_this_project_are_fresh():
    assert committed.stale_files(pathlib.Path(__file__).parents[2]) == []


def test_a_data_set_that_the_paper_has_not_gets_no_row_of_the_paper(study, tmp_path):
    root = tmp_path / "checkout"
    names = study_lib.collect(study, root / "experiments/results/own")
    for name in names:
        path = root / f"experiments/results/own/{name}.json"
        path.write_text(path.read_text().replace("digits_ad", "birds_ad"))
    (root / "README.md").write_text(f"{committed.BEGIN}\n{committed.END}")
    tables, readme = committed.generated_files(root).values()
    assert "| own: MT-Net |" in readme and "the paper's MT-Net" not in readme
    assert "| MT-Net |  | 0.7500 ± 0.1000 |" in tables


def test_seeds_are_a_table_of_their_own(study, summary, tmp_path):
    root = tmp_path / "checkout"
    study_lib.collect(study, root / "experiments/results/digits")
    run = tmp_path / "runs/a/evaluation/test/model"
    run.mkdir(parents=True)
    (run / "summary.json").write_text(json.dumps(summary("model", "MT-Net", 0.5, seed=3)))
    seeds.collect(tmp_path / "runs", root / committed.SEEDS)
    (root / "README.md").write_text(f"{committed.BEGIN}\n{committed.END}")
    tables, readme = committed.generated_files(root).values()
    assert tables.index("## digits") < tables.index("## Seeds")
    assert "| digits_ad | MT-Net | tiny | float32 | 3 | 0.5000 |" in tables
    assert "Controls: none were scored with these runs" in tables
    assert "digits_ad | MT-Net | tiny" not in readme
