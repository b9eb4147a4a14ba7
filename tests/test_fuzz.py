"""Seeded fuzzing of what a user can give: each case works or is one InputError.

Nothing else escapes, and nothing is left behind.
"""

import contextlib
import io
import json
import pathlib
import warnings
import zipfile

import numpy as np
import PIL.Image
import pytest
import soundfile

from mtnet_tf import config as config_lib
from mtnet_tf.config import preset
from mtnet_tf.data import audio_files, images
from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, read_npz, write_npz
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training import log

CONFIG = preset("tiny")
KEYS = list(config_lib.flatten(json.loads(config_lib.to_json(CONFIG))))
RECORDINGS = {"id": ("U", 1), "word": ("U", 1), "waveform": ("i", 2)}
# Values that are odd as JSON, as text and as numbers.
TEXTS = [
    *("", " ", "null", "true", "0", "-0", "1", "-1", "1e-400", "1e400", "NaN", "-Infinity"),
    *("{}", "[]", "[[]]", "[null]", '""', '"', "[1", "{1}", "1,2", "0x10", "1_000", "١", "½"),
    *("\0", "\n", "\ud800", "🎵", "../../etc/passwd", "%s%n", "{0}", "=", "a=b", "'", "`id`"),
    *("9" * 20, "9" * 400, "9" * 5000, "1" + "0" * 4299, "[" * 3000, "a" * 9000),
    *("[1,2,3]", "[0]", "[-1]", "[1e9]", "[1.5]", "[true]", "[1,1]", str([1] * 500)),
]
# Values that JSON text holds in place of others.
VALUES = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.5, -1e308, 1e308, float("nan")),
    *(float("inf"), "", "x", "\ud800", "tanh" * 50, [], [[]], [0], [None], [1] * 100, {}, {"": 0}),
]


@contextlib.contextmanager
def survived(case):
    """A context in which a case may raise an InputError, of one line, and nothing else."""
    try:
        # What a library has to say of a damaged file is no failure.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError as error:
        message = str(error)
        assert message and len(message) < 5000, case
        message.encode("utf-8", "backslashreplace")
    except Exception as error:
        raise AssertionError(f"{case!r:.300} raised {type(error).__name__}: {error}") from error


def damaged(random, data):
    """Returns bytes with one thing done to them."""
    data, size = bytearray(data), len(data)
    at, length = int(random.integers(size)), int(random.integers(1, 64))
    match random.integers(7):
        case 0:
            return bytes(data[:at])
        case 1:
            return bytes(data[at:])
        case 2:
            data[at : at + length] = random.bytes(length)
        case 3:
            data[at] ^= 1 << int(random.integers(8))
        case 4:
            del data[at : at + length]
        case 5:
            data[at:at] = data[:length] * int(random.integers(1, 50))
        case 6:  # a number in a header becomes as large or as small as it can
            at = min(at, int(random.integers(1, 100)))
            data[at : at + 4] = [b"\xff" * 4, b"\0" * 4, b"\x7f" + b"\xff" * 3][at % 3]
    return bytes(data)


def mutated_json(random, values):
    """Returns JSON text with a field replaced, removed, added or renamed, or with damaged bytes."""
    values = json.loads(json.dumps(values))
    target = values
    while True:
        key = list(target)[random.integers(len(target))]
        if not isinstance(target[key], dict) or not target[key] or random.random() < 0.2:
            break
        target = target[key]
    match random.integers(5):
        case 0:
            del target[key]
        case 1:
            target[f"{key}_"] = target.pop(key)
        case 2:
            target["é"] = 1
        case _:
            target[key] = VALUES[random.integers(len(VALUES))]
    text = json.dumps(values).encode()
    return damaged(random, text) if random.random() < 0.3 else text


@pytest.fixture
def random():
    return np.random.default_rng(20210)


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path, monkeypatch):
    """The test writes files of its own into `tmp_path`, and no code writes any other."""
    folder = tmp_path / "working_directory"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield
    assert list(folder.iterdir()) == []
    assert not list(tmp_path.glob("**/.*"))


def test_overrides(random):
    for case in TEXTS:
        for key in (*random.choice(KEYS, 4), "training", "nonsense", ""):
            with survived((key, case)):
                config_lib.override(CONFIG, [f"{key}={case}"])
    for _ in range(100):
        assignments = [
            f"{random.choice(KEYS)}={TEXTS[random.integers(len(TEXTS))]}" for _ in range(2)
        ]
        with survived(assignments):
            config_lib.override(CONFIG, assignments)


def test_configurations_as_json(random):
    values = json.loads(config_lib.to_json(CONFIG))
    for case in [*TEXTS, "[" * 90_000, "{" * 90_000, '{"a":' * 15_000, "[" * 200_000]:
        with survived(case):
            config_lib.from_json(case)
    refused = 0
    for _ in range(200):
        text = mutated_json(random, values).decode("utf-8", "surrogateescape")
        with survived(text):
            refused += 1
            config = config_lib.from_json(text)
            refused -= 1
            assert config_lib.from_json(config_lib.to_json(config)) == config
    assert 100 < refused < 200


def test_run_folders(random, tmp_path):
    folder = tmp_path / "run"
    run = RunFolder(folder)
    run.begin(CONFIG, "0" * 64, "cpu", data_path="/data", recordings=["one/a_0"])
    for name, read in (("config.json", run.config), ("environment.json", run.environment)):
        path = folder / name
        whole = path.read_bytes()
        cases = [mutated_json(random, json.loads(whole)) for _ in range(60)]
        cases += [text.encode("utf-8", "surrogatepass") for text in TEXTS]
        for case in [*cases, b"", b"\xff\xfe", bytes(1000), b"[" * 90_000]:
            path.write_bytes(case)
            with survived((name, case)):
                read()
            with survived((name, case)):
                assert isinstance(read_json(path), dict)
        path.write_bytes(whole)
    assert run.config() == CONFIG


def test_records_of_another_run_are_one_error(random, tmp_path):
    """What `begin` finds in a run folder is compared, whatever it is."""
    folder = tmp_path / "run"
    run = RunFolder(folder)
    run.begin(CONFIG, "0" * 64, "cpu")
    whole = (folder / "environment.json").read_bytes()
    for _ in range(60):
        case = mutated_json(random, json.loads(whole))
        (folder / "environment.json").write_bytes(case)
        with survived(case):
            run.begin(CONFIG, "0" * 64, "cpu")


def test_recordings_of_a_run(random, tmp_path):
    path = tmp_path / "recordings.npz"
    words = np.array(["one", "two"])
    write_npz(path, id=words, word=words, waveform=np.zeros([2, 50], np.int16))
    whole = path.read_bytes()
    cases = [damaged(random, whole) for _ in range(150)]
    for descr, shape in (("|O", (2,)), ("<i2", (10**6, 10**6)), ("<U1000000000", (2,)), ("", ())):
        header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in RECORDINGS:
                size = len(header).to_bytes(2, "little")
                archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + size + header)
        cases.append(buffer.getvalue())
    for case in cases:
        path.write_bytes(case)
        for wanted in (None, RECORDINGS):
            with survived(case):
                arrays = read_npz(path, wanted)
                assert all(array.dtype != object for array in arrays.values())


def test_logs_of_a_run(random, tmp_path):
    """The log of a killed run: broken lines are dropped."""
    path = tmp_path / "train_log.jsonl"
    lines = [json.dumps({"stage": "joint", "step": step, "loss": 0.5}) for step in range(1, 5)]
    whole = "\n".join(lines).encode() + b"\n"
    cases = [damaged(random, whole) for _ in range(40)]
    cases += [b"[" * 90_000, b"9" * 5000, b'{"stage": 1, "step": "x"}', b"[]", b"null", b"1"]
    for case in cases:
        path.write_bytes(case)
        with survived(case):
            log.drop_lines_after(RunFolder(tmp_path), "joint", 2)


def picture(kind, mode, size=(40, 30), **options):
    """A digit-like bar on a ground, as the bytes of a file."""
    image = PIL.Image.new("L", size, 230)
    image.paste(20, (15, 5, 22, 25))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


# A quarter turn, as cameras write it.
ORIENTATION = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
PICTURES = {
    "png": picture("PNG", "L"),
    "alpha.png": picture("PNG", "RGBA"),
    "palette.png": picture("PNG", "P"),
    "bits.png": picture("PNG", "1"),
    "deep.png": picture("PNG", "I"),
    "jpeg": picture("JPEG", "RGB", exif=ORIENTATION),
    "gif": picture("GIF", "P"),
    "bmp": picture("BMP", "RGB"),
    "tiff": picture("TIFF", "RGB"),
    "float.tiff": picture("TIFF", "F"),
    "webp": picture("WEBP", "RGB"),
    "ppm": picture("PPM", "RGB"),
}


@pytest.mark.parametrize("kind", list(PICTURES))
def test_images(kind, random, tmp_path):
    path = tmp_path / f"picture.{kind}"
    cases = [PICTURES[kind], *(damaged(random, PICTURES[kind]) for _ in range(30))]
    for case in cases:
        path.write_bytes(case)
        for shape in ((28, 28, 1), (32, 32, 3)):
            with survived(case):
                image, inverted = images.read_image(path, shape)
                assert image.shape == shape
                assert image.dtype == np.uint8
                assert isinstance(inverted, bool)


def test_bytes_that_are_no_image(random, tmp_path):
    path = tmp_path / "picture.png"
    for case in [b"", b"\0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"P6 1 1 255\n", b"BM", b"<svg/>"]:
        path.write_bytes(case + random.bytes(random.integers(50)))
        with survived(case):
            images.read_image(path)


def sound(kind, subtype=None, channels=1, rate=22050):
    """A tone of 0.1 s as the bytes of a file."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate // 10) / rate)
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([tone] * channels, -1), rate, subtype, format=kind)
    return buffer.getvalue()


SOUNDS = {
    "wav": sound("WAV"),
    "stereo.wav": sound("WAV", "PCM_24", 2),
    "float.wav": sound("WAV", "FLOAT"),
    "ulaw.wav": sound("WAV", "ULAW"),
    "flac": sound("FLAC"),
    "ogg": sound("OGG"),
    "mp3": sound("MP3"),
    "aiff": sound("AIFF"),
}


@pytest.mark.parametrize("kind", list(SOUNDS))
def test_sounds(kind, random):
    for case in [SOUNDS[kind], *(damaged(random, SOUNDS[kind]) for _ in range(60))]:
        with survived(case):
            samples, rate = audio_files.decode_audio(case, "a file")
            assert samples.dtype == np.float32
            assert samples.ndim == 1 and samples.size
            assert np.isfinite(samples).all() and np.abs(samples).max() <= 1
            assert rate > 0


def test_bytes_that_are_no_sound(random):
    heads = [
        b"",
        b"\0",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"fLaC",
        b"OggS",
        b"ID3",
        b"\xff\xfb",
        b"FORM",
    ]
    for head in heads:
        for length in (0, 1, 50, 5000):
            case = head + random.bytes(length)
            with survived(case):
                audio_files.decode_audio(case, pathlib.Path("a file"))
