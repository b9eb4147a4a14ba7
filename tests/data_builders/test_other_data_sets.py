"""Data sets from outside the package: the example of CONTRIBUTING.md, modules and scripts."""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

import data_builders
from data_builders import image_sources
from data_builders.digits_ad import digits_ad_dataset_builder
from data_builders.errors import DataSetError, RecordingsError

ROOT = pathlib.Path(__file__).parents[2]
TOY = '''
import numpy as np

from data_builders import audio_description, image_sources, words


def load():
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3)).astype(np.uint8)
    return {split: (images, np.arange(20) % 10) for split in ("train", "test")}


class ToyAd(audio_description.AudioDescriptionBuilder):
    """Noise with spoken digits."""

    AUDIO_LENGTH = 18140
    WORDS = words.DIGITS
    IMAGE_SHAPE = (8, 8, 3)

    def _make_image_source(self, data_dir):
        return image_sources.ArrayImages("toy:1", self.IMAGE_SHAPE, load)
'''


def run(folder, *arguments):
    """Runs Python where the packages of a folder and this checkout's are found."""
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        text=True,
    )


def prepare(folder, *flags):
    return run(folder, "-m", "experiments.prepare_data", "--data_dir=tfds", *flags)


def test_the_example_of_contributing(add, tmp_path):
    """The module and the test that CONTRIBUTING.md shows, on a small npz file, and its command."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    text = text[text.index("## Add a data set") : text.index("## Add a system")]
    builder, test = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "fashion_mnist_ad.py").write_text(builder)
    (package / "test_fashion_mnist_ad.py").write_text(test)
    arrays = {}
    for split, size in (("train", 20), ("test", 10)):
        random = np.random.default_rng(size)
        arrays[f"{split}_images"] = random.integers(0, 256, (size, 28, 28, 1)).astype(np.uint8)
        arrays[f"{split}_labels"] = np.arange(size) % 10
    np.savez(package / "fashion_mnist.npz", **arrays)
    tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'base'}"]
    done = run(tmp_path, *tests, str(package))
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    make, command = re.findall(r"^python -m experiments.*$", text, re.MULTILINE)
    for word in re.search("--words=(.*)", make).group(1).split(","):
        add(tmp_path, f"recordings/fashion/{word}/ann_0.wav")
    done = run(tmp_path, *command.split()[1:], "--data_dir=tfds")
    assert done.returncode == 0, done.stderr
    assert re.search("data set +fashion_mnist_ad/one_recording-", done.stdout)
    assert re.search("words +t-shirt, trouser, .*, ankle boot", done.stdout)
    assert re.search("train +20 pairs", done.stdout)


@pytest.mark.parametrize("module", ["toy_module", "toy_package.toy_module"])
def test_a_module_anywhere(tmp_path, monkeypatch, module):
    """In a package without README and citations, or in none."""
    path = tmp_path / f"{module.replace('.', '/')}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(TOY.replace("ToyAd", f"Toy{len(module)}Ad"))  # TFDS knows no name twice
    monkeypatch.syspath_prepend(str(tmp_path))
    options = {"data_dir": tmp_path / "tfds", "builder_module": module}
    builder = data_builders.open_builder(**options)
    assert builder.name == f"toy{len(module)}_ad"
    assert builder.info.description == "Noise with spoken digits."
    assert (builder.info.citation, builder.info.metadata["images"]) == ("", "toy:1")
    builder.download_and_prepare()
    assert builder.info.splits["train"].num_examples == 20
    again = data_builders.open_builder(f"{builder.name}/one_recording", **options)
    assert again.is_prepared()
    with pytest.raises(DataSetError, match=f"'digits_ad' in {module}. Known: {builder.name}"):
        data_builders.open_builder("digits_ad", **options)
    with pytest.raises(DataSetError, match="has no config 'many'. It has: one_recording"):
        data_builders.open_builder(f"{builder.name}/many", **options)


OPENED_BY_A_PROGRAM = """
import sys
from absl import flags
from experiments import program

program.define_dataset_flags()
flags.FLAGS(sys.argv)
config = program.open_builder().builder_config
print("RESULT", config.policy, config.pairing_seed, config.allow_missing_words, config.processing)
"""


@pytest.mark.parametrize(
    "arguments, opened",
    [
        ([], "many_takes 7 True {'top_db': 30}"),
        (
            ["--pairing_seed=0", "--noallow_missing_words", "--peak=0.5"],
            "many_takes 0 False {'top_db': 30, 'margin_secs': 0.01, 'peak': 0.5}",
        ),
    ],
)
def test_a_program_changes_of_a_config_what_its_flags_say(add, tmp_path, arguments, opened):
    config = """
    WORDS = {"0": "zero"}
    BUILDER_CONFIGS = [
        audio_description.PairingConfig(
            name="mine", policy="many_takes", pairing_seed=7, processing={"top_db": 30},
            allow_missing_words=True,
        )
    ]
"""
    (tmp_path / "toy.py").write_text(TOY + config)
    for take in (0, 1):
        add(tmp_path, f"recordings/zero/ann_{take}.wav")
    shared = ["--builder_module=toy", "--recordings_dir=recordings", "--data_dir=tfds"]
    done = run(tmp_path, "-c", OPENED_BY_A_PROGRAM, *shared, *arguments)
    assert f"RESULT {opened}\n" in done.stdout, done.stderr


def test_a_class_of_a_script(tmp_path):
    script = (
        TOY
        + """
import data_builders

for builder in (data_builders.open_builder(ToyAd, "tfds"), ToyAd(data_dir="tfds")):
    builder.download_and_prepare()
    print("RESULT", builder.info.full_name, builder.info.splits["test"].num_examples,
          builder.info.description)
"""
    )
    (tmp_path / "script.py").write_text(script)
    done = run(tmp_path, "script.py")
    assert done.returncode == 0, done.stderr
    pattern = r"RESULT toy_ad/one_recording-\w+/1.0.0 20 Noise with spoken digits."
    assert len(re.findall(pattern, done.stdout)) == 2


@pytest.mark.parametrize(
    "name, source, message",
    [
        ("nowhere", None, "cannot be imported .ModuleNotFoundError: No module named 'nowhere'."),
        ("", None, "--builder_module= cannot be imported"),
        ("broken", "1 / 0", "--builder_module=broken cannot be imported .ZeroDivisionError"),
        ("text", "no Python", "--builder_module=text cannot be imported .SyntaxError"),
        ("empty", "from data_builders import audio_description", "empty .*defines no data set"),
        (
            "importing",
            "from data_builders.audio_description import AudioDescriptionBuilder",
            "defines no data set: a class derived from",
        ),
        (
            "two",
            f"{TOY}\nclass OtherAd(ToyAd):\n    pass\n",
            "Name a data set in two with --dataset: toy_ad, other_ad",
        ),
    ],
)
def test_modules_without_the_data_set(tmp_path, monkeypatch, name, source, message):
    monkeypatch.syspath_prepend(str(tmp_path))
    if source is not None:
        (tmp_path / f"{name}.py").write_text(source)
    with pytest.raises(DataSetError, match=message):
        data_builders.open_builder(builder_module=name)


def test_a_program_says_in_one_line_what_failed(tmp_path):
    done = prepare(tmp_path, "--builder_module=nowhere", "--dataset=toy_ad")
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "--builder_module=nowhere cannot be imported" in error
    assert "Traceback" not in done.stderr


IMAGES = np.zeros((4, 8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    "images, labels, message",
    [
        (IMAGES.astype(np.float32), np.arange(4), r"train are float32, .* must be uint8"),
        (IMAGES[:, :7], np.arange(4), r"shape \[4, 7, 8, 3\]; .* shape \[n, 8, 8, 3\]"),
        (IMAGES, np.arange(3), r"shape \[3\]; they must be 4 integers"),
        (IMAGES, np.eye(4), "labels of train are float64"),
    ],
)
def test_arrays_that_are_no_images(images, labels, message):
    splits = {"train": (images, labels), "test": (IMAGES, np.arange(4))}
    source = image_sources.ArrayImages("toy:1", (8, 8, 3), lambda: splits)
    with pytest.raises(DataSetError, match=f"^toy:1: .*{message}"):
        source.prepare()


@pytest.mark.parametrize("splits", [{"train": 4}, {"train": 4, "test": 0}, dict.fromkeys("ab", 4)])
def test_arrays_that_are_no_two_splits(splits):
    arrays = {name: (IMAGES[:count], np.arange(count)) for name, count in splits.items()}
    source = image_sources.ArrayImages("toy:1", (8, 8, 3), lambda: arrays)
    with pytest.raises(DataSetError, match="^toy:1: there must be images of train and test"):
        source.prepare()


def test_arrays_whose_file_is_missing(tmp_path):
    source = image_sources.ArrayImages("toy:1", (8, 8, 3), lambda: np.load(tmp_path / "none.npz"))
    message = r"^toy:1: the images cannot be read \(.*none\.npz'\)\. Check the file"
    for read in (
        source.prepare,
        lambda: source.num_images("train"),
        lambda: [*source.images("test")],
    ):
        with pytest.raises(DataSetError, match=message):
            read()


def test_arrays_whose_file_is_damaged(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"PK")
    source = image_sources.ArrayImages("toy:1", (8, 8, 3), lambda: np.load(tmp_path / "a.npz"))
    with pytest.raises(DataSetError, match="^toy:1: the images cannot be read"):
        source.prepare()


def test_a_split_without_a_recorded_word(add, tmp_path, monkeypatch):
    """Of the test split no image shows a word of the folder."""

    def load():
        image = np.zeros((1, 28, 28, 1), np.uint8)
        return {"train": (image, np.array([0])), "test": (image, np.array([1]))}

    monkeypatch.setattr(digits_ad_dataset_builder, "load_splits", load)
    folder = tmp_path / "recordings"
    add(folder, "zero/ann_0.wav")
    options = {"recordings_dir": folder, "allow_missing_words": True}
    builder = data_builders.open_builder(data_dir=tmp_path, **options)
    with pytest.raises(DataSetError, match="digits_ad would have no pairs in test"):
        builder.download_and_prepare()
    assert not builder.is_prepared()


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_without_a_word(tmp_path, monkeypatch, label):
    def load():
        return {
            split: (np.zeros((1, 28, 28, 1), np.uint8), np.array([label]))
            for split in ("train", "test")
        }

    monkeypatch.setattr(digits_ad_dataset_builder, "load_splits", load)
    builder = data_builders.open_builder(data_dir=tmp_path)
    with pytest.raises(DataSetError, match=f"_00000 has the label {label}; WORDS has 10 classes"):
        builder.download_and_prepare()


def test_two_classes_of_one_word(tmp_path, monkeypatch):
    monkeypatch.setattr(digits_ad_dataset_builder.Builder, "WORDS", {"0": "zero", "1": "zero"})
    with pytest.raises(DataSetError, match="digits_ad: WORDS says zero of several classes"):
        data_builders.open_builder(digits_ad_dataset_builder.Builder, tmp_path)


def test_a_class_without_recordings(tmp_path, monkeypatch):
    monkeypatch.setattr(digits_ad_dataset_builder.Builder, "WORDS", {"0": "nought"})
    with pytest.raises(RecordingsError, match="digits_ad has words .* give --recordings_dir"):
        data_builders.open_builder(digits_ad_dataset_builder.Builder, tmp_path)
