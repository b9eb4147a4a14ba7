"""What the shared flags ask for: networks, systems, devices, data sets, a speech recogniser."""

import dataclasses
import importlib
import pathlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from absl import flags

from mtnet_tf import pretrained
from mtnet_tf.config import Config, DataConfig, override, preset
from mtnet_tf.errors import InputError

if TYPE_CHECKING:
    import tensorflow as tf
    import tensorflow_datasets as tfds

    from data_builders.audio_description import AudioDescriptionBuilder
    from mtnet_tf import systems
    from mtnet_tf.data.pairs import AudioDescriptions
    from mtnet_tf.data.prepared import PreparedDataSet
    from mtnet_tf.metrics.scoring_pool import ScoringPool
    from mtnet_tf.metrics.word_accuracy import WordRecognizer
    from mtnet_tf.runs.run_folder import RunFolder

# The fields that a prepared data set leaves open. It fixes the others of `data`.
_OPEN = {"data.validation_fraction", "data.validation_seed"}


def network_dir() -> pathlib.Path:
    """Returns the run folder that the flags of `define_network_flags` name.

    Raises:
        InputError: both are given.
    """
    values = flags.FLAGS
    if values.run_dir is None:
        return pretrained.run_dir(values.pretrained)
    if values["pretrained"].present:
        raise InputError(
            f"--run_dir={values.run_dir} and --pretrained={values.pretrained} are given: each names"
            " a network. Leave out one of them."
        )
    return pathlib.Path(values.run_dir)


def find_systems(names: Sequence[str]) -> "tuple[systems.System, ...]":
    """Returns the systems of some names, after --system_module has registered its own.

    Args:
        names: of systems.

    Raises:
        InputError: as `import_system_module`, or a name is unknown or comes twice.
    """
    from mtnet_tf import systems

    import_system_module()
    return systems.find_all(names)


def import_system_module() -> None:
    """Imports the module that --system_module names, which registers its systems.

    Raises:
        InputError: the module cannot be imported.
    """
    module = flags.FLAGS.system_module
    if module:
        try:
            importlib.import_module(module)
        except Exception as error:
            # Whatever the code of a user's module raises.
            raise InputError(
                f"--system_module={module} cannot be imported ({type(error).__name__}: {error})."
                " Give the dotted name of a module on PYTHONPATH that calls"
                " mtnet_tf.systems.register."
            ) from error


def open_run(path: pathlib.Path | str) -> "tuple[RunFolder, systems.System]":
    """Returns a run folder and its system, before TensorFlow is imported.

    Raises:
        InputError: the path is no run folder, or its system cannot be found.
    """
    from mtnet_tf.runs.run_folder import RunFolder

    run = RunFolder(path)
    (system,) = find_systems([run.config().system])
    return run, system


def read_config() -> Config:
    """Returns the configuration of --preset and --override, before TensorFlow is imported.

    Raises:
        InputError: as `read_overrides`; or there is no such preset, or an override is refused.
    """
    return override(preset(flags.FLAGS.preset), read_overrides())


def read_overrides() -> list[str]:
    """Returns --override of a program that trains on a prepared data set.

    Raises:
        InputError: one is of a field that the data set fixes.
    """
    fixed = {"data", *(f"data.{field.name}" for field in dataclasses.fields(DataConfig))} - _OPEN
    for assignment in flags.FLAGS.override:
        key = assignment.partition("=")[0]
        if key in fixed:
            raise InputError(
                f"--override={key}=... is given, and the prepared data set fixes {key}. Leave it"
                " out, or prepare a data set that has it (experiments.prepare_data)."
            )
    return flags.FLAGS.override


def prepare_device(config: Config) -> tuple[str, Config]:
    """Chooses what --device asks for. To be called before any operation of TensorFlow's.

    Args:
        config: the configuration of a training.

    Returns:
        (device, config): "cpu" or "gpu", and `config` with its precision chosen.

    Raises:
        InputError: the device is not there.
    """
    from mtnet_tf.runs import devices

    device = devices.select_device(flags.FLAGS.device)
    return device, devices.choose_precision(config, device)


def make_strategy() -> "tf.distribute.Strategy":
    """Returns what --strategy asks for. To be called right after `prepare_device`.

    Raises:
        InputError: the machines of the strategy are not there.
    """
    from mtnet_tf.training import distribution

    return distribution.make_strategy(flags.FLAGS.strategy)


def make_recognizer(words: Iterable[str]) -> "WordRecognizer | None":
    """Returns what hears the words where --word_accuracy is given.

    Args:
        words: the data set's words.

    Raises:
        InputError: no recogniser is installed, or it has no pronunciation for a word.
    """
    from mtnet_tf.metrics.word_accuracy import WordRecognizer

    return WordRecognizer(words) if flags.FLAGS.word_accuracy else None


def scoring_pool(data: "AudioDescriptions") -> "ScoringPool":
    """Returns what scores waveforms, with the metrics and in as many processes as the flags say.

    Args:
        data: the data set, whose recordings are the references.
    """
    from mtnet_tf.metrics.score import chosen_metrics
    from mtnet_tf.metrics.scoring_pool import ScoringPool

    values = flags.FLAGS
    extras = "extra_metrics" in values and values.extra_metrics
    references = data.recordings.float_waveforms()
    return ScoringPool(references, values.num_processes, chosen_metrics(extras=extras))


def open_builder(name: str | None = None) -> "AudioDescriptionBuilder":
    """Returns the builder of a data set, prepared or not.

    Args:
        name: the data set; by default the one that the flags of `define_dataset_flags` name.
    """
    import data_builders

    values = flags.FLAGS
    given = {name: values[name].value for name in ("top_db", "margin_secs", "peak")}
    processing = {name: value for name, value in given.items() if value is not None}
    return data_builders.open_builder(
        name or values.dataset,
        data_dir=values.data_dir,
        recordings_dir=values.recordings_dir,
        builder_module=None if name else values.builder_module,
        npz_dir=values.npz_dir,
        speaker=values.speaker,
        pairing_seed=values.pairing_seed,
        audio_length=values.audio_length,
        allow_missing_words=values.allow_missing_words,
        processing=processing or None,  # what is None is left to the data set's config
    )


def open_data_set(name: str | None = None) -> "PreparedDataSet":
    """Returns a prepared data set; prepares it where it is not.

    Args:
        name: as in `open_builder`.
    """
    return prepare(open_builder(name))


def load_data_set(
    config: Config, name: str | None = None
) -> "tuple[PreparedDataSet, Config, AudioDescriptions]":
    """Prepares a data set where it is not, and reads it.

    Args:
        config: the configuration of a training.
        name: as in `open_builder`.

    Returns:
        (dataset, config, data): the prepared data set, `config` fitted to it, and its arrays.
    """
    from mtnet_tf.data import loading

    dataset = open_data_set(name)
    config = loading.fit_config(config, dataset)
    return dataset, config, loading.load(dataset, config.data)


def prepare(
    builder: "AudioDescriptionBuilder",
    download_config: "tfds.download.DownloadConfig | None" = None,
) -> "PreparedDataSet":
    """Returns the data set of a builder; prepares it where it is not.

    A data set that is there is only read, so its folder need not be one that may be written.

    Args:
        builder: of the data set.
        download_config: as in the builder's `download_and_prepare`.

    Raises:
        InputError: what is there was prepared by an earlier version of the builder.
    """
    from mtnet_tf.data.prepared import open_prepared

    if not builder.is_prepared():
        builder.download_and_prepare(download_config=download_config)
    dataset = open_prepared(builder.data_path)
    # The name of the folder tells recordings apart, and not what a builder says of its images.
    compared = {
        "DIGIT_SIZE": (dataset.metadata.get("digit_size"), builder.DIGIT_SIZE),
        "IMAGE_SHAPE": (dataset.image_shape, tuple(builder.IMAGE_SHAPE)),
    }
    changed = [f"{name} {a} -> {b}" for name, (a, b) in compared.items() if a != b]
    if changed:
        raise InputError(
            f"{dataset.path} was prepared before its builder was changed: {', '.join(changed)}."
            " Delete that folder, so that it is prepared again."
        )
    return dataset
