"""Reads result files, such as the summaries that an evaluation wrote, and collects them."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, whole_files, write_json, writing

# What `whole_results` says of a folder of summaries, such as a run folder: that is not to be lost.
EVALUATE_AGAIN = "Delete the summaries in it that are of another version, and run that again."


def read_summary(path: pathlib.Path) -> dict:
    """Returns a summary that has what every summary has.

    Args:
        path: the summary.json of an evaluation, or a committed copy of it.

    Raises:
        InputError: the file holds no summary.
    """
    summary = read_json(path)
    with whole_results(path, "experiments.evaluate"):
        for name in ("candidate", "label", "dataset", "split", "num_pairs", "retrieval_accuracy"):
            _ = summary[name]  # a KeyError names what is missing
        for part in (summary["provenance"], summary["metrics"], summary["retrieved"]["metrics"]):
            part.keys()  # an AttributeError says that it is no object
        _ = summary["provenance"]["recordings"]["fingerprint"]
    return summary


def write_collection(folder: pathlib.Path | str, results: dict[str, dict]) -> None:
    """Writes results into a folder, and removes the other results that are there.

    Those of an earlier collection would stand in one table with the new ones.

    Args:
        folder: all of its .json files are results of one collection.
        results: {name of a file: what it holds}.

    Raises:
        FileError: a file cannot be written or removed.
    """
    folder = pathlib.Path(folder)
    for name, result in results.items():
        write_json(folder / name, result)
    for path in whole_files(folder):
        if path.name not in results:
            with writing(path):
                path.unlink()


def dataset_of(summary: dict) -> str:
    """Returns the name of a result's data set without its configuration, such as "mnist_ad".

    Args:
        summary: of a system or a control.
    """
    return summary["dataset"].partition("/")[0]


def recordings_of(summary: dict) -> tuple[str, str]:
    """Returns which words a summary is of: the data set's name, the fingerprint of its recordings.

    Args:
        summary: of a system or a control.
    """
    fingerprint = summary["provenance"]["recordings"]["fingerprint"]
    return dataset_of(summary), fingerprint


def divergence(result: dict) -> str:
    """Returns how a training diverged; "" for one that did not.

    Args:
        result: of `experiments.readings` or `experiments.recipe`.
    """
    if "diverged" not in result:
        return ""
    # Such as "Stage joint, step 120: ...", or "Stage 1 has not learned ...: ...".
    return "diverged: " + result["diverged"]["error"].partition(":")[0]


@contextlib.contextmanager
def whole_results(
    place: pathlib.Path | str, program: str, remedy: str = "Delete it and run that again."
) -> Iterator[None]:
    """A context in which what a result lacks becomes one InputError.

    Args:
        place: the result file, or the folder of several.
        program: that writes them, such as "experiments.recipe".
        remedy: what the user can do.
    """
    try:
        yield
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{place} is no result of {program}, or holds one that is broken ({error!r}). {remedy}"
        ) from error


def require_equal(rows: str, name: str, values: dict, remedy: str) -> None:
    """Raises InputError unless all values are equal.

    Args:
        rows: which rows they are of, such as "The rows of runs/study".
        name: of the value.
        values: {row: value}.
        remedy: what the user can do.
    """
    if len(set(values.values())) > 1:
        raise InputError(f"{rows} are not comparable, {name} differs: {values}. {remedy}")
