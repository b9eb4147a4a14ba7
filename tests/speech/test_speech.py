"""Text to speech: what the engines say, and what is told where they cannot."""

import re
import stat
import sys

import numpy as np
import pytest

from data_builders import recording_makers
from data_builders.errors import RecordingsError
from mtnet_tf.data import audio, audio_files
from mtnet_tf.speech import EspeakNg, NoSoundError, SpeechError, espeak_ng

# A program in place of the real one, which not every machine has. It says a tone of 100 or,
# as f3, 150 Hz per letter for half a second at 16 kHz, no sound for "sh", and fails for "crash".
# Its en-gb sounds like its en-us. As the real one does, it lists its variants.
PROGRAM = f"""#!{sys.executable}
import sys
import wave
import numpy as np
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print("eSpeak NG text-to-speech: 1.99  Data at: /nowhere")
    sys.exit()
if arguments == ["--voices=variant"]:
    print("Pty Language       Age/Gender VoiceName          File                 Other Languages")
    print(" 5  variant         --/F      female3            !v/f3                (en-us 5)")
    sys.exit()
voice, path, text = arguments[1], arguments[3], arguments[5]
assert arguments[::2] == ["-v", "-w", "--"]
if voice not in ("en-us", "en-us+f3", "en-gb"):
    sys.exit("no such voice")
if text == "crash":
    sys.exit("no such phoneme")
pitch = 150 if voice == "en-us+f3" else 100
tone = np.sin(2 * np.pi * pitch * len(text) * np.arange(0 if text == "sh" else 8000) / 16000)
with wave.open(path, "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(16000)
    file.writeframes((16000 * tone).astype("<i2").tobytes())
"""


@pytest.fixture
def program(tmp_path_factory, monkeypatch):
    path = tmp_path_factory.mktemp("bin") / "espeak-ng"
    path.write_text(PROGRAM)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(path.parent))


def test_the_program_speaks_at_the_projects_rate(program):
    samples = EspeakNg().speak("four")
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(0.5 * audio.SAMPLE_RATE, abs=2)
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() * audio.SAMPLE_RATE / len(samples) == pytest.approx(400, abs=2)


@pytest.mark.parametrize(
    "text, kind, message",
    [
        ("crash", SpeechError, r"espeak-ng failed \(no such phoneme\)"),
        ("sh", NoSoundError, "makes no sound of 'sh'"),
    ],
)
def test_what_it_cannot_say_is_one_error(text, kind, message, program):
    with pytest.raises(SpeechError, match=message) as caught:
        EspeakNg().speak(text)
    assert caught.type is kind


def test_a_program_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpeechError, match="apt install espeak-ng"):
        EspeakNg()
    with pytest.raises(SpeechError, match="espeak-ng failed"):
        espeak_ng._run("--version")


def test_a_variant_that_it_does_not_have(program):
    EspeakNg("en-us+f3")
    with pytest.raises(SpeechError, match=r"no variant 'f33' .* 'en-us\+f33' names. It has: f3\."):
        EspeakNg("en-us+f33")


def test_a_recordings_folder_of_it(program, tmp_path):
    folder = tmp_path / "espeak"
    record = recording_makers.make_espeak_ng_recordings(folder, ["two", "sea lion"], command="c")
    assert sorted(record["recordings"]) == ["sea_lion/espeak_0.flac", "two/espeak_0.flac"]
    samples, rate = audio_files.read_audio(folder / "two/espeak_0.flac")
    np.testing.assert_allclose(samples, EspeakNg().speak("two"), atol=1e-4)
    assert rate == audio.SAMPLE_RATE
    assert record["versions"] == {"espeak-ng": "eSpeak NG text-to-speech: 1.99"}
    assert record["parameters"] == {"words": ["two", "sea lion"], "voices": ["en-us"]}
    assert (record["engine"], record["command"]) == ("espeak-ng", "c")


def test_a_recordings_folder_of_two_voices(program, tmp_path):
    voices, folder = ("en-us", "en-us+f3"), tmp_path / "espeak"
    record = recording_makers.make_espeak_ng_recordings(folder, ["two"], voices)
    assert sorted(record["recordings"]) == ["two/espeak-en-us-f3_0.flac", "two/espeak_0.flac"]
    assert record["voice"] == "en-us, en-us+f3"
    for name, pitch in (("espeak", 300), ("espeak-en-us-f3", 450)):
        samples, _ = audio_files.read_audio(folder / f"two/{name}_0.flac")
        spectrum = np.abs(np.fft.rfft(samples))
        found = spectrum.argmax() * audio.SAMPLE_RATE / len(samples)
        assert found == pytest.approx(pitch, abs=2)
    for twice in (("en-us", "en-us"), ("en-us+f3", "en-us-f3")):
        with pytest.raises(RecordingsError, match=f"a speaker twice, .*: {re.escape(twice[0])}, "):
            recording_makers.make_espeak_ng_recordings(tmp_path / "x", ["two"], twice)
    with pytest.raises(SpeechError, match="no such voice"):
        recording_makers.make_espeak_ng_recordings(tmp_path / "x", ["two"], ("xx",))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "voices, message",
    [
        (("en-us+f3", "en-us", "en-gb"), "speakers espeak and espeak-en-gb sound alike"),
        (("en-us", ""), "--voices=en-us,: a name is empty"),
    ],
)
def test_voices_that_are_none_of_their_own_are_one_error(voices, message, program, tmp_path):
    with pytest.raises(RecordingsError, match=message):
        recording_makers.make_espeak_ng_recordings(tmp_path / "x", ["two", "sea lion"], voices)
    assert not list(tmp_path.iterdir())


def test_a_word_without_sound_leaves_no_folder(program, tmp_path):
    with pytest.raises(SpeechError):
        recording_makers.make_espeak_ng_recordings(tmp_path / "x", ["two", "sh"])
    assert not list(tmp_path.iterdir())
