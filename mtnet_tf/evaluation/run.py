"""Scores a run folder: its network and, where asked for, the controls, over a split."""

from __future__ import annotations

import os
import pathlib

from mtnet_tf.data import pairs, prepared
from mtnet_tf.errors import InputError
from mtnet_tf.evaluation.scoring import evaluate
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.runs.provenance import environment
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.controls import ModelGenerator, controls

# How a table calls the rows of Table 3.
LABELS = {
    "gen_only": "Meth.(L_gen)",
    "gen_rep": "Meth.(L_gen + L_rep)",
    "no_holes": "Proposed(hole)",
    "autoencoder": "Proposed(autoencoder)",
    "mtnet": "MT-Net",
}


def load_data(run: RunFolder, path: pathlib.Path | str | None = None) -> pairs.AudioDescriptions:
    """Reads the data set that a run was trained on. Nothing in its folder is run.

    Args:
        run: the run folder.
        path: the folder of the prepared data set; by default that in which the run found it.

    Returns:
        The data set in memory.

    Raises:
        InputError: the data set is gone, damaged or another one, or the run does not name it.
    """
    config, record = run.config(), run.environment()
    if not isinstance(record, dict) or not isinstance(record.get("recordings_fingerprint"), str):
        raise InputError(
            f"{run / 'environment.json'} has no recordings_fingerprint, which says what the run was"
            " trained on. Copy the run folder again, or train anew."
        )
    path = path or record.get("data_path")
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(
            f"{run / 'environment.json'} does not say where the data set of the run is. Give its"
            " folder with --data_path."
        )
    try:
        dataset = prepared.open_prepared(path)
    except pairs.DataError as error:
        raise InputError(
            f"The data set of {run.path} cannot be read. {error} If the data set is in another"
            " folder, name that with --data_path."
        ) from error
    if dataset.metadata["recordings_fingerprint"] != record["recordings_fingerprint"]:
        raise InputError(
            f"The data set in {path} has other recordings than those {run.path} was trained on."
            " Give the folder of the run's data set with --data_path."
        )
    if prepared.fit_config(config, dataset) != config:
        raise InputError(
            f"The data set in {path} has images or classes of other shapes than {run.path} was"
            " trained on. Give the folder of the run's data set with --data_path."
        )
    return prepared.load(dataset, config.data)


def evaluate_run(
    run_dir,
    data: pairs.AudioDescriptions,
    pool: ScoringPool,
    *,
    split: str,
    device: str,
    with_controls: bool = False,
    word_accuracy: bool = False,
    num_pairs: int = 0,
    num_wavs: int = 10,
) -> list[dict]:
    """Scores a trained run and returns the summaries: the network's, then the controls'.

    Args:
        run_dir: a run folder with a trained network.
        data: the data set of the run (`load_data`).
        pool: scores the waveforms; its references are `data.recordings`.
        split: "test" or "validation".
        device: "cpu" or "gpu", for the record.
        with_controls: scores the controls too; their classifier is this run's softmax head.
        word_accuracy: adds what a speech recogniser hears.
        num_pairs: how many pairs to score, evenly spread over the split; 0 for all.
        num_wavs: how many of the first waveforms to keep.

    Raises:
        InputError: no finished run, no recogniser installed, another process at the same evaluation, or a result that
            cannot be written.
    """
    run = RunFolder(run_dir)
    config, record = run.config(), run.environment()
    model = ModelGenerator(run.model(), LABELS[config.variant])
    pairs = getattr(data, split).spread(num_pairs)
    predicted = model.predict_labels(pairs.images) if model.has_classifier else None
    recognizer = None
    if word_accuracy:
        from mtnet_tf.metrics.word_accuracy import WordRecognizer

        recognizer = WordRecognizer(data.words)
    training = ("training_seconds", "steps", "images_seen", "num_parameters", "data_path")
    provenance = {
        **environment(device),
        "training_command": record["command"],
        "training_git_commit": record["git_commit"],
        "training_hardware": record["hardware"],
        **{key: record.get(key) for key in training},
        "num_training_pairs": len(data.train),
        "preset": config.preset,
        "variant": config.variant,
        "seed": config.training.seed,
        "precision": config.training.precision,
        "recordings": data.recordings_record(),
    }
    generators = [model, *(controls(data, predicted) if with_controls else [])]
    summaries = []
    with run.lock(f"evaluation/{split}"):
        for generator in generators:
            accuracy = (
                float((predicted == pairs.labels).mean())
                if predicted is not None and generator is model
                else None
            )
            summaries.append(
                evaluate(
                    generator,
                    pairs,
                    data,
                    run / "evaluation" / split / generator.name,
                    provenance=provenance,
                    split=split,
                    split_size=len(getattr(data, split)),
                    pool=pool,
                    num_wavs=num_wavs,
                    recognizer=recognizer,
                    classifier_accuracy=accuracy,
                )
            )
    return summaries
