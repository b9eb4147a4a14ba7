"""The speed of the project's parts on synthetic data: the library of `experiments.benchmark`."""

import importlib
import resource

from experiments.benchmarking.setting import Setting

# The parts in the order in which they are measured. Each is a function of a module of this package
# that takes a `Setting` and returns figures.
PARTS = {
    "train_step": "training_parts.train_step",
    "num_pairs": "training_parts.num_pairs",
    "encoder": "training_parts.encoder",
    "plain_keras": "training_parts.plain_keras",
    "pytorch": "training_parts.pytorch",
    "interleaved": "training_parts.interleaved",
    "generator": "training_parts.generator",
    "autoencoder_stage": "training_parts.autoencoder_stage",
    "optimizer": "optimizer_update.optimizer",
    "input": "training_parts.batches",
    "evaluation": "scoring.evaluation",
    "describe": "describing.describe",
}


def measure(part: str, setting: Setting) -> dict:
    """Measures one part. TensorFlow is not imported before this is called.

    Args:
        part: a key of `PARTS`.
        setting: what is measured, and for how long.

    Returns:
        The figures of the part, ready for JSON, with `peak_mib`.
    """
    module, _, function = PARTS[part].rpartition(".")
    measured = getattr(importlib.import_module(f"{__name__}.{module}"), function)(setting)
    return {**measured, "peak_mib": peak_mib()}


def peak_mib() -> int:
    """Returns the most memory that this process has held so far, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
