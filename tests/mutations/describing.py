"""Mutants of what speaks a picture and of what is exported."""

MUTANTS = {
    "mtnet_tf/describe.py": (
        ("tests/test_describe.py",),
        (
            ("np.float64) / calibration.temperature", "np.float64)"),
            ("probability >= self.threshold", "probability < self.threshold"),
            ("np.argsort(-probabilities", "np.argsort(probabilities"),
        ),
    ),
    "mtnet_tf/exporting/network.py": (
        ("tests/exporting/test_export.py",),
        (
            ('outputs["logits"] / self._calibration.temperature', 'outputs["logits"]'),
            ("tf.nn.softmax(logits)", "logits"),
        ),
    ),
    "mtnet_tf/exporting/export.py": (
        ("tests/exporting/test_export.py",),
        (
            ("np.max(list(differences.values()))", "max(differences.values())"),
            ("if not worst <= _TOLERANCES[quantize]", "if worst > _TOLERANCES[quantize]"),
            ("and not saved_model.is_written(path)", "and False"),
        ),
    ),
}
