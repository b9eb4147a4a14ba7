"""Small synthetic data for the tests."""

import contextlib
import dataclasses
import os
import resource
import tempfile

# The tests and the programs that they start see no GPU. Some count on it: those of the error where
# there is none, and of what a CPU multiplies in. It must stand before TensorFlow is imported.
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the programs do
if "PYTEST_XDIST_WORKER" in os.environ:  # one core a worker, and for the programs that it starts
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import numpy as np
import pytest

from mtnet_tf import config as config_lib
from mtnet_tf.config import preset
from mtnet_tf.data.pairs import AudioDescriptions, Pairs, Recordings

AUDIO_LENGTH = 900
TAKES_LONGEST = [
    "tests/experiments/test_strategies.py",
    "tests/training/test_kill_and_resume.py",
    "tests/experiments/test_reproduce.py",
    "tests/metrics/test_scoring_pool.py",
    "tests/training/test_full_size.py",
    "tests/experiments/test_benchmark.py",
    "tests/systems/test_cmcgan.py",
    "tests/training/test_training.py",
    "tests/studies/test_voices.py",
]


def pytest_configure(config):
    """Lets xdist keep the order of the files; its own puts those of one long test last."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """Puts the files that take longest first, so that the workers end at about the same time."""
    places = {name: place for place, name in enumerate(TAKES_LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory):
    """Keeps in pytest's own folder what TensorFlow traces and what killed programs leave."""
    folder = str(tmp_path_factory.mktemp("temporary"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture
def cheap_weights(monkeypatch):
    """Lets kernels start uniformly distributed, with the deviation of the truncated normal.

    Of that a number takes 45 ns, of this a tenth, and networks of full size have 300 million. How
    weights start is tested where this is not asked for.
    """
    random = np.random.default_rng(0)

    def truncated_normal(shape, mean, stddev, dtype, seed):
        values = random.random(shape, np.float32)
        values -= 0.5
        values *= 3 * stddev
        return values

    monkeypatch.setattr("keras.src.backend.random.truncated_normal", truncated_normal)


@pytest.fixture(scope="session")
def tiny_config():
    return make_tiny_config()


def make_tiny_config():
    """`tiny` at the size of `synthetic_data`: seconds become a fraction of one."""
    config = config_lib.override(
        preset("tiny"),
        [
            f"data.audio_length={AUDIO_LENGTH}",
            "data.image_shape=[12, 12, 1]",
            "data.digit_size=8",
            "data.num_classes=3",
            "image_encoder.widths=[4, 6]",
            "image_encoder.pool_after=[1]",
            "image_encoder.feature_units=[16, 16]",
            "audio_autoencoder.hidden_units=[24, 16, 12, 16, 24]",
            "cross_modal_mapper.units=[16, 12]",
            "audio_generator.num_blocks=1",
            "audio_generator.hidden_units=[32]",
            "training.autoencoder.epochs=10",
            "training.max_reconstruction_error=2",  # ten updates teach nothing
            "training.joint.epochs=4",
            "training.joint.batch_size=8",
            "training.log_steps=2",
            "training.checkpoint_secs=0",
        ],
    )
    return dataclasses.replace(config, preset="test")


@pytest.fixture(scope="session")
def synthetic_data():
    return make_synthetic_data()


def make_synthetic_data():
    """30 noisy images of 3 patterns, each paired with a tone whose pitch is its word's.

    As in a data set of several voices and takes, most training pairs use take 0 of voice a, some
    use that of voice b, and the test pairs alone use take 1. The recordings of a word differ, and
    are not in the order of the labels.
    """
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 30).astype(np.int32)
    patterns = random.integers(0, 255, (3, 12, 12, 1))
    images = np.clip(patterns[labels] + random.normal(0, 30, (30, 12, 12, 1)), 0, 255).astype(
        np.uint8
    )
    words = ("zero", "one", "two")
    spoken = [(label, take) for take in ("b_0", "a_1", "a_0") for label in (2, 0, 1)]
    times = np.arange(AUDIO_LENGTH) / 22050
    tones = [
        (0.3 + 0.1 * ("a_1", "b_0", "a_0").index(take))
        * np.sin(2 * np.pi * (300 * (label + 1) * times + 0.1 * (take != "a_0")))
        for label, take in spoken
    ]
    is_test = np.arange(30) >= 24
    takes = np.where(is_test, "a_1", np.where(np.arange(30) % 4 == 1, "b_0", "a_0"))
    recordings = [spoken.index((label, take)) for label, take in zip(labels, takes)]
    pairs = Pairs(
        images,
        labels,
        np.array(recordings, np.int32),
        np.where(takes == "b_0", 1, 0).astype(np.int32),
        np.array([f"image_{i:02d}" for i in range(30)]),
    )
    return AudioDescriptions(
        name="synthetic/many_voices_seen",
        train=pairs.take(np.arange(18)),
        validation=pairs.take(np.arange(18, 24)),
        test=pairs.take(np.arange(24, 30)),
        recordings=Recordings(
            tuple(f"{words[label]}/{take}" for label, take in spoken),
            np.array([label for label, _ in spoken], np.int32),
            np.round(np.stack(tones) * 32767).astype(np.int16),
        ),
        words=words,
        voices=("a", "b"),
        metadata={
            "recordings_fingerprint": "0" * 64,
            "policy": "many_voices_seen",
            "recordings": [],
        },
    )


@pytest.fixture(scope="session")
def three_voices(synthetic_data):
    """The synthetic data with a third voice, which comes between the two in the alphabet.

    It says every other pair of each word that voice a said.
    """
    recordings, pairs = synthetic_data.recordings, synthetic_data.train
    first = [recordings.ids.index(f"{word}/b_0") for word in synthetic_data.words]
    added = dataclasses.replace(
        recordings,
        ids=(*recordings.ids, *(f"{word}/an_0" for word in synthetic_data.words)),
        labels=np.append(recordings.labels, [0, 1, 2]).astype(np.int32),
        waveforms=np.concatenate([recordings.waveforms, recordings.waveforms[first][:, ::-1]]),
    )
    voices = 2 * pairs.voices
    for label in range(3):
        voices[np.flatnonzero((pairs.labels == label) & (pairs.voices == 0))[::2]] = 1
    of_an = len(recordings) + pairs.labels
    pairs = dataclasses.replace(
        pairs,
        voices=voices.astype(np.int32),
        recordings=np.where(voices == 1, of_an, pairs.recordings).astype(np.int32),
    )
    others = {
        split: dataclasses.replace(
            getattr(synthetic_data, split), voices=2 * getattr(synthetic_data, split).voices
        )
        for split in ("validation", "test")
    }
    return dataclasses.replace(
        synthetic_data, train=pairs, **others, recordings=added, voices=("a", "an", "b")
    )


@pytest.fixture(scope="session")
def short_runs(tiny_config, synthetic_data, tmp_path_factory):
    """Run folders of MT-Net and of a row without a softmax layer, trained for some updates.

    Who changes one works on a copy.
    """
    # Here and not above: few tests need them.
    from mtnet_tf import systems
    from mtnet_tf.runs.run_folder import RunFolder
    from mtnet_tf.systems.train import train

    folder = tmp_path_factory.mktemp("short_runs")
    config = config_lib.override(
        tiny_config, ["training.joint.epochs=0.5", "training.autoencoder.epochs=5"]
    )
    for name in ("mtnet", "gen_only"):
        train(systems.configure(name, config), synthetic_data, RunFolder(folder / name), "cpu")
    return folder


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A TFDS data_dir with digits_ad."""
    import data_builders  # here and not above: few tests need it

    path = tmp_path_factory.mktemp("tfds")
    data_builders.open_builder("digits_ad", data_dir=path).download_and_prepare()
    return path


@pytest.fixture(scope="session")
def files_up_to():
    """`files_up_to(num_bytes)` is a context in which no file can grow beyond that."""
    return _files_up_to


@contextlib.contextmanager
def _files_up_to(num_bytes):
    """Lets no file of this process grow beyond `num_bytes`, as a full disk does, for root too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
