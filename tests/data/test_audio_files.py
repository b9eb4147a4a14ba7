"""Audio files: those that are read, those that are refused, those that are written."""

import io
import os
import struct

import numpy as np
import pytest
import soundfile

from mtnet_tf import files
from mtnet_tf.data import audio, audio_files


def sine(frequency, sample_rate, secs=0.5, level=0.5):
    time = np.arange(int(secs * sample_rate)) / sample_rate
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def encode(samples, sample_rate, **kwargs):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, **kwargs)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_write_then_read(tmp_path, suffix):
    samples = sine(440, 22050)
    path = tmp_path / f"a{suffix}"
    audio_files.write_audio(path, samples)
    read, sample_rate = audio_files.read_audio(path)
    assert sample_rate == 22050
    np.testing.assert_array_equal(audio.to_int16(read * 32768 / 32767), audio.to_int16(samples))
    assert soundfile.info(path).subtype == "PCM_16"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_write_refusals(tmp_path):
    with pytest.raises(audio.AudioError, match="only .wav and .flac"):
        audio_files.write_audio(tmp_path / "a.mp3", sine(440, 22050))
    with pytest.raises(audio.AudioError, match="a.wav: a sample rate must lie between"):
        audio_files.write_audio(tmp_path / "a.wav", sine(440, 22050), 3_000_000_000)
    with pytest.raises(audio.AudioError, match="NaN"):
        audio_files.write_audio(tmp_path / "a.wav", np.full(10, np.nan))
    with pytest.raises(audio.AudioError, match="a .flac file cannot have .* 100,001 Hz"):
        audio_files.check_output(tmp_path / "a.flac", 100_001)
    audio_files.check_output(tmp_path / "a.wav", 100_001)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(files.FileError, match="cannot be written"):
        audio_files.write_audio(tmp_path / "file" / "a.wav", sine(440, 22050))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_write_on_a_full_disk(tmp_path, files_up_to):
    path = tmp_path / "a.wav"
    audio_files.write_audio(path, sine(440, 22050))
    before = path.read_bytes()
    with pytest.raises(files.FileError, match="a.wav cannot be written"), files_up_to(1000):
        audio_files.write_audio(path, sine(220, 22050))
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
    assert path.read_bytes() == before


def test_write_makes_the_folder(tmp_path):
    audio_files.write_audio(tmp_path / "a" / "b" / "c.wav", sine(440, 22050))
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["c.wav"]


def test_stereo_48k_mp3(tmp_path):
    left = sine(1000, 48000)
    path = tmp_path / "a.mp3"
    path.write_bytes(encode(np.stack([left, 0 * left], 1), 48000, format="MP3"))
    samples, sample_rate = audio_files.read_audio(path)
    assert sample_rate == 48000 and samples.ndim == 1
    assert np.abs(samples[5000:15000]).max() == pytest.approx(0.25, abs=0.01)


def test_float_wav_beyond_full_scale_is_scaled():
    samples, _ = audio_files.decode_audio(
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
    assert len(audio_files.decode_audio(data, "whole")[0]) == 24000
    with pytest.raises(audio.AudioError, match="some/file"):
        audio_files.decode_audio(data[: int(kept * len(data))], "some/file")


@pytest.mark.parametrize("size", [0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_wav_of_a_streaming_writer_is_read(size):
    data = bytearray(encode(sine(440, 8000), 8000, format="WAV", subtype="PCM_16"))
    at = data.index(b"data")
    struct.pack_into("<I", data, at + 4, size)
    assert len(audio_files.decode_audio(bytes(data), "stream.wav")[0]) == 4000


@pytest.mark.parametrize("tag", [b"", b"ID3\4\0\0\0\0\2\0" + bytes(256)])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_an_mp3_that_does_not_say_its_length_is_refused(mode, tag):
    """Without its first frame: libsndfile would guess, and read less than there is."""
    noise = np.random.default_rng(0).normal(0, 0.1, 24000)
    data = encode(noise, 24000, format="MP3", bitrate_mode=mode, compression_level=0.5)
    assert len(audio_files.decode_audio(tag + data, "whole")[0]) == 24000
    second = data.index(data[:2], 2)
    with pytest.raises(audio.AudioError, match="^a.mp3: does not say how long it is"):
        audio_files.decode_audio(tag + data[second:], "a.mp3")


def test_a_flac_that_does_not_say_its_length_is_refused():
    """An encoder that writes into a pipe leaves 36 bits of zero."""
    data = bytearray(encode(sine(440, 8000), 8000, format="FLAC", subtype="PCM_16"))
    assert data[:4] == b"fLaC"
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    with pytest.raises(audio.AudioError, match="^a.flac: does not say how long it is"):
        audio_files.decode_audio(bytes(data), "a.flac")


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
        audio_files.read_audio(path)
    assert str(path) in str(error.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(audio.AudioError, match="No such file"):
        audio_files.read_audio(tmp_path / "none.wav")
    with pytest.raises(audio.AudioError, match="cannot be read"):
        audio_files.read_audio(tmp_path)


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
        audio_files.decode_audio(data, "x.wav")


def test_many_channels():
    num_bytes = 256 * (2**18 + 1)
    header = struct.pack("<IHHIIHH", 16, 1, 256, 8192, 256 * 8192, 256, 8)
    data = b"RIFF\xff\xff\xff\xffWAVEfmt " + header + b"data" + struct.pack("<I", num_bytes)
    with pytest.raises(audio.AudioError, match=r"lasts 32 s .*256 channels\).* 67,108,864 samples"):
        audio_files.decode_audio(data + bytes(num_bytes), "x.wav")


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
        audio_files.read_audio(path)
    linked = tmp_path / "b.wav"
    (tmp_path / "target").write_bytes(WAV)
    linked.symlink_to(tmp_path / "target")
    assert len(audio_files.read_audio(linked)[0]) == 4000


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "a.wav"
    with open(path, "wb") as file:
        file.truncate(audio_files.MAX_FILE_BYTES + 1)
    with pytest.raises(audio.AudioError, match="a.wav: has more than 100,000,000 bytes. Cut"):
        audio_files.read_audio(path)
