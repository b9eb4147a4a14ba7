"""LiteRT (once TensorFlow Lite): one file for telephones, small boards and the browser."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from mtnet_tf import exporting
from mtnet_tf.exporting import saved_model
from mtnet_tf.exporting.network import Exported
from mtnet_tf.runs.cores import num_cores

SUFFIX = ".tflite"
QUANTIZATIONS = exporting.QUANTIZATIONS
_METADATA = "metadata"


def write(exported: Exported, path: pathlib.Path, quantize: str | None = None) -> None:
    """Writes the file with the signature "serving_default", and the metadata as its buffer.

    Args:
        exported: the network.
        path: the file.
        quantize: "float16" halves all weights, "int8" quarters those of large matrices and kernels.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved = pathlib.Path(folder) / "saved_model"
        saved_model.write(exported, saved)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(saved), signature_keys=["serving_default"]
        )
        if quantize:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        content = converter.convert()
    path.write_bytes(_with_metadata(content, exported.metadata))


def _with_metadata(content: bytes, text: str) -> bytes:
    """Returns a file's content with a named buffer of text."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    model.buffers.append(buffer)
    metadata = schema.MetadataT()
    metadata.name, metadata.buffer = _METADATA, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), metadata]
    builder = flatbuffers.Builder(len(content) + len(text) + 1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def load(path: pathlib.Path) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Returns {input: array [n, ...]} -> {output: float32 [n, ...]}."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=num_cores())  # else one

    def call(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        runner = interpreter.get_signature_runner("serving_default")
        one_by_one = [
            runner(**{name: values[k : k + 1] for name, values in inputs.items()})
            for k in range(len(inputs["image"]))
        ]
        return {name: np.concatenate([o[name] for o in one_by_one]) for name in one_by_one[0]}

    return call
