"""The image encoder under a small head in PyTorch, where that is installed: the other framework that a reader may choose."""

from __future__ import annotations

import os

import keras
import numpy as np
import torch
from torch import nn

from mtnet_tf.config import Config

MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
_AUTOCAST = {"mixed_bfloat16": torch.bfloat16, "mixed_float16": torch.float16}


class _Standardization(nn.Module):
    """Eq. 1."""

    def forward(self, x):
        deviation, mean = torch.std_mean(x, dim=(1, 2, 3), correction=0, keepdim=True)
        return (x - mean) / deviation.clamp_min(x[0].numel() ** -0.5)


class _Block(nn.Module):
    """Transition (Eq. 2) and residual block with holes (Eq. 3)."""

    def __init__(self, channels, width, config: Config):
        super().__init__()
        encoder = config.image_encoder
        self.activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[encoder.activation]()

        def norm():
            return nn.BatchNorm2d(width, eps=config.batch_norm.epsilon)

        def conv():
            return nn.Conv2d(
                width, width, encoder.kernel_size, padding="same", dilation=encoder.dilation_rate
            )

        def residual_norm():
            return [norm()] if encoder.residual_batch_norm else []

        self.transition = nn.Sequential(nn.Conv2d(channels, width, 1), norm(), self.activation)
        self.residual = nn.Sequential(
            conv(), *residual_norm(), self.activation, conv(), *residual_norm()
        )

    def forward(self, x):
        x = self.transition(x)
        return self.activation(self.residual(x) + x)


def encoder_with_head(config: Config, model: keras.Model) -> nn.Module:
    """Returns image -> logits: `encoders.encoder_with_head` in PyTorch, with the weights of `model`."""
    encoder, channels, blocks = config.image_encoder, config.data.image_shape[-1], []
    if encoder.standardize:
        blocks.append(_Standardization())
    for k, width in enumerate(encoder.widths, 1):
        blocks.append(_Block(channels, width, config))
        if k in encoder.pool_after:
            blocks.append(nn.MaxPool2d(2))
        channels = width
    head = nn.Linear(channels, model.output_shape[-1])
    twin = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    ours = [weight.numpy() for weight in model.trainable_weights]
    with torch.no_grad():
        for theirs, weight in zip(twin.parameters(), ours, strict=True):
            # Keras has the channels out last.
            order = {4: (3, 2, 0, 1), 2: (1, 0)}.get(weight.ndim, (0,))
            theirs.copy_(torch.from_numpy(np.ascontiguousarray(weight.transpose(order))))
    return twin


def gradient_step(twin: nn.Module, images, labels, memory_format: str, precision: str):
    """Returns a function () -> loss as float: one forward and backward pass of the cross-entropy on all cores.

    Args:
        twin: see `encoder_with_head`.
        images: uint8 [batch, height, width, channels].
        labels: int [batch].
        memory_format: of `MEMORY_FORMATS`.
        precision: of the configuration; what is not float32 runs under autocast.
    """
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    layout = MEMORY_FORMATS[memory_format]
    twin = twin.to(memory_format=layout)
    images = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    images, labels = images.to(memory_format=layout), torch.from_numpy(labels.astype(np.int64))
    dtype = _AUTOCAST.get(precision)

    def step():
        twin.zero_grad()
        with torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None):
            logits = twin(images.float())
        loss = nn.functional.cross_entropy(logits.float(), labels)
        loss.backward()
        return loss.item()

    return step
