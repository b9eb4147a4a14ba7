"""The TFDS builder `cifar100_ad`."""
