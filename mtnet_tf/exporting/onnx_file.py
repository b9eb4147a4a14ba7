"""ONNX: one file that ONNX Runtime reads, in Python, C, Java, .NET and the browser."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

from mtnet_tf import exporting
from mtnet_tf.exporting.network import Exported

SUFFIX = ".onnx"
QUANTIZATIONS = exporting.QUANTIZATIONS
_OPSET = 17


def write(exported: Exported, path: pathlib.Path, quantize: str | None = None) -> None:
    """Writes the file, with the metadata as its property "metadata".

    Args:
        exported: the network.
        path: the file.
        quantize: "float16" halves all weights, "int8" quarters those of the matrix products.
    """
    import onnx
    import tf2onnx

    model, _ = tf2onnx.convert.from_function(
        exported.describe,
        input_signature=exported.describe.input_signature,
        opset=_OPSET,
    )
    # The outputs come in the order of their names, and are called Identity.
    names = sorted(exported.describe.get_concrete_function().structured_outputs)
    _rename(model.graph, dict(zip(exported.inputs, [i.name for i in model.graph.input])))
    _rename(model.graph, dict(zip(names, [output.name for output in model.graph.output])))
    if quantize == "float16":
        from onnxconverter_common import float16

        # Pixels become numbers in float32: a cast to it would come out as float16, and not load.
        kept = [node.name for node in model.graph.node if _stays(node)]
        model = float16.convert_float_to_float16(model, keep_io_types=True, node_block_list=kept)
    elif quantize == "int8":
        model = _to_int8(model)
    property_ = model.metadata_props.add()
    property_.key, property_.value = "metadata", exported.metadata
    onnx.save(model, str(path))


def _stays(node: Any) -> bool:
    """Returns whether a node computes in float32 where the others have float16."""
    return node.op_type == "Cast" or "/standardize" in node.name


def _rename(graph: Any, names: dict[str, str]) -> None:
    """Renames tensors of a graph, {new: old}."""
    new = {old: name for name, old in names.items()}
    for node in graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [new.get(tensor, tensor) for tensor in tensors]
    for value in (*graph.input, *graph.output):
        value.name = new.get(value.name, value.name)


def _to_int8(model: Any) -> Any:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        whole, small = pathlib.Path(folder, "whole.onnx"), pathlib.Path(folder, "small.onnx")
        onnx.save(model, str(whole))
        # The convolutions hold little, and their integer kernels are slow or missing. Seven bits:
        # with eight, sums of products overflow on a CPU with AVX2 and without VNNI.
        quantize_dynamic(
            whole,
            small,
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        return onnx.load(str(small))


def load(path: pathlib.Path) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Returns {input: array [n, ...]} -> {output: float32 [n, ...]}."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def call(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, inputs)))

    return call
