"""The recipe of CMCGAN (Table 4): its text gives no K, weight of the cycles, batch or rates.

The first round, on MNIST AD, trains every change for about the same time, but `batch_16` for two
fifths more: the same images in smaller steps. The second, on CIFAR10 AD, begins with what the first
one chose, and trains for one epoch; the rate that it chose was tried on MNIST AD too. The third
begins with what the second one chose.
"""

from mtnet_tf.studies.changes.change import Change

_ADVERSARIAL = "training.adversarial."
_DISCRIMINATOR_RATE = "training.discriminator_optimizer.learning_rate="

CHANGES = {
    "baseline": Change(
        "`small`: batches of 64, K 1, cycles weigh 10; half an epoch",
        (_ADVERSARIAL + "epochs=0.5",),
        base=None,
    ),
    "cycles_1": Change("cycles weigh 1", ("adversarial.consistency_weight=1",)),
    "cycles_100": Change("cycles weigh 100", ("adversarial.consistency_weight=100",)),
    "k_3": Change(
        "K 3, a fifth of an epoch", ("adversarial.generator_updates=3", _ADVERSARIAL + "epochs=0.2")
    ),
    "batch_32": Change("batches of 32", (_ADVERSARIAL + "batch_size=32",)),
    "batch_16": Change("batches of 16", (_ADVERSARIAL + "batch_size=16",)),
    "batch_16_discriminator_5e-4": Change(
        "a rate of 5e-4 of both sides, not 1e-4 of the discriminator",
        (_DISCRIMINATOR_RATE + "0.0005",),
        base="batch_16",
    ),
    "batch_128": Change("batches of 128", (_ADVERSARIAL + "batch_size=128",)),
    "rate_2e-4": Change(
        "rates 2e-4 of both sides, DCGAN's",
        (
            _ADVERSARIAL + "optimizer.learning_rate=0.0002",
            _DISCRIMINATOR_RATE + "0.0002",
        ),
    ),
    "hinge": Change("hinge loss with spectral normalisation", ("adversarial.loss=hinge",)),
    "epoch": Change(
        "`small`: batches of 16, K 1, cycles weigh 10; one epoch",
        (_ADVERSARIAL + "epochs=1", _ADVERSARIAL + "batch_size=16"),
        base=None,
    ),
    "epoch_discriminator_5e-4": Change(
        "a rate of 5e-4 of both sides, not 1e-4 of the discriminator",
        (_DISCRIMINATOR_RATE + "0.0005",),
        base="epoch",
    ),
    "epoch_hinge": Change(
        "hinge loss with spectral normalisation", ("adversarial.loss=hinge",), base="epoch"
    ),
    "epoch_discriminator_5e-4_hinge": Change(
        "hinge loss with spectral normalisation",
        ("adversarial.loss=hinge",),
        base="epoch_discriminator_5e-4",
    ),
    "epoch_discriminator_5e-4_cycles_1": Change(
        "cycles weigh 1",
        ("adversarial.consistency_weight=1",),
        base="epoch_discriminator_5e-4",
    ),
    "epoch_discriminator_5e-4_batch_8": Change(
        "batches of 8", (_ADVERSARIAL + "batch_size=8",), base="epoch_discriminator_5e-4"
    ),
    "epoch_wide_images": Change(
        "three convolutions of images with 64, 128 and 256 channels, not two with 32 and 64",
        ("adversarial.image_channels=[64,128,256]",),
        base="epoch_discriminator_5e-4",
    ),
    "epoch_mismatched_16": Change(
        "mismatched pairs weigh sixteen times as much as made ones",
        ("adversarial.mismatched_weight=16",),
        base="epoch_discriminator_5e-4",
    ),
    "epoch_mismatched_16_input_noise": Change(
        "2,000 updates of the inverter, with noise of .2 on the spectrograms that it learns from",
        ("training.inverter.epochs=2000", "spectrogram_inverter.input_noise=0.2"),
        base="epoch_mismatched_16",
    ),
}
