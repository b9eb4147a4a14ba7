"""The metrics of the paper and some that it lacks: one pair of waveforms in, one Score out.

The metrics are functions (reference, generated, sample_rate) -> Score: `corr2d.corr2d`,
`corr2d.corr2d_compressed`, `pesq.pesq`, `pesq.pesq_lqo`, `pesq.pesq_lqo_wb`, `stoi.stoi`,
`stoi.stoi_classic`, `stoi.estoi`, and with the extra `world` the distances `world.mcd` and
`world.f0_error`. A pair that a metric cannot score gives a failure: a Score of NaN with its reason.
`Scorer` computes all metrics of many pairs. `word_accuracy.WordRecognizer` hears words.
"""

from mtnet_tf.metrics.score import EXTRAS, FLOORS, METRICS, Score
from mtnet_tf.metrics.scorer import Scorer

__all__ = ["EXTRAS", "FLOORS", "METRICS", "Score", "Scorer"]
