"""The tables from made-up result files: what is read, what is refused, what the pages say."""

import csv
import dataclasses
import json
import re
import statistics

import pytest

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.errors import InputError
from mtnet_tf.reporting import paper_table, table_pages
from mtnet_tf.reporting import paper_table_pages as pages
from mtnet_tf.systems import plan


def fail(folder, key, error="the loss is not finite"):
    dataset, row, seed = key.split("/")
    path = folder / f"{dataset}_{row}_seed{seed}.failed.json"
    path.write_text(json.dumps({"cell": key, "error": error, "command": "python -m x"}))


def markdown_rows(text):
    """{(data set, number of its table): {row: {title: cell}}}"""
    tables = {}
    for dataset, part in re.findall(r"^## (\w+_ad)\n(.*?)(?=^## |\Z)", text, re.M | re.S):
        for place, block in enumerate(re.findall(r"(?:^\|.*\n)+", part, re.M)):
            header, _, *lines = [
                [cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()
            ]
            rows = [dict(zip(header, line, strict=True)) for line in lines]
            tables[dataset, place] = {row["row"]: row for row in rows}
    return tables


@pytest.fixture
def table(cells):
    """Two seeds of MT-Net, one of a row, a failed one, `tuned` on CIFAR, a control."""
    part = {"num_pairs": 3, "metrics": None}
    for seed, scores in ((0, (0.91, 3.1, 0.71)), (2, (0.95, 3.5, 0.77))):
        path = cells("mnist_ad", "mtnet", seed, scores, {"training_seconds": 90.0 + 60 * seed})
        summary = json.loads(path.read_text())
        summary["retrieval_accuracy"], summary["classifier_accuracy"] = 0.92 + 0.01 * seed, 0.95
        summary["blended"] = 0.125
        classified = {
            name: values | {"mean": values["mean"] + 0.001}
            for name, values in summary["metrics"].items()
        }
        summary["classified"] = part | {"metrics": classified}
        summary["word_accuracy"] = {"generated": 0.4, "references": 0.6}
        path.write_text(json.dumps(summary))
    cells("mnist_ad", "no_holes", 1, (0.8, 2.5, 0.6), classified=None, blended=0.25)
    fail(cells.folder, "mnist_ad/no_holes/0")
    fail(cells.folder, "mnist_ad/gen_only/0", "out of memory\nTraceback")
    cells("mnist_ad", "white_noise", None, (-0.2, 1.5, 0.2), classifier_accuracy=None)
    cells("cifar10_ad", "tuned", 0)
    return paper_table.read_table(cells.folder, "3")


def test_what_is_there_what_failed_and_what_was_not_run(table):
    assert list(table) == ["mnist_ad", "cifar10_ad"]
    rows = {row.name: row for row in table["mnist_ad"]}
    assert list(rows) == [*(row for row in plan.rows("3") if row not in plan.BEYOND), "white_noise"]
    assert rows["mtnet"].seeds == "2 of 3"
    assert [run["provenance"]["seed"] for run in rows["mtnet"].runs] == [0, 2]
    assert rows["no_holes"].seeds == "1 of 3, 1 failed"
    assert (rows["gen_only"].seeds, rows["gen_only"].missing) == ("0 of 3, 1 failed", "failed")
    assert (rows["gen_rep"].seeds, rows["gen_rep"].missing) == ("0 of 3", "not run")
    assert (rows["white_noise"].seeds, rows["white_noise"].is_control) == ("", True)
    tuned = paper_table.of_row(table["cifar10_ad"], "tuned")
    assert tuned.seeds == "1 of 1" and tuned.label == "MT-Net, tuned (beyond the paper)"
    assert paper_table.of_row(table["cifar10_ad"], "white_noise").runs == ()


def test_markdown_has_the_numbers_of_the_files(table):
    tables = markdown_rows(pages.markdown_page(table, "3"))
    assert list(tables) == [(d, i) for d in ("mnist_ad", "cifar10_ad") for i in (0, 1)]
    mtnet = tables["mnist_ad", 0]["MT-Net"]
    sd = statistics.stdev([0.91, 0.95])
    assert mtnet["Corr2D, paper"] == "0.9427" and mtnet["seeds"] == "2 of 3"
    assert mtnet["Corr2D, ours"] == f"0.9300 ± {sd:.4f}"
    assert mtnet["PESQ, ours"] == f"3.3000 ± {statistics.stdev([3.1, 3.5]):.4f}"
    assert mtnet["STOI, ours"] == f"0.7400 ± {statistics.stdev([0.71, 0.77]):.4f}"
    accuracy = statistics.stdev([92, 94])
    assert mtnet["retrieval accuracy"] == f"93.00 % ± {accuracy:.2f} %"
    assert mtnet["softmax accuracy"] == "95.00 % ± 0.00 %"
    assert mtnet["retrieval − softmax, points"] == f"-2.00 ± {accuracy:.2f}"
    words = tables["mnist_ad", 1]["MT-Net"]
    assert words["blended"] == "12.50 % ± 0.00 %"
    assert words["Corr2D / PESQ / STOI of the classified"].startswith(f"0.9310 ± {sd:.4f} / 3.3010")
    assert words["Corr2D / PESQ / STOI of the retrieved"] == " / ".join(["0.5000 ± 0.0000"] * 3)
    heard = words["word accuracy / of the recordings themselves"]
    assert heard == "40.00 % ± 0.00 % / 60.00 % ± 0.00 %"
    assert (words["parameters"], words["GFLOPs an image"]) == ("1,000", "2.5")
    minutes = [1.5, 3.5]
    assert words["training, minutes"] == f"2.5 ± {statistics.stdev(minutes):.1f}"


def test_markdown_of_a_single_seed_a_control_and_what_is_missing(table):
    tables = markdown_rows(pages.markdown_page(table, "3"))
    rows = tables["mnist_ad", 0]
    assert rows["Proposed(hole)"]["Corr2D, ours"] == "0.8000"
    assert rows["Meth.(L_gen)"]["STOI, ours"] == "failed"
    assert rows["Meth.(L_gen + L_rep)"]["PESQ, ours"] == "not run"
    assert rows["Meth.(L_gen + L_rep)"]["PESQ, paper"] == "2.9317"
    assert rows["white noise"]["Corr2D, ours"] == "-0.2000"
    words = tables["mnist_ad", 1]
    assert "Meth.(L_gen)" not in words
    for title in ("parameters", "GFLOPs an image", "training, minutes"):
        assert words["white noise"][title] == ""
    assert words["Proposed(hole)"]["Corr2D / PESQ / STOI of the classified"] == ""
    beyond = tables["cifar10_ad", 0]["MT-Net, tuned (beyond the paper)"]
    assert beyond["Corr2D, paper"] == "" and beyond["Corr2D, ours"] == "0.9000"


def test_how_the_cells_were_made_once_a_way(table):
    text = pages.markdown_page(table, "3")
    assert "- Not run: cifar100_ad.\n" in text and "Not run: cifar10_ad" not in text
    assert (
        "- no_holes/1, mtnet/0, mtnet/2: preset small, 5 steps, 50 images in the last stage; on h."
        in text
    )
    assert "- white_noise; on h." in text and "scored by `python -m y`" in text
    assert "- gen_only/0 failed: out of memory\n" in text
    assert text.count("- Data: mnist_ad/one_recording-0123, test split, 10 pairs") == 1


def test_each_table_explains_its_own_rows(cells):
    cells("mnist_ad", "mtnet", 0)
    third, fourth = (
        pages.markdown_page(paper_table.read_table(cells.folder, number), number)
        for number in plan.TABLES
    )
    told = "its softmax accuracy is the share of texts"
    assert told in fourth and told not in third


def test_csv_is_unrounded_and_has_every_planned_row(table):
    lines = list(csv.DictReader(pages.csv_page(table).splitlines()))
    assert all(None not in line and None not in line.values() for line in lines)
    by_place = {(line["dataset"], line["row"]): line for line in lines}
    assert len(by_place) == len(lines) == sum(len(rows) for rows in table.values())
    mtnet = by_place["mnist_ad", "mtnet"]
    assert float(mtnet["pesq"]) == pytest.approx(3.3, rel=1e-12)
    assert float(mtnet["pesq_sd"]) == pytest.approx(statistics.stdev([3.1, 3.5]), rel=1e-12)
    assert float(mtnet["retrieval_minus_softmax"]) == pytest.approx(-0.02)
    assert float(mtnet["classified_stoi"]) == pytest.approx(0.741)
    assert (mtnet["corr2d_paper"], mtnet["seeds"], mtnet["planned"]) == ("0.9427", "2", "3")
    assert float(mtnet["training_minutes"]) == 2.5
    assert by_place["mnist_ad", "no_holes"]["pesq_sd"] == ""
    gen_only = by_place["mnist_ad", "gen_only"]
    assert (gen_only["corr2d"], gen_only["failed"], gen_only["stoi_paper"]) == ("", "1", "0.8925")
    assert by_place["mnist_ad", "white_noise"]["num_parameters"] == ""
    assert by_place["mnist_ad", "white_noise"]["training_images_per_second"] == ""


def test_times_are_of_one_machine_and_say_of_how_many_seeds(cells):
    """The machine with most seeds; what a seed lacks is left out too."""
    for seed, (machine, seconds) in enumerate((("a", 600.0), ("b", 60.0), ("b", 120.0))):
        told = {"word_accuracy": {"generated": 0.5, "references": 1.0}} if seed else {}
        times = {"training_hardware": machine, "training_seconds": seconds, "images_seen": 6000}
        cells("mnist_ad", "mtnet", seed, provenance=times, **told)
    table = paper_table.read_table(cells.folder, "3")
    (words,) = [
        row for row in markdown_rows(pages.markdown_page(table, "3"))["mnist_ad", 1].values()
    ]
    deviation = statistics.stdev([1, 2])
    assert words["training, minutes"] == f"1.5 ± {deviation:.1f} (2 of 3 seeds)"
    assert words["training images a second"] == "75 ± 35 (2 of 3 seeds)"
    (line,) = [row for row in csv.DictReader(pages.csv_page(table).splitlines()) if row["pesq"]]
    assert (line["training_minutes"], line["training_minutes_seeds"]) == ("1.5", "2")
    assert float(line["training_minutes_sd"]) == pytest.approx(deviation)
    assert (line["word_accuracy_generated"], line["word_accuracy_generated_seeds"]) == ("0.5", "2")


def test_pairs_that_a_metric_leaves_out_are_counted(cells):
    path = cells("mnist_ad", "mtnet", 0)
    summary = json.loads(path.read_text())
    summary["metrics"]["pesq"]["num_failed_references"] = 4
    path.write_text(json.dumps(summary))
    table = paper_table.read_table(cells.folder, "3")
    (line,) = [row for row in csv.DictReader(pages.csv_page(table).splitlines()) if row["pesq"]]
    assert (line["pesq_unscored_pairs"], line["stoi_unscored_pairs"]) == ("4", "0")


def test_latex_is_whole(table):
    text = pages.latex_page(table)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    body = text[text.index("\n") :]  # without the comment
    assert not re.search(r"(?<!\\)[%_#]", body) and body.isascii()
    columns = len(re.search(r"\{(l?r+)\}", text).group(1))
    rows = [
        line for line in body.splitlines() if line.endswith(r"\\") and "multicolumn" not in line
    ]
    assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {columns}
    assert r"MT-Net & 2 of 3 & 0.9427 & 0.9300 $\pm$ 0.0283 & 3.1577" in text
    assert r"Meth.(L\_gen) & 0 of 3, 1 failed & 0.8560 & failed" in text
    assert r"93.00 \% $\pm$ 1.41 \%" in text and r"mnist\_ad" in text


def test_failures_of_pairs_are_in_the_pages(cells):
    path = cells("mnist_ad", "mtnet", 0)
    summary = json.loads(path.read_text())
    summary["metrics"]["stoi"] |= {"num_failed": 4, "num_scored": 6, "floor_mean": 0.25}
    path.write_text(json.dumps(summary))
    found = paper_table.read_table(cells.folder, "3")
    row = markdown_rows(pages.markdown_page(found, "3"))["mnist_ad", 0]["MT-Net"]
    assert row["STOI, ours"] == "0.8000 (6 scored, 4 failed: floor mean 0.2500)"
    lines = {line["row"]: line for line in csv.DictReader(pages.csv_page(found).splitlines())}
    assert (lines["mtnet"]["stoi_failed_pairs"], lines["mtnet"]["stoi_floor"]) == ("4", "0.25")


def test_a_failure_that_was_mended_since_is_none(cells):
    fail(cells.folder, "mnist_ad/mtnet/0")
    assert paper_table.of_row(paper_table.read_table(cells.folder, "3")["mnist_ad"], "mtnet").failed
    cells("mnist_ad", "mtnet", 0)
    assert not paper_table.of_row(
        paper_table.read_table(cells.folder, "3")["mnist_ad"], "mtnet"
    ).failed


@pytest.mark.parametrize(
    ("row", "provenance", "changes", "message"),
    [
        ("no_holes", {"precision": "mixed_bfloat16"}, {}, "precision differs"),
        ("white_noise", {"precision": "mixed_bfloat16"}, {}, "precision differs"),
        ("no_holes", {}, {"num_pairs": 9}, "num_pairs differs"),
        ("no_holes", {}, {"split": "validation"}, "split differs"),
        (
            "no_holes",
            {"recordings": {"fingerprint": "1" * 64}},
            {},
            "the fingerprint of the recordings differs",
        ),
        ("no_holes", {"steps": 6}, {}, "steps differs"),
        ("no_holes", {"preset": "tiny"}, {}, "preset differs"),
        ("mtnet", {"num_parameters": 999}, {}, "num_parameters differs"),
    ],
)
def test_what_does_not_compare_is_refused(row, provenance, changes, message, cells):
    cells("mnist_ad", "mtnet", 0)
    cells("mnist_ad", "no_holes", 0)
    paper_table.read_table(cells.folder, "3")
    cells("mnist_ad", row, None if row == "white_noise" else 1, provenance=provenance, **changes)
    with pytest.raises(InputError, match=f"mnist_ad.*not comparable, {message}"):
        paper_table.read_table(cells.folder, "3")


def test_seeds_of_a_row_have_one_recipe(cells):
    configs = [
        dataclasses.asdict(
            config_lib.override(config_lib.preset("tiny"), [f"training.seed={seed}"])
        )
        for seed in (0, 1, 2)
    ]
    # A result of an earlier version does not say.
    for seed, said in enumerate(({"config": configs[0]}, {}, {"config": configs[2]})):
        cells("mnist_ad", "mtnet", seed, **said)
    paper_table.read_table(cells.folder, "3")
    configs[2]["training"]["joint"]["epochs"] = 3
    cells("mnist_ad", "mtnet", 2, config=configs[2])
    message = "MT-Net on mnist_ad are not comparable: from mnist_ad/mtnet/0 to mnist_ad/mtnet/2 "
    with pytest.raises(InputError, match=f"{message}training.joint.epochs: 8.* -> 3.* Move"):
        paper_table.read_table(cells.folder, "3")


def test_a_cell_of_another_version_is_one_error(cells):
    path = cells("mnist_ad", "mtnet", 0)
    result = json.loads(path.read_text())
    del result["provenance"]["steps"]
    path.write_text(json.dumps(result))
    with pytest.raises(InputError, match="tables is no result of experiments.reproduce, or holds"):
        table_pages.pages(cells.folder)


def test_where_it_was_scored_is_told_where_that_was_elsewhere(cells):
    cells("mnist_ad", "mtnet", 0, provenance={"hardware": "a phone"})
    text = pages.markdown_page(paper_table.read_table(cells.folder, "3"), "3")
    assert "scored on a phone." in text
    cells("mnist_ad", "mtnet", 0, provenance={"hardware": "h", "training_hardware": "h"})
    text = pages.markdown_page(paper_table.read_table(cells.folder, "3"), "3")
    assert "scored on" not in text


def test_rows_of_table_3_are_ablations_of_one_network(cells):
    base = config_lib.preset("tiny")
    smoothed = config_lib.override(base, ["loss.label_smoothing=0.1"])
    cells("mnist_ad", "mtnet", 0, config=dataclasses.asdict(base))
    for row in ("no_holes", "gen_only"):
        config = systems.configure(row, base)
        cells("mnist_ad", row, 0, config=dataclasses.asdict(config))
    paper_table.read_table(cells.folder, "3")
    cells(
        "mnist_ad",
        "no_holes",
        0,
        config=dataclasses.asdict(systems.configure("no_holes", smoothed)),
    )
    message = (
        "mnist_ad/no_holes/0 is no ablation of mnist_ad/mtnet/0: loss.label_smoothing: 0.* -> 0.1"
    )
    with pytest.raises(InputError, match=message):
        paper_table.read_table(cells.folder, "3")


def test_table_4_has_the_same_folder_with_rows_and_controls_of_its_own(cells):
    cells("mnist_ad", "mtnet", 0)
    cells("mnist_ad", "dcmavg", 0, provenance={"steps": 77, "description_milliseconds": 2.5})
    cells("mnist_ad", "griffin_lim", None, (0.99, 4.0, 0.9), classifier_accuracy=None)
    cells("mnist_ad", "no_holes", 0)
    cells("cifar10_ad", "tuned", 0)
    table = paper_table.read_table(cells.folder, "4")
    assert list(table) == ["mnist_ad"]
    names = [row.name for row in table["mnist_ad"]]
    assert names == ["dcmavg", "cmcgan", "i2t2a", "mtnet", "griffin_lim"]
    text = pages.markdown_page(table, "4")
    scores, words = (markdown_rows(text)["mnist_ad", place] for place in (0, 1))
    assert scores["DCMAVG"]["Corr2D, paper"] == "0.8759"
    assert scores["CMCGAN"]["Corr2D, ours"] == "not run"
    assert scores["true spectrogram + Griffin-Lim"]["Corr2D, ours"] == "0.9900"
    assert words["DCMAVG"]["one description, ms"] == "2.5"
    assert words["MT-Net"]["one description, ms"] == ""
    assert "# Table 4 of the paper" in text
    of_table_3 = [row.name for row in paper_table.read_table(cells.folder, "3")["mnist_ad"]]
    assert "no_holes" in of_table_3 and not {"dcmavg", "griffin_lim"} & set(of_table_3)


def test_rows_may_differ_in_parameters_and_tuned_in_its_steps(cells):
    cells("cifar10_ad", "mtnet", 0)
    cells("cifar10_ad", "no_holes", 0, provenance={"num_parameters": 2000})
    cells("cifar10_ad", "tuned", 0, provenance={"steps": 99})
    cells("mnist_ad", "mtnet", 0, provenance={"precision": "mixed_bfloat16"})
    assert list(paper_table.read_table(cells.folder, "3")) == ["mnist_ad", "cifar10_ad"]


@pytest.mark.parametrize(
    "change",
    [
        {"cell": None},
        {"cell": "mnist_ad/nonsense/0"},
        {"cell": "mnist_ad/mtnet"},
        {"cell": "mnist_ad/mtnet/x"},
        {"cell": "mnist_ad/white_noise/0"},
        {"cell": "birds_ad/mtnet/0"},
        {"cell": "mnist_ad/mtnet/1"},  # its seed is 0
        {"cell": "mnist_ad/no_holes/0"},  # its system is mtnet
        {"cell": "mnist_ad/tuned/0"},  # its preset is small
        {"cell": "cifar10_ad/mtnet/0"},
        {"candidate": "white_noise"},
    ],
)
def test_a_file_of_another_cell_is_refused(change, cells):
    path = cells("mnist_ad", "mtnet", 0)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match="mnist_ad_mtnet_seed0.json is no result"):
        paper_table.read_table(cells.folder, "3")


def test_a_cell_twice_and_no_cell_at_all(cells):
    with pytest.raises(InputError, match="holds no result of a table"):
        paper_table.read_table(cells.folder, "3")
    path = cells("mnist_ad", "mtnet", 0)
    (cells.folder / "copy.json").write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="holds the cell mnist_ad/mtnet/0 twice"):
        paper_table.read_table(cells.folder, "3")
