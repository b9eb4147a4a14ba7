"""Summaries, and files that are none."""

import json

import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.reporting.results import read_summary, write_collection


def test_a_summary_is_read_as_it_is_written(summary, tmp_path):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(summary("model", "MT-Net", 0.5)))
    assert read_summary(path) == summary("model", "MT-Net", 0.5)


@pytest.mark.parametrize(
    "text", ["{}", "[]", "null", '{"metrics": 3}', '{"provenance": []}', "\0", "[" * 100_000]
)
def test_what_is_no_summary_is_one_error(text, tmp_path):
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(InputError, match="summary.json (cannot be read|is no result)"):
        read_summary(tmp_path / "summary.json")


def test_a_collection_takes_the_place_of_the_one_before(tmp_path):
    write_collection(tmp_path, {"a.json": {"x": 1}, "b.json": {"x": 1}})
    others = [tmp_path / name for name in ("README.md", ".hidden.json", "inner/b.json")]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    write_collection(tmp_path, {"a.json": {"x": 2}, "c.json": {"x": 2}})
    found = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {*others, tmp_path / "a.json", tmp_path / "c.json"}
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 2}
