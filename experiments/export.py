"""Exports a trained network with its preprocessing, for programs that have no Keras.

    python -m experiments.export --run_dir=runs/first --format=onnx --output=first.onnx
    python -m experiments.export --run_dir=runs/first --format=litert --quantize=int8
    python -m experiments.export --pretrained=mnist_ad --output=digits.onnx

The input is `image`, uint8 [batch, height, width, channels] as the network was trained on, and,
where the network depends on the voice, `voice`, int32 [batch], a place in the list of voices. The
outputs are `waveform`, float32 [batch, L_s] in [-1, 1], and, where the network has a softmax layer,
`probabilities` of the words. The file holds the words, the voices, the sample rate and the
threshold of `describe` as JSON. It is compared with Keras before it is kept.
"""

import pathlib

from absl import flags

from experiments import program
from mtnet_tf.exporting import MODULES, QUANTIZATIONS

_FORMAT = flags.DEFINE_enum("format", "onnx", list(MODULES), "Format.")
_QUANTIZE = flags.DEFINE_enum(
    "quantize", None, QUANTIZATIONS, "Smaller weights; default: as they are."
)
_OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "File, or folder of a SavedModel; default: <format>, in --run_dir where that is given.",
)
program.define_network_flags()
program.define_system_module_flag()


def main(argv: list[str]) -> None:
    """Exports the network, and says how large the file is and how far it is off."""
    del argv
    run, _ = program.open_run(program.network_dir())

    from mtnet_tf.exporting.export import export
    from mtnet_tf.exporting.network import Exported
    from mtnet_tf.runs import devices

    devices.select_device("cpu")
    name = "_".join(filter(None, [_FORMAT.value, _QUANTIZE.value]))
    path = pathlib.Path(_OUTPUT.value or pathlib.Path(flags.FLAGS.run_dir or "") / name)
    found = export(Exported(run), path, _FORMAT.value, _QUANTIZE.value)
    off = ", ".join(f"{name} {value:.2g}" for name, value in found["largest_difference"].items())
    print(f"written: {found['path']}, {found['num_bytes']:,} bytes; largest difference: {off}")


if __name__ == "__main__":
    program.run(main)
