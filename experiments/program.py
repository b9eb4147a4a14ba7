"""What every program shares: quiet start, readable errors, exit codes, the flags of a data set."""

import importlib
import logging
import os
import sys

from absl import app, flags
from absl import logging as absl_logging

from mtnet_tf.errors import InputError

# Must stand before TensorFlow is imported. oneDNN's kernels, which TensorFlow uses by itself on CPUs with
# AVX-512 VNNI or later alone, are twice as fast on older ones too, and have the dilated convolutions' gradients.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def run(main) -> None:
    """Runs `main(argv)` as an absl program.

    An `InputError` is printed as one line, exit status 1; SIGINT and SIGTERM that a training answered with a
    checkpoint exit with 130 and 143; an unknown flag or argument with absl's own 1.
    """

    def checked_main(argv):
        absl_logging.get_absl_handler().setFormatter(
            logging.Formatter("%(asctime)s  %(message)s", datefmt="%H:%M:%S")
        )
        absl_logging.set_verbosity(absl_logging.ERROR)  # TFDS's and Keras' own talk
        for package in ("mtnet_tf", "data_builders"):
            logging.getLogger(package).setLevel(logging.INFO)
        if len(argv) > 1:
            raise app.UsageError(
                f"Arguments are given as --flag=value. Received: {' '.join(argv[1:])}"
            )
        try:
            return main(argv)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            return error.exit_status
        except KeyboardInterrupt:
            print(
                "error: interrupted; the same command goes on where this one stopped.",
                file=sys.stderr,
            )
            return 130

    app.run(checked_main)


def define_device_flag() -> None:
    """Defines --device."""
    flags.DEFINE_enum("device", "auto", ["auto", "cpu", "gpu"], "gpu without a GPU is an error.")


def define_system_module_flag() -> None:
    """Defines --system_module."""
    flags.DEFINE_string(
        "system_module", None, "Python module that registers a system of your own, to be imported."
    )


def find_systems(names):
    """Returns the systems of some names, after --system_module has registered its own.

    Raises:
        InputError: the module cannot be imported, or a name is unknown or comes twice.
    """
    from mtnet_tf import systems

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
    return systems.find_all(names)


def define_training_flags(strategies) -> None:
    """Defines --preset, --override, --device, --strategy, --keep and --system_module."""
    define_system_module_flag()
    flags.DEFINE_enum(
        "keep",
        "all",
        ["all", "model"],
        "What stays of a finished run: model leaves out checkpoints and TensorBoard's events.",
    )
    flags.DEFINE_string(
        "preset", "small", "paper, released (both for a GPU), small (two CPU cores) or tiny."
    )
    flags.DEFINE_multi_string(
        "override", [], "key=value of the configuration, e.g. training.joint.epochs=2."
    )
    define_device_flag()
    flags.DEFINE_enum(
        "strategy",
        "none",
        strategies,
        "How stage 2 is spread: mirrored over the GPUs of this machine, multi_worker over the machines in TF_CONFIG.",
    )


def read_config():
    """Returns the configuration of --preset and --override, before TensorFlow is imported."""
    from mtnet_tf import config
    from mtnet_tf.config import preset

    return config.override(preset(flags.FLAGS.preset), flags.FLAGS.override)


def prepare_devices(config):
    """Returns the device, the strategy and `config` with its precision chosen; before any operation."""
    from mtnet_tf.runs import devices
    from mtnet_tf.training import distribution

    device = devices.select_device(flags.FLAGS.device)
    return (
        device,
        distribution.make_strategy(flags.FLAGS.strategy),
        devices.choose_precision(config, device),
    )


def define_dataset_flags() -> None:
    """Defines --dataset and what chooses and works on its recordings."""
    flags.DEFINE_string(
        "dataset",
        None,
        "Data set: digits_ad (the default), mnist_ad/one_recording, ..., or one of --builder_module"
        " (default: its only one).",
    )
    flags.DEFINE_string(
        "builder_module",
        None,
        "Python module of a data set from outside the package, e.g. my_package.fashion_mnist_ad.",
    )
    flags.DEFINE_string(
        "data_dir", None, "TFDS data_dir; default: TFDS's own, ~/tensorflow_datasets."
    )
    flags.DEFINE_string(
        "recordings_dir",
        None,
        "Recordings folder <word>/<speaker>_<take>.flac (digits_ad ships one).",
    )
    flags.DEFINE_string(
        "npz_dir", None, "Folder of the authors' npz files, for a data set's config authors."
    )
    flags.DEFINE_string(
        "speaker",
        None,
        "Speaker to take from a recordings folder with several; any: for each word one who has it,"
        " those with the most words first, then by name.",
    )
    flags.DEFINE_integer("pairing_seed", 0, "Draws takes and voices, where a pairing has several.")
    flags.DEFINE_string(
        "audio_length", None, "L_s in samples, or auto: the longest word's; default: the paper's."
    )
    flags.DEFINE_bool(
        "allow_missing_words", False, "Make a data set of the words that are recorded."
    )
    # Their defaults: data_builders.recordings.Processing.
    flags.DEFINE_float("top_db", None, "Silence is this far below a recording's loudest 10 ms, dB.")
    flags.DEFINE_float("margin_secs", None, "Kept before and after a word, in seconds.")
    flags.DEFINE_float("peak", None, "Largest absolute sample of a recording, in [0.01, 1].")


def open_builder():
    """Returns the builder that the data set flags name, prepared or not."""
    import data_builders

    values = flags.FLAGS
    processing = {name: values[name].value for name in ("top_db", "margin_secs", "peak")}
    return data_builders.open_builder(
        values.dataset,
        data_dir=values.data_dir,
        recordings_dir=values.recordings_dir,
        builder_module=values.builder_module,
        npz_dir=values.npz_dir,
        speaker=values.speaker,
        pairing_seed=values.pairing_seed,
        audio_length=values.audio_length,
        allow_missing_words=values.allow_missing_words,
        processing={name: value for name, value in processing.items() if value is not None},
    )


def open_data_set():
    """Returns the `PreparedDataSet` that the data set flags name; prepares it where it is not."""
    from mtnet_tf.data.prepared import open_prepared

    builder = open_builder()
    if not builder.is_prepared():
        builder.download_and_prepare()
    return open_prepared(builder.data_path)
