"""Building a data set on Apache Beam: the same builders, the same files, any runner."""

import dataclasses
import json

import tensorflow_datasets as tfds
from etils import epath

from data_builders.errors import DataSetError
from mtnet_tf.errors import install


def download_config(options: str) -> tfds.download.DownloadConfig:
    """Returns the argument of `download_and_prepare` that has Beam do the work.

    Args:
        options: pipeline options as in `tfds build --beam_pipeline_options`: `name=value` separated
            by commas, e.g.
            "runner=DirectRunner,direct_num_workers=2,direct_running_mode=multi_processing".

    Raises:
        DataSetError: Beam is not installed or knows no such option.
    """
    try:
        from apache_beam.options import pipeline_options
    except ImportError as error:
        raise DataSetError(
            f"Apache Beam is not installed ({error}). {install('tfds-cli')}"
        ) from error
    flags = [f"--{option.strip()}" for option in options.split(",") if option.strip()]
    found = pipeline_options.PipelineOptions(flags)
    # Not by name: `--worker_machine_type` is the option `machine_type`.
    unknown = found.get_all_options(retain_unknown_options=True).keys() - found.get_all_options()
    if unknown:
        named = ", ".join(f"--{name}" for name in sorted(unknown))
        raise DataSetError(f"Apache Beam has no option {named}.")
    return tfds.download.DownloadConfig(beam_options=found)


def with_runner(
    download_config: tfds.download.DownloadConfig | None,
) -> tfds.download.DownloadConfig | None:
    """Returns the configuration with the Beam runner named, if it has Beam options.

    By the runner's name TFDS knows that a builder of shards is to run on Beam; `tfds build` gives
    the options alone.
    """
    options = download_config and download_config.beam_options
    if not options or download_config.beam_runner:
        return download_config
    runner = options.get_all_options()["runner"] or "DirectRunner"
    return dataclasses.replace(download_config, beam_runner=runner)


def in_order_of_shards(splits: tfds.core.SplitDict, folder: epath.Path) -> tfds.core.SplitDict:
    """Returns the splits with the number of examples of each shard at its place.

    TFDS puts those that Beam has counted in the order of their names: 10 comes before 2.

    Args:
        splits: of a data set.
        folder: of its files. TFDS's notes of the numbers are removed from it.
    """
    infos = dict(splits)
    for path in folder.glob("*.shard_infos.json"):
        (name,) = (name for name in splits if f"-{name}." in path.name)
        shards = {int(shard): length for shard, length in json.loads(path.read_text()).items()}
        infos[name] = splits[name].replace(shard_lengths=[shards[k] for k in sorted(shards)])
        path.unlink()
    return tfds.core.SplitDict(infos.values())
