"""Result files of today and of older versions, and files that are none."""

import json

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.reporting.results import read_summary


def old(summary):
    """Returns a summary as versions before the present one wrote it."""
    values = summary("model", "MT-Net", 0.5)
    values["generator"] = values.pop("candidate")
    retrieved = values.pop("retrieved")
    values["heard_right"] = {"fraction": values.pop("retrieval_accuracy"), **retrieved}
    for metrics in (values["metrics"], values["heard_right"]["metrics"]):
        for metric in metrics.values():
            metric["num_unscorable_reference"] = metric.pop("num_failed_references", 0)
    values["provenance"]["variant"] = values["provenance"].pop("system")
    return values


def test_an_older_summary_reads_as_todays(summary, tmp_path):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(old(summary)))
    before = path.read_bytes()
    assert read_summary(path) == summary("model", "MT-Net", 0.5)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["{}", "[]", "null", '{"metrics": 3}', '{"provenance": []}', "\0", "[" * 100_000]
)
def test_what_is_no_summary_is_one_error(text, tmp_path):
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(InputError, match="summary.json (cannot be read|is no summary)"):
        read_summary(tmp_path / "summary.json")
