"""The test network of a run in formats that need no Keras: SavedModel, ONNX and LiteRT."""

# What the files may hold instead of float32; not all formats have each of them.
QUANTIZATIONS = ("float16", "int8")
