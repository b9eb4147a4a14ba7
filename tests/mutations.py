"""Breaks the library on purpose, a line at a time, and tells which breaks no test notices.

    python -m tests.mutations
    python -m tests.mutations --only=losses --jobs=1

A mutant is a copy of the checkout with one piece of text replaced. The test files of its module run
on it, up to the first test that fails. A mutant whose tests all pass has survived.

The list is written by hand: each entry is a plausible wrong implementation of something that a
reader of the paper relies on. It takes some minutes, so it is not part of the tests' own run. The
exit status is 1 if a mutant survives that is not in `EXPLAINED`, or if a text to replace is not in
its module exactly once.
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
    # Two mutants run at a time, and each has a core.
    os.environ.setdefault(name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# They are imported once for all forks that run tests: that takes longer than most tests do.
import pytest  # noqa: E402
import tensorflow  # noqa: E402, F401
import tensorflow_datasets  # noqa: E402, F401

ROOT = pathlib.Path(__file__).parents[1]
COPIED = ("mtnet_tf", "data_builders", "experiments", "tests", "pyproject.toml")

_STANDARDIZATION = "return tf.image.per_image_standardization(tf.cast(images, tf.float32))"
# Eq. 1 by hand, up to the divisor.
_BY_HAND = """x = tf.cast(images, tf.float32)
        m, v = tf.nn.moments(x, [1, 2, 3], keepdims=True)
        import numpy as np
        return (x - m) / """

# {module: (its test files, its mutants as (text, replacement))}.
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
    "mtnet_tf/training/optimizers.py": (
        (
            "tests/training/test_optimizers.py",
            "tests/training/test_update.py",
            "tests/training/test_averages.py",
            "tests/training/test_stages.py",
        ),
        (
            (
                "        return list(grads_and_vars)\n",
                "        return super()._all_reduce_sum_gradients(grads_and_vars)\n",
            ),
            ("Constant(self.initial_mean_square)", "Constant(0.0)"),
            ("initial_mean_square=config.initial_mean_square", "initial_mean_square=1.0"),
            ("min(config.warmup_steps, total_steps // 10)", "config.warmup_steps"),
            ("rho=config.rho", "rho=0.9"),
            (
                "            momentum=config.momentum,\n            eps",
                "            momentum=0.9,\n            eps",
            ),
            ("momentum=config.momentum, nesterov", "momentum=0.9, nesterov"),
            ("nesterov=True", "nesterov=False"),
            ('"ema_momentum": config.average_decay', '"ema_momentum": 0.99'),
            ("            epsilon=config.epsilon,\n            initial", "            initial"),
            ('{"global_clipnorm": config.clip_norm}', "{}"),
            (
                "mean_square,\n            **common,\n        )\n    return",
                "mean_square,\n        )\n    return",
            ),
            ("beta_1=config.momentum, ", ""),
            ("epsilon=config.epsilon, **common", "epsilon=config.epsilon"),
            ("config.final_learning_rate_fraction,\n", "0.01,\n"),
            ("        config.schedule,\n", '        "cosine",\n'),
            ('if config.name == "adam"', "if False"),
            ("(step + 1.0) / max", "step / max"),
            ("(step - self.warmup_steps) / length", "step / length"),
            ("0.5 * (1.0 + tf.cos", "(1.0 + tf.cos"),
            ("rho=tf.cast(self.rho", "rho=tf.cast(self.momentum"),
        ),
    ),
    "mtnet_tf/training/update.py": (
        (
            "tests/training/test_update.py",
            "tests/training/test_averages.py",
            "tests/training/test_two_optimizers.py",
        ),
        (
            ('losses["total"] * scale if self._scale_loss else losses["total"]', 'losses["total"]'),
            ('"gradient_norm": norm / scale}', '"gradient_norm": norm}'),
            (
                "norm = tf.linalg.global_norm(gradients)",
                "norm = tf.linalg.global_norm(gradients[:0])",
            ),
            ('"gradient_norm": norm / scale}', '"gradient_norm": norm * replicas / scale}'),
            ('"gradient_norm": norm / scale}', '"gradient_norm": tf.minimum(norm / scale, 1.0)}'),
            ("gradient + (norm - norm)", "gradient"),
            ("[v for v in variables if id(v) not in others]", "list(variables)"),
            ("gradients = tf.distribute.get_replica_context().all_reduce(_SUM, gradients)", "pass"),
            (
                "get_replica_context().all_reduce(_SUM,",
                "get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN,",
            ),
            ("name: value / replicas for", "name: value for"),
            ('tf.where(finite, figures["gradient_norm"], 0.0)', 'figures["gradient_norm"]'),
            ("1.0 - tf.cast(finite", "tf.cast(finite"),
            (
                "build_optimizer(config, num_steps, scale_loss=scale_loss)",
                "build_optimizer(config, num_steps)",
            ),
            ("build_optimizer(config, num_steps,", "build_optimizer(config, 500,"),
            ("            optimizer.build(group)\n", "            pass\n"),
            ("        self.keep_averages()\n        try", "        try"),
            ("            variable.assign(average)", "            pass"),
            ("                variable.assign(value)", "                pass"),
            ("        finally:\n", "        except ValueError:\n"),
            (" and inner.iterations.numpy() > 0", ""),
            ("optimizer.inner_optimizer if self._scale_loss else ", ""),
        ),
    ),
    "mtnet_tf/training/stage.py": (
        (
            "tests/training/test_stages.py",
            "tests/training/test_averages.py",
            "tests/training/test_precision.py",
            "tests/training/test_training.py",
        ),
        (
            ("        with self.update.averaged():\n", "        if True:\n"),
            ("        self.update.keep_averages()\n", ""),
            ("                augmentation=self._augmentation,\n", ""),
            ("config.epochs * num_rows / self.batch_size", "config.epochs * num_rows"),
            ("seed=self._training.seed", "seed=0"),
            ("first_step=first_step", "first_step=0"),
            ("sampling=self._stage_config.sampling", 'sampling="permutation"'),
            ("jit_compile=training.jit_compile or None", "jit_compile=None"),
            ("self.losses(batch, training=True)", "self.losses(batch, training=False)"),
            ('scale_loss = self._training.precision == "mixed_float16"', "scale_loss = False"),
            ('            "optimizers": self.update.optimizers,\n', ""),
            ('            "dropout_seeds": random_states(self.model),\n', ""),
        ),
    ),
    "mtnet_tf/training/session.py": (
        (
            "tests/training/test_session.py",
            "tests/training/test_averages.py",
            "tests/training/test_training.py",
        ),
        (
            ("        stage.finish()\n", ""),
            ('if str(arrays.get("key")) != key', "if False"),
            ("            if candidate != path:\n", "            if False:\n"),
            ('arrays = {**compute(), "key": np.array(key)}', "arrays = compute()"),
            ("            write_npz(path, **arrays)\n        wait", "        wait"),
            ("candidates = [path, *(", "candidates = [*("),
            ("*(run / path.name for run in self._shared)", ""),
            ("seconds if counted else 0", "0"),
            ("self._profile and counted", "self._profile"),
        ),
    ),
    "mtnet_tf/training/autoencoder_stage.py": (
        ("tests/training/test_stages.py", "tests/training/test_diagnosis.py"),
        (
            ("min(stage_config.batch_size, len(used))", "stage_config.batch_size"),
            ('config.training.autoencoder_epoch == "pairs"', "False"),
            (
                "epochs * len(data.train) / stage_config.batch_size",
                "epochs * len(data.train) / batch_size",
            ),
            ("updates * batch_size / len(used)", "updates / len(used)"),
            (
                "stage_config = config.training.autoencoder\n",
                "stage_config = config.training.joint\n",
            ),
            ('            batch["weight"],\n', "            1.0,\n"),
            ("data.recordings.labels[used]", "data.recordings.labels[: len(used)]"),
            (
                '_apply(model, audio)["audio_feature"]',
                '_apply(model, audio)["audio_feature"][::-1]',
            ),
            ("model(audio[i : i + batch_size], training", "model(audio[:batch_size], training"),
        ),
    ),
    "mtnet_tf/training/joint_stage.py": (
        ("tests/training/test_stages.py",),
        (
            ("(self._waveforms, recordings)", '(self._waveforms, batch["label"])'),
            ("(self._audio_features, recordings)", '(self._audio_features, batch["label"])'),
            (
                '(self._audio_features, batch["recording"])',
                '(self._audio_features, batch["label"])',
            ),
            ("if training and self._names_words", "if self._names_words"),
            ('words == batch["label"], batch["recording"], others', "words < 0, words, others"),
            ("            config.training.joint,\n", "            config.training.autoencoder,\n"),
            ("data.train.columns(),", "data.validation.columns(),"),
            ("            Augmentation(config, len(data.train)),\n", ""),
            ('if name in summed else len(batch["label"])', 'if True else len(batch["label"])'),
            (
                "weight = self.batch_size if name in summed",
                'weight = len(batch["label"]) if name in summed',
            ),
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
            ("    session.run.record(stage1=values)\n", ""),
            ("session.run.record(stage1=json.loads", "dict(stage1=json.loads"),
            ("if config.loss.representation_weight is not None", "if True"),
            ("        config.training.autoencoder_epoch,\n", ""),
            ("        config.loss.reconstruction,\n", ""),
            ("        config.training.seed,\n    ]", "    ]"),
            ("    keras.utils.set_random_seed(config.training.seed)\n    with", "    with"),
        ),
    ),
    "mtnet_tf/training/train.py": (
        ("tests/training/test_training.py", "tests/systems/test_toy_system.py"),
        (
            ("network.set_weights(trained.get_weights())", "trained.get_weights()"),
            ("    if found != wanted:\n", "    if False:\n"),
            ('if session.is_chief and keep == "model"', "if False"),
            ("        if run.is_finished():\n", "        if False:\n"),
        ),
    ),
    "mtnet_tf/training/loop.py": (
        (
            "tests/training/test_diagnosis.py",
            "tests/training/test_interruptions.py",
            "tests/training/test_training.py",
        ),
        (
            ("stage.num_steps / stage.num_looks", "stage.num_steps"),
            ("log = validating or number % config.log_steps", "log = validating or number % 20"),
            ("time.monotonic() - saved_at > config.checkpoint_secs", "False"),
            ("means=means, ", ""),
            ("        if bad:\n", "        if False:\n"),
        ),
    ),
    "mtnet_tf/training/log.py": (
        ("tests/training/test_interruptions.py",),
        (
            ("total / self._count for name", "total for name"),
            ('or line["step"] <= step', "or True"),
        ),
    ),
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
            ("in np.unique(self.train.recordings):", "in np.unique(self.test.recordings):"),
        ),
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
    "mtnet_tf/evaluation/scoring.py": (
        ("tests/evaluation/test_scoring.py", "tests/evaluation/test_scoring_files.py"),
        (
            ("failed * floor) / counted", "failed * floor) / len(rows)"),
            ("len(rows) - of_reference - len(scored)", "len(rows) - len(scored)"),
            ("scored.sum() + failed * floor", "scored.sum()"),
            ("float(scored.std())", "float(scored.var())"),
            ('"metrics": _statistics(retrieved, names)', '"metrics": _statistics(rows)'),
            ("return self.retrieved_word == self.word", "return bool(self.retrieved_word)"),
            ("_CLEAN = 0.9", "_CLEAN = 0.85"),
            ("return not self.nearest_corr2d >= _CLEAN", "return self.nearest_corr2d < _CLEAN"),
            ("if row.softmax_word == row.word", "if row.softmax_word"),
            ("places.append(seen[key])", "places.append(len(seen) - 1)"),
            ("digest(), int(reference)", "digest(), 0"),
            ('score.culprit == "reference"', 'score.culprit == "generated"'),
            ("ids[pairs.recordings[i]]", "ids[pairs.labels[i]]"),
            ("if found > num_pairs", "if False"),
            ("summary if found == num_pairs and", "summary if"),
            ("and has_words >= with_words", ""),
            ("whole = len(lines) == found + 1 and", "whole ="),
        ),
    ),
    "mtnet_tf/metrics/score.py": (
        ("tests/evaluation/test_scoring.py", "tests/metrics/test_score.py"),
        (
            ('"corr2d": -1.0', '"corr2d": 0.0'),
            ('"pesq": -0.5', '"pesq": 0.0'),
            ('"stoi": 0.0', '"stoi": -1.0'),
        ),
    ),
    "mtnet_tf/systems/controls.py": (
        ("tests/evaluation/test_scoring.py",),
        (
            ("(recordings[np.unique(data.train.recordings)])", "(recordings)"),
            ("np.random.default_rng(seed)", "np.random.default_rng(0)"),
            ("_number(seed, i) % _NUM_NOISES", "0"),
            ("_number(seed, i) % _NUM_NOISES", "_number(0, i) % _NUM_NOISES"),
            (
                "(uses @ data.recordings.float_waveforms())",
                "data.recordings.float_waveforms().mean(0)",
            ),
            ("1 + _number(seed, i) % (num_words - 1)", "_number(seed, i) % num_words"),
            ("1 + _number(seed, i) % (num_words - 1)", "1"),
            ("1 + _number(seed, i) % (num_words - 1)", "1 + _number(0, i) % (num_words - 1)"),
            (
                "predicted[image_id], silence) for image_id in pairs.image_ids",
                "word, silence) for word in list(predicted.values())[: len(pairs)]",
            ),
            ("predicted[image_id], silence", "data.words[0], silence"),
            ("recordings[pairs.labels]", "data.recordings.float_waveforms()[pairs.recordings]"),
            ("context.data, context.seed", "context.data, 0"),
            ('f"{seed}/{image_id}"', 'f"{image_id}"'),
            ('f"{seed}/{image_id}"', 'f"{seed}"'),
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
    "mtnet_tf/adversarial_losses.py": (
        ("tests/test_adversarial_losses.py",),
        (
            ("len(others) * true(-right)", "true(-right)"),
            ("return 0.5 * tf.nn.compute_average_loss(loss)", "return tf.reduce_mean(loss)"),
            ("tf.nn.relu(1.0 + x)", "tf.nn.relu(x)"),
            ("tf.abs(true - again)", "tf.square(true - again)"),
        ),
    ),
    "mtnet_tf/models/adversarial.py": (
        ("tests/systems/test_dcmavg.py",),
        (
            ("(_normalized(both, config)(x))", "(x)"),
            ('x = layers.Concatenate(dtype="float32", name="joined")([x, repeated])', "pass"),
        ),
    ),
    "mtnet_tf/training/adversarial_stage.py": (
        ("tests/systems/test_dcmavg.py", "tests/systems/test_cmcgan.py"),
        (
            ("accuracy > float(self._best_accuracy)", "accuracy >= float(self._best_accuracy)"),
            ("                weight.assign(kept)\n", "                pass\n"),
            ("max(1, round(stage.epochs))", "1"),
            ("range(num_updates)", "range(1)"),
            ("self.random_seed(use), 1, max", "self.random_seed(use), 0, max"),
            ('            "best": self._best,\n', ""),
        ),
    ),
    "mtnet_tf/training/spectrogram_stage.py": (
        ("tests/systems/test_dcmavg.py",),
        (
            ("2 * flat @ words.T", "flat @ words.T"),
            ("self.draw_other_words(labels, use))", "labels)"),
        ),
    ),
    "mtnet_tf/training/image_stage.py": (
        ("tests/systems/test_images_of_sounds.py",),
        (
            ("tf.minimum(tf.floor(place * counts), counts - 1)", "tf.zeros_like(counts)"),
            ("tf.gather(self._firsts, others)", "tf.gather(self._firsts, labels)"),
            ("/ 127.5 - 1.0", "/ 255.0"),
        ),
    ),
    "mtnet_tf/systems/voices.py": (
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
    "mtnet_tf/evaluation/calibration.py": (
        ("tests/evaluation/test_calibration.py",),
        (
            ("np.exp(log_temperature)", "log_temperature"),
            ("max(candidates, key=gain)", "min(candidates, key=gain)"),
            ("np.mean(passed) if passed", "0.0 if passed"),
            ("np.sum(counts * gaps) / counts.sum()", "gaps.mean()"),
        ),
    ),
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
    "mtnet_tf/reporting/stability.py": (
        ("tests/reporting/test_stability.py",),
        (
            ("accuracies.index(max(accuracies))", "len(accuracies) - 1"),
            ("percent(accuracies[-1])", "percent(accuracies[0])"),
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
    "mtnet_tf/systems/system.py": (
        ("tests/systems/test_registry.py",),
        (
            ("if not _NAME.fullmatch(self.name)", "if not _NAME.match(self.name)"),
            ("if not self.label or not self.tables", "if not self.label"),
            (" or isinstance(self.tables, str)", ""),
            ('config.training, precision="float32"', "config.training"),
        ),
    ),
    "mtnet_tf/systems/mtnet.py": (
        ("tests/config/test_config.py", "tests/models/test_models.py"),
        (
            (", audio_feature_weight=None", ""),
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
    "mtnet_tf/config/fields.py": (
        ("tests/config/test_presets.py", "tests/config/test_config.py"),
        (
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
            ("Range(least=0, most=32)] = 3", "Range(least=0, most=32)] = 2"),
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
        ),
    ),
    "mtnet_tf/models/voice_conditioning.py": (
        ("tests/models/test_voice_conditioning.py", "tests/training/test_voices.py"),
        (
            ("and config.data.num_voices > 1", ""),
            ("[phi, scaled, beta])", "[phi, scaled])"),
            ('"phi_and_voice")([phi, embedding])', '"phi_and_voice")([embedding, phi])'),
            ('zeros = {"kernel_initializer": "zeros",', 'zeros = {"kernel_initializer": "ones",'),
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
        ),
    ),
    "mtnet_tf/config/new_voice.py": (
        ("tests/training/test_new_voice.py",),
        (
            ("generation_gradient=1.0,", "generation_gradient=0.002,"),
            ('if config.voice.conditioning == "none":', "if False:"),
            ("frozen=tuple(frozen)", "frozen=()"),
        ),
    ),
    "mtnet_tf/training/new_voice.py": (
        ("tests/training/test_new_voice.py",),
        (
            ("rows[known.index(voice)] if voice in known else mean", "mean"),
            ("rows[known.index(voice)] if voice in known else mean", "rows[0]"),
            ("layers[name].trainable = False", "pass"),
            ("        weight.assign(values[weight.path])\n", ""),
            ("if not network.trainable_variables:", "if False:"),
        ),
    ),
    "mtnet_tf/studies/voices.py": (
        ("tests/studies/test_voices.py",),
        (
            ('override(deaf, ["data.num_voices=1"])', "deaf"),
            ("np.flatnonzero(pairs.labels < count)", "np.flatnonzero(pairs.labels >= 0)"),
            ("_NEW_VOICE_IMAGES / len(heard.train)", "_NEW_VOICE_IMAGES / len(of_new.train)"),
            ("beside(row.known, run.words()", "beside(row.data, run.words()"),
        ),
    ),
}

# Survivors that are no wrong implementation: {(module, text, replacement): why}.
EXPLAINED: dict[tuple[str, str, str], str] = {}


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
        if (ROOT / module).read_text().count(text) != 1
    ]
    if stale or not chosen:
        print("These texts are not in the code exactly once:", *stale, sep="\n  ")
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
    unexplained = [s for s in survivors if s not in EXPLAINED]
    for module, text, replacement in survivors:
        why = EXPLAINED.get((module, text, replacement), "NOT EXPLAINED")
        print(f"  {module}: {text!r} -> {replacement!r}: {why}")
    return bool(unexplained)


def _run(mutant, tests) -> int:
    """Runs test files on a copy with one replacement; returns pytest's exit status.

    They run in a fork of this process.
    """
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
    """Runs the tests in the fork, which has imported TensorFlow and nothing of this project."""
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
