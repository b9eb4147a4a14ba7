"""Mutants of the rows and controls of the tables."""

MUTANTS = {
    "mtnet_tf/systems/controls.py": (
        ("tests/evaluation/test_scoring.py",),
        (
            ("(recordings[np.unique(data.train.recordings)])", "(recordings)"),
            ("drawn_number(_SEED, i) % _NUM_NOISES", "0"),
            (
                "(uses @ data.recordings.float_waveforms())",
                "data.recordings.float_waveforms().mean(0)",
            ),
            (
                "1 + drawn_number(_SEED, i) % (num_words - 1)",
                "drawn_number(_SEED, i) % num_words",
            ),
            ("1 + drawn_number(_SEED, i) % (num_words - 1)", "1"),
            ("predicted[i], -1) for i in pairs.image_ids", "w, -1) for w in predicted.values()"),
            ("found[:, None] < 0", "found[:, None] < -1"),
            (
                "lambda pairs: say(pairs, pairs.labels)",
                "lambda pairs: say(pairs, 0 * pairs.labels)",
            ),
            ('"voice" not in network.input', "True"),
            ("of_voice[pairs.voices, labels]", "of_voice[0, labels]"),
        ),
    ),
    "mtnet_tf/systems/registry.py": (
        ("tests/systems/test_registry.py",),
        (
            (
                "other.name == system.name or (same_table and other.label == system.label)",
                "other.name == system.name",
            ),
            (
                "other.name == system.name or (same_table and other.label == system.label)",
                "same_table and other.label == system.label",
            ),
            ("set(other.tables) & set(system.tables)", "True"),
            ("if table in system.tables", "if True"),
            (", system=name)", ")"),
            ("if names.count(name) > 1", "if False"),
        ),
    ),
    "mtnet_tf/systems/speech_controls.py": (
        ("tests/systems/test_system_controls.py",),
        (
            ("Piper(length_scale=1.0)", "Piper()"),
            ("predicted[image_id] for image_id in pairs.image_ids", "'' for _ in pairs.image_ids"),
        ),
    ),
    "mtnet_tf/systems/inverter_controls.py": (
        ("tests/systems/test_system_controls.py",),
        (("log_mel.spectrograms(context", "log_mel.spectrograms(0.5 * context"),),
    ),
    "mtnet_tf/systems/system.py": (
        ("tests/systems/test_registry.py", "tests/runs/test_networks.py"),
        (
            ("if not _NAME.fullmatch(self.name)", "if not _NAME.match(self.name)"),
            ("if not self.label or not self.tables", "if not self.label"),
            (" or isinstance(self.tables, str)", ""),
            ("self.build(config.in_float32())", "self.build(config)"),
        ),
    ),
    "mtnet_tf/systems/mtnet.py": (
        ("tests/config/test_config.py", "tests/models/test_models.py"),
        (
            ("config.loss.without_audio_feature()", "config.loss"),
            ("perceptual_weight=None, ", ""),
            (', generation_target="true_word"', ""),
            (
                "dataclasses.replace(config.image_encoder, dilation_rates=(1,))",
                "config.image_encoder",
            ),
            (
                "dataclasses.replace(config.audio_generator, dilation_rate=1)",
                "config.audio_generator",
            ),
            ('kind="autoencoder_decoder"', 'kind="gated_residual"'),
        ),
    ),
}
