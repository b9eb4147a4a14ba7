"""The page in a real browser. It needs Chromium, Node.js, and `npm install --prefix tests/page`."""

import functools
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest

from mtnet_tf.describe import Describer

ROOT = pathlib.Path(__file__).parents[2]
HERE = pathlib.Path(__file__).parent
QUICK = [
    "--preset=tiny",
    "--dataset=digits_ad",
    "--override=training.autoencoder.epochs=30",
    "--override=training.max_reconstruction_error=5",
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (HERE / "node_modules").is_dir() or shutil.which("chromium") is None,
        reason="needs Chromium, and npm install --prefix tests/page",
    ),
]


def run(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", f"experiments.{program}", *arguments],
        check=False, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(data_dir, tmp_path_factory):
    """A trained run and its page."""
    folder = tmp_path_factory.mktemp("page")
    run("train", *QUICK, f"--data_dir={data_dir}", f"--run_dir={folder / 'run'}")
    said = run("build_page", f"--run_dir={folder / 'run'}", f"--output={folder / 'page'}")
    assert "MB" in said
    # Again, in its place.
    run("build_page", f"--run_dir={folder / 'run'}", f"--output={folder / 'page'}")
    assert {path.name for path in folder.iterdir()} == {"run", "page"}
    return folder


@pytest.fixture(scope="module")
def found(built):
    """What a visitor finds."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    (built / "text.txt").write_text("no picture")
    handler = functools.partial(Quiet, directory=str(built / "page"))
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://localhost:{server.server_port}/"
        files = [str(built / "page/example_8.png"), str(built / "text.txt")]
        done = subprocess.run(
            ["node", "browser.mjs", url, *files],
            check=False, cwd=HERE, capture_output=True, text=True, timeout=180,
        )  # fmt: skip
        server.shutdown()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_picture_is_spoken_as_keras_speaks_it(built, found):
    description = Describer(built / "run").describe(built / "page/example_8.png")
    expected = np.round(32767 * description.waveform)
    assert np.abs(np.array(found["picture"]["samples"]) - expected).max() <= 4
    best = description.guesses[0]
    percent = f"{100 * best.probability:.1f} %"
    sure = f"{best.word}, {percent}"
    assert found["picture"]["answer"].startswith(
        sure if description.is_sure else f"I am not sure: {best.word} ({percent})"
    )


def test_a_drawing_and_an_example_are_spoken(built, found):
    words = Describer(built / "run").words
    assert found["known"] == ", ".join(words) and found["rows"] == 10
    for answer in (found["drawn"], found["example"]):
        assert any(word in answer for word in words)


def test_what_is_no_picture_gets_a_plain_message(found):
    assert found["text"]["message"].startswith('"text.txt" is not a picture')
    assert found["text"]["answer"] == "" and found["text"]["playerHidden"]
    assert found["blank"].startswith("No digit was found")


def test_nothing_leaves_the_page_and_nothing_fails(found):
    assert found["elsewhere"] == []
    assert found["consoleErrors"] == []


def test_it_is_accessible(found):
    assert found["violations"] == []
