"""The test network of a run in formats that need no Keras: SavedModel, ONNX and LiteRT."""
