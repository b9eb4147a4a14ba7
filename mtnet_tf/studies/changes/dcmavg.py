"""The recipe of DCMAVG (Table 4) on a data set of many words.

With `small`'s settings it tells 99 % of the words of MNIST AD, and 5 % of those of CIFAR100 AD. The
changes are tried there, after a short training of the image classifier.
"""

from mtnet_tf.studies.changes.change import Change

_ADVERSARIAL = "training.adversarial."
_DISCRIMINATOR = "training.discriminator_optimizer.learning_rate=0.0005"

CHANGES = {
    "baseline": Change(
        "`small`: batches of 64, a rate of 1e-4 of the discriminator, 500 updates of the inverter;"
        " three epochs of the classifier and of the adversarial stage, which learns the true words",
        ("training.joint.epochs=3", _ADVERSARIAL + "epochs=3", "loss.generation_target=true_word"),
        base=None,
    ),
    "batch_16": Change("batches of 16", (_ADVERSARIAL + "batch_size=16",)),
    "batch_16_discriminator_5e-4": Change(
        "batches of 16, a rate of 5e-4 of both sides",
        (_ADVERSARIAL + "batch_size=16", _DISCRIMINATOR),
    ),
    "batch_16_hinge": Change(
        "hinge loss with spectral normalisation", ("adversarial.loss=hinge",), base="batch_16"
    ),
    "batch_16_updates_3": Change(
        "three updates of the generator for one of the discriminator",
        ("adversarial.generator_updates=3",),
        base="batch_16",
    ),
    "named_words": Change(
        "the generator learns the words that the classifier names",
        ("loss.generation_target=softmax_word",),
        base="batch_16_updates_3",
    ),
    "named_words_discriminator_5e-4": Change(
        "a rate of 5e-4 of both sides", (_DISCRIMINATOR,), base="named_words"
    ),
    "named_words_projection": Change(
        "a discriminator that joins sound and embedding by projection",
        ("adversarial.conditioning=projection",),
        base="named_words",
    ),
    "named_words_projection_input_noise": Change(
        "2,000 updates of the inverter, with noise of .2 on the spectrograms that it learns from",
        ("training.inverter.epochs=2000", "spectrogram_inverter.input_noise=0.2"),
        base="named_words_projection",
    ),
    "inverter_2000": Change("2,000 updates of the inverter", ("training.inverter.epochs=2000",)),
}
