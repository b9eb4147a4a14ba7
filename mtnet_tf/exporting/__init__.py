"""The test network of a run in formats that need no Keras: SavedModel, ONNX and LiteRT."""

# {format: the module here that writes it}. They import TensorFlow; `export.FORMATS` has them.
MODULES = {"saved_model": "saved_model", "onnx": "onnx_file", "litert": "litert"}
# What the files may hold instead of float32; not all formats have each of them.
QUANTIZATIONS = ("float16", "int8")
