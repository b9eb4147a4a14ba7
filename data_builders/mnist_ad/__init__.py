"""The TFDS builder `mnist_ad`."""
