"""Trained networks that ship with the package: run folders, with their weights in float16.

`experiments.pretrain` makes them. Each has a model card, README.md.
"""

import pathlib

from mtnet_tf.errors import InputError

DEFAULT = "mnist_ad"


def names() -> list[str]:
    """Returns the data sets whose networks ship with the package."""
    here = pathlib.Path(__file__).parent
    return sorted(path.parent.name for path in here.glob("*/config.json"))


def run_dir(name: str = DEFAULT) -> pathlib.Path:
    """Returns the run folder of a network that ships with the package.

    Args:
        name: one of `names`.

    Raises:
        InputError: there is none of that name.
    """
    if name not in names():
        raise InputError(
            f"No network of {name!r} ships with the package. There are: {', '.join(names())}."
        )
    return pathlib.Path(__file__).parent / name
