"""TFDS builders of audio-description data sets: images paired with spoken words.

`import data_builders` registers them with TFDS:

    tfds.load("digits_ad")
    tfds.load("mnist_ad/one_recording", builder_kwargs={"recordings_dir": "recordings/jackson"})
    tfds.load("cifar100_ad/many_takes", builder_kwargs={"recordings_dir": "recordings/joe"})
"""

from data_builders.cifar10_ad import cifar10_ad_dataset_builder
from data_builders.cifar100_ad import cifar100_ad_dataset_builder
from data_builders.digits_ad import digits_ad_dataset_builder
from data_builders.mnist_ad import mnist_ad_dataset_builder
from mtnet_tf.errors import InputError

BUILDERS = {
    builder.name: builder
    for builder in (
        digits_ad_dataset_builder.Builder,
        mnist_ad_dataset_builder.Builder,
        cifar10_ad_dataset_builder.Builder,
        cifar100_ad_dataset_builder.Builder,
    )
}


class DataSetError(InputError, ValueError):
    """A data set or config that does not exist; the message lists those that do."""


def open_builder(name, data_dir=None, recordings_dir=None, **kwargs):
    """Constructs the builder of a data set; `download_and_prepare` of it writes the data set.

    Args:
      name: `digits_ad`, `mnist_ad`, `cifar10_ad` or `cifar100_ad`, also with a config, as in
        `mnist_ad/one_recording`.
      data_dir: where TFDS keeps data sets; None for `~/tensorflow_datasets`.
      recordings_dir: the recordings folder; `digits_ad` has its own for None.
      **kwargs: further arguments of `audio_description.AudioDescriptionBuilder`.

    Returns:
      the builder.

    Raises:
      DataSetError: if there is no such data set or config.
      recordings.RecordingsError: if the recordings do not fulfil what the data set needs.
      audio.AudioError: if a recording cannot be used.
    """
    base, _, config = name.partition("/")
    if base not in BUILDERS:
        raise DataSetError(f"Unknown data set {base!r}. Known: {', '.join(BUILDERS)}.")
    configs = list(BUILDERS[base].builder_configs)
    if config and config not in configs:
        raise DataSetError(f"{base} has no config {config!r}. It has: {', '.join(configs)}.")
    return BUILDERS[base](
        config=config or None, data_dir=data_dir, recordings_dir=recordings_dir, **kwargs
    )
