"""The paper's metrics and some more: one pair of waveforms in, one Score out.

The metrics are functions (reference, generated, sample_rate) -> Score: `corr2d.corr2d`,
`corr2d.corr2d_compressed`, `pesq.pesq`, `pesq.pesq_lqo`, `pesq.pesq_lqo_wb`, `stoi.stoi`,
`stoi.stoi_classic`. `Scorer` computes all of them for many pairs. `word_accuracy.WordRecognizer`
recognises words.
"""

from mtnet_tf.metrics.score import FLOORS, METRICS, Score
from mtnet_tf.metrics.scorer import Scorer

__all__ = ["FLOORS", "METRICS", "Score", "Scorer"]
