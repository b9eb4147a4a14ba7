"""The tables of the checkout against its result files."""

import json
import os
import pathlib
import shutil

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.reporting import committed, seeds
from mtnet_tf.reporting import study as study_lib
from mtnet_tf.reporting.tables import METRICS

ROOT = pathlib.Path(__file__).parents[2]


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


@pytest.mark.parametrize("name", ["tables", "recipe", "pretrained", ".", "", "a/b", "../a"])
def test_a_collection_takes_the_place_of_no_other_results(name, tmp_path):
    assert committed.study_folder(tmp_path, "mine") == tmp_path / committed.RESULTS / "mine"
    with pytest.raises(InputError, match="--name must be a folder of a study in .* Received: "):
        committed.study_folder(tmp_path, name)


def test_committed_tables_of_this_project_are_fresh():
    assert committed.stale_files(ROOT) == []


def test_what_a_killed_process_left_is_no_result(tmp_path):
    for part in ("experiments/results", "mtnet_tf/pretrained"):
        shutil.copytree(ROOT / part, tmp_path / part, copy_function=os.symlink)
    (tmp_path / "README.md").symlink_to(ROOT / "README.md")
    for path in (tmp_path / "experiments/results").rglob("*.json"):
        path.with_name(f".4711_{path.name}").symlink_to(ROOT / path.relative_to(tmp_path))
    assert committed.stale_files(tmp_path) == []


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


def checkout(study, tmp_path):
    """A checkout with a study and Table 3 on the same data set; returns it and Table 3's folder."""
    root = tmp_path / "checkout"
    study_lib.collect(study, root / "experiments/results/mnist_ad_joe")
    for path in (root / "experiments/results/mnist_ad_joe").iterdir():
        path.write_text(path.read_text().replace("digits_ad", "mnist_ad"))
    (root / "README.md").write_text(f"before\n{committed.BEGIN}\nold\n{committed.END}\nafter\n")
    return root, root / committed.TABLES


def test_table_3_takes_the_place_of_a_study_with_the_same_recordings(study, cells, tmp_path):
    root, folder = checkout(study, tmp_path)
    for seed, corr2d in enumerate((0.91, 0.95)):
        cells("mnist_ad", "mtnet", seed, (corr2d, 3.0, 0.8))
    for control in ("white_noise", "mean_waveform", "classifier_and_recording"):
        cells("mnist_ad", control, None, (0.25, 1.0, 0.5), classifier_accuracy=None)
    cells("cifar10_ad", "tuned", 0)
    assert "| mnist_ad_joe: MT-Net |" in short(root)
    cells.folder.rename(folder)
    table = short(root)
    labels = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    assert labels == [
        "| Table 3, mnist_ad: MT-Net, 2 of 3 seeds",
        "| Table 3, mnist_ad: mean waveform",
        "| Table 3, mnist_ad: classifier + recording",
        "| *the paper's MT-Net, mnist_ad*",
        "| Table 3, cifar10_ad: MT-Net, tuned (beyond the paper), 1 of 1 seeds",
        "| *the paper's MT-Net, cifar10_ad*",
    ]
    assert "2 of 3 seeds | small, 0.0 M, 2.0 epochs | 0.9300 ± 0.0283 | 3.0000 ± 0.0000 |" in table
    # The study's own table stays where all tables are.
    text = committed.generated_files(root)[root / "experiments/results/README.md"]
    assert "## mnist_ad_joe" in text and "[table3.md](table3.md)" in text


def test_a_study_with_other_recordings_stays(study, cells, tmp_path):
    root, folder = checkout(study, tmp_path)
    recordings = {"fingerprint": "1" * 64, "policy": "one_recording", "used": []}
    cells("mnist_ad", "mtnet", 0, provenance={"recordings": recordings})
    cells.folder.rename(folder)
    table = short(root)
    assert "| Table 3, mnist_ad: MT-Net, 1 of 3 seeds |" in table
    assert "| mnist_ad_joe: MT-Net |" in table and table.count("the paper's MT-Net, mnist_ad") == 1


def short(root):
    """What README.md has between its marks."""
    text = committed.generated_files(root)[root / "README.md"]
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    return text.partition(committed.BEGIN)[2].partition(committed.END)[0].strip()


def test_table_3_is_three_files_that_go_stale(study, cells, tmp_path):
    root, folder = checkout(study, tmp_path)
    path = cells("mnist_ad", "mtnet", 0)
    cells.folder.rename(folder)
    for place, text in committed.generated_files(root).items():
        place.write_text(text)
    assert committed.stale_files(root) == []
    changed = json.loads((folder / path.name).read_text())
    changed["metrics"]["stoi"]["mean"] = 0.7
    (folder / path.name).write_text(json.dumps(changed))
    stale = {place.name for place in committed.stale_files(root)}
    pages = {f"table{n}.{suffix}" for n in (3, 4) for suffix in ("md", "csv", "tex")}
    assert stale == {"README.md", *pages}


def test_the_other_folders_are_sections(study, tmp_path):
    root, _ = checkout(study, tmp_path)
    curve = {
        "label": "a", "dataset": "cifar10_ad/x", "preset": "small", "training_seconds": 60,
        "looks": [{"validation_accuracy": 1}], "precision": "float32",
        "scores": {"metrics": {name: {"floor_mean": 1} for name in METRICS}, "blended": 0},
        "training_command": "c", "training_hardware": "h", "versions": {}, "git_commit": "",
        "seed": 0, "num_pairs": 9,
    }  # fmt: skip
    (root / committed.CURVES).mkdir()
    (root / committed.CURVES / "a.json").write_text(json.dumps(curve))
    text = committed.generated_files(root)[root / "experiments/results/README.md"]
    assert "## Accuracy and scores over the time of a training\n\n| data set |" in text


def test_the_pictures_that_there_are_results_of_are_drawn(study, cells, tmp_path):
    root, folder = checkout(study, tmp_path)
    assert committed.draw_pictures(root) == []
    look = {
        "validation_word_accuracy": 0.5, "validation_diversity": 0.1, "discriminator_total": 1.0,
        "generator_total": 2.0,
    }  # fmt: skip
    cells("mnist_ad", "dcmavg", 0, looks=[look])
    cells.folder.rename(folder)
    (path,) = committed.draw_pictures(root)
    assert path == root / "experiments/results/stability.png" and path.is_file()
    files = committed.generated_files(root)
    assert "## Stability" in files[root / "experiments/results/table4.md"]
    # DCMAVG is no row of Table 3, of which nothing was run.
    assert root / "experiments/results/table3.md" not in files
    cells.folder.mkdir()
    path = cells("mnist_ad", "mtnet", 0)
    path.rename(folder / path.name)
    files = committed.generated_files(root)
    assert "## Stability" not in files[root / "experiments/results/table3.md"]
