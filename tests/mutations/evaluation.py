"""Mutants of the metrics, of scoring, and of what studies and tables say about scores."""

MUTANTS = {
    "mtnet_tf/evaluation/summary.py": (
        (
            "tests/evaluation/test_summary.py",
            "tests/evaluation/test_scoring.py",
            "tests/evaluation/test_scoring_files.py",
        ),
        (
            ("failed * floor) / counted", "failed * floor) / len(rows)"),
            ("len(rows) - of_reference - len(scored)", "len(rows) - len(scored)"),
            ("scored.sum() + failed * floor", "scored.sum()"),
            ("float(scored.std())", "float(scored.var())"),
            ('"metrics": _statistics(retrieved, names)', '"metrics": _statistics(rows, names)'),
            ("return self.retrieved_word == self.word", "return bool(self.retrieved_word)"),
            ("_CLEAN = 0.9", "_CLEAN = 0.85"),
            ("return not self.nearest_corr2d >= _CLEAN", "return self.nearest_corr2d < _CLEAN"),
            ("if row.softmax_word == row.word", "if row.softmax_word"),
        ),
    ),
    "mtnet_tf/evaluation/scoring.py": (
        ("tests/evaluation/test_scoring.py", "tests/evaluation/test_scoring_files.py"),
        (
            ("places.append(seen[key])", "places.append(len(seen) - 1)"),
            ("digest(), int(reference)", "digest(), 0"),
            ('score.culprit == "reference"', 'score.culprit == "generated"'),
            ("ids[pairs.recordings[i]]", "ids[pairs.labels[i]]"),
        ),
    ),
    "mtnet_tf/evaluation/result_folder.py": (
        ("tests/evaluation/test_scoring.py", "tests/evaluation/test_scoring_files.py"),
        (
            ("if found > num_pairs", "if False"),
            ("if value != network[name]", "if False"),
            ('"training_seconds", "seed", _FINGERPRINT)', '"seed", _FINGERPRINT)'),
            ('"training_seconds", "seed", _FINGERPRINT)', '"training_seconds", _FINGERPRINT)'),
            ('"training_seconds", "seed", _FINGERPRINT)', '"training_seconds", "seed")'),
            ("if found == num_pairs and has_words", "if has_words"),
            ("    if lost:\n", "    if False:\n"),
            ("and has_words >= with_words", ""),
            (" and has_wavs", ""),
            ("if len(rows) != found:", "if False:"),
        ),
    ),
    "mtnet_tf/metrics/score.py": (
        ("tests/evaluation/test_scoring.py", "tests/metrics/test_score.py"),
        (
            ('"corr2d": -1.0', '"corr2d": 0.0'),
            ('"pesq": -0.5', '"pesq": 0.0'),
            ('"stoi": -1.0', '"stoi": 0.0'),
        ),
    ),
    "mtnet_tf/metrics/scorer.py": (
        ("tests/metrics/test_scorer.py",),
        (
            ("np.nanargmax(correlations)", "np.nanargmin(correlations)"),
            ('return None, float("nan")', 'return 0, float("nan")'),
        ),
    ),
    "mtnet_tf/metrics/world.py": (
        ("tests/metrics/test_world.py",),
        (("np.sqrt(squares)", "np.sqrt(2 * squares)"),),
    ),
    "mtnet_tf/studies/reproduction.py": (
        ("tests/studies/test_reproduction.py",),
        (
            ("self._loaded is None or self._loaded.config != config.data", "self._loaded is None"),
            ("self._loaded is None or self._loaded.config != config.data", "True"),
            ('["recordings"]["fingerprint"] != asked.fingerprint', '["recordings"] is None'),
            ("if metric not in result", "if False and metric not in result"),
            (
                "if can_be_added and not _holds_network(places.run(cell), places.result(cell)):",
                "if False:",
            ),
            ("    return same_training and fingerprint ==", "    return fingerprint =="),
        ),
    ),
    "mtnet_tf/evaluation/calibration.py": (
        ("tests/evaluation/test_calibration.py",),
        (
            ("for t in (temperature, 1.0))", "for t in (1.0, 1.0))"),
            (
                "_likeliest(_logits(network, inputs), temperature)",
                "_likeliest(_logits(network, inputs), 1.0)",
            ),
            (
                "choose_threshold(sure[right], sure[~right], of_outliers)",
                "choose_threshold(sure[right], sure[right][:0], of_outliers)",
            ),
            ("np.exp(log_temperature)", "log_temperature"),
            ("if np.array_equal(logits.argmax(-1), labels):", "if False:"),
            ("max(candidates, key=gain)", "min(candidates, key=gain)"),
            ("np.mean(passed) if passed", "0.0 if passed"),
            ("np.sum(counts * gaps) / counts.sum()", "gaps.mean()"),
        ),
    ),
    "mtnet_tf/reporting/stability.py": (
        ("tests/reporting/test_stability.py",),
        (
            ("_COLLAPSED = 0.75", "_COLLAPSED = 0.76"),
            ("accuracies.index(max(accuracies))", "len(accuracies) - 1"),
            ("percent(accuracies[-1])", "percent(accuracies[0])"),
        ),
    ),
    "mtnet_tf/studies/voices.py": (
        ("tests/studies/test_voices.py",),
        (
            ('override(deaf, ["data.num_voices=1"])', "deaf"),
            ("np.flatnonzero(pairs.labels < count)", "np.flatnonzero(pairs.labels >= 0)"),
            ("{images / len(heard.train)}", "{images / len(of_new.train)}"),
            ("np.flatnonzero(of_all.voices != number)", "np.arange(len(of_all))"),
            ("_beside_known(_hearing(spoken, share), data", "_beside_known(spoken, data"),
            ("labels = labels[data.train.voices == data.voices.index(row.voice)]", "pass"),
            ("beside(row.known, run.words()", "beside(row.data, run.words()"),
        ),
    ),
}
