"""TFDS builders of audio-description data sets: images paired with spoken words.

`import data_builders` registers them with TFDS:

    import tensorflow_datasets as tfds
    import data_builders

    tfds.load("digits_ad")
    tfds.load("cifar100_ad")
    tfds.load("mnist_ad/many_takes", builder_kwargs={"recordings_dir": "recordings/jackson"})
"""

import importlib
import os
from typing import Any

from data_builders.audio_description import AudioDescriptionBuilder
from data_builders.errors import DataSetError

BUILDERS = {
    name: importlib.import_module(f"data_builders.{name}.{name}_dataset_builder").Builder
    for name in ("digits_ad", "mnist_ad", "cifar10_ad", "cifar100_ad")
}


def open_builder(
    name: str | type[AudioDescriptionBuilder] | None = None,
    data_dir: os.PathLike | str | None = None,
    recordings_dir: os.PathLike | str | None = None,
    builder_module: str | None = None,
    **kwargs: Any,
) -> AudioDescriptionBuilder:
    """Constructs the builder of a data set; `download_and_prepare` of it writes the data set.

    Args:
        name: `digits_ad`, `mnist_ad`, `cifar10_ad` or `cifar100_ad`, also with a config, as in
            `mnist_ad/one_recording`; a builder class; or None for the only builder of
            `builder_module`, and without one for `digits_ad`.
        data_dir: where TFDS keeps data sets; None for `~/tensorflow_datasets`.
        recordings_dir: the recordings folder; None for the words that ship with this package.
        builder_module: the Python module that defines the builder, for a data set from outside this
            package, as in `my_package.fashion_mnist_ad`. It is imported.
        **kwargs: further arguments of `audio_description.AudioDescriptionBuilder`.

    Returns:
        The builder.

    Raises:
        errors.DataSetError: there is no such module, data set or config.
        errors.RecordingsError: the recordings do not fulfil what the data set needs.
        audio.AudioError: a recording cannot be used.
    """
    kwargs |= {"data_dir": data_dir, "recordings_dir": recordings_dir}
    if isinstance(name, type):
        return name(**kwargs)
    builders = BUILDERS if builder_module is None else _builders_of(builder_module)
    where = "" if builder_module is None else f" in {builder_module}"
    if name is None:
        if builder_module is not None and len(builders) > 1:
            raise DataSetError(f"Name a data set{where} with --dataset: {', '.join(builders)}.")
        name = next(iter(builders))
    base, _, config = name.partition("/")
    if base not in builders:
        raise DataSetError(f"Unknown data set {base!r}{where}. Known: {', '.join(builders)}.")
    configs = list(builders[base].builder_configs)
    if config and config not in configs:
        raise DataSetError(f"{base} has no config {config!r}. It has: {', '.join(configs)}.")
    return builders[base](config=config or None, **kwargs)


def _builders_of(module_name: str):
    """{name: builder class} of those that a module outside this package defines."""
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever its code raises
        raise DataSetError(
            f"--builder_module={module_name} cannot be imported ({type(error).__name__}: {error})."
            " Give a module's name as in an import, my_package.my_data_set, and run where Python"
            " finds it, or set PYTHONPATH."
        ) from error
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, AudioDescriptionBuilder)
    ]
    builders = {cls.name: cls for cls in found if cls.__module__ == module.__name__}
    if not builders:
        raise DataSetError(
            f"{module_name} ({module.__file__}) defines no data set: a class derived from"
            " data_builders.audio_description.AudioDescriptionBuilder."
        )
    return builders
