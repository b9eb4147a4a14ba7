"""Where experiments.compare_exports writes; tests/studies/test_exports.py has the rest."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
CODE = """
import pathlib, sys
from absl import flags
from experiments import compare_exports

flags.FLAGS(sys.argv)
print(compare_exports.results_dir(pathlib.Path("scores")))
"""


@pytest.mark.parametrize(
    "arguments, folder",
    [
        ([], "experiments/results/exports"),
        (["--pretrained=cifar10_ad"], "scores/results"),
        (["--run_dir=runs/first"], "scores/results"),
        (["--run_dir="], "scores/results"),
        (["--run_dir=runs/first", "--results=mine"], "mine"),
    ],
)
def test_other_networks_stay_out_of_the_committed_results(arguments, folder):
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == (folder, "")
