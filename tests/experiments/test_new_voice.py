"""train --init_from as a program: a network of two voices learns a third from some of the words."""

import json
import pathlib
import shutil

import numpy as np
import pytest
import soundfile

import data_builders
from data_builders.words import DIGITS
from mtnet_tf.config import override, preset, to_json
from mtnet_tf.data import loading
from mtnet_tf.data.images import write_image
from mtnet_tf.data.prepared import open_prepared
from mtnet_tf.describe import Describer
from mtnet_tf.errors import InputError
from mtnet_tf.runs.data_set import load_data
from mtnet_tf.runs.layout import CONFIG, ENVIRONMENT
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.controls import CEILING, Context, make_controls
from mtnet_tf.systems.train import train
from mtnet_tf.systems.trained import load_network
from tests import programs

ROOT = pathlib.Path(__file__).parents[2]


def say(folder, voice, change, words=tuple(DIGITS.values())):
    """Writes a voice's recordings: those of the package, changed."""
    for word in words:
        samples, rate = soundfile.read(ROOT / f"data_builders/spoken_words/{word}/joe_0.flac")
        (folder / word).mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / word / f"{voice}_0.wav", change(samples), rate)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_voices")
    say(folder / "recordings", "ann", lambda samples: samples)
    say(folder / "recordings", "eve", lambda samples: samples[::-1])
    builder = data_builders.open_builder(
        "digits_ad/one_recording_each",
        data_dir=folder / "tfds",
        recordings_dir=folder / "recordings",
    )
    builder.download_and_prepare()
    dataset = open_prepared(builder.data_path)
    config = override(
        preset("tiny"),
        [
            "voice.conditioning=concatenation",
            "training.autoencoder.epochs=5",
            "training.max_reconstruction_error=100",
            "training.max_feature_cosine=2",
            "training.joint.epochs=0.1",
            "image_encoder.widths=[4, 8, 8]",
        ],
    )
    config = loading.fit_config(config, dataset)
    run = RunFolder(folder / "run")
    train(config, loading.load(dataset, config.data), run, "cpu", data_path=str(dataset.path))
    return run


def start(base, tmp_path, *more):
    return programs.run(
        "train",
        f"--init_from={base.path}",
        "--dataset=digits_ad/one_recording",
        "--allow_missing_words",
        f"--recordings_dir={tmp_path / 'recordings'}",
        f"--data_dir={tmp_path / 'tfds'}",
        f"--run_dir={tmp_path / 'run'}",
        *more,
    )


def test_a_third_voice_that_says_two_words(base, tmp_path):
    say(tmp_path / "recordings", "bob", lambda samples: -samples / 2, ("seven", "one"))
    frozen = "image_encoder,classifier,cross_modal_mapper,voice_fc"
    done = start(base, tmp_path, f"--freeze={frozen}", "--override=training.joint.epochs=0.2")
    assert done.returncode == 0, done.stderr
    assert "bob: 2 of 10 words; never heard: zero, two, three" in done.stdout
    run = RunFolder(tmp_path / "run")
    assert run.config().training.frozen == tuple(frozen.split(","))
    describer = Describer(run.path)
    assert describer.voices == ("ann", "bob", "eve")
    assert len(describer.words) == 10
    # An evaluation finds the data set of two words in the terms of the network.
    data = load_data(run)
    assert (data.words, data.voices) == (describer.words, describer.voices)
    assert {data.words[label] for label in data.test.labels} == {"one", "seven"}
    assert {data.voices[voice] for voice in data.test.voices} == {"bob"}
    assert len(data.recordings) == 22
    assert run.environment()["never_heard"]["bob"][:3] == ["zero", "two", "three"]
    # The controls say the words that bob lacks as the others do.
    controls = make_controls(Context(data, network=load_network(run)))
    (ceiling,) = [control for control in controls if control.name == CEILING.name]
    assert np.isfinite(ceiling.speak(data.test)).all()
    image = data.test.images[0]
    said = {name: describer.describe(image, voice=name).waveform for name in describer.voices}
    assert np.abs(said["ann"] - said["bob"]).max() > 0


def test_describe_takes_the_voice_that_is_named(base, tmp_path):
    photo = tmp_path / "photo.png"
    write_image(photo, load_data(base).test.images[0])

    def describe(*more):
        return programs.run("describe", f"--run_dir={base.path}", *more)

    assert describe("--list_voices").stdout == "ann\neve\n"
    said = {}
    for voice in (None, "ann", "eve"):
        sound = tmp_path / f"{voice}.wav"
        asked = [] if voice is None else [f"--voice={voice}"]
        done = describe(f"--image={photo}", f"--output={sound}", "--json", *asked)
        assert done.returncode == 0, done.stderr
        said[voice] = (json.loads(done.stdout)["voice"], soundfile.read(sound)[0].tobytes())
    assert said[None] == said["ann"]
    assert said["ann"][0] == "ann" and said["eve"][0] == "eve"
    assert said["ann"][1] != said["eve"][1]
    done = describe(f"--image={photo}", f"--output={tmp_path / 'text.wav'}", "--voice=eve")
    assert "; voice: eve\n" in done.stdout
    # Before the picture is looked for.
    done = describe("--image=/not/here.png", "--voice=bob")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "There is no voice 'bob'. The voices are: ann, eve." in done.stderr


def test_a_network_that_is_deaf_to_the_voice_has_none_to_choose(base, tmp_path):
    run = RunFolder(tmp_path / "run")
    shutil.copytree(base.path, run.path)
    config = override(base.config(), ["voice.conditioning=none"])
    (run / CONFIG).write_text(to_json(config))
    with pytest.raises(InputError, match="speaks as all of ann, eve together. Train with"):
        run.voices_to_choose()
    older = run.environment()
    del older["never_heard"]
    (run / ENVIRONMENT).write_text(json.dumps(older))
    assert run.voices_heard() == run.voices_spoken() == ["ann", "eve"]
    run.record(never_heard={"eve": []})
    assert run.voices_to_choose() == run.voices_spoken() == ["eve"]
    assert (run.voices(), run.voice_number("eve")) == (["ann", "eve"], 0)
    # Its data set has pairs that it was not trained on.
    with pytest.raises(InputError, match="has pairs of ann, and .* was trained on eve"):
        load_data(run)


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--preset=tiny"], "are given: the preset is that of"),
        (["--system=no_holes"], "are given: the system is that of"),
        (["--freeze=encoder"], "There are no layers encoder to freeze"),
        (["--init_from=/not/here"], "is no run folder"),
    ],
)
def test_what_does_not_fit_is_one_error(base, tmp_path, flags, message):
    say(tmp_path / "recordings", "bob", lambda samples: samples)
    done = start(base, tmp_path, *flags)
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr


def test_voices_trains_a_row_once(base, tmp_path):
    recordings = tmp_path / "recordings"
    shutil.copytree(base.path.parent / "recordings", recordings)
    say(recordings, "zoe", lambda samples: -samples / 2)
    arguments = [
        "--preset=tiny",
        "--dataset=digits_ad/one_recording_each",
        f"--data_dir={tmp_path / 'tfds'}",
        f"--recordings_dir={recordings}",
        "--new_voice=zoe",
        "--rows=base",
        "--override=voice.conditioning=concatenation",
        "--override=training.autoencoder.epochs=3",
        "--override=training.max_reconstruction_error=100",
        "--override=training.max_feature_cosine=2",
        "--override=training.joint.epochs=0.1",
        "--override=image_encoder.widths=[4, 8, 8]",
        "--num_pairs=4",
        "--num_processes=1",
        f"--out_dir={tmp_path / 'runs'}",
        f"--results={tmp_path / 'results'}",
    ]
    done = programs.run("voices", *arguments)
    assert done.returncode == 0, done.stderr
    assert "row 1 of 1: all voices but zoe" in done.stdout
    (path,) = (tmp_path / "results").glob("*.json")
    result = json.loads(path.read_text())
    assert (result["role"], result["num_pairs"]) == ("base", 4)
    assert list(result["per_voice"]) == ["ann", "eve"]
    written = path.stat().st_mtime_ns
    done = programs.run("voices", *arguments)
    assert (done.returncode, path.stat().st_mtime_ns) == (0, written), done.stderr
    assert f"{path} is there already." in done.stdout
    done = programs.run("voices", *arguments, "--new_voice=ann")
    assert done.returncode == 1 and "new_voice: 'zoe' -> 'ann'" in done.stderr
    result["config"]["preset"] = "small"  # as of a version in which the row was another one
    path.write_text(json.dumps(result))
    done = programs.run("voices", *arguments)
    assert done.returncode == 1 and "preset: 'small' -> 'tiny'" in done.stderr
    done = programs.run("voices", *arguments, "--rows=bass")
    assert done.returncode == 1
    assert "There are no rows bass. There are: all, " in done.stderr
