"""What a worker process of an evaluation runs. TensorFlow is not imported here: workers start in a second."""

import hashlib

import numpy as np

from mtnet_tf.metrics.score import METRICS
from mtnet_tf.metrics.scorer import Scorer

_scorers = {}  # what depends on the references alone is computed once a process


def score_chunk(references, generated, reference_index):
    """Scores some generated waveforms and finds the reference that each is nearest to.

    Args:
        references: float32 [R, L_s]; the same array in every call of an evaluation.
        generated: float32 [n, L_s].
        reference_index: int [n].

    Returns:
        A list of n pairs: {metric: Score}, and the index of the reference with the highest Corr2D, None for silence.
    """
    key = hashlib.blake2b(np.ascontiguousarray(references), digest_size=16).digest()
    if key not in _scorers:
        _scorers.clear()
        _scorers[key] = Scorer(np.array(references))
    scores, correlations = _scorers[key].score_and_correlate(np.array(generated), reference_index)
    nearest = [None if np.all(np.isnan(row)) else int(np.nanargmax(row)) for row in correlations]
    return [
        ({name: scores[name][i] for name in METRICS}, nearest[i]) for i in range(len(generated))
    ]
