"""Result files: the summaries that an evaluation wrote, read for a table."""

from __future__ import annotations

import pathlib

from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json


def read_summary(path: pathlib.Path) -> dict:
    """Returns a summary in today's words. Raises InputError if the file holds no summary."""
    summary = read_json(path)
    try:
        return _in_todays_words(summary)
    except (LookupError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no summary of an evaluation ({error!r}). Delete it and run"
            " experiments.evaluate again."
        ) from error


def _in_todays_words(summary: dict) -> dict:
    """Renames what older versions called otherwise; committed results stay as they were written."""
    summary = dict(summary)
    if "generator" in summary:
        summary["candidate"] = summary.pop("generator")
    if "heard_right" in summary:
        right = summary.pop("heard_right")
        summary["retrieval_accuracy"] = right["fraction"]
        summary["retrieved"] = {name: right[name] for name in ("num_pairs", "metrics")}
    provenance = dict(summary["provenance"])
    if "variant" in provenance:
        provenance["system"] = provenance.pop("variant")
    summary["provenance"] = provenance
    summary["metrics"] = _metrics(summary["metrics"])
    summary["retrieved"] = {
        **summary["retrieved"],
        "metrics": _metrics(summary["retrieved"]["metrics"]),
    }
    for name in ("candidate", "label", "dataset", "split", "num_pairs", "retrieval_accuracy"):
        _ = summary[name]  # a KeyError names what is missing
    return summary


def _metrics(metrics: dict) -> dict:
    renamed = {"num_unscorable_reference": "num_failed_references"}
    return {
        metric: {renamed.get(name, name): value for name, value in values.items()}
        for metric, values in metrics.items()
    }
