"""The adversarial systems at the size of `synthetic_data`."""

SMALL = [
    "log_mel.num_mels=16",
    "log_mel.num_frames=16",
    "log_mel.fft_length=128",
    "adversarial.sound_channels=[4, 6]",
    "adversarial.image_channels=[4, 6]",
    "adversarial.embedding_units=5",
    "adversarial.noise_units=3",
    "spectrogram_inverter.channels=[4]",
    "spectrogram_inverter.hidden_units=[24]",
    "training.inverter.epochs=10",
    "training.adversarial.epochs=4",
    "training.adversarial.batch_size=6",
]


def values_of(networks):
    """The trainable values of each network."""
    return [[v.numpy() for v in network.trainable_variables] for network in networks]


def assert_moved(networks, before, loss):
    """Asserts that the optimisers have moved every weight that can show it."""
    for network, old in zip(networks, before):
        # Spectral normalisation writes the kernels in every call, so there the biases tell, but for
        # the logit's: within the hinge's margin true and made pairs move it as far up as down.
        # Before a batch normalisation a bias cancels out, so there the other weights tell.
        biases_tell = loss == "hinge" and "discriminator" in network.name
        for variable, value in zip(network.trainable_variables, old):
            if ("bias" in variable.path) == biases_tell and "logit/bias" not in variable.path:
                assert (variable.numpy() != value).any(), variable.path
