"""The describer: pictures of any kind in, words and sounds out, and how sure it is."""

import io
import json
import shutil
import stat
import sys

import numpy as np
import PIL.Image
import pytest
import soundfile

from mtnet_tf.data.audio import AudioError
from mtnet_tf.data.images import read_image
from mtnet_tf.data.picture_files import ImageError
from mtnet_tf.describe import Describer
from mtnet_tf.errors import InputError
from mtnet_tf.runs.run_folder import RunFolder, RunFolderError
from mtnet_tf.systems.trained import load_network


@pytest.fixture(scope="module")
def runs(short_runs, tmp_path_factory):
    return shutil.copytree(short_runs, tmp_path_factory.mktemp("runs") / "copy")


@pytest.fixture
def photo(tmp_path):
    """A picture file of another size than the network's."""
    pixels = np.full([60, 80, 3], 240, np.uint8)
    pixels[15:45, 35:42] = 20
    PIL.Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def calibrate(run, **values):
    (run / "calibration.json").write_text(json.dumps(values))


def test_a_path_bytes_and_an_array_are_the_same_picture(runs, photo):
    describer = Describer(runs / "mtnet")
    image, inverted = read_image(photo, (12, 12, 1), digit_size=8)
    assert inverted
    found = [describer.describe(picture) for picture in (photo, photo.read_bytes(), image)]
    assert [d.inverted for d in found] == [True, True, False]
    for description in found:
        np.testing.assert_array_equal(description.image, image)
        np.testing.assert_array_equal(description.waveform, found[0].waveform)
    network = load_network(RunFolder(runs / "mtnet"))
    expected = network({"image": image[None]}, training=False)["waveform"].numpy()[0]
    np.testing.assert_allclose(found[0].waveform, expected, atol=1e-6)
    assert found[0].sample_rate == 22050 and describer.image_shape == (12, 12, 1)


def test_an_empty_name_is_not_the_network_that_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunFolderError, match="is no run folder"):
        Describer("")


def test_many_pictures_are_as_one_by_one(runs, synthetic_data):
    describer = Describer(runs / "mtnet")
    images = list(np.concatenate([synthetic_data.test.images] * 12))
    together = describer.describe_all(images)
    assert len(together) == len(images) > 64
    for k in (0, 5, 64, 71):
        alone = describer.describe(images[k])
        np.testing.assert_allclose(together[k].waveform, alone.waveform, atol=1e-5)
        assert together[k].word == alone.word
    assert describer.describe_all([]) == []


def test_guesses_are_the_softmax_of_the_words(runs, synthetic_data, tmp_path):
    run = RunFolder(runs / "mtnet")
    describer, image = Describer(run.path), synthetic_data.test.images[0]
    assert describer.words == ("zero", "one", "two")
    logits = load_network(run)({"image": image[None]}, training=False)["logits"].numpy()[0]
    expected = np.exp(logits) / np.exp(logits).sum()
    guesses = describer.describe(image).guesses
    assert [g.word for g in guesses] == [describer.words[k] for k in np.argsort(-expected)]
    np.testing.assert_allclose([g.probability for g in guesses], np.sort(expected)[::-1], rtol=1e-5)


def test_sure_is_what_the_calibration_says(runs, synthetic_data):
    image = synthetic_data.test.images[0]
    best = Describer(runs / "mtnet").describe(image).guesses[0].probability
    try:
        for threshold, temperature, sure in (
            (best - 0.01, 1.0, True),
            (best + 0.01, 1.0, False),
            (best - 0.01, 100.0, False),  # nearly all words alike
        ):
            calibrate(runs / "mtnet", temperature=temperature, threshold=threshold)
            description = Describer(runs / "mtnet").describe(image)
            assert description.is_sure is sure
        assert description.guesses[0].probability == pytest.approx(1 / 3, abs=0.02)
        for broken in (
            {"temperature": 1.0},
            {"temperature": 0, "threshold": 1},
            {"temperature": True, "threshold": 1},
            {"temperature": 10**400, "threshold": 1},
            {"temperature": 1, "threshold": 7},
        ):
            calibrate(runs / "mtnet", **broken)
            with pytest.raises(
                RunFolderError, match="no temperature above 0 and threshold above 0"
            ):
                Describer(runs / "mtnet")
    finally:
        (runs / "mtnet/calibration.json").unlink()


def test_without_a_softmax_layer_the_nearest_recording_is_named(runs, synthetic_data):
    description = Describer(runs / "gen_only").describe(synthetic_data.test.images[0])
    assert (description.guesses, description.is_sure) == ((), None)
    word, corr2d = description.nearest
    assert description.word == word in ("zero", "one", "two") and -1 <= corr2d <= 1


def test_what_is_no_picture_is_one_error(runs, tmp_path):
    describer = Describer(runs / "mtnet")
    with pytest.raises(
        ImageError, match=r"must be uint8 \[12, 12, 1\]. Received: float64 \[12, 12\]"
    ):
        describer.describe(np.zeros([12, 12]))
    with pytest.raises(ImageError, match="is not a picture"):
        describer.describe(b"text")
    heic = b"\0\0\0\x18ftypheic" + bytes(100)
    with pytest.raises(ImageError, match=r"heic|damaged"):
        describer.describe(heic)
    with pytest.raises(ImageError, match="there is no such file"):
        describer.describe(tmp_path / "none.png")


def test_an_input_that_the_network_has_not_is_one_error(runs, photo):
    describer = Describer(runs / "mtnet")
    with pytest.raises(InputError, match="no input speaker, mood. Beside .* takes: nothing"):
        describer.describe(photo, speaker="bob", mood=1)
    with pytest.raises(InputError, match="no input image"):  # it would hide the picture
        describer.describe(photo, image=np.zeros([12, 12, 1], np.uint8))


def test_a_run_that_does_not_say_its_words_is_one_error(runs, tmp_path):
    stored = dict(np.load(runs / "mtnet/recordings.npz"))
    del stored["words"]
    before = (runs / "mtnet/recordings.npz").read_bytes()
    try:
        np.savez(runs / "mtnet/recordings.npz", **stored)
        with pytest.raises(RunFolderError, match="no array 'words'.*run the command again"):
            Describer(runs / "mtnet")
    finally:
        (runs / "mtnet/recordings.npz").write_bytes(before)


def test_it_is_written_and_played(runs, synthetic_data, tmp_path, monkeypatch):
    description = Describer(runs / "mtnet").describe(synthetic_data.test.images[0])
    description.write(tmp_path / "a.wav")
    description.write(tmp_path / "b.flac", 16000)
    assert soundfile.info(tmp_path / "a.wav").samplerate == 22050
    assert soundfile.info(tmp_path / "b.flac").samplerate == 16000
    heard = tmp_path / "heard.wav"
    player = tmp_path / "bin/aplay"
    player.parent.mkdir()
    player.write_text(
        f"#!{sys.executable}\nimport shutil, sys\n"
        f"assert sys.argv[1] == '-q'\nshutil.copyfile(sys.argv[2], {str(heard)!r})\n"
    )
    player.chmod(player.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(player.parent))
    description.play()
    assert heard.read_bytes() == (tmp_path / "a.wav").read_bytes()
    player.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no sound card')\n")
    with pytest.raises(AudioError, match="aplay cannot play the sound .no sound card."):
        description.play()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioError, match="No program that plays sounds was found"):
        description.play()


def test_a_picture_can_be_given_from_memory(runs):
    file = io.BytesIO()
    PIL.Image.new("L", (12, 12), 7).save(file, "PNG")
    description = Describer(runs / "mtnet").describe(file.getvalue(), invert="no")
    assert (description.image == 7).all()
