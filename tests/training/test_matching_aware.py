"""The losses of a matching-aware GAN, on networks that are formulas, against NumPy."""

import numpy as np
import pytest

from mtnet_tf.config.networks import AdversarialConfig
from mtnet_tf.training.stages.matching_aware import MatchingAwareGan


def generator(inputs, training):
    return inputs["embedding"] + 2 * inputs["noise"]


def discriminator(inputs, training):
    """The logit of a pair: the product of what it is given."""
    return (inputs["spectrogram"] * inputs["embedding"]).sum(-1)


def softplus(x):
    return np.log1p(np.exp(x))


def hinge(x):
    return np.maximum(0, 1 + x)


@pytest.mark.parametrize("form, true", [("gan_cls", softplus), ("hinge", hinge)])
def test_true_pairs_stand_against_mismatched_and_made_ones(form, true):
    random = np.random.default_rng(0)
    embedding, real, wrong, noise = random.normal(size=(4, 6, 3)).astype(np.float32)
    config = AdversarialConfig(loss=form, mismatched_weight=3)
    gan = MatchingAwareGan("spectrogram", generator, discriminator, config)
    of_discriminator, of_generator = gan.losses(embedding, real, wrong, noise)

    def logit(sample):
        return (sample * embedding).sum(-1)

    made = embedding + 2 * noise
    expected = 2 * true(-logit(real)) + (3 * true(logit(wrong)) + true(logit(made))) / 2
    assert float(of_discriminator()["total"]) == pytest.approx(expected.mean(), rel=1e-5)
    of_made = -logit(made) if form == "hinge" else softplus(-logit(made))
    assert float(of_generator()["total"]) == pytest.approx(of_made.mean(), rel=1e-5)
