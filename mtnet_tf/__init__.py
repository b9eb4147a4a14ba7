"""MT-Net: audio description from image by a modal translation network (TensorFlow 2 / Keras)."""

__version__ = "0.1.0"
