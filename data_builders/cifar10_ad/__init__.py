"""The TFDS builder `cifar10_ad`."""
