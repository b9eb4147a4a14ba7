"""Where MNIST AD's dummy images (20 and 10) and recordings lie."""

from data_builders.mnist_ad import mnist_ad_dataset_builder

DUMMY = mnist_ad_dataset_builder.Builder.code_path.parent / "dummy_data"
