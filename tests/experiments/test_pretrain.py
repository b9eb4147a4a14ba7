"""experiments.pretrain: what it opens before it trains."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
OPENED = """
import types

import data_builders
from experiments import pretrain, program
from mtnet_tf.data import loading, prepared
from mtnet_tf.systems import train as training

def open_builder(name, data_dir=None, **options):
    print(name, data_dir, options.get("recordings_dir"), options.get("speaker"))
    return types.SimpleNamespace(
        is_prepared=lambda: True, data_path=name, DIGIT_SIZE=None, IMAGE_SHAPE=()
    )

def train(*arguments, **options):
    print("training")
    raise SystemExit(0)

data_builders.open_builder = open_builder
prepared.open_prepared = lambda path: types.SimpleNamespace(
    path=path, metadata={}, image_shape=()
)
loading.fit_config = lambda config, dataset: config
loading.load = lambda dataset, config: types.SimpleNamespace(words=("zero", "one"))
training.train = train
program.run(pretrain.main)
"""


def test_the_outliers_are_opened_before_the_training_with_the_words_that_ship():
    arguments = ["--name=mnist_ad", "--data_dir=d", "--recordings_dir=digits", "--speaker=me"]
    done = subprocess.run(
        [sys.executable, "-c", OPENED, *arguments], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "mnist_ad d digits me",
        "cifar10_ad d None None",
        "training",
    ]
