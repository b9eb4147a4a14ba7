"""The controls that one system of Table 4 has: what they say, and when they are left out."""

import numpy as np
import pytest

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.data.log_mel import LogMel
from mtnet_tf.speech import SpeechError
from mtnet_tf.systems import speech_controls
from mtnet_tf.systems.controls import Context, make_controls
from tests.systems.small_adversarial import SMALL


class Tones:
    """Says a word as a tone that is as high as the word is long and the voice fast."""

    speaker = "tones"

    def __init__(self, length_scale=2.0):
        self._pitch = 400 / length_scale

    def speak(self, text):
        return 0.5 * np.sin(2 * np.pi * self._pitch * len(text) * np.arange(900) / 22050)


class Missing:
    def __init__(self):
        raise SpeechError("it is not installed")


@pytest.fixture
def context(tiny_config, synthetic_data):
    texts = ["one", "three", "", "two", "zero", "one"]
    predicted = dict(zip(synthetic_data.test.image_ids, texts, strict=True))
    return Context(synthetic_data, predicted, config=tiny_config)


def test_the_texts_are_said_by_other_voices(context, monkeypatch):
    monkeypatch.setattr(speech_controls, "Piper", Tones)
    monkeypatch.setattr(speech_controls, "EspeakNg", Tones)
    own_speed, espeak = make_controls(context, systems.find("i2t2a").controls)
    assert [own_speed.name, espeak.name] == ["i2t2a_own_speed", "i2t2a_espeak_ng"]
    pairs = context.data.test
    said, slower = own_speed.speak(pairs), espeak.speak(pairs)
    assert said.shape == (6, 900) and not said[2].any()
    np.testing.assert_array_equal(said[0], said[5])
    for waveforms, pitch in ((said, 400), (slower, 200)):
        for k, letters in ((0, 3), (1, 5), (4, 4)):
            loudest = np.abs(np.fft.rfft(waveforms[k])).argmax() * 22050 / 900
            assert loudest == pytest.approx(pitch * letters, abs=25)


def test_a_voice_that_is_not_installed_is_left_out(context, monkeypatch, caplog):
    monkeypatch.setattr(speech_controls, "Piper", Tones)
    monkeypatch.setattr(speech_controls, "EspeakNg", Missing)
    found = make_controls(context, systems.find("i2t2a").controls)
    assert [control.name for control in found] == ["i2t2a_own_speed"]
    assert "voice of eSpeak NG' is left out: it is not installed" in caplog.text


def test_the_ceiling_of_the_spectrograms(tiny_config, synthetic_data):
    config = systems.configure("dcmavg", config_lib.override(tiny_config, SMALL))
    network = systems.find("dcmavg").build_for_use(config)
    context = Context(synthetic_data, config=config, network=network)
    inverter, griffin_lim = make_controls(context, systems.find("dcmavg").controls)
    pairs, log_mel = synthetic_data.test, LogMel(config)
    spectrograms = log_mel.spectrograms(synthetic_data.recordings.float_waveforms())
    of_pairs = spectrograms[pairs.recordings]
    expected = network.get_layer("spectrogram_inverter")(of_pairs, training=False)
    np.testing.assert_allclose(inverter.speak(pairs), expected, atol=1e-6)
    expected = log_mel.waveforms(spectrograms)[pairs.recordings]
    np.testing.assert_allclose(griffin_lim.speak(pairs), expected, atol=1e-5)
    one = pairs.take([3])
    np.testing.assert_array_equal(inverter.speak(one)[0], inverter.speak(pairs)[3])
