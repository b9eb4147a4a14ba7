"""The rows of Table 3 (ablation analysis, section 4.4) as functions config -> config."""

from __future__ import annotations

import dataclasses

from mtnet_tf.config import Config, ConfigError


def gen_only(config: Config) -> Config:
    """Meth.(L_gen): the generation loss alone; no classifier head, no audio feature."""
    loss = dataclasses.replace(config.loss, perceptual_weight=None, representation_weight=None)
    return dataclasses.replace(config, system="gen_only", loss=loss)


def gen_rep(config: Config) -> Config:
    """Meth.(L_gen + L_rep): Eq. 11 without the perceptual term; no classifier head."""
    loss = dataclasses.replace(config.loss, perceptual_weight=None)
    return dataclasses.replace(config, system="gen_rep", loss=loss)


def no_holes(config: Config) -> Config:
    """Proposed(hole): the network with kernels *without* holes, in the 2D and in the 1D blocks."""
    return dataclasses.replace(
        config,
        system="no_holes",
        image_encoder=dataclasses.replace(config.image_encoder, dilation_rate=1),
        audio_generator=dataclasses.replace(config.audio_generator, dilation_rate=1),
    )


def autoencoder(config: Config) -> Config:
    """Proposed(autoencoder): a fresh stack of the autoencoder's decoder shape, trained jointly, as the generator."""
    generator = dataclasses.replace(config.audio_generator, kind="autoencoder_decoder")
    return dataclasses.replace(config, system="autoencoder", audio_generator=generator)


def mtnet(config: Config) -> Config:
    """MT-Net: the network as proposed."""
    return dataclasses.replace(config, system="mtnet")


# In the order of Table 3.
VARIANTS = {f.__name__: f for f in (gen_only, gen_rep, no_holes, autoencoder, mtnet)}


def apply(name: str, config: Config) -> Config:
    """Returns `config` changed to the variant `name`. Raises ConfigError for a name that is none of `VARIANTS`."""
    if name not in VARIANTS:
        raise ConfigError(f"There is no variant {name!r}. The variants are: {', '.join(VARIANTS)}.")
    return VARIANTS[name](config)
