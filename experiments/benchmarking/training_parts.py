"""The training step and its parts: one function a part, which returns figures ready for JSON."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib.metadata import version

import keras
import numpy as np
import tensorflow as tf

from experiments.benchmarking import encoders
from experiments.benchmarking.setting import Setting
from experiments.benchmarking.synthetic import synthetic_data, synthetic_words
from experiments.benchmarking.throughput import step_figures
from experiments.benchmarking.timing import (
    by_turns,
    rates,
    seconds_per_call,
    significant,
    speed_ratio,
)
from mtnet_tf import losses
from mtnet_tf.errors import InputError, install
from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.models.audio_generator import build_audio_generator
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.models.tracing import traced
from mtnet_tf.training.stage import Stage
from mtnet_tf.training.stages.autoencoder import AutoencoderStage
from mtnet_tf.training.stages.joint import JointStage

# Those of CIFAR100 AD. The pairs count where an epoch of stage 1 goes through them.
_AUTOENCODER_RECORDINGS = 100
_AUTOENCODER_PAIRS = 50_000


def train_step(setting: Setting) -> dict:
    """Measures the whole step of the joint stage: input, forward, losses, backward and update."""
    stage = _joint_stage(setting)
    stream = _endless(stage)
    return step_figures(
        setting, functools.partial(_step, stage, stream), stage.model, stage.batch_size
    )


def num_pairs(setting: Setting) -> dict:
    """Measures the whole step with a data set of 60,000 pairs by turns with one of 1,000.

    An image should cost the same in both.
    """
    stages = {str(count): _joint_stage(setting, count) for count in (1_000, 60_000)}
    streams = {name: _endless(stage) for name, stage in stages.items()}
    calls = {name: functools.partial(_step, stages[name], streams[name]) for name in stages}
    seconds = by_turns(calls, setting.seconds)
    batch_size = setting.batch_size
    return {
        "batch_size": batch_size,
        **{name: rates(seconds[name], batch_size, "images") for name in calls},
        **speed_ratio(seconds["60000"], seconds["1000"]),
    }


def encoder(setting: Setting) -> dict:
    """Measures forward and backward of the encoder with a small head, without any update."""
    model, step = _encoder_step(setting)
    return step_figures(setting, step, model, setting.batch_size)


def plain_keras(setting: Setting) -> dict:
    """Measures the encoder by turns with plain Keras layers in float32.

    The figures also say how far apart the losses and the gradients are.
    """
    model, ours = _encoder_step(setting)
    plain = encoders.gradient_step(encoders.of_plain_keras(model), *_images_and_labels(setting))
    (loss, gradients), (plain_loss, plain_gradients) = ours(), plain()
    seconds = by_turns({"ours": ours, "plain": plain}, setting.seconds)
    return {
        "batch_size": setting.batch_size,
        "ours": rates(seconds["ours"], setting.batch_size, "images"),
        "plain_keras_float32": rates(seconds["plain"], setting.batch_size, "images"),
        **speed_ratio(seconds["ours"], seconds["plain"]),
        "loss": [float(loss), float(plain_loss)],
        "relative_distance_of_gradients": encoders.relative_distance(gradients, plain_gradients),
    }


def pytorch(setting: Setting) -> dict:
    """Measures the encoder by turns with PyTorch in the same precision, in both memory formats.

    The figures also have the losses.
    """
    try:
        from experiments.benchmarking import pytorch
    except ImportError as error:
        return {"left_out": f"PyTorch is missing ({error}). {install('pytorch')}"}
    if setting.device != "cpu":
        return {"left_out": "The comparison with PyTorch is one on CPUs."}
    model, ours = _encoder_step(setting)
    images, labels = _images_and_labels(setting)
    theirs = {
        memory_format: pytorch.gradient_step(
            pytorch.encoder_with_head(setting.config, model),
            images,
            labels,
            memory_format,
            setting.config.training.precision,
        )
        for memory_format in pytorch.MEMORY_FORMATS
    }
    loss = [float(ours()[0]), *(step() for step in theirs.values())]
    seconds = by_turns({"ours": ours, **theirs}, setting.seconds)
    best = min(theirs, key=lambda name: np.median(seconds[name]))
    return {
        "batch_size": setting.batch_size,
        "version": version("torch"),
        **{name: rates(seconds[name], setting.batch_size, "images") for name in seconds},
        "against": best,
        **speed_ratio(seconds["ours"], seconds[best]),
        "loss": loss,
    }


def interleaved(setting: Setting) -> dict:
    """Measures the encoder by turns with its interleaved form (`encoders.interleaved`)."""
    model, native = _encoder_step(setting)
    try:
        twin = encoders.interleaved(model, setting.config)
    except InputError as error:
        return {"left_out": str(error)}
    jit_compile = setting.config.training.jit_compile
    other = encoders.gradient_step(twin, *_images_and_labels(setting), jit_compile)
    seconds = by_turns({"native": native, "interleaved": other}, setting.seconds)
    return {
        "batch_size": setting.batch_size,
        "native": rates(seconds["native"], setting.batch_size, "images"),
        "interleaved": rates(seconds["interleaved"], setting.batch_size, "images"),
        **speed_ratio(seconds["native"], seconds["interleaved"]),
    }


def generator(setting: Setting) -> dict:
    """Measures forward and backward of the audio generator and its loss."""
    config = setting.config
    keras.utils.set_random_seed(config.training.seed)
    model = build_audio_generator(config)
    representation = tf.random.stateless_uniform(
        [setting.batch_size, *model.input_shape[1:]], [0, 0], -1.0, 1.0
    )
    audio = tf.constant(synthetic_words(setting.batch_size, config.data))

    @functools.partial(traced, jit_compile=config.training.jit_compile or None)
    def step(representation: tf.Tensor, audio: tf.Tensor):
        with tf.GradientTape() as tape:
            tape.watch(representation)
            loss = losses.generation_loss(
                audio, model(representation, training=True), config.loss.generation
            )
        return tape.gradient(loss, [representation, *model.trainable_variables])

    return step_figures(setting, lambda: step(representation, audio), model, setting.batch_size)


def autoencoder_stage(setting: Setting) -> dict:
    """Measures a step of stage 1, and estimates the time of the stage for CIFAR100 AD."""
    config = setting.config
    keras.utils.set_random_seed(config.training.seed)
    model = build_audio_autoencoder(config)
    data = synthetic_data(config.data, _AUTOENCODER_RECORDINGS, _AUTOENCODER_PAIRS)
    stage = AutoencoderStage(model, config, data)
    stream = _endless(stage)
    figures = step_figures(
        setting,
        functools.partial(_step, stage, stream),
        model,
        stage.batch_size,
        unit="recordings",
    )
    return {
        **figures,
        "num_recordings": _AUTOENCODER_RECORDINGS,
        "num_pairs": _AUTOENCODER_PAIRS,
        "num_steps": stage.num_steps,
        "estimated_seconds": significant(stage.num_steps * figures["seconds_per_step"]),
    }


def batches(setting: Setting) -> dict:
    """Measures the batches of the joint stage alone."""
    stream = _endless(_joint_stage(setting))
    seconds = seconds_per_call(lambda: next(stream), setting.seconds)
    return {"batch_size": setting.batch_size, **rates(seconds, setting.batch_size, "images")}


def _joint_stage(setting: Setting, num_pairs: int = 2048):
    config = setting.config
    data = synthetic_data(config.data, num_pairs=num_pairs)
    features = None
    if config.loss.representation_weight is not None:
        size = len(data.recordings), config.cross_modal_mapper.units[-1]
        features = np.random.default_rng(2).uniform(-1, 1, size).astype(np.float32)
    keras.utils.set_random_seed(config.training.seed)
    return JointStage(build_mtnet(config), config, data, features)


def _step(stage: Stage, stream: Iterator):
    stage.train_step(next(stream))


def _endless(stage: Stage):
    while True:
        yield from stage.batches(0)


def _encoder_step(setting: Setting):
    keras.utils.set_random_seed(setting.config.training.seed)
    model = encoders.encoder_with_head(setting.config)
    jit_compile = setting.config.training.jit_compile
    return model, encoders.gradient_step(model, *_images_and_labels(setting), jit_compile)


def _images_and_labels(setting: Setting):
    random = np.random.default_rng(0)
    images = random.integers(
        0, 256, (setting.batch_size, *setting.config.data.image_shape), dtype=np.uint8
    )
    return images, random.integers(0, 10, setting.batch_size, dtype=np.int32)
