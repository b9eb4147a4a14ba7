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

from data_builders.words import DIGITS
from mtnet_tf import pretrained
from mtnet_tf.data import audio, audio_files
from mtnet_tf.data.images import write_image
from mtnet_tf.describe import Describer
from tests.programs import MOST_SECS

ROOT = pathlib.Path(__file__).parents[2]
HERE = pathlib.Path(__file__).parent
QUICK = [
    "--preset=tiny",
    "--dataset=digits_ad/many_voices_seen",
    "--audio_length=auto",
    "--override=voice.conditioning=concatenation",
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
    """A run that can speak as two voices, and its page."""
    folder = tmp_path_factory.mktemp("page")
    recordings = two_voices(folder / "recordings")
    data = [f"--data_dir={data_dir}", f"--recordings_dir={recordings}"]
    run("train", *QUICK, *data, f"--run_dir={folder / 'run'}")
    said = run("build_page", f"--run_dir={folder / 'run'}", f"--output={folder / 'page'}")
    assert "MB" in said
    # Again, in its place.
    run("build_page", f"--run_dir={folder / 'run'}", f"--output={folder / 'page'}")
    assert {path.name for path in folder.iterdir()} == {"recordings", "run", "page"}
    return folder


def two_voices(folder):
    """The shipped digits, as spoken by two: one of them slowly and deeply."""
    for word in DIGITS.values():
        path = ROOT / f"data_builders/spoken_words/{word}/joe_0.flac"
        samples, rate = audio_files.read_audio(path)
        for take in (0, 1):  # the second one a little slower: no take may be a copy
            for voice, slowness in (("ann", 1), ("bob", 1.15)):
                sound = audio.resample(samples, rate, round(slowness * (1 + 0.03 * take) * rate))
                place = folder / path.parent.name / f"{voice}_{take}.flac"
                audio_files.write_audio(place, sound, rate)
    return folder


def visit(page, picture):
    """What a visitor finds who shows the page a picture and a text file."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    text = page.parent / "text.txt"
    text.write_text("no picture")
    handler = functools.partial(Quiet, directory=str(page))
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://localhost:{server.server_port}/"
        done = subprocess.run(
            ["node", "browser.mjs", url, str(picture), str(text)],
            check=False, cwd=HERE, capture_output=True, text=True, timeout=MOST_SECS,
        )  # fmt: skip
        server.shutdown()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def found(built):
    return visit(built / "page", built / "page/example_8.png")


@pytest.mark.parametrize("name", pretrained.names())
def test_the_page_of_what_ships_with_the_package(name, tmp_path):
    run("build_page", f"--pretrained={name}", f"--output={tmp_path / 'page'}")
    image = np.load(ROOT / f"tests/pretrained/{name}.npz")["image"][0]
    write_image(tmp_path / "picture.png", image)  # enlarged
    found = visit(tmp_path / "page", tmp_path / "picture.png")
    speaker = Describer(pretrained.run_dir(name))
    assert_spoken_as_keras_speaks_it(found, speaker, tmp_path / "picture.png", tolerance=40)
    assert found["voices"] == []
    assert [example["name"] for example in found["examples"]] == list(speaker.words)
    right = [
        example["answer"].removeprefix("I am not sure: ").startswith(example["name"])
        for example in found["examples"]
    ]
    assert sum(right) >= 8
    assert found.get("drawn", "seven, ").startswith("seven, ")
    assert ("drawn" in found) == (name == "mnist_ad")
    assert found["consoleErrors"] == found["elsewhere"] == found["violations"] == []


def test_another_voice_says_the_same_picture(built, found):
    assert found["voices"] == ["ann", "bob"]
    speaker = Describer(built / "run")
    for name, samples in (("ann", found["picture"]["samples"]), ("bob", found["otherVoice"])):
        description = speaker.describe(built / "page/example_8.png", voice=name)
        expected = np.round(32767 * description.waveform)
        assert np.abs(np.array(samples) - expected).max() <= 4


def assert_spoken_as_keras_speaks_it(found, speaker, picture, tolerance=4):
    description = speaker.describe(picture)
    expected = np.round(32767 * description.waveform)
    assert np.abs(np.array(found["picture"]["samples"]) - expected).max() <= tolerance
    best = description.guesses[0]
    percent = f"{100 * best.probability:.1f} %"
    sure = f"{best.word}, {percent}"
    assert found["picture"]["answer"].startswith(
        sure if description.is_sure else f"I am not sure: {best.word} ({percent})"
    )


def test_a_picture_is_spoken_as_keras_speaks_it(built, found):
    assert_spoken_as_keras_speaks_it(found, Describer(built / "run"), built / "page/example_8.png")


def test_a_drawing_and_the_examples_are_spoken(built, found):
    words = Describer(built / "run").words
    assert found["known"] == ", ".join(words) and found["rows"] == 10
    answers = [example["answer"] for example in found["examples"]]
    for answer in (found["drawn"], *answers):
        assert any(word in answer for word in words)
    assert found["ofTwo"] == answers[1]


def test_the_camera_is_asked_and_turned_off(built, found):
    """Chromium's own moving picture stands for the camera's; a digit is found in it, or none."""
    told = found["camera"].pop("told")
    answers = (*Describer(built / "run").words, "No digit was found")
    assert told.removeprefix("I am not sure: ").startswith(answers), told
    assert found["camera"] == {"isOn": False, "isOnAfterClose": False}


def test_without_its_network_it_says_so_to_every_picture(found):
    assert found["withoutNetwork"].startswith("The network cannot be loaded (")


def test_without_https_it_says_why_there_is_no_camera(found):
    assert found["withoutHttps"].startswith("The camera needs https or localhost.")


def test_what_is_no_picture_gets_a_plain_message(found):
    assert found["text"]["message"].startswith('"text.txt" is not a picture')
    assert found["text"]["answer"] == "" and found["text"]["playerHidden"]
    assert found["blank"].startswith("No digit was found")


def test_nothing_leaves_the_page_and_nothing_fails(found):
    assert found["elsewhere"] == []
    assert found["consoleErrors"] == []


def test_it_is_accessible(found):
    assert found["violations"] == []
