"""What the project's speed is, measured part by part on synthetic data: the library of `experiments.benchmark`."""

import importlib
import resource

from experiments.benchmarking.setting import Setting

# The parts in the order in which they are measured, each a function setting -> figures of a module of this package.
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
    """Returns the figures of one of `PARTS`, ready for JSON, and the process's peak of memory up to now in MiB.

    TensorFlow is not imported before this is called.
    """
    module, _, function = PARTS[part].rpartition(".")
    measured = getattr(importlib.import_module(f"{__name__}.{module}"), function)(setting)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**measured, "peak_mib": round(peak_kib / 1024)}
