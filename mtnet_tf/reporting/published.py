"""The numbers that the paper published: the scores of Tables 3 and 4, and the sizes of its data."""

from __future__ import annotations

import json
import pathlib

from mtnet_tf.reporting.tables import METRICS, number
from mtnet_tf.systems import plan

_PAPER = json.loads(
    (pathlib.Path(__file__).parent / "paper_tables.json").read_text(encoding="utf-8")
)
# Of what the paper does not have: the data set of the paper that is most like it.
_PAPER_DATASET = {"digits_ad": "mnist_ad"}


def paper_dataset(dataset: str) -> str:
    """Returns the data set whose numbers of the paper stand beside a data set: mostly itself.

    Args:
        dataset: its name, as `results.dataset_of` returns it.
    """
    return _PAPER_DATASET.get(dataset, dataset)


def paper_scores(name: str, dataset: str) -> list[float | None]:
    """Returns the paper's Corr2D, PESQ and STOI (Tables 3 and 4); None where it has no number.

    Args:
        name: of a system.
        dataset: the name of a data set, as `results.dataset_of` returns it.
    """
    for table in plan.TABLES:
        if name in _PAPER[table]:
            scores = _PAPER[table][name].get(paper_dataset(dataset))
            if scores:
                return scores
    return [None] * len(METRICS)


def paper_cells(name: str, dataset: str) -> list[str]:
    """Returns the paper's Corr2D, PESQ and STOI as texts (Tables 3 and 4).

    Args:
        name: of a system.
        dataset: the name of a data set, as `results.dataset_of` returns it.

    Returns:
        Three texts, which are empty where the paper has no number.
    """
    return ["" if value is None else number(value) for value in paper_scores(name, dataset)]


def paper_training_pairs(dataset: str) -> int:
    """Returns how many training pairs one of the paper's data sets has.

    Args:
        dataset: its name, as `results.dataset_of` returns it.
    """
    return _PAPER["training_pairs"][dataset]
