"""Measures how fast training, scoring and speaking are on this machine; prints one JSON object.

    python -m experiments.benchmark
    python -m experiments.benchmark --preset=paper --batch_size=4 --parts=encoder,generator
    python -m experiments.benchmark --override=data.image_shape=[32,32,3] --parts=plain_keras

Pictures and words are synthetic and have the shapes of the preset. The parts are:

    train_step         the whole step of the joint stage
    num_pairs          the same with 60,000 pairs, by turns with 1,000
    encoder            forward and backward of the image encoder with a head of ten classes
    plain_keras        the same, by turns with plain Keras layers in float32
    pytorch            the same, by turns with PyTorch in both memory formats, if it is installed
    interleaved        the same, by turns with its form without dilated convolutions
    generator          forward and backward of the audio generator
    autoencoder_stage  a step of stage 1, and the stage's time for 100 recordings and 50,000 pairs
    optimizer          the update of the joint network's weights, by turns with Keras' optimiser
    input              the batches alone
    evaluation         pairs scored a second
    describe           the program from its start, and a picture when it is warm

A rate is the median over at least five turns of about a second, and `spread` is the slowest and the
fastest turn. A ratio is the median of the ratios of neighbouring turns. Operations are those of
convolutions and matrix products, counted from the shapes in the forward graph, times three for
forward and backward. `share_of_peak` compares the step with products of large matrices in the same
precisions, timed by turns with it. `peak_mib` is the most memory that the process has held up to
that part: ask for one part alone to have its own.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from absl import flags

from experiments import program

if TYPE_CHECKING:
    from mtnet_tf.config import Config

_LONGEST_SECS = 24 * 3600

_PRESET = flags.DEFINE_multi_string("preset", ["small"], "Presets, as of experiments.train.")
_OVERRIDE = flags.DEFINE_multi_string(
    "override", [], "key=value of the configuration, e.g. training.precision=mixed_bfloat16."
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Images a step; default: that of the preset's joint stage.", lower_bound=1
)
_SECONDS = flags.DEFINE_float("seconds", 5.0, "Length of one measurement.", lower_bound=0.0)
_PARTS = flags.DEFINE_list("parts", None, "Parts to measure, e.g. encoder,input; default: all.")
_OUTPUT = flags.DEFINE_string("output", None, "File for the JSON, besides the screen.")
program.define_device_flag()


def configuration(name: str) -> Config:
    """Returns the preset `name` with --override and --batch_size applied."""
    from experiments.benchmarking.setting import configure

    changes = list(_OVERRIDE.value)
    if _BATCH_SIZE.value:
        changes.append(f"training.joint.batch_size={_BATCH_SIZE.value}")
    return configure(name, changes)


def main(argv: list[str]) -> None:
    """Measures the parts and prints the figures."""
    del argv
    from experiments import benchmarking
    from mtnet_tf.errors import InputError

    # TensorFlow is not imported yet, so that a bad setting is told at once.
    configs = {name: configuration(name) for name in _PRESET.value}
    if not _SECONDS.value <= _LONGEST_SECS:  # so that NaN is refused too
        raise InputError(
            f"--seconds must be at most {_LONGEST_SECS:,}. Received: --seconds={_SECONDS.value}."
        )
    parts = _PARTS.value or list(benchmarking.PARTS)
    for part in parts:
        if part not in benchmarking.PARTS:
            raise InputError(
                f"--parts: there is no part {part!r}. The parts are:"
                f" {', '.join(benchmarking.PARTS)}."
            )

    from experiments.benchmarking.matrix_product import DTYPES, MatrixProduct
    from experiments.benchmarking.timing import seconds_per_call
    from mtnet_tf.files import write_json
    from mtnet_tf.runs import devices
    from mtnet_tf.runs.provenance import environment

    logger = logging.getLogger("mtnet_tf.benchmark")
    device = devices.select_device(flags.FLAGS.device)
    logger.info("large matrix products on %s", device)
    products = {dtype: MatrixProduct(dtype) for dtype in DTYPES}
    peaks = {
        dtype: product.flops / 1e9 / seconds_per_call(product, _SECONDS.value).min()
        for dtype, product in products.items()
    }
    result = {
        "seconds_per_measurement": _SECONDS.value,
        "matmul_gflops_per_second": {dtype: round(peak) for dtype, peak in peaks.items()},
        "presets": {},
    }
    for name, config in configs.items():
        config = devices.choose_precision(config, device)
        setting = benchmarking.Setting(config, _SECONDS.value, products, device)
        figures = result["presets"][name] = {"precision": config.training.precision}
        for part in parts:
            logger.info("%s: %s", name, part)
            figures[part] = benchmarking.measure(part, setting)
    result |= {"peak_mib": benchmarking.peak_mib(), **environment(device)}
    print(json.dumps(result, indent=2))
    if _OUTPUT.value:
        write_json(_OUTPUT.value, result)


if __name__ == "__main__":
    program.run(main)
