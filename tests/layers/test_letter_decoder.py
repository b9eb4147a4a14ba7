"""The recurrent decoder against Keras' own GRU, and with its own letters against the true ones."""

import keras
import numpy as np
import pytest

from mtnet_tf.layers import LetterDecoder

STEPS, SYMBOLS = 5, 7


@pytest.fixture
def decoder():
    keras.utils.set_random_seed(3)
    layer = LetterDecoder(SYMBOLS, STEPS, embedding_units=4, units=6)
    layer.build([None, 3])
    random = np.random.default_rng(0)
    # Large and without biases, so that the letters differ.
    layer.set_weights(
        [
            3 * random.normal(size=weight.shape) * ("bias" not in weight.path)
            for weight in layer.weights
        ]
    )
    return layer


@pytest.fixture
def feature():
    return np.random.default_rng(1).normal(size=(8, 3)).astype(np.float32)


def test_with_the_true_letters_it_is_a_gru_over_the_letters_before(decoder, feature):
    letters = np.random.default_rng(2).integers(0, SYMBOLS, (8, STEPS))
    before = np.concatenate([np.zeros([8, 1], int), letters[:, :-1]], axis=1)
    gru = keras.layers.GRU(6, return_sequences=True)
    gru.build([None, STEPS, 4])
    gru.set_weights(decoder._cell.get_weights())
    embedded = decoder._embedding.get_weights()[0][before]
    kernel, bias = decoder._first_state.get_weights()
    states = gru(embedded, initial_state=np.tanh(feature @ kernel + bias))
    kernel, bias = decoder._head.get_weights()
    found = decoder(feature, letters.astype(np.int32))
    np.testing.assert_allclose(found, np.array(states) @ kernel + bias, rtol=1e-4, atol=1e-5)


def test_its_own_letters_are_the_likeliest_ones(decoder, feature):
    own = np.array(decoder(feature))
    letters = own.argmax(-1).astype(np.int32)
    assert len(np.unique(letters)) > 2
    np.testing.assert_allclose(own, decoder(feature, letters), rtol=1e-5, atol=1e-6)


def test_its_shape_is_known_before_it_is_called(decoder):
    assert decoder(keras.Input([3])).shape == (None, STEPS, SYMBOLS)
    clone = LetterDecoder.from_config(decoder.get_config())
    assert clone.get_config() == decoder.get_config()
