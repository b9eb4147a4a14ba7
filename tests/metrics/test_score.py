import math
import subprocess
import sys

import pytest

from mtnet_tf import metrics


def test_a_score_is_a_number_or_a_reason():
    assert metrics.Score(0.5).value == 0.5
    assert math.isnan(metrics.Score(math.nan, "silent", "generated").value)


@pytest.mark.parametrize(
    "arguments",
    [
        (math.nan,),
        (math.nan, "silent"),
        (math.nan, "silent", "nobody"),
        (0.5, "silent", "generated"),
        (0.5, "", "reference"),
    ],
)
def test_contradictions_are_refused(arguments):
    with pytest.raises(ValueError, match="either a number"):
        metrics.Score(*arguments)


def test_floors():
    correlations = ("corr2d", "corr2d_compressed", "stoi", "stoi_classic", "estoi")
    assert {metrics.FLOORS[name] for name in correlations} == {-1.0}
    assert metrics.FLOORS["pesq"] == -0.5


def test_metrics_do_not_import_tensorflow():
    code = (
        "import sys, mtnet_tf.metrics.word_accuracy, mtnet_tf.metrics.scorer;"
        "assert 'tensorflow' not in sys.modules and 'pocketsphinx' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
