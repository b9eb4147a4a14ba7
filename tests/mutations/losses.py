"""Mutants of Equations 6 to 9 and of the adversarial losses."""

MUTANTS = {
    "mtnet_tf/losses.py": (
        ("tests/test_losses.py", "tests/training/test_stages.py"),
        (
            (
                "(loss)\n    return tf.nn.compute_average_loss(loss)",
                "(loss)\n    return tf.reduce_sum(loss)",
            ),
            ("        return tf.reduce_sum(loss)\n", "        return tf.reduce_mean(loss)\n"),
            ("compute_average_loss(1.0 - tf.reduce_sum", "compute_average_loss(-tf.reduce_sum"),
            ("(audio_feature - representation))", "(audio_feature + representation))"),
            ("representation = tf.math.l2_normalize(representation, axis=-1)", "pass"),
            ("tf.minimum(magnitude, threshold)", "tf.minimum(magnitude, 1.0)"),
            ("(magnitude - 0.5 * clipped) / threshold", "(magnitude - 0.5 * clipped)"),
            ("(1.0 - label_smoothing) * loss + label", "loss + label"),
            ("power + _SILENT_POWER", "power"),
            ("tf.abs(true - generated) + tf.abs(tf", "tf.abs(tf"),
            ("window // 4, pad_end=True", "window // 2, pad_end=True"),
            ('generation("audio_feature_waveform")', 'generation("waveform")'),
            ('forms["audio_feature_generation"] = config.generation', "pass"),
            ("magnitude - 0.5 * clipped", "magnitude - clipped"),
            ('if form == "mean_smooth_l1" else tf.reduce_sum', "if form else tf.reduce_sum"),
            ("squared_error = weights * tf", "squared_error = tf"),
            ("else 0.5 * tf.nn.compute_average_loss", "else tf.nn.compute_average_loss"),
            ('endswith("kernel")', 'endswith(("kernel", "bias"))'),
            ("return 2.0 * tf.nn.scale", "return tf.nn.scale"),
            ('"generation": config.generation_weight', '"generation": 1.0'),
            ('"perceptual": config.perceptual_weight', '"perceptual": config.generation_weight'),
            ('"decay": config.decay_weight or None', '"decay": config.reconstruction_decay_weight'),
            (
                'outputs["logits"], config.perceptual, config.label_smoothing',
                'outputs["logits"], label_smoothing=config.label_smoothing',
            ),
            (", config.label_smoothing\n", "\n"),
            (
                'outputs["cross_modal_representation"], config.representation',
                'outputs["cross_modal_representation"]',
            ),
            (
                "config.generation, config.smooth_l1_threshold",
                "threshold=config.smooth_l1_threshold",
            ),
            ("config.generation, config.smooth_l1_threshold", "config.generation"),
            ("weights, config.reconstruction)", "weights)"),
            ('"decay": config.reconstruction_decay_weight})', '"decay": config.decay_weight})'),
            ('"normalized_squared_error", "sum_squared_error")', '"sum_squared_error",)'),
        ),
    ),
    "mtnet_tf/adversarial_losses.py": (
        ("tests/test_adversarial_losses.py",),
        (
            ("sum(weights) * true(-right)", "len(weights) * true(-right)"),
            ("[mismatched_weight] * len(mismatched)", "[1.0] * len(mismatched)"),
            ("return 0.5 * tf.nn.compute_average_loss(loss)", "return tf.reduce_mean(loss)"),
            ("tf.nn.relu(1.0 + x)", "tf.nn.relu(x)"),
            ("tf.abs(true - again)", "tf.square(true - again)"),
        ),
    ),
}
