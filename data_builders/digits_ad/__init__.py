"""The TFDS builder `digits_ad`."""
