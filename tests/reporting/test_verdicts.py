"""The verdicts on the paper's claims, by hand, from made-up result files."""

import statistics

import pytest
from scipy import stats

from mtnet_tf.reporting import paper_table, verdicts
from mtnet_tf.reporting.verdicts import CLAIMS, CONTRADICTED, NOT_CLAIMED, REPRODUCED, UNDECIDED

HOLES = next(claim for claim in CLAIMS if claim.worse == "no_holes")


def write(cells, row, scores, dataset="mnist_ad"):
    for seed, values in enumerate(scores):
        cells(dataset, row, seed, values)


def found(cells, claim=HOLES, dataset="mnist_ad"):
    rows = paper_table.read_table(cells.folder, "3")[dataset]
    return {f.metric: f for f in verdicts.findings(claim, rows)}


@pytest.fixture
def three_seeds(cells):
    """Corr2D clearly higher, PESQ clearly lower, STOI unclear."""
    write(cells, "mtnet", [(0.90, 2.0, 0.70), (0.91, 2.1, 0.80), (0.92, 2.2, 0.90)])
    write(cells, "no_holes", [(0.80, 3.0, 0.75), (0.81, 3.1, 0.79), (0.83, 3.2, 0.83)])
    return cells


def test_signs_and_levels_by_hand(three_seeds):
    by_metric = found(three_seeds)
    assert [f.verdict for f in by_metric.values()] == [REPRODUCED, CONTRADICTED, UNDECIDED]
    corr2d, pesq, stoi = by_metric.values()
    a, b = [0.90, 0.91, 0.92], [0.80, 0.81, 0.83]
    assert corr2d.difference == pytest.approx(statistics.mean(a) - statistics.mean(b))
    # Welch's t and its degrees of freedom from their formulas.
    va, vb = statistics.variance(a) / 3, statistics.variance(b) / 3
    t = corr2d.difference / (va + vb) ** 0.5
    freedom = (va + vb) ** 2 / (va**2 / 2 + vb**2 / 2)
    assert corr2d.p == pytest.approx(2 * stats.t.sf(t, freedom))
    assert pesq.difference == pytest.approx(-1.0)
    assert stoi.spread == pytest.approx(statistics.stdev([0.7, 0.8, 0.9]))
    assert corr2d.paper == pytest.approx(0.9427 - 0.9351)
    assert (stoi.place, corr2d.place) == ("within the spread", "outside the spread")


def test_the_text_says_so(three_seeds):
    text = verdicts.section(paper_table.read_table(three_seeds.folder, "3"), "3")
    part = text[text.index("### 3. Holes help, of which Proposed(hole) has none: MT-Net against") :]
    test = f"Welch, p = {found(three_seeds)['corr2d'].p:.4f}; outside the spread (0.0153)"
    assert f"| mnist_ad | Corr2D | +0.0967 | +0.0076 | 3 against 3 | {test} | reproduced |" in part
    assert "| mnist_ad | PESQ | -1.0000 | +0.1153 | 3 against 3 |" in part
    words = part.replace("\n", " ")
    assert "0.0967 higher in Corr2D, 1.0000 lower in PESQ and 0.0100 higher in STOI than" in words
    assert "reproduces the claim in Corr2D. That contradicts the claim in PESQ." in words
    assert "leaves the claim undecided in STOI." in words
    assert "The difference in STOI is within the spread of the seeds." in words
    assert "single seed" not in words.partition("### 4")[0]
    assert "nothing is known, without Meth.(L_gen + L_rep) (not run)" in text


def test_what_the_paper_does_not_say_is_not_claimed(cells):
    """On CIFAR10 AD the paper's own STOI is higher with I2T2A, and it says so."""
    write(cells, "mtnet", [(0.7, 2.0, 0.50), (0.71, 2.1, 0.51), (0.72, 2.2, 0.52)], "cifar10_ad")
    write(cells, "i2t2a", [(0.9, 3.0, 0.90), (0.91, 3.1, 0.91)], "cifar10_ad")
    table = paper_table.read_table(cells.folder, "4")
    found = verdicts.findings(CLAIMS[-1], table["cifar10_ad"])
    assert [f.verdict for f in found] == [CONTRADICTED, CONTRADICTED, NOT_CLAIMED]
    assert found[2].p < 0.05 and found[2].paper < 0
    text = verdicts.section(table, "4")
    assert "The paper does not claim it in STOI." in text
    assert "Of the 2 tests of these claims" in text  # what is not claimed is no test of a claim


def test_a_single_seed_is_undecided_whatever_the_difference(cells):
    write(cells, "no_holes", [(0.80, 3.0, 0.70), (0.82, 3.1, 0.72)])
    write(cells, "mtnet", [(0.99, 3.06, 0.72)])
    by_metric = found(cells)
    assert {f.verdict for f in by_metric.values()} == {UNDECIDED}
    assert {f.p for f in by_metric.values()} == {None}
    assert {f.place for f in by_metric.values()} == {"of unknown spread"}
    text = verdicts.section(paper_table.read_table(cells.folder, "3"), "3")
    assert "A single seed proves nothing." in text and "correction\n" not in text
    assert "| 1 against 2 | none; of unknown spread | undecided |" in text


def test_the_spread_is_of_the_two_rows(cells):
    write(cells, "gen_only", [(0.80, 3.0, 0.7), (0.83, 3.1, 0.72)], "cifar10_ad")
    write(cells, "gen_rep", [(0.81, 3.5, 0.7), (0.815, 3.6, 0.75)], "cifar10_ad")
    write(cells, "mtnet", [(0.8, 3.0, 0.7), (0.9, 9.1, 0.7), (0.7, 3.2, 0.7)], "cifar10_ad")
    corr2d, pesq, _ = found(cells, CLAIMS[0], "cifar10_ad").values()
    assert corr2d.spread == pytest.approx(statistics.stdev([0.8, 0.83]))
    assert (corr2d.place, pesq.place) == ("within the spread", "outside the spread")


@pytest.mark.parametrize(
    "ps, left",
    [
        # As statsmodels.stats.multitest.multipletests(ps, 0.05, "holm") says.
        ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),
        ([0.011, 0.02, 0.013, 0.04], [True, True, True, True]),
        ([0.03, 0.04], [False, False]),
        ([0.02], [True]),
    ],
)
def test_holm(ps, left):
    assert verdicts.holm(ps, 0.05) == left


def test_the_page_says_what_is_left_by_the_correction(three_seeds):
    text = verdicts.section(paper_table.read_table(three_seeds.folder, "3"), "3")
    by_metric = found(three_seeds)
    assert by_metric["pesq"].p < 0.05 / 3 and by_metric["corr2d"].p < 0.05 / 2
    holes = "Holes help, of which Proposed(hole) has none"
    assert text.endswith(
        "\nOf the 3 tests of these claims, 2 stay significant, all together at the level 0.05:"
        f" {holes} (Corr2D on mnist_ad: reproduced); {holes} (PESQ on mnist_ad: contradicted).\n"
    )


def test_seeds_that_do_not_differ_are_no_test(cells):
    write(cells, "no_holes", [(0.8, 3.0, 0.7)] * 3)
    write(cells, "mtnet", [(0.9, 3.0, 0.7)] * 3)
    assert {(f.p, f.verdict) for f in found(cells).values()} == {(None, UNDECIDED)}


def test_what_is_equal_is_not_called_lower(cells):
    write(cells, "no_holes", [(0.8, 3.0, 0.7)])
    write(cells, "mtnet", [(0.8, 3.5, 0.69999)])
    text = verdicts.section(paper_table.read_table(cells.folder, "3"), "3")
    differences = "no higher in Corr2D, 0.5000 higher in PESQ and less than 0.0001 lower in STOI"
    assert f"scores {differences}" in text


def test_pairs_that_failed_count_at_the_floor(cells):
    write(cells, "mtnet", [(0.90, 2.0, 0.70), (0.91, 2.1, 0.71)])
    write(cells, "no_holes", [(0.80, 3.0, 0.60), (0.81, 3.1, 0.61)])
    rows = paper_table.read_table(cells.folder, "3")["mnist_ad"]
    for run, floor_mean in zip(paper_table.of_row(rows, "mtnet").runs, (0.5, 0.6)):
        run["metrics"]["corr2d"]["floor_mean"] = floor_mean
    corr2d = verdicts.findings(HOLES, rows)[0]
    assert corr2d.difference == pytest.approx(0.55 - 0.805)


def test_the_claims_are_of_rows_of_the_paper():
    assert [(c.table, c.better, c.worse) for c in CLAIMS] == [
        ("3", "gen_rep", "gen_only"), ("3", "mtnet", "gen_rep"), ("3", "mtnet", "no_holes"),
        ("3", "mtnet", "autoencoder"), ("4", "cmcgan", "dcmavg"), ("4", "mtnet", "dcmavg"),
        ("4", "mtnet", "cmcgan"), ("4", "mtnet", "i2t2a"),
    ]  # fmt: skip


def test_a_table_has_its_own_claims(cells):
    """MT-Net is a row of both tables."""
    write(cells, "mtnet", [(0.90, 2.0, 0.70), (0.91, 2.1, 0.71)])
    write(cells, "i2t2a", [(0.95, 3.0, 0.60), (0.96, 3.1, 0.62)])
    text = verdicts.section(paper_table.read_table(cells.folder, "4"), "4")
    assert text.count("\n### ") == 5 and "is better than I2T2A: MT-Net against I2T2A" in text
    found = verdicts.findings(CLAIMS[-1], paper_table.read_table(cells.folder, "4")["mnist_ad"])
    assert [round(f.difference, 3) for f in found] == [-0.05, -1.0, 0.095]
    text = verdicts.section(paper_table.read_table(cells.folder, "3"), "3")
    assert text.count("\n### ") == 4 and "I2T2A" not in text
