"""Synthetic pictures and words of the shapes of a configuration, the same ones each time."""

from __future__ import annotations

import numpy as np

from mtnet_tf.config import DataConfig
from mtnet_tf.data import audio
from mtnet_tf.data.pairs import AudioDescriptions, Pairs, Recordings


def synthetic_data(
    config: DataConfig, num_recordings: int | None = None, num_pairs: int = 2048
) -> AudioDescriptions:
    """Returns a data set of noise pictures, all of them for training.

    Args:
        config: image shape, number of classes, L_s and sample rate.
        num_recordings: spread over the classes; by default one a class.
        num_pairs: number of pictures.
    """
    num_recordings = num_recordings or config.num_classes
    names = [f"word_{label}" for label in range(config.num_classes)]
    labels = np.arange(num_recordings, dtype=np.int32) % config.num_classes
    recordings = Recordings(
        ids=tuple(f"{names[label]}/voice_{i}" for i, label in enumerate(labels)),
        labels=labels,
        waveforms=audio.to_int16(synthetic_words(num_recordings, config)),
    )
    random = np.random.default_rng(0)
    used = np.arange(num_pairs, dtype=np.int32) % num_recordings
    train = Pairs(
        images=random.integers(0, 256, (num_pairs, *config.image_shape), dtype=np.uint8),
        labels=labels[used],
        recordings=used,
        voices=np.zeros(num_pairs, np.int32),
        image_ids=np.array([f"image_{i:05d}" for i in range(num_pairs)]),
    )
    none = train.take(np.arange(0))
    return AudioDescriptions(
        name="synthetic/one_recording",
        train=train,
        validation=none,
        test=none,
        recordings=recordings,
        words=tuple(names),
        voices=("voice",),
        metadata={"recordings_fingerprint": "0" * 64, "policy": "one_recording", "recordings": []},
    )


def synthetic_words(count: int, config: DataConfig) -> np.ndarray:
    """Returns words that the metrics can score: 0.3 to 1 s of a buzz in syllables, then silence.

    Args:
        count: number of words.
        config: L_s and sample rate.

    Returns:
        float32 [count, L_s] in [-1, 1].
    """
    random = np.random.default_rng(1)
    words = np.zeros([count, config.audio_length], np.float32)
    for word in words:
        num_samples = min(int(random.uniform(0.3, 1.0) * config.sample_rate), len(word))
        times = np.arange(num_samples) / config.sample_rate
        pitch, syllables = random.uniform(90, 250), random.uniform(3, 6)
        buzz = sum(np.sin(2 * np.pi * pitch * k * times + k * k) / k for k in range(1, 16))
        buzz += 0.2 * random.normal(size=num_samples)
        buzz *= np.sin(np.pi * syllables * times) ** 2
        word[:num_samples] = 0.9 * buzz / np.abs(buzz).max()
    return words
