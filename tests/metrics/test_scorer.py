import numpy as np
import pytest

from mtnet_tf.metrics import EXTRAS, METRICS, Scorer, corr2d, pesq, stoi
from mtnet_tf.metrics.scorer import nearest_reference

SINGLE = {
    "corr2d": corr2d.corr2d,
    "pesq": pesq.pesq,
    "stoi": stoi.stoi,
    "corr2d_compressed": corr2d.corr2d_compressed,
    "pesq_lqo": pesq.pesq_lqo,
    "pesq_lqo_wb": pesq.pesq_lqo_wb,
    "stoi_classic": stoi.stoi_classic,
    "estoi": stoi.estoi,
}


@pytest.fixture(scope="module")
def references(voice):
    rows = [voice(9000, 1, 18140), voice(16000, 2, 18140), voice(18140, 3)]
    return np.stack([*rows, np.zeros(18140, np.float32), np.full(18140, np.nan, np.float32)])


@pytest.fixture(scope="module")
def generated(voice, references):
    noise = 0.02 * np.random.default_rng(0).standard_normal(18140).astype(np.float32)
    bad = references[0].copy()
    bad[5] = np.inf
    rows = [references[0] + noise, references[1], noise, np.zeros(18140, np.float32), bad]
    return np.stack([*rows, voice(12000, 7, 18140)])


def _same(one, other):
    return repr(one) == repr(other)  # NaN equals NaN


def test_numbers_are_those_of_the_single_functions(references, generated):
    for sample_rate, some in ((22050, [0, 3, 4]), (16000, [1])):
        scorer = Scorer(references, sample_rate)
        for index in some:
            indices = np.full(len(generated), index)
            scores, _ = scorer.score_and_correlate(generated, indices)
            assert tuple(scores) == METRICS
            for name, column in scores.items():
                for row, score in enumerate(column):
                    expected = SINGLE[name](references[index], generated[row], sample_rate)
                    assert _same(score, expected), (name, index, row)


def test_correlations_are_corr2d_with_every_reference(references, generated):
    correlations = Scorer(references).correlations(generated)
    expected = [[corr2d.corr2d(r, g).value for r in references] for g in generated]
    np.testing.assert_array_equal(correlations, expected)
    assert np.isnan(correlations[:, 3:]).all() and np.isnan(correlations[3:5]).all()
    assert nearest_reference(correlations[1]) == (1, correlations[1, 1])


def test_silence_is_near_to_no_reference(references, generated):
    nearest, value = nearest_reference(Scorer(references).correlations(generated)[3])
    assert nearest is None and np.isnan(value)


def test_order_batches_and_repetition_change_nothing(references, generated):
    indices = np.array([0, 1, 2, 0, 1, 2])
    expected, correlations = Scorer(references).score_and_correlate(generated, indices)
    scorer = Scorer(references)
    order = np.array([5, 0, 3, 1, 0, 2, 4, 5])
    for rows in (order[:3], order[3:]):
        scores, some = scorer.score_and_correlate(generated[rows], indices[rows])
        np.testing.assert_array_equal(some, correlations[rows])
        for name in METRICS:
            for score, row in zip(scores[name], rows):
                assert _same(score, expected[name][row])


def test_no_pairs(references):
    scores, correlations = Scorer(references).score_and_correlate(
        np.zeros((0, 18140), np.float32), []
    )
    assert scores == {name: [] for name in METRICS}
    assert correlations.shape == (0, 5)


@pytest.mark.parametrize(
    "shape, indices, message",
    [
        ((2, 18139), [0, 0], r"shape \[n, 18140\]"),
        ((18140,), [0], r"shape \[n, num_samples\]"),
        ((2, 18140), [0], "2 whole numbers from 0 to 4"),
        ((2, 18140), [0, 5], "2 whole numbers from 0 to 4"),
        ((2, 18140), [0, -1], "2 whole numbers from 0 to 4"),
        ((2, 18140), [0.0, 1.0], "2 whole numbers from 0 to 4"),
    ],
)
def test_wrong_arguments(references, shape, indices, message):
    with pytest.raises(ValueError, match=message):
        Scorer(references).score_and_correlate(np.zeros(shape, np.float32), indices)


def test_wrong_references():
    with pytest.raises(ValueError, match="at least one recording"):
        Scorer(np.zeros((0, 18140)))
    with pytest.raises(ValueError, match="references must be floats"):
        Scorer(np.zeros((1, 18140), np.int16))


def test_only_the_metrics_that_are_asked_for(references, generated, monkeypatch):
    """Wide-band PESQ is not computed unless it is asked for: it is half of the work."""
    index = np.array([1])
    everything, _ = Scorer(references).score_and_correlate(generated[:1], index)
    score_resampled = pesq.score_resampled

    def refuse(reference, generated, band):
        assert band == pesq.NARROW_BAND
        return score_resampled(reference, generated, band)

    monkeypatch.setattr(pesq, "score_resampled", refuse)
    wanted = [name for name in METRICS if name not in EXTRAS]
    some, _ = Scorer(references, metrics=wanted).score_and_correlate(generated[:1], index)
    assert _same(some, {name: everything[name] for name in wanted})
