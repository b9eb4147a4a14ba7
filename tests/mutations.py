"""Breaks the library on purpose, one line at a time, and tells which breaks the tests do not notice.

    python -m tests.mutations
    python -m tests.mutations --only=losses --jobs=1

Each mutant is a copy of the checkout with one piece of text replaced; the test files of its module run on it, up to the
first that fails. A mutant whose tests all pass has survived. The list is written by hand: each entry is a plausible wrong
implementation of something that a reader of the paper relies on. Not part of the tests' own run: it takes some minutes.
Exit status 1 if a mutant survives that is not in `EXPLAINED`, or a text to replace is not there exactly once.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import multiprocessing
import os
import pathlib
import shutil
import sys
import tempfile
import time

for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # of two mutants at a time, each has a core
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# Imported once, for all the forks that run tests: it takes longer than most tests do.
import pytest
import tensorflow  # noqa: F401
import tensorflow_datasets  # noqa: F401

ROOT = pathlib.Path(__file__).parents[1]
COPIED = ("mtnet_tf", "data_builders", "experiments", "tests", "pyproject.toml")

# Eq. 1 by hand, up to the divisor.
_STANDARDIZE = """x = tf.cast(images, tf.float32)
        m, v = tf.nn.moments(x, [1, 2, 3], keepdims=True)
        import numpy as np
        return (x - m) / """

# Module: (its test files, its mutants as (text, replacement)).
MUTANTS = {
    "mtnet_tf/losses.py": (
        ("tests/test_losses.py", "tests/training/test_stages.py"),
        (
            ("return tf.nn.compute_average_loss(loss)", "return tf.reduce_sum(loss)"),
            ("        return tf.reduce_sum(loss)\n", "        return tf.reduce_mean(loss)\n"),
            ("compute_average_loss(1.0 - tf", "compute_average_loss(-tf"),
            ("(audio_feature - representation))", "(audio_feature + representation))"),
            ("representation = tf.math.l2_normalize(representation, axis=-1)", "pass"),
            ("tf.minimum(magnitude, 1.0)", "tf.minimum(magnitude, 0.5)"),
            ("magnitude - 0.5 * clipped", "magnitude - clipped"),
            ('if form == "mean_smooth_l1" else tf.reduce_sum', 'if form else tf.reduce_sum'),
            ("squared_error = weights * tf", "squared_error = tf"),
            ("else 0.5 * tf.nn.compute_average_loss", "else tf.nn.compute_average_loss"),
            ('endswith("kernel")', 'endswith(("kernel", "bias"))'),
            ("return 2.0 * tf.nn.scale", "return tf.nn.scale"),
            ('"generation": config.generation_weight', '"generation": 1.0'),
            ('"perceptual": config.perceptual_weight', '"perceptual": config.generation_weight'),
            ('"decay": config.decay_weight or None', '"decay": config.reconstruction_decay_weight'),
            ('batch["label"], outputs["logits"], config.perceptual)', 'batch["label"], outputs["logits"])'),
            ('outputs["cross_modal_representation"], config.representation', 'outputs["cross_modal_representation"]'),
            ('batch["audio"], outputs["waveform"], config.generation', 'batch["audio"], outputs["waveform"]'),
            ("weights, config.reconstruction)", "weights)"),
            ('"decay": config.reconstruction_decay_weight})', '"decay": config.decay_weight})'),
            ('"normalized_squared_error", "sum_squared_error")', '"sum_squared_error",)'),
        ),
    ),
    "mtnet_tf/training/optimizers.py": (
        ("tests/training/test_optimizers.py", "tests/training/test_stages.py"),
        (
            ("Constant(self.initial_mean_square)", "Constant(0.0)"),
            ("initial_mean_square=config.initial_mean_square", "initial_mean_square=1.0"),
            ("min(config.warmup_steps, total_steps // 10)", "config.warmup_steps"),
            ("rho=config.rho", "rho=0.9"),
            ("momentum=config.momentum", "momentum=0.9"),
            ("            epsilon=config.epsilon,\n            initial", "            initial"),
            ("            global_clipnorm=config.clip_norm,\n        )\n    return", "        )\n    return"),
            ('name="adam", epsilon=config.epsilon,', 'name="adam",'),
            ("epsilon=config.epsilon, global_clipnorm=config.clip_norm", "epsilon=config.epsilon"),
            ("config.final_learning_rate_fraction,\n", "0.01,\n"),
            ("        config.schedule,\n", '        "cosine",\n'),
            ('if config.name == "adam"', "if False"),
            ("(step + 1.0) / max", "step / max"),
            ("(step - self.warmup_steps) / length", "step / length"),
            ("0.5 * (1.0 + tf.cos", "(1.0 + tf.cos"),
            ("rho=tf.cast(self.rho", "rho=tf.cast(self.momentum"),
        ),
    ),
    "mtnet_tf/training/stage.py": (
        ("tests/training/test_stages.py", "tests/training/test_precision.py"),
        (
            ("config.epochs * num_rows / self.batch_size", "config.epochs * num_rows"),
            ("seed=self._seed", "seed=0"),
            ("sampling=self._stage_config.sampling", 'sampling="permutation"'),
            ("jit_compile=training.jit_compile or None", "jit_compile=None"),
            ("self.losses(batch, training=True)", "self.losses(batch, training=False)"),
            ("tf.linalg.global_norm(gradients) / scale", "tf.linalg.global_norm(gradients[:1]) / scale"),
            ('losses["total"] * scale if scaling else losses["total"]', 'losses["total"] * scale'),
            ('scale_loss=training.precision == "mixed_float16"', "scale_loss=False"),
        ),
    ),
    "mtnet_tf/training/autoencoder_stage.py": (
        ("tests/training/test_stages.py", "tests/training/test_diagnosis.py"),
        (
            ("bincount(data.train.recordings", "bincount(data.test.recordings"),
            ("(used,) = np.nonzero(uses)", "used = np.arange(len(uses))"),
            ("(uses[used] / uses[used].mean())", "np.ones(len(used))"),
            ("uses[used] / uses[used].mean()", "uses[used] / uses[used].sum()"),
            ("min(stage_config.batch_size, len(used))", "stage_config.batch_size"),
            ('config.training.autoencoder_epoch == "pairs"', "False"),
            ("epochs * len(data.train) / stage_config.batch_size", "epochs * len(data.train) / batch_size"),
            ("updates * batch_size / len(used)", "updates / len(used)"),
            ("stage_config = config.training.autoencoder\n", "stage_config = config.training.joint\n"),
            ('            batch["weight"],\n', "            1.0,\n"),
            ("data.recordings.labels[used]", "data.recordings.labels[: len(used)]"),
            ('_apply(model, audio)["audio_feature"]', '_apply(model, audio)["audio_feature"][::-1]'),
            ("model(audio[i : i + batch_size], training=False)", "model(audio[:batch_size], training=False)"),
        ),
    ),
    "mtnet_tf/training/joint_stage.py": (
        ("tests/training/test_stages.py",),
        (
            ('tf.gather(self._waveforms, batch["recording"])', 'tf.gather(self._waveforms, batch["label"])'),
            ('tf.gather(self._audio_features, batch["recording"])', 'tf.gather(self._audio_features, batch["label"])'),
            ("config.training.joint, config.training, data", "config.training.autoencoder, config.training, data"),
            ("data.train.columns())", "data.validation.columns())"),
            ('if name in summed else len(batch["label"])', 'if True else len(batch["label"])'),
            ("weight = self.batch_size if name in summed", 'weight = len(batch["label"]) if name in summed'),
            ('figures["total"] = sum', "_ = sum"),
            ("phi[labels == label].mean(0)", "phi[0]"),
            ("of_audio + _MORE_THAN_AUDIO", "_MORE_THAN_AUDIO"),
            ("if saturation > max", "if False and max"),
            ("pairs, phi, sums = self._data.validation", "pairs, phi, sums = self._data.train"),
        ),
    ),
    "mtnet_tf/training/diagnosis.py": (
        ("tests/training/test_diagnosis.py",),
        (
            ("np.abs(features) > _SATURATED", "features > _SATURATED"),
            ("words[:, None] == words[None, :]", "np.eye(len(words), dtype=bool)"),
            ("if not self.reconstruction_error < config", "if self.reconstruction_error > config"),
            ("not self.nearest_cosine < config.max_feature_cosine", "self.nearest_cosine > 1"),
            ("(features / np.maximum(norms, 1e-12))", "features"),
            ("error / np.square(audio, dtype=np.float64).sum()", "error / audio.size"),
        ),
    ),
    "mtnet_tf/training/algorithm1.py": (
        ("tests/training/test_diagnosis.py", "tests/training/test_training.py"),
        (
            ("    found.check(config.training)\n", ""),
            ("    run.record(stage1={**data", "    dict(stage1={**data"),
            ('if str(stored["stage1"]) == key', "if True"),
            ("        config.training.autoencoder_epoch,\n", ""),
            ("        config.loss.reconstruction,\n", ""),
            ("        config.training.seed,\n    ]", "    ]"),
            ("    keras.utils.set_random_seed(config.training.seed)\n    with", "    with"),
            ("copy.set_weights(model.get_weights())", "copy.get_weights()"),
        ),
    ),
    "mtnet_tf/training/loop.py": (
        ("tests/training/test_diagnosis.py", "tests/training/test_interruptions.py"),
        (
            ("stage.num_steps / config.validations", "stage.num_steps"),
            ("number % config.log_steps == 0\n            if save", "number % 20 == 0\n            if save"),
            ("time.monotonic() - saved_at > config.checkpoint_secs", "False"),
            ("total / self._count for name", "total for name"),
        ),
    ),
    "mtnet_tf/data.py": (
        ("tests/test_data.py",),
        (
            ("default_rng(config.validation_seed)", "default_rng(0)"),
            ("round(config.validation_fraction * len(order))", "round(0.05 * len(order))"),
            ("order[num_validation:]", "order[:]"),
            ('test=splits["test"]', 'test=splits["train"]'),
            ('order = np.argsort(columns["image_id"])', 'order = np.arange(len(columns["image_id"]))'),
            ("default_rng([seed, epoch])", "default_rng([seed, 0])"),
            ("default_rng([seed, step]).integers(num_starts)", "default_rng([seed, step]).integers(size)"),
            ("max(size - batch_size, 0) + 1", "max(size - batch_size, 1)"),
            ("np.arange(count) * len(self) // count", "np.arange(count)"),
            ("[parts.start : parts.stop]", "[: len(parts)]"),
            ('waveforms[number] = batch["audio"][row]', 'waveforms[number] = batch["audio"][0]'),
            ('batch["audio_bytes"][row] > 2 * waveforms.shape[1]', 'batch["audio_bytes"][row] > 2**40'),
        ),
    ),
    "mtnet_tf/evaluation.py": (
        ("tests/test_evaluation.py",),
        (
            ("failed * FLOORS[name]) / counted", "failed * FLOORS[name]) / len(rows)"),
            ("len(rows) - unscorable - len(scored)", "len(rows) - len(scored)"),
            ("scored.sum() + failed * FLOORS[name]", "scored.sum()"),
            ("float(scored.std())", "float(scored.var())"),
            ('"metrics": _statistics(right)', '"metrics": _statistics(rows)'),
            ("return self.heard_word == self.word", "return bool(self.heard_word)"),
            ("places.append(seen[key])", "places.append(len(seen) - 1)"),
            ('summary["num_pairs"] != num_pairs or not heard', "not heard"),
        ),
    ),
    "mtnet_tf/metrics/score.py": (
        ("tests/test_evaluation.py", "tests/metrics/test_score.py"),
        (('"corr2d": -1.0', '"corr2d": 0.0'), ('"pesq": -0.5', '"pesq": 0.0'), ('"stoi": 0.0', '"stoi": -1.0')),
    ),
    "mtnet_tf/generators.py": (
        ("tests/test_evaluation.py",),
        (
            ("[np.unique(self.data.train.recordings)]", "[:]"),
            ("default_rng(self.seed).normal", "default_rng(0).normal"),
            ("self._noises[np.arange(first, first + len(pairs)) % _NUM_NOISES]", "self._noises[np.zeros(len(pairs), int)]"),
            ("(uses @ recordings.float_waveforms())", "recordings.float_waveforms().mean(0)"),
            ("integers(1, num_words, first", "integers(0, num_words, first"),
            ("integers(1, num_words, first + len(pairs))[first:]", "integers(1, num_words, len(pairs))"),
            ("integers(1, num_words, first", "integers(1, 2, first"),
            ("self.predicted_labels[first : first + len(pairs)]", "pairs.labels"),
            ("_recordings_of(self.data, pairs.labels)", "self.data.recordings.float_waveforms()[pairs.recordings]"),
            ("used = np.unique(data.train.recordings)\n    first", "used = np.unique(data.test.recordings)\n    first"),
            ("found = [WhiteNoise(data, seed),", "found = [WhiteNoise(data),"),
            ("WrongWord(data, seed)]", "WrongWord(data)]"),
        ),
    ),
    "mtnet_tf/variants.py": (
        ("tests/test_config.py", "tests/models/test_models.py"),
        (
            ("perceptual_weight=None, representation_weight=None", "representation_weight=None"),
            ("dataclasses.replace(config.loss, perceptual_weight=None)", "config.loss"),
            ("dataclasses.replace(config.image_encoder, dilation_rate=1)", "config.image_encoder"),
            ("dataclasses.replace(config.audio_generator, dilation_rate=1)", "config.audio_generator"),
            ('kind="autoencoder_decoder"', 'kind="gated_residual"'),
        ),
    ),
    "mtnet_tf/presets.py": (
        ("tests/test_presets.py",),
        (
            ('        schedule="constant",\n', ""),
            ("batch_norm=BatchNormConfig(momentum=0.5)", "batch_norm=BatchNormConfig()"),
            ('autoencoder_epoch="pairs"', 'autoencoder_epoch="recordings"'),
            ("validation_fraction=0.0", "validation_fraction=0.05"),
            ('epochs=50, optimizer=adam, sampling="contiguous_slices"', "epochs=50, optimizer=adam"),
            ("feature_layer=4", "feature_layer=3"),
            ("num_blocks=2, dropout_rate=0.4", "num_blocks=3, dropout_rate=0.4"),
            ("kernel_scale=0.1, bias=0.01", "kernel_scale=0.1"),
            ("representation_weight=0.1", "representation_weight=1.0"),
            ("CrossModalMapperConfig(dropout_rate=0.4)", "CrossModalMapperConfig()"),
        ),
    ),
    "mtnet_tf/config.py": (
        ("tests/test_presets.py", "tests/test_config.py"),
        (
            ("decay_weight: float = 0.8 * 0.0005", "decay_weight: float = 0.8"),
            ("reconstruction_decay_weight: float = 0.0005", "reconstruction_decay_weight: float = 0.005"),
            ('schedule: str = "cosine"', 'schedule: str = "constant"'),
            ("StageConfig(batch_size=64, epochs=50)", "StageConfig(batch_size=64, epochs=5)"),
            ("StageConfig(batch_size=100, epochs=500)", "StageConfig(batch_size=100, epochs=50)"),
            ("momentum: float = 0.9\n", "momentum: float = 0.0\n"),
            ("rho: float = 0.99\n", "rho: float = 0.9\n"),
            ("initial_mean_square: float = 1.0", "initial_mean_square: float = 0.0"),
            ("num_blocks: int = 3", "num_blocks: int = 2"),
        ),
    ),
    "mtnet_tf/layers/standardization.py": (
        ("tests/layers/test_layers.py",),
        (
            (
                "return tf.image.per_image_standardization(tf.cast(images, tf.float32))",
                _STANDARDIZE + "tf.maximum(tf.sqrt(v), 1e-9)",
            ),
            (
                "return tf.image.per_image_standardization(tf.cast(images, tf.float32))",
                _STANDARDIZE + "tf.maximum(tf.sqrt(v), 1.0 / float(np.prod(x.shape[1:])))",
            ),
        ),
    ),
    "mtnet_tf/models/image_encoder.py": (
        ("tests/models",),
        (
            ("dilation_rate=encoder.dilation_rate", "dilation_rate=2"),
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
        (("if config.loss.perceptual_weight is not None", "if True"), (")(image_feature)\n    return keras.Model(image, out", ")(phi)\n    return keras.Model(image, out")),
    ),
}  # fmt: skip

# Survivors that are no wrong implementation, and why: (module, text).
EXPLAINED: dict[tuple[str, str], str] = {
    (
        "mtnet_tf/training/stage.py",
        'losses["total"] * scale if scaling else losses["total"]',
    ): "without loss scaling the scale is 1: the same numbers",
    (
        "mtnet_tf/evaluation.py",
        'summary["num_pairs"] != num_pairs or not heard',
    ): "the rows of the file are counted a few lines later: another number of pairs is scored anew",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="modules whose path holds this text")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    chosen = {module: m for module, m in MUTANTS.items() if arguments.only in module}
    stale = [
        f"{module}: {text!r}"
        for module, (_, mutants) in chosen.items()
        for text, _ in mutants
        if (ROOT / module).read_text().count(text) < 1
    ]
    if stale or not chosen:
        print("These texts are not in the code any more:", *stale, sep="\n  ")
        return 1
    print("The tests without a mutant ...", flush=True)
    for tests in sorted({tests for tests, _ in chosen.values()}):
        if _run(None, tests):
            print(f"They fail as it is: {' '.join(tests)}")
            return 1
    jobs = [(module, tests, m) for module, (tests, mutants) in chosen.items() for m in mutants]
    survivors, start = [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        codes = pool.map(lambda job: _run((job[0], *job[2]), job[1]), jobs)
        for done, ((module, _, mutant), code) in enumerate(zip(jobs, codes), 1):
            verdict = {0: "SURVIVED", 1: "killed"}.get(code, f"does not run ({code})")
            left = (time.monotonic() - start) / done * (len(jobs) - done)
            shown = " ".join(mutant[0].split())[:60]
            print(
                f"{done}/{len(jobs)}  {left:4.0f} s left  {verdict}  {module}: {shown}", flush=True
            )
            if code != 1:
                survivors.append((module, *mutant))
    killed = len(jobs) - len(survivors)
    print(f"{killed} of {len(jobs)} mutants killed ({100 * killed / len(jobs):.1f} %).")
    unexplained = [s for s in survivors if s[:2] not in EXPLAINED]
    for module, text, replacement in survivors:
        why = EXPLAINED.get((module, text), "NOT EXPLAINED")
        print(f"  {module}: {text!r} -> {replacement!r}: {why}")
    return bool(unexplained)


def _run(mutant, tests) -> int:
    """Runs test files on a copy with one replacement, in a fork of this process; returns pytest's exit status."""
    with tempfile.TemporaryDirectory(prefix="mutant_") as folder:
        for name in COPIED:
            source, target = ROOT / name, pathlib.Path(folder, name)
            if source.is_dir():
                shutil.copytree(
                    source, target, ignore=shutil.ignore_patterns("__pycache__", "results")
                )
            else:
                shutil.copyfile(source, target)
        if mutant:
            module, text, replacement = mutant
            path = pathlib.Path(folder, module)
            path.write_text(path.read_text().replace(text, replacement, 1))
        process = multiprocessing.get_context("fork").Process(target=_test, args=(folder, tests))
        process.start()
        process.join()
        return process.exitcode


def _test(folder, tests):
    """Runs in the fork, which has TensorFlow imported already and nothing of this project."""
    os.chdir(folder)
    os.environ.update(TMPDIR=folder, PYTHONPATH=folder)
    tempfile.tempdir = None
    sys.path[:] = [folder, *(p for p in sys.path if pathlib.Path(p or ".").resolve() != ROOT)]
    sys.dont_write_bytecode = True
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
    os._exit(int(code))


if __name__ == "__main__":
    sys.exit(main())
