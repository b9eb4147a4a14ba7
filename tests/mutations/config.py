"""Mutants of the presets and of the configurations made of them."""

MUTANTS = {
    "mtnet_tf/config/presets.py": (
        ("tests/config/test_presets.py",),
        (
            ('        schedule="constant",\n', ""),
            ("batch_norm=BatchNormConfig(momentum=0.5)", "batch_norm=BatchNormConfig()"),
            ('autoencoder_epoch="pairs"', 'autoencoder_epoch="recordings"'),
            ("validation_fraction=0.0,", "validation_fraction=0.05,"),
            ('optimizer=adam, sampling="contiguous_slices"', "optimizer=adam"),
            ("feature_layer=4", "feature_layer=3"),
            ("num_blocks=2, dropout_rate=0.4", "num_blocks=3, dropout_rate=0.4"),
            ("kernel_scale=0.1, bias=0.01", "kernel_scale=0.1"),
            ("representation_weight=0.1", "representation_weight=1.0"),
            ("CrossModalMapperConfig(dropout_rate=0.4)", "CrossModalMapperConfig()"),
        ),
    ),
    "mtnet_tf/config/training.py": (
        ("tests/config/test_presets.py", "tests/config/test_config.py"),
        (
            (", audio_feature_weight=None", ""),
            ("decay_weight: LossWeight = 0.8 * 0.0005", "decay_weight: LossWeight = 0.8"),
            (
                "reconstruction_decay_weight: LossWeight = 0.0005",
                "reconstruction_decay_weight: LossWeight = 0.005",
            ),
            ('"constant"] = "cosine"', '"constant"] = "constant"'),
            ("StageConfig(batch_size=64, epochs=50)", "StageConfig(batch_size=64, epochs=5)"),
            (
                "autoencoder: StageConfig = StageConfig(batch_size=100, epochs=500)",
                "autoencoder: StageConfig = StageConfig(batch_size=100, epochs=50)",
            ),
            ("momentum: Fraction = 0.9\n", "momentum: Fraction = 0.0\n"),
            ("rho: Fraction = 0.99\n", "rho: Fraction = 0.9\n"),
            ("Range(least=0, most=1e6)] = 1.0", "Range(least=0, most=1e6)] = 0.0"),
        ),
    ),
    "mtnet_tf/config/networks.py": (
        ("tests/config/test_presets.py",),
        (("Range(least=0, most=32)] = 3", "Range(least=0, most=32)] = 2"),),
    ),
    "mtnet_tf/config/fields.py": (
        ("tests/models/test_voice_conditioning.py", "tests/training/test_voices.py"),
        (("and self.data.num_voices > 1", ""),),
    ),
    "mtnet_tf/config/new_voice.py": (
        ("tests/training/test_new_voice.py",),
        (
            ("config.loss.without_audio_feature()", "config.loss"),
            ('generation_target="true_word"', 'generation_target="softmax_word"'),
            ("if not config.depends_on_voice:", "if False:"),
            ("frozen=tuple(frozen)", "frozen=()"),
        ),
    ),
}
