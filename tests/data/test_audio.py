"""Waveform tools on signals whose right answer is known."""

import io
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from mtnet_tf import files
from mtnet_tf.data import audio


def sine(frequency, sample_rate, secs=0.5, level=0.5):
    time = np.arange(int(secs * sample_rate)) / sample_rate
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def encode(samples, sample_rate, **kwargs):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, **kwargs)
    return buffer.getvalue()


def test_import_is_light():
    code = (
        "import sys, mtnet_tf.data.audio;"
        " print({'tensorflow', 'librosa', 'numba'} & set(sys.modules))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert output.stdout.strip() == "set()", output.stderr


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
def test_resample_keeps_a_sine(rate):
    resampled = audio.resample(sine(1000, rate), rate)
    expected = sine(1000, audio.SAMPLE_RATE)
    assert resampled.dtype == np.float32
    assert abs(len(resampled) - len(expected)) <= 1
    middle = slice(1000, 9000)  # the filter rings at the two ends
    np.testing.assert_allclose(resampled[middle], expected[middle], atol=1e-3)


def test_resample_removes_what_would_alias():
    resampled = audio.resample(sine(15000, 48000), 48000)
    assert np.abs(resampled[1000:9000]).max() < 1e-4


def test_resample_equal_rates_and_bad_rates():
    samples = sine(440, 22050)
    np.testing.assert_array_equal(audio.resample(samples, 22050), samples)
    for rates in [(0,), (22050, 3_000_000_000), (1,), (22050, 3999), (384_001,), (float("nan"),)]:
        with pytest.raises(audio.AudioError, match="between 4,000 and 384,000 Hz. Received: "):
            audio.resample(samples, *rates)


def test_trim_silence_finds_the_word():
    rate = audio.SAMPLE_RATE
    word = sine(300, rate, secs=0.4)
    noise = np.random.default_rng(0).normal(0, 1e-4, rate).astype(np.float32)
    clip = np.concatenate([noise[: rate // 4], word, noise[: rate // 2]])
    trimmed = audio.trim_silence(clip, top_db=45, margin_secs=0.01)
    start = rate // 4 - round(0.01 * rate)
    first = np.flatnonzero(clip[: len(clip) - len(trimmed)] == trimmed[0])
    assert any(np.array_equal(clip[i : i + len(trimmed)], trimmed) for i in first)
    assert len(word) + 0.01 * rate <= len(trimmed) <= len(word) + 0.04 * rate
    assert np.abs(np.array(first) - start).min() <= 0.01 * rate


def test_trim_silence_keeps_pauses_and_quiet_ends():
    rate = audio.SAMPLE_RATE
    loud, quiet = sine(300, rate, 0.1, 0.5), sine(300, rate, 0.1, 0.5 * 10 ** (-40 / 20))
    gap = np.zeros(rate // 10, np.float32)
    clip = np.concatenate([quiet, loud, gap, loud, quiet])
    assert len(audio.trim_silence(clip, top_db=45, margin_secs=0)) >= 0.99 * len(clip)
    shorter = audio.trim_silence(clip, top_db=30, margin_secs=0)
    assert len(shorter) == pytest.approx(0.3 * rate, abs=0.02 * rate)


def test_trim_silence_of_a_clip_shorter_than_a_frame():
    assert len(audio.trim_silence(np.ones(5), top_db=45, margin_secs=0.01)) == 5


def test_silence_is_refused():
    for function in (
        lambda x: audio.trim_silence(x, top_db=45, margin_secs=0.01),
        lambda x: audio.peak_normalize(x, 0.9),
    ):
        with pytest.raises(audio.AudioError, match="silent"):
            function(np.zeros(1000))


def test_peak_normalize():
    samples = audio.peak_normalize(np.array([0.1, -0.2, 0.05]), 0.9)
    np.testing.assert_allclose(samples, [0.45, -0.9, 0.225], rtol=1e-6)
    assert samples.dtype == np.float32
    with pytest.raises(audio.AudioError, match="peak must be"):
        audio.peak_normalize(samples, 1.5)


def test_pad_appends_zeros_and_refuses_to_truncate():
    samples = np.array([1, 2, 3], np.int16)
    padded = audio.pad(samples, 5)
    np.testing.assert_array_equal(padded, [1, 2, 3, 0, 0])
    assert padded.dtype == np.int16
    np.testing.assert_array_equal(audio.pad(samples, 3), samples)
    with pytest.raises(audio.AudioError, match="3 samples and must fit in 2"):
        audio.pad(samples, 2)


def test_int16_round_trip():
    every = np.arange(-32767, 32768).astype(np.int16)
    np.testing.assert_array_equal(audio.to_int16(audio.from_int16(every)), every)
    assert audio.from_int16(every).dtype == np.float32
    assert np.abs(audio.from_int16(np.array([-32768, 32767], np.int16))).max() == 1
    np.testing.assert_array_equal(
        audio.to_int16([1.0, -1.0, 2.0, 0.5]), [32767, -32767, 32767, 16384]
    )
    with pytest.raises(audio.AudioError, match="NaN"):
        audio.to_int16([np.nan])


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_write_then_read(tmp_path, suffix):
    samples = sine(440, 22050)
    path = tmp_path / f"a{suffix}"
    audio.write_audio(path, samples)
    read, sample_rate = audio.read_audio(path)
    assert sample_rate == 22050
    np.testing.assert_array_equal(audio.to_int16(read * 32768 / 32767), audio.to_int16(samples))
    assert soundfile.info(path).subtype == "PCM_16"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_write_refusals(tmp_path):
    with pytest.raises(audio.AudioError, match="only .wav and .flac"):
        audio.write_audio(tmp_path / "a.mp3", sine(440, 22050))
    with pytest.raises(audio.AudioError, match="a.wav: a sample rate must lie between"):
        audio.write_audio(tmp_path / "a.wav", sine(440, 22050), 3_000_000_000)
    with pytest.raises(audio.AudioError, match="NaN"):
        audio.write_audio(tmp_path / "a.wav", np.full(10, np.nan))
    with pytest.raises(audio.AudioError, match="a .flac file cannot have .* 100,001 Hz"):
        audio.check_output(tmp_path / "a.flac", 100_001)
    audio.check_output(tmp_path / "a.wav", 100_001)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(files.FileError, match="cannot be written"):
        audio.write_audio(tmp_path / "file" / "a.wav", sine(440, 22050))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_write_on_a_full_disk(tmp_path, files_up_to):
    path = tmp_path / "a.wav"
    audio.write_audio(path, sine(440, 22050))
    before = path.read_bytes()
    with pytest.raises(files.FileError, match="a.wav cannot be written"), files_up_to(1000):
        audio.write_audio(path, sine(220, 22050))
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
    assert path.read_bytes() == before


def test_write_makes_the_folder(tmp_path):
    audio.write_audio(tmp_path / "a" / "b" / "c.wav", sine(440, 22050))
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["c.wav"]


def test_stereo_48k_mp3(tmp_path):
    left = sine(1000, 48000)
    path = tmp_path / "a.mp3"
    path.write_bytes(encode(np.stack([left, 0 * left], 1), 48000, format="MP3"))
    samples, sample_rate = audio.read_audio(path)
    assert sample_rate == 48000 and samples.ndim == 1
    assert np.abs(samples[5000:15000]).max() == pytest.approx(0.25, abs=0.01)


def test_float_wav_beyond_full_scale_is_scaled():
    samples, _ = audio.decode_audio(
        encode(np.array([0.5, -4.0]), 8000, format="WAV", subtype="FLOAT"), "a.wav"
    )
    np.testing.assert_allclose(samples, [0.125, -1.0])


@pytest.mark.parametrize(
    "format, subtype",
    [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")],
)
@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_truncated_files_are_refused(format, subtype, kept):
    noise = np.random.default_rng(0).normal(0, 0.1, 24000)
    data = encode(noise, 24000, format=format, subtype=subtype)
    assert len(audio.decode_audio(data, "whole")[0]) == 24000
    with pytest.raises(audio.AudioError, match="some/file"):
        audio.decode_audio(data[: int(kept * len(data))], "some/file")


def test_wav_of_a_streaming_writer_is_read():
    data = bytearray(encode(sine(440, 8000), 8000, format="WAV", subtype="PCM_16"))
    at = data.index(b"data")
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    assert len(audio.decode_audio(bytes(data), "stream.wav")[0]) == 4000


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "empty"),
        (b"this is a text file, not audio\n" * 50, "cannot be decoded"),
        (encode(np.zeros(0), 8000, format="WAV"), "no samples"),
        (encode(np.array([0, np.nan, 0]), 8000, format="WAV", subtype="FLOAT"), "NaN"),
        (encode(np.array([0, np.inf, 0]), 8000, format="WAV", subtype="FLOAT"), "NaN or infinite"),
    ],
    ids=[
        "nothing",
        "text",
        "no samples",
        "NaN",
        "infinite",
    ],  # float WAV has the time in its header
)
def test_bad_files_are_named_and_refused(tmp_path, content, message):
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(audio.AudioError, match=message) as error:
        audio.read_audio(path)
    assert str(path) in str(error.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(audio.AudioError, match="No such file"):
        audio.read_audio(tmp_path / "none.wav")
    with pytest.raises(audio.AudioError, match="cannot be read"):
        audio.read_audio(tmp_path)


def with_header(data, at, value):
    """A wav file whose 32 bits at a place of its header say something else."""
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


WAV = encode(sine(440, 8000), 8000, format="WAV", subtype="PCM_16")
FLAC = bytearray(encode(sine(440, 8000), 8000, format="FLAC"))
FLAC[21] |= 0x0F  # the low 36 bits of STREAMINFO's 64 at byte 18: the number of samples
FLAC[22:26] = b"\xff" * 4


@pytest.mark.parametrize(
    "data, message",
    [
        (with_header(WAV, 24, 1), "between 4,000 and 384,000 Hz. Received: 1 Hz"),
        (with_header(WAV, 24, 2_000_000_000), "384,000 Hz. Received: 2,000,000,000 Hz"),
        (with_header(WAV, 24, 3_000_000_000), "cannot be decoded"),
        (bytes(FLAC), r"lasts 8,589,935 s \(68,719,476,735 samples, 1 channels\)"),
        (encode(np.zeros(601 * 4000), 4000, format="FLAC"), "lasts 601 s .*At most 600 s"),
    ],
    ids=["1 Hz", "2 GHz", "3 GHz", "2^36 samples", "long"],
)
def test_what_a_header_claims_is_not_believed(data, message):
    """Refused before anything of that size is made."""
    with pytest.raises(audio.AudioError, match=message):
        audio.decode_audio(data, "x.wav")


def test_many_channels():
    num_bytes = 256 * (2**18 + 1)
    header = struct.pack("<IHHIIHH", 16, 1, 256, 8192, 256 * 8192, 256, 8)
    data = b"RIFF\xff\xff\xff\xffWAVEfmt " + header + b"data" + struct.pack("<I", num_bytes)
    with pytest.raises(audio.AudioError, match=r"lasts 32 s .*256 channels\).* 67,108,864 samples"):
        audio.decode_audio(data + bytes(num_bytes), "x.wav")


@pytest.mark.parametrize("make", ["pipe", "device", "folder"])
def test_only_regular_files_are_read(tmp_path, make):
    path = tmp_path / "a.wav"
    if make == "pipe":
        os.mkfifo(path)
    elif make == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(audio.AudioError, match="a.wav: cannot be read: it is not a regular file"):
        audio.read_audio(path)
    linked = tmp_path / "b.wav"
    (tmp_path / "target").write_bytes(WAV)
    linked.symlink_to(tmp_path / "target")
    assert len(audio.read_audio(linked)[0]) == 4000


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "a.wav"
    with open(path, "wb") as file:
        file.truncate(audio.MAX_FILE_BYTES + 1)
    with pytest.raises(audio.AudioError, match="a.wav: has more than 100,000,000 bytes. Cut"):
        audio.read_audio(path)
