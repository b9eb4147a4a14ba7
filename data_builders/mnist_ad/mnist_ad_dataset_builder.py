"""MNIST AD: MNIST images paired with spoken digits."""

from data_builders import audio_description, words


class Builder(audio_description.AudioDescriptionBuilder):
    """60,000 / 10,000 images of TFDS `mnist`, each with a recording of its digit."""

    AUDIO_LENGTH = 18140  # 823 ms (section 4.3)
    WORDS = words.DIGITS
    IMAGE_SHAPE = (28, 28, 1)
    IMAGES_LICENCE = "MNIST (LeCun, Cortes, Burges): CC BY-SA 3.0"
    DIGIT_SIZE = 20
    TFDS_IMAGES = "mnist"
