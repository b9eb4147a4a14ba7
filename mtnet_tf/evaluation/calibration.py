"""How far the softmax of a run may be believed: temperature, threshold and calibration curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
import scipy.optimize
import scipy.special

from mtnet_tf.config import Config, ConfigError
from mtnet_tf.data import loading
from mtnet_tf.data.images import decode_image, encode_png
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.data.picture_files import ImageError
from mtnet_tf.data.prepared import PreparedDataSet
from mtnet_tf.data.slices import slices
from mtnet_tf.errors import InputError
from mtnet_tf.files import write_json
from mtnet_tf.models.inputs import named_inputs
from mtnet_tf.runs.layout import CALIBRATION
from mtnet_tf.runs.provenance import environment
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.trained import load_network

RULE = (
    "the threshold with the largest difference between the share of right validation images that"
    " count as sure, and that of wrong ones and outliers, which weigh alike"
)
_BATCH = 500
_NUM_BINS = 10


def calibrate_run(
    run: RunFolder,
    data: AudioDescriptions,
    others: PreparedDataSet,
    num_outliers: int,
    device: Literal["cpu", "gpu"],
) -> dict[str, Any]:
    """Calibrates the network of a run, and writes `CALIBRATION` into its folder.

    Args:
        run: trained.
        data: the data set of the run.
        others: a data set whose pictures show none of its words.
        num_outliers: how many of its training pictures are looked at.
        device: what the program runs on, for the record.

    Returns:
        What is written: the values of `calibrate`, the name of `others`, and `environment`.

    Raises:
        InputError: as `calibrate`; or `others` has words of the run, or the run is not finished.
    """
    if shared := sorted(set(data.words) & set(others.metadata["words"].values())):
        raise InputError(
            f"{others.name} has words of the run: {', '.join(shared)}. Outliers show none of them:"
            " name another data set."
        )
    config = run.config()
    of_others = loading.load(others, loading.fit_config(config, others).data)
    pictures = of_others.train.spread(num_outliers).images
    found = calibrate(load_network(run), config, data, pictures)
    record = {**found, "outliers_of": others.name, **environment(device)}
    write_json(run / CALIBRATION, record)
    return record


def calibrate(
    network: keras.Model,
    config: Config,
    data: AudioDescriptions,
    outliers: Sequence[np.ndarray],
) -> dict[str, Any]:
    """Chooses temperature and threshold on held-out images and on pictures that show no word.

    The temperature minimises the cross-entropy of the validation part (Guo et al. 2017). It changes
    no word, only the probabilities.

    Args:
        network: a trained network with a softmax layer.
        config: of its run.
        data: the data set of the run; its validation part is used, its test part is not.
        outliers: uint8 pictures [height, width, 1 or 3] of any size, which go the way of a photo.

    Returns:
        "temperature", "threshold" and "rule"; of "validation" the "num_images", the "accuracy", the
        "sure" share of right and of wrong ones, and the expected calibration error before and
        after; of the "outliers" the "num_images", how many more were "num_refused" as no
        pictures, and the "sure" share; and the "curve", the bins of
        the calibrated probabilities. JSON types.

    Raises:
        ConfigError: the network has no softmax layer, nothing is held out, or the network finds the
            word of no validation image.
        ImageError: no outlier can be read as a picture of the network.
    """
    if "logits" not in network.output:
        raise ConfigError(
            f"The network of {config.system!r} has no softmax layer, so there is nothing to"
            " calibrate."
        )
    data.require_validation("The calibration is made")
    pairs = data.validation
    logits = _logits(network, pairs.inputs())
    temperature = fit_temperature(logits, pairs.labels)
    right = logits.argmax(-1) == pairs.labels
    if not right.any():
        raise ConfigError(
            f"The network finds the word of none of the {len(right):,} validation images, so there"
            " is nothing that it may be sure of. Train it for longer."
        )
    sure, before = (_likeliest(logits, t) for t in (temperature, 1.0))
    seen = _as_seen(outliers, config)
    # What a network sees does not depend on the voice that it speaks in.
    inputs = {"image": seen, "voice": np.zeros(len(seen), np.int32)}
    of_outliers = _likeliest(_logits(network, inputs), temperature)
    threshold = choose_threshold(sure[right], sure[~right], of_outliers)
    return {
        "temperature": temperature,
        "threshold": threshold,
        "rule": RULE,
        "validation": {
            "num_images": len(pairs),
            "accuracy": float(right.mean()),
            "sure_of_right": _share(sure[right], threshold),
            "sure_of_wrong": _share(sure[~right], threshold),
            "calibration_error_before": calibration_error(before, right),
            "calibration_error": calibration_error(sure, right),
        },
        "outliers": {
            "num_images": len(of_outliers),
            "num_refused": len(outliers) - len(of_outliers),
            "sure": _share(of_outliers, threshold),
        },
        "curve": _curve(sure, right),
    }


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns the temperature, from 1/20 to 20, with the least cross-entropy.

    It is 1 where every label is the likeliest class: the cross-entropy then falls with the
    temperature without end, and at the lowest every probability would be 1.

    Args:
        logits: float [n, classes].
        labels: int [n].
    """
    if np.array_equal(logits.argmax(-1), labels):
        return 1.0
    logits, rows = logits.astype(np.float64), np.arange(len(labels))

    def cross_entropy(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return -float(np.mean(scipy.special.log_softmax(scaled, axis=-1)[rows, labels]))

    bound = np.log(20)
    found = scipy.optimize.minimize_scalar(cross_entropy, bounds=(-bound, bound), method="bounded")
    return float(np.exp(found.x))


def choose_threshold(right: np.ndarray, wrong: np.ndarray, outliers: np.ndarray) -> float:
    """Returns the threshold of `RULE`.

    Args:
        right: probabilities of the likeliest word, of images that it is the word of.
        wrong: of other images of the data set.
        outliers: of pictures that show no word.
    """
    candidates = np.unique(np.concatenate([right, wrong, outliers, [1.0]]))
    refused = [group for group in (wrong, outliers) if len(group)]

    def gain(threshold: float) -> float:
        passed = [np.mean(group >= threshold) for group in refused]
        return np.mean(right >= threshold) - (np.mean(passed) if passed else 0.0)

    return float(max(candidates, key=gain))


def calibration_error(probabilities: np.ndarray, right: np.ndarray) -> float:
    """Returns the expected calibration error: |probability - accuracy|, averaged over the bins.

    Args:
        probabilities: of the likeliest word, float [n].
        right: bool [n].
    """
    bins = _curve(probabilities, right)
    counts = np.array([b["num_images"] for b in bins])
    gaps = np.array([abs(b["probability"] - b["accuracy"]) for b in bins])
    return float(np.sum(counts * gaps) / counts.sum())


def _curve(probabilities: np.ndarray, right: np.ndarray) -> list[dict[str, float]]:
    places = np.minimum((probabilities * _NUM_BINS).astype(int), _NUM_BINS - 1)
    return [
        {
            "from": k / _NUM_BINS,
            "num_images": int(np.sum(places == k)),
            "probability": float(probabilities[places == k].mean()),
            "accuracy": float(right[places == k].mean()),
        }
        for k in range(_NUM_BINS)
        if np.any(places == k)
    ]


def _share(probabilities: np.ndarray, threshold: float) -> float | None:
    return float(np.mean(probabilities >= threshold)) if len(probabilities) else None


def _likeliest(logits: np.ndarray, temperature: float) -> np.ndarray:
    return scipy.special.softmax(logits.astype(np.float64) / temperature, axis=-1).max(-1)


def _logits(network: keras.Model, inputs: dict[str, np.ndarray]) -> np.ndarray:
    parts = []
    for rows in slices(len(inputs["image"]), _BATCH):
        batch = {name: values[rows] for name, values in inputs.items()}
        outputs = network(named_inputs(network, batch), training=False)
        parts.append(outputs["logits"].numpy())
    return np.concatenate(parts)


def _as_seen(pictures: Sequence[np.ndarray], config: Config) -> np.ndarray:
    """Returns pictures as `describe` shows them to the network; those that it refuses are left out.

    Raises:
        ImageError: it refuses all.
    """
    data, seen, refusal = config.data, [], None
    for picture in pictures:
        png = encode_png(picture)
        try:
            image, _ = decode_image(png, data.image_shape, "auto", data.digit_size)
        except ImageError as error:
            refusal = error
            continue
        seen.append(image)
    if not seen:
        raise refusal or ImageError("There is no outlier. Give a data set of other pictures.")
    return np.stack(seen)
