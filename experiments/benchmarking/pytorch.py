"""The image encoder with a small head in PyTorch, the other framework that a reader may choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import keras
import numpy as np
import torch
from torch import nn

from mtnet_tf.config import Config
from mtnet_tf.runs.cores import num_cores

MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
_AUTOCAST = {"mixed_bfloat16": torch.bfloat16, "mixed_float16": torch.float16}


class _Standardization(nn.Module):
    """Standardisation of each image (Eq. 1)."""

    def forward(self, x: torch.Tensor):
        deviation, mean = torch.std_mean(x, dim=(1, 2, 3), correction=0, keepdim=True)
        return (x - mean) / deviation.clamp_min(x[0].numel() ** -0.5)


class _Block(nn.Module):
    """Transition (Eq. 2) and dilated residual block (Eq. 3)."""

    def __init__(self, channels: int, width: int, dilation: int, config: Config) -> None:
        super().__init__()
        encoder = config.image_encoder
        self.activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[encoder.activation]()

        def norm():
            return nn.BatchNorm2d(width, eps=config.batch_norm.epsilon)

        def conv():
            return nn.Conv2d(width, width, encoder.kernel_size, padding="same", dilation=dilation)

        def residual_norm():
            return [norm()] if encoder.residual_batch_norm else []

        self.transition = nn.Sequential(nn.Conv2d(channels, width, 1), norm(), self.activation)
        self.residual = nn.Sequential(
            conv(), *residual_norm(), self.activation, conv(), *residual_norm()
        )

    def forward(self, x: torch.Tensor):
        x = self.transition(x)
        return self.activation(self.residual(x) + x)


def encoder_with_head(config: Config, model: keras.Model) -> nn.Module:
    """Returns the network of `encoders.encoder_with_head` in PyTorch.

    Args:
        config: of the network.
        model: what `encoders.encoder_with_head` returned, whose weights are copied.
    """
    encoder, channels, blocks = config.image_encoder, config.data.image_shape[-1], []
    if encoder.standardize:
        blocks.append(_Standardization())
    for k, (width, dilation) in enumerate(zip(encoder.widths, encoder.rate_of_each_block()), 1):
        blocks.append(_Block(channels, width, dilation, config))
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


def gradient_step(
    twin: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    memory_format: Literal["contiguous", "channels_last"],
    precision: str,
) -> Callable[[], float]:
    """Returns a function that makes one forward and backward pass of the cross-entropy.

    Args:
        twin: what `encoder_with_head` returned.
        images: uint8 [batch, height, width, channels].
        labels: int [batch].
        memory_format: a key of `MEMORY_FORMATS`.
        precision: `training.precision`. The mixed ones run under autocast.

    Returns:
        A function without arguments that returns the loss. It uses all cores.
    """
    torch.set_num_threads(num_cores())
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
