"""Mutants of layers and networks."""

_STANDARDIZATION = "return tf.image.per_image_standardization(tf.cast(images, tf.float32))"
# Eq. 1 by hand, up to the divisor.
_BY_HAND = """x = tf.cast(images, tf.float32)
        m, v = tf.nn.moments(x, [1, 2, 3], keepdims=True)
        import numpy as np
        return (x - m) / """


MUTANTS = {
    "mtnet_tf/layers/mirror_average.py": (
        ("tests/models/test_models.py",),
        (
            ("        if training:\n", "        if False:\n"),
            ("        if training:\n", "        if True:\n"),
            ("axis=2)", "axis=1)"),
            ("return 0.5 * (outputs", "return 1.0 * (outputs"),
        ),
    ),
    "mtnet_tf/layers/bfloat16.py": (
        ("tests/layers/test_bfloat16.py", "tests/training/test_precision.py"),
        (
            (' or tf.config.get_visible_devices("GPU")', ""),
            (" or _cpu_multiplies_bfloat16()", ""),
            ('    return "float32"\n', "    return dtype\n"),
            ("outputs + bias if outputs.dtype == tf.bfloat16 else ", ""),
            ('"amx_bf16", ', ""),
            (
                "outputs = convolve(transposed, inputs, self.kernel)",
                "outputs = transposed(inputs, self.kernel)",
            ),
            (
                "return convolve(super().convolution_op, inputs",
                "return super().convolution_op(inputs",
            ),
        ),
    ),
    "mtnet_tf/layers/blocks.py": (
        ("tests/models/test_models.py", "tests/layers/test_layers.py"),
        (
            ('"kernel_initializer": "zeros", "bias_init', '"bias_init'),
            (', "bias_initializer": "zeros"}', "}"),
            ("convs[1] = {", "convs[0] = {"),
            ("norms[1] = {", "norms[0] = {"),
            ('"gamma_initializer": "zeros"', '"beta_initializer": "zeros"'),
        ),
    ),
    "mtnet_tf/models/adversarial.py": (
        ("tests/systems/test_adversarial.py", "tests/systems/test_dcmavg.py"),
        (
            ("zeros_like(embedding[:, :1])", "ones_like(embedding[:, :1])"),
            ('if config.adversarial.loss == "hinge" else layer', "if False else layer"),
            ('if judged_by == "hinge" else conv)', "if False else conv)"),
            ("(_normalized(both, config)(x))", "(x)"),
            ('x = layers.Concatenate(dtype="float32", name="joined")([x, repeated])', "pass"),
            ("layers.Rescaling(units**-0.5,", "layers.Rescaling(1.0,"),
            ("_normalized(projection, config)(x)", "projection(x)"),
        ),
    ),
    "mtnet_tf/layers/standardization.py": (
        ("tests/layers/test_layers.py",),
        (
            (_STANDARDIZATION, _BY_HAND + "tf.maximum(tf.sqrt(v), 1e-9)"),
            (
                _STANDARDIZATION,
                _BY_HAND + "tf.maximum(tf.sqrt(v), 1.0 / float(np.prod(x.shape[1:])))",
            ),
        ),
    ),
    "mtnet_tf/models/image_encoder.py": (
        ("tests/models",),
        (
            ("average_flips and config.data.digit_size is None", "average_flips"),
            ("dilation_rate=dilation_rate", "dilation_rate=2"),
            ("zero_init=encoder.residual_zero_init", "zero_init=False"),
            ("kernel_size=encoder.kernel_size", "kernel_size=3"),
            ("if k in encoder.pool_after", "if k + 1 in encoder.pool_after"),
            ("batch_norm if encoder.residual_batch_norm else None", "None"),
            ("dropout_rate=encoder.dropout_rate", "dropout_rate=0.0"),
            ("activation=encoder.feature_activation", 'activation="tanh"'),
            ("if encoder.standardize", "if True"),
        ),
    ),
    "mtnet_tf/models/audio_generator.py": (
        ("tests/models",),
        (
            ("range(1, generator.num_blocks + 1)", "range(1, 4)"),
            ("(-1, generator.channels)", "(-1, 1)"),
            ("generator.kernel_size, generator.dilation_rate", "3, 2"),
            ("dropout_rate=generator.dropout_rate", "dropout_rate=0.0"),
            ('activation="tanh", name="waveform"', 'name="waveform"'),
        ),
    ),
    "mtnet_tf/models/mtnet.py": (
        ("tests/models",),
        (
            ("if config.loss.perceptual_weight is not None", "if True"),
            ("        )(image_feature)\n", "        )(phi)\n"),
            ("for values in (phi, to_generator)", "for values in (phi, phi)"),
            ("for values in (phi, to_generator)", "for values in (to_generator, to_generator)"),
        ),
    ),
    "mtnet_tf/models/voice_conditioning.py": (
        ("tests/models/test_voice_conditioning.py", "tests/training/test_voices.py"),
        (
            ("[phi, scaled, beta])", "[phi, scaled])"),
            ('"phi_and_voice")([phi, embedding])', '"phi_and_voice")([embedding, phi])'),
            ('zeros = {"kernel_initializer": "zeros",', 'zeros = {"kernel_initializer": "ones",'),
        ),
    ),
}
