"""DCMAVG's other half: images of sounds, and how good they are."""

from __future__ import annotations

import pathlib
from typing import Any, Literal

import keras
import numpy as np

from mtnet_tf.config import ConfigError
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.evaluation.figures import draw_images
from mtnet_tf.files import replacing, write_json
from mtnet_tf.runs.provenance import of_training
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies.results import training_record
from mtnet_tf.systems.trained import load_network
from mtnet_tf.training.images_of_sounds import train_images_of_sounds
from mtnet_tf.training.session import Session
from mtnet_tf.training.stages.image import as_pixels, as_samples

RESULT, PICTURE = "images_of_sounds.json", "images_of_sounds.png"
_OF_A_WORD = 10  # images that are shown


def make_images(
    of_run: RunFolder,
    data: AudioDescriptions,
    run: RunFolder,
    device: Literal["cpu", "gpu"],
) -> dict[str, Any]:
    """Trains the half, or goes on where it was stopped, and says how good its images are.

    Args:
        of_run: a trained run of DCMAVG, whose image classifier says what an image shows.
        data: the data set of that run.
        run: the run folder of this half; receives images_of_sounds.json and .png too.
        device: for the record.

    Returns:
        What images_of_sounds.json holds.

    Raises:
        ConfigError: the run is of another system, nothing is held out, or the run folder is that of
            the run.
        InputError: as `loop.run_stage`.
    """
    config = of_run.config()
    if config.system != "dcmavg":
        raise ConfigError(
            f"{of_run.path} is a run of {config.system!r}. Images of sounds are the other half of"
            " 'dcmavg': give a run of that."
        )
    if run.path.resolve() == of_run.path.resolve():
        raise ConfigError(f"{run.path} is the run of DCMAVG itself. Give this half another folder.")
    data.require_validation("The best images are chosen")
    classifier = load_network(of_run).get_layer("image_classifier")
    with run.lock():
        run.begin(config, data.metadata["recordings_fingerprint"], device)
        session = Session(run, config.training)
        keras.utils.set_random_seed(config.training.seed)
        stage = train_images_of_sounds(config, data, classifier, session)
        # Other latents than those that chose the best validation.
        count = len(data.validation)
        random = np.random.default_rng([config.training.seed, 1])
        made = stage.make_all(count, random.normal(size=[count, stage.noise_units]))
        right = stage.recognize(made) == data.validation.labels
        true_images = as_samples(data.validation.images).numpy()
        truly = stage.recognize(true_images) == data.validation.labels
        _draw(run / PICTURE, made, data)
        result = {
            "num_images": count,
            "word_accuracy": float(right.mean()),
            "word_accuracy_of_true_images": float(truly.mean()),
            "looks": run.validations(),
            "steps": stage.num_steps,
            "training_seconds": round(session.seconds, 1),
            **of_training(run.environment()),
            **training_record(config, data, device),
        }
        write_json(run / RESULT, result)
    return result


def _draw(path: pathlib.Path, made: np.ndarray, data: AudioDescriptions) -> None:
    """Draws the first images of each word, of as many words as there are images of a word."""
    labels = data.validation.labels
    words = [k for k in range(len(data.words)) if (labels == k).sum() >= _OF_A_WORD][:_OF_A_WORD]
    rows = [as_pixels(made[labels == k][:_OF_A_WORD]) for k in words]
    if rows:
        with replacing(path) as temporary:
            draw_images(temporary, rows, [data.words[k] for k in words])
