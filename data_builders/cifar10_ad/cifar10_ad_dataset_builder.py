"""CIFAR10 AD: CIFAR-10 images paired with the spoken names of their classes."""

from data_builders import audio_description, words


class Builder(audio_description.AudioDescriptionBuilder):
    """50,000 / 10,000 images of TFDS `cifar10`, each with a recording of its class's name."""

    AUDIO_LENGTH = 24020  # 1089 ms (section 4.3)
    WORDS = words.CIFAR10
    IMAGE_SHAPE = (32, 32, 3)
    IMAGES_LICENCE = "CIFAR-10 (Krizhevsky 2009): none stated"
    TFDS_IMAGES = "cifar10"
