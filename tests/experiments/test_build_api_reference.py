"""The API reference has a page for each module, with its docstrings."""

import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("pdoc")
ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.slow
def test_every_module_has_a_page(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "experiments.build_api_reference", f"--output={tmp_path}"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    modules = [
        path.relative_to(ROOT).with_suffix("")
        for package in ("mtnet_tf", "data_builders")
        for path in (ROOT / package).rglob("*.py")
        if not path.stem.endswith("_test") and path.stem != "testing"
    ]
    pages = [m.parent if m.name == "__init__" else m for m in modules]
    missing = [page for page in pages if not (tmp_path / f"{page}.html").is_file()]
    assert missing == [] and done.stdout.startswith(f"{len(pages)} modules: ")
    text = (tmp_path / "mtnet_tf/metrics/corr2d.html").read_text()
    assert "(Eq. 12)" in text and "data set's audio" not in text
    assert str(ROOT) not in text
