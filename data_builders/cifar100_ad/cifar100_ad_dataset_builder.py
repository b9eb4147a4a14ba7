"""CIFAR100 AD: CIFAR-100 images paired with the spoken names of their classes."""

from data_builders import audio_description, words


class Builder(audio_description.AudioDescriptionBuilder):
    """50,000 / 10,000 images of TFDS `cifar100`, each with a recording of its class's name."""

    AUDIO_LENGTH = 29356  # 1331 ms (section 4.3)
    WORDS = words.CIFAR100
    IMAGE_SHAPE = (32, 32, 3)
    IMAGES_LICENCE = "CIFAR-100 (Krizhevsky 2009): none stated"
    TFDS_IMAGES = "cifar100"
