"""What is where in a run folder, and the names that several modules use.

config.json          the configuration; a run continues only under the same one
environment.json     versions, hardware, command line, git commit, data set and recordings hashes
recordings.npz       the distinct recordings: ids, words, waveforms; the words of the classes
audio_features.npz   the audio feature of each recording (line 3 of Algorithm 1)
embeddings.npz       of DCMAVG: the embedding of each image
calibration.json     of a run that was calibrated: its temperature and its threshold
train_log.jsonl      one line each log_steps, each step once
checkpoints/<stage>/ model + optimiser + step
tensorboard/
autoencoder.keras, model.keras   the trained networks
evaluation/<split>/<candidate>/  rows.csv, summary.json, wavs
"""

from __future__ import annotations

import pathlib

CONFIG, ENVIRONMENT = "config.json", "environment.json"
RECORDINGS, NETWORK = "recordings.npz", "model.keras"
AUTOENCODER, AUDIO_FEATURES = "autoencoder.keras", "audio_features.npz"
EMBEDDINGS, CALIBRATION = "embeddings.npz", "calibration.json"
LOG, CHECKPOINTS, EVENTS = "train_log.jsonl", "checkpoints", "tensorboard"
EVALUATION = "evaluation"
ROWS, SUMMARY, WAVS = "rows.csv", "summary.json", "wavs"
FAILED = ".failed.json"  # how the file ends that says why a cell of a table failed
MODEL = "model"  # the candidate that is the run's own network


def result_folder(
    candidate: str = MODEL, split: str = "test", evaluation: pathlib.Path | str = EVALUATION
) -> pathlib.Path:
    """Returns the folder of a result.

    Args:
        candidate: what was scored, `MODEL` or a control.
        split: on which pairs.
        evaluation: the folder of all results; by default the path is relative to a run folder.
    """
    return pathlib.Path(evaluation, split, candidate)
