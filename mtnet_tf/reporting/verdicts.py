"""What the seeds say of the paper's claims (section 4.4), in the style of ReScience.

A claim is that one row of a table scores higher than another. It is reproduced, or contradicted
where the opposite is; where the seeds do not tell, it is undecided. In a metric where the paper's
own scores do not say so, it is not claimed.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import stats

from mtnet_tf.reporting.paper_table import Row, of_row
from mtnet_tf.reporting.published import paper_scores
from mtnet_tf.reporting.tables import METRICS, bullets, markdown, mean_and_deviation

REPRODUCED, CONTRADICTED, UNDECIDED = "reproduced", "contradicted", "undecided"
NOT_CLAIMED = "not claimed"
_LEVEL = 0.05
_RULES = (
    f"{REPRODUCED.capitalize()}: with two seeds or more a side, Welch's t-test over the seeds"
    f" (two-sided) gives p < {_LEVEL} and the row that is claimed to be better scores higher."
    f" {CONTRADICTED.capitalize()}: the same, and it scores lower."
    f" {UNDECIDED.capitalize()}: anything else. (ReScience, a journal of reproductions, writes [Re]"
    " and [not Re] for the first two.)",
    f"{NOT_CLAIMED.capitalize()}: the paper's own difference, which stands beside ours, is not"
    " above zero. There the paper does not make the claim, and there is no verdict.",
    "A verdict is of the direction alone: read the size of the difference beside the paper's. p is"
    f" not corrected for how many tests there are: where nothing differed, one in {1 / _LEVEL:.0f}"
    " would have a verdict all the same. Where there are tests, the last lines say what Holm's"
    " correction leaves.",
    "The spread is the larger standard deviation over the seeds of the two rows. It is unknown"
    " where one of them has a single seed, which proves nothing.",
    "Pairs that failed count at the floor of their metric. Welch's test takes all trainings as"
    " independent. Rows of one seed share its draws, so a test paired by seed might see more; it"
    " was not chosen before the seeds were run.",
)
# {table: what its claims compare besides}
_CAVEATS = {
    "3": "With `small`, the generator of a row that has a softmax layer learns the words that this"
    " names (`loss.generation_target`), and that of another row the true ones: the second claim"
    " compares that too. And `loss.generation_gradient` passes only a small part of the gradient of"
    " Eq. 9 on to the image encoder. Meth.(L_gen) has no other gradient there: the first claim"
    " compares that too.",
    "4": "DCMAVG, I2T2A and MT-Net share one image encoder; CMCGAN has one of its own, of fewer"
    " operations. Recipes were searched on validation with MT-Net, and in short runs with each of"
    " the others; `experiments/results/README.md` has all of these runs. The encoder of DCMAVG"
    " is trained as MT-Net's is. The texts of I2T2A are said by the voice of the"
    " references, which the paper's very likely were too. The rows in other voices say what its"
    " scores are worth without that: the words are the same.",
}


@dataclasses.dataclass(frozen=True)
class Claim:
    """One row of a table is better than another.

    Attributes:
        table: of the paper.
        text: the claim.
        better: the name of the row that should score higher.
        worse: the name of the other row.
    """

    table: str
    text: str
    better: str
    worse: str


CLAIMS = (
    Claim("3", "The representation loss helps", "gen_rep", "gen_only"),
    Claim("3", "The perceptual loss helps", "mtnet", "gen_rep"),
    Claim("3", "Holes help, of which Proposed(hole) has none", "mtnet", "no_holes"),
    Claim("3", "The generator beats the autoencoder's decoder", "mtnet", "autoencoder"),
    Claim("4", "CMCGAN exceeds DCMAVG", "cmcgan", "dcmavg"),
    Claim("4", "MT-Net exceeds DCMAVG", "mtnet", "dcmavg"),
    Claim("4", "MT-Net surpasses CMCGAN", "mtnet", "cmcgan"),
    Claim("4", "MT-Net, which keeps emotion and tone, is better than I2T2A", "mtnet", "i2t2a"),
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the seeds say of a claim in one metric.

    Attributes:
        metric: the metric.
        difference: the mean of the row that should be better, less the other's.
        paper: the same by the paper.
        p: of Welch's t-test; None with one seed a side.
        spread: the larger standard deviation over the seeds of both rows; None where one of them
            has a single seed.
    """

    metric: str
    difference: float
    paper: float
    p: float | None
    spread: float | None

    @property
    def verdict(self) -> str:
        """One of `REPRODUCED`, `CONTRADICTED`, `UNDECIDED` and `NOT_CLAIMED`."""
        if not self.paper > 0:
            return NOT_CLAIMED
        if self.p is None or not self.p < _LEVEL:
            return UNDECIDED
        return REPRODUCED if self.difference > 0 else CONTRADICTED

    @property
    def place(self) -> str:
        """Whether the difference is within the spread of the seeds."""
        if self.spread is None:
            return "of unknown spread"
        return "within the spread" if abs(self.difference) <= self.spread else "outside the spread"


def findings(claim: Claim, rows: list[Row]) -> list[Finding]:
    """Returns what a data set says of a claim, metric by metric; nothing where a row is not there.

    Args:
        claim: the claim.
        rows: of the data set.
    """
    better, worse = of_row(rows, claim.better), of_row(rows, claim.worse)
    if not better.runs or not worse.runs:
        return []
    found = []
    papers = zip(*(paper_scores(row.name, row.dataset) for row in (better, worse)))
    for metric, (paper_better, paper_worse) in zip(METRICS, papers):
        a, b = _means(better, metric), _means(worse, metric)
        has_seeds = min(len(a), len(b)) > 1
        found.append(
            Finding(
                metric,
                difference=float(np.mean(a) - np.mean(b)),
                paper=paper_better - paper_worse,
                p=_welch(a, b) if has_seeds else None,
                spread=max(mean_and_deviation(x)[1] for x in (a, b)) if has_seeds else None,
            )
        )
    return found


def _means(row: Row, metric: str) -> list[float]:
    return [run["metrics"][metric]["floor_mean"] for run in row.runs]


def _welch(a: list[float], b: list[float]) -> float | None:
    """Returns p; None where no seed differs from another, so that there is nothing to test by."""
    if len(set(a)) == len(set(b)) == 1:
        return None
    return float(stats.ttest_ind(a, b, equal_var=False).pvalue)


def section(table: dict[str, list[Row]], number: str) -> str:
    """Returns the claims, each with a table of its findings and a paragraph on what they say.

    Args:
        table: of `paper_table.read_table`.
        number: of the table, one of `plan.TABLES`.
    """
    parts = [bullets([*_RULES, _CAVEATS[number]])]
    for place, claim in enumerate((claim for claim in CLAIMS if claim.table == number), 1):
        lines, sentences = [], []
        for dataset, rows in table.items():
            better, worse = of_row(rows, claim.better), of_row(rows, claim.worse)
            found = findings(claim, rows)
            lines += [_line(finding, better, worse) for finding in found]
            sentences.append(_sentences(found, better, worse))
        header = ["data set", "metric", "difference", "the paper's", "seeds", "test", "verdict"]
        parts.append(f"\n### {place}. {claim.text}: {better.label} against {worse.label}\n\n")
        parts.append(f"{markdown(header, lines)}\n" if lines else "")
        parts.append(" ".join(sentences) + "\n")
    return "".join([*parts, _corrected(table, number)])


def _corrected(table: dict[str, list[Row]], number: str) -> str:
    """Returns a paragraph on which tests are left by Holm's correction; "" where there is none."""
    tested = [
        (f"{claim.text} ({METRICS[finding.metric]} on {dataset}: {finding.verdict})", finding)
        for claim in CLAIMS
        if claim.table == number
        for dataset, rows in table.items()
        for finding in findings(claim, rows)
        if finding.p is not None and finding.verdict != NOT_CLAIMED
    ]
    if not tested:
        return ""
    left = holm([finding.p for _, finding in tested], _LEVEL)
    names = [name for (name, _), stays in zip(tested, left) if stays]
    which = f": {'; '.join(names)}" if names else ""
    stay = "stays" if len(names) == 1 else "stay"
    return (
        f"\n### After Holm's correction\n\nOf the {len(tested)} tests of these claims, {len(names)}"
        f" {stay} significant, all together at the level {_LEVEL}{which}.\n"
    )


def holm(ps: list[float], level: float) -> list[bool]:
    """Returns for each p whether its test is significant with Holm's correction (Holm 1979).

    Args:
        ps: of all tests.
        level: the probability of one or more false positives among them all, at most.
    """
    significant = [False] * len(ps)
    for rank, place in enumerate(np.argsort(ps)):
        if not ps[place] < level / (len(ps) - rank):
            break
        significant[place] = True
    return significant


def _line(finding: Finding, better: Row, worse: Row) -> list[str]:
    test = "none" if finding.p is None else f"Welch, {_p(finding.p)}"
    spread = "" if finding.spread is None else f" ({finding.spread:.4f})"
    return [
        better.dataset,
        METRICS[finding.metric],
        f"{finding.difference:+.4f}",
        f"{finding.paper:+.4f}",
        f"{len(better.runs)} against {len(worse.runs)}",
        f"{test}; {finding.place}{spread}",
        finding.verdict,
    ]


def _p(p: float) -> str:
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}"


def _sentences(found: list[Finding], better: Row, worse: Row) -> str:
    """Returns what the findings of a data set say, in words."""
    dataset = better.dataset
    if not found:
        missing = _and([f"{r.label} ({r.missing})" for r in (better, worse) if not r.runs])
        return f"On {dataset} nothing is known, without {missing}."
    differences = []
    for f in found:
        direction = "higher" if f.difference > 0 else "lower"
        amount = "no higher"
        if f.difference:
            size = f"{abs(f.difference):.4f}"
            amount = f"{'less than 0.0001' if float(size) == 0 else size} {direction}"
        differences.append(f"{amount} in {METRICS[f.metric]}")
    said = [f"On {dataset}, {better.label} scores {_and(differences)} than {worse.label}."]
    for verdict, words in (
        (REPRODUCED, "That reproduces the claim in {}."),
        (CONTRADICTED, "That contradicts the claim in {}."),
        (UNDECIDED, "It leaves the claim undecided in {}."),
        (NOT_CLAIMED, "The paper does not claim it in {}."),
    ):
        if of := [METRICS[f.metric] for f in found if f.verdict == verdict]:
            said.append(words.format(_and(of)))
    undecided = [f for f in found if f.verdict == UNDECIDED]
    for place in dict.fromkeys(f.place for f in undecided if f.spread is not None):
        of = [METRICS[f.metric] for f in undecided if f.place == place]
        said.append(f"The difference in {_and(of)} is {place} of the seeds.")
    if min(len(better.runs), len(worse.runs)) == 1:
        said.append("A single seed proves nothing.")
    return " ".join(said)


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
