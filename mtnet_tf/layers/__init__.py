"""The building blocks that Keras lacks: equations of the paper and fast forms of Keras layers.

Importing this package registers every layer with Keras, so that stored models can be read.
"""

from mtnet_tf.layers.bfloat16 import Conv2D, Conv2DTranspose
from mtnet_tf.layers.blocks import GatedResidualBlock1D
from mtnet_tf.layers.dilated_conv2d import DilatedConv2D
from mtnet_tf.layers.fused_batch_norm import FusedBatchNormalization
from mtnet_tf.layers.gradient_scale import GradientScale
from mtnet_tf.layers.letter_decoder import LetterDecoder
from mtnet_tf.layers.mirror_average import MirrorAverage
from mtnet_tf.layers.spoken_letters import SpokenLetters
from mtnet_tf.layers.standardization import PerImageStandardization

__all__ = [
    "Conv2D",
    "Conv2DTranspose",
    "DilatedConv2D",
    "FusedBatchNormalization",
    "GatedResidualBlock1D",
    "GradientScale",
    "LetterDecoder",
    "MirrorAverage",
    "PerImageStandardization",
    "SpokenLetters",
]
