"""Mutants of pairing, loading, batches, augmentation and spectrograms."""

MUTANTS = {
    "mtnet_tf/data/pairs.py": (
        (
            "tests/data/test_data.py",
            "tests/evaluation/test_scoring.py",
            "tests/training/test_stages.py",
        ),
        (
            ("np.arange(count) * len(self) // count", "np.arange(count)"),
            ("bincount(self.train.recordings", "bincount(self.test.recordings"),
            ("(used,) = np.nonzero(uses)", "used = np.arange(len(uses))"),
            ("(uses[used] / uses[used].mean())", "np.ones(len(used))"),
            ("uses[used] / uses[used].mean()", "uses[used] / uses[used].sum()"),
            ("[*np.unique(self.train.recordings), *range", "[*range"),
            ("*range(len(self.recordings))]", "]"),
            ("np.where(heard < 0, self.first_recordings(), heard)", "heard"),
            (
                "np.full([len(self.voices), len(self.words)], -1)",
                "np.tile(self.first_recordings(), [len(self.voices), 1])",
            ),
        ),
    ),
    "mtnet_tf/data/draws.py": (
        ("tests/data_builders/test_pairing.py", "tests/data/test_draws.py"),
        (
            ('f"{seed}/{name}"', 'f"{name}"'),
            ('f"{seed}/{name}"', 'f"{seed}"'),
            ('"little"', '"big"'),
        ),
    ),
    "data_builders/pairing.py": (
        ("tests/data_builders/test_pairing.py",),
        (("_TEST_FRACTION = 0.2", "_TEST_FRACTION = 0.1"),),
    ),
    "mtnet_tf/data/loading.py": (
        ("tests/data/test_data.py", "tests/data/test_prepared.py"),
        (
            ("default_rng(config.validation_seed)", "default_rng(0)"),
            ("round(config.validation_fraction * len(order))", "round(0.05 * len(order))"),
            ("order[num_validation:]", "order[:]"),
            ("test=test", "test=train"),
            (
                'order = np.argsort(columns["image_id"])',
                'order = np.arange(len(columns["image_id"]))',
            ),
            ('batch["audio"][row], dataset, number', 'batch["audio"][0], dataset, number'),
            ("len(found) > len(waveform)", "False"),
        ),
    ),
    "mtnet_tf/data/batches.py": (
        ("tests/data/test_data.py", "tests/data/test_augmentation.py"),
        (
            ("default_rng([seed, epoch])", "default_rng([seed, 0])"),
            (
                "default_rng([seed, step]).integers(num_starts)",
                "default_rng([seed, step]).integers(size)",
            ),
            ("max(size - batch_size, 0) + 1", "max(size - batch_size, 1)"),
            ("for part in parts:", "for part in range(len(parts)):"),
            ("(step + 1) * batch_size) // size", "(step + 1) * batch_size) // batch_size"),
            (
                "values[part] for name, values in split",
                "split['row'][part] if name == 'row' else values[0] for name, values in split",
            ),
        ),
    ),
    "mtnet_tf/data/augmentation.py": (
        ("tests/data/test_augmentation.py",),
        (
            ("alternating_flip and config.data.digit_size is None", "alternating_flip"),
            ("random(num_rows) < 0.5", "random(num_rows) < 0.2"),
            ("^ (epochs % 2 == 1)", "| (epochs % 2 == 1)"),
            ("self._first_flips[rows]", "self._first_flips[: len(rows)]"),
            ("default_rng([self._seed, epoch])", "default_rng([0, epoch])"),
            ("default_rng([self._seed, epoch])", "default_rng([self._seed, 0])"),
            ("[rows[epochs == epoch]]", "[: (epochs == epoch).sum()]"),
            (", endpoint=True", ""),
            ("- shift[:, :1]", "+ shift[:, :1]"),
            ("- shift[:, 1:]", "- shift[:, :1]"),
            ("max(2 * (size - 1), 1)", "max(2 * size, 1)"),
            ("width - 1 - columns, columns", "columns, columns"),
        ),
    ),
    "mtnet_tf/data/log_mel.py": (
        ("tests/data/test_log_mel.py",),
        (
            ("window * 2 / window.sum()", "window"),
            ("(self._fft - self._hop) // 2", "0"),
            ("np.where(decibels > self._floor,", "np.where(True,"),
            ("random_state=0,", ""),
        ),
    ),
    "mtnet_tf/data/voices.py": (
        ("tests/data/test_voices.py", "tests/experiments/test_new_voice.py"),
        (
            ("voices=np.full(len(pairs), number, np.int32)", "voices=pairs.voices"),
            ("    if lacking:\n", "    if False:\n"),
            ("and data.recordings.ids == known.ids", ""),
            ("len(known) + k for k, row", "k for k, row"),
            ("places[name, waveform.tobytes()] = place", "places[name, b''] = place"),
            ("np.where(own.labels < 0, -1, of_labels", "np.where(False, -1, of_labels"),
            ("labels=of_labels[pairs.labels])", "labels=pairs.labels)"),
            ("voices = sorted({*recordings.voices()})", "voices = recordings.voices()[::-1]"),
            ("if label not in labels]", "if label in labels]"),
            ("if voice not in heard]", "if False]"),
        ),
    ),
}
