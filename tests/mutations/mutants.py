"""All mutants: {module: (its test files, its mutants as (text, replacement))}."""

import pathlib

from tests.mutations import (
    config,
    data,
    describing,
    evaluation,
    losses,
    models,
    reporting,
    systems,
    training,
)

ROOT = pathlib.Path(__file__).parents[2]
_PARTS = (config, data, describing, evaluation, losses, models, reporting, systems, training)
MUTANTS = {module: mutants for part in _PARTS for module, mutants in part.MUTANTS.items()}


def stale(mutants: dict) -> list[str]:
    """Returns what is no longer so: texts that are not once in their module, tests that are not."""
    texts = [
        f"{module}: {text!r}"
        for module, (_, changes) in mutants.items()
        for text, _ in changes
        if (ROOT / module).read_text().count(text) != 1
    ]
    tests = {test for tests, _ in mutants.values() for test in tests}
    return texts + sorted(test for test in tests if not (ROOT / test).exists())
