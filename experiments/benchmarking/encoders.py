"""The image encoder with a small head, made of this project's layers and of plain Keras layers."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.config import Config
from mtnet_tf.errors import InputError
from mtnet_tf.models.image_encoder import build_image_encoder
from mtnet_tf.models.tracing import traced

_NUM_CLASSES = 10


def encoder_with_head(config: Config) -> keras.Model:
    """Returns the encoder up to its global average with an FC layer of ten classes on it.

    Input: uint8 [batch, height, width, channels]. Output: logits, float32 [batch, 10].
    """
    encoder = build_image_encoder(config)
    average = encoder.get_layer("global_average").output
    logits = keras.layers.Dense(_NUM_CLASSES, dtype="float32", name="head")(average)
    return keras.Model(encoder.input, logits, name="encoder_with_head")


def of_plain_keras(model: keras.Model) -> keras.Model:
    """Returns the same network with the same weights, made of Keras' own layers.

    A layer that is a faster form of a Keras layer becomes that Keras layer. The network computes in
    float32, whatever the precision of `model`.
    """

    def plain(layer: keras.layers.Layer):
        (base, *_) = [c for c in type(layer).__mro__ if c.__module__.startswith("keras.")]
        if base is keras.layers.Layer:  # a layer that Keras does not have
            base = type(layer)
        return base.from_config({**layer.get_config(), "dtype": "float32"})

    twin = keras.models.clone_model(model, clone_function=plain)
    twin.set_weights(model.get_weights())
    return twin


def interleaved(model: keras.Model, config: Config) -> keras.Model:
    """Returns the network of `encoder_with_head` without dilated convolutions.

    It has the same weights. With a dilation rate of 2 and no pooling, pixels of different parity
    meet in the global average alone. So the image is split once into its four interleaved images of
    half the resolution, which go through the network with a dilation rate of 1.

    Raises:
        InputError: the encoder has another dilation rate or pooling, or a side of the image is odd.
    """
    encoder, (height, width, channels) = config.image_encoder, config.data.image_shape
    if set(encoder.dilation_rates) != {2} or encoder.pool_after or height % 2 or width % 2:
        raise InputError(
            "The interleaved form is for an encoder with a dilation rate of 2, without pooling, on"
            f" an image of even height and width. Received: {encoder},"
            f" image_shape={config.data.image_shape}."
        )
    half = dataclasses.replace(
        config,
        # A digit that fits into the whole image need not fit into a quarter of it.
        data=dataclasses.replace(
            config.data, image_shape=(height // 2, width // 2, channels), digit_size=None
        ),
        image_encoder=dataclasses.replace(encoder, dilation_rates=(1,)),
    )
    built = build_image_encoder(half)
    features = keras.Model(built.layers[1].output, built.get_layer("global_average").output)
    x = type(model.layers[1]).from_config(model.layers[1].get_config())(model.input)
    # [batch, h, 2, w, 2, c] -> [2, 2, batch, h, w, c]: the four images of an image.
    x = keras.ops.reshape(x, [-1, height // 2, 2, width // 2, 2, channels])
    x = keras.ops.reshape(
        keras.ops.transpose(x, [2, 4, 0, 1, 3, 5]), [-1, height // 2, width // 2, channels]
    )
    x = keras.ops.mean(keras.ops.reshape(features(x), [4, -1, encoder.widths[-1]]), axis=0)
    twin = keras.Model(
        model.input, keras.layers.Dense(_NUM_CLASSES, dtype="float32", name="head")(x)
    )
    twin.set_weights(model.get_weights())
    return twin


def gradient_step(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, jit_compile: bool = False
) -> Callable[[], tuple[tf.Tensor, list[tf.Tensor]]]:
    """Returns a function that makes one forward and backward pass of the cross-entropy.

    Args:
        model: from images to logits.
        images: uint8 [batch, height, width, channels].
        labels: int32 [batch].
        jit_compile: whether the pass is compiled with XLA.

    Returns:
        A function without arguments that returns the loss and the gradients of the weights.
    """

    @functools.partial(traced, jit_compile=jit_compile or None)
    def step(images: tf.Tensor, labels: tf.Tensor):
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            )
        return loss, tape.gradient(loss, model.trainable_variables)

    images, labels = tf.constant(images), tf.constant(labels)
    return lambda: step(images, labels)


def relative_distance(gradients: Sequence, reference: Sequence) -> float:
    """Returns the norm of the difference of two lists of gradients over that of the reference."""
    flat, reference = (
        np.concatenate([np.ravel(gradient).astype(np.float64) for gradient in each])
        for each in (gradients, reference)
    )
    return float(np.linalg.norm(flat - reference) / np.linalg.norm(reference))
