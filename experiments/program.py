"""What every program shares: quiet start, readable errors, exit codes, the flags of a data set."""

import contextlib
import importlib
import importlib.abc
import importlib.util
import logging
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import types
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

from absl import app, flags
from absl import logging as absl_logging

from mtnet_tf import pretrained
from mtnet_tf.config import PRESETS, Config
from mtnet_tf.errors import InputError
from mtnet_tf.runs.cores import num_cores

if TYPE_CHECKING:
    import tensorflow as tf

    from data_builders.audio_description import AudioDescriptionBuilder
    from mtnet_tf import systems
    from mtnet_tf.data.prepared import PreparedDataSet

# The flags defined here belong to the program that asks for them: its --help shows them.
flags.disclaim_key_flags()

# These must stand before TensorFlow is imported. What TensorFlow's C++ code logs as an error is
# either no error (a CPU without AVX-512, a machine without a GPU) or comes as an exception too.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow uses oneDNN's kernels by itself only on CPUs with AVX-512 VNNI or later. They are twice
# as fast on older ones too, and have the gradients of dilated convolutions.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def run(main: Callable[[list[str]], int | None]) -> None:
    """Runs `main(argv)` as an absl program.

    An `InputError` is printed as one line, exit status 1. SIGINT and SIGTERM that a training
    answered with a checkpoint exit with 130 and 143. An unknown flag or argument exits with absl's
    own 1.

    What TensorFlow's C++ code logs is shown only where the environment variable
    TF_CPP_MIN_LOG_LEVEL says so: 0 shows everything.

    Args:
        main: The program. It is given the command line and returns the exit status, None for 0.
    """

    def checked_main(argv: list[str]):
        absl_logging.get_absl_handler().setFormatter(
            logging.Formatter("%(asctime)s  %(message)s", datefmt="%H:%M:%S")
        )
        # Hides what TFDS and Keras tell.
        absl_logging.set_verbosity(absl_logging.ERROR)
        for package in ("mtnet_tf", "data_builders"):
            logging.getLogger(package).setLevel(logging.INFO)
        if len(argv) > 1:
            raise app.UsageError(
                f"Arguments are given as --flag=value. Received: {' '.join(argv[1:])}"
            )
        interrupts = _count_interrupts()
        try:
            status = main(argv)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            return error.exit_status
        except BaseException:
            if not interrupts:
                raise
        else:
            if not interrupts:
                return status
        # Also where the interrupt came back as another exception, which TensorFlow makes of it, or
        # was swallowed, as Python does in a destructor. What is left to do is to exit, which a
        # second Ctrl-C cuts short.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        print(
            "error: interrupted; the same command goes on where this one stopped.",
            file=sys.stderr,
        )
        return 130

    if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3":
        sys.meta_path.insert(0, _QuietTensorFlow())
    app.run(checked_main)


def _count_interrupts() -> list[int]:
    """Returns a list that grows with each SIGINT, which raises KeyboardInterrupt as usual."""
    received = []

    def handler(number: int, frame: types.FrameType | None):
        received.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, handler)
    return received


class _QuietTensorFlow(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports TensorFlow without what its libraries write meanwhile.

    That looks like a failure and is none. No setting silences it: they write before they read one.
    """

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None):
        if name != "tensorflow":
            return None
        # Asked again without this finder. It stays until the import itself: some only ask whether
        # TensorFlow is there.
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec):
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType):
        sys.meta_path.remove(self)
        module.__loader__ = module.__spec__.loader = self._loader
        with _stderr_kept_for_errors():
            self._loader.exec_module(module)


@contextlib.contextmanager
def _stderr_kept_for_errors():
    """Shows what is written to file descriptor 2, by libraries too, only after an exception."""
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except Exception:
            sys.stderr.flush()
            kept.seek(0)
            with open(shown, "wb", closefd=False) as stderr:
                shutil.copyfileobj(kept, stderr)
            raise
        finally:
            sys.stderr.flush()
            os.dup2(shown, 2)
            os.close(shown)


def define_device_flag() -> None:
    """Defines --device."""
    flags.DEFINE_enum("device", "auto", ["auto", "cpu", "gpu"], "gpu without a GPU is an error.")


def define_network_flags() -> None:
    """Defines --run_dir and --pretrained, one of which names a trained network (`network_dir`)."""
    flags.DEFINE_string("run_dir", None, "Run folder of experiments.train.")
    flags.DEFINE_enum(
        "pretrained",
        pretrained.DEFAULT,
        pretrained.names(),
        "Network that ships with the package, where no --run_dir is given.",
    )


def network_dir() -> pathlib.Path:
    """Returns the run folder that the flags of `define_network_flags` name."""
    if flags.FLAGS.run_dir:
        return pathlib.Path(flags.FLAGS.run_dir)
    return pretrained.run_dir(flags.FLAGS.pretrained)


def define_system_module_flag() -> None:
    """Defines --system_module."""
    flags.DEFINE_string(
        "system_module", None, "Python module that registers a system of your own, to be imported."
    )


def find_systems(names: Sequence[str]) -> "tuple[systems.System, ...]":
    """Returns the systems of some names, after --system_module has registered its own.

    Args:
        names: of systems.

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


def define_config_flags() -> None:
    """Defines --preset and --override."""
    flags.DEFINE_string(
        "preset",
        "small",
        f"One of {', '.join(PRESETS)}. paper and released are for a GPU, the others for a CPU.",
    )
    flags.DEFINE_multi_string(
        "override", [], "key=value of the configuration, e.g. training.joint.epochs=2."
    )


def define_keep_flag(default: str) -> None:
    """Defines --keep."""
    flags.DEFINE_enum(
        "keep",
        default,
        ["all", "model"],
        "What stays of a finished run: model leaves out checkpoints and TensorBoard's events.",
    )


def define_strategy_flag(names: list[str]) -> None:
    """Defines --strategy.

    Args:
        names: The values that it may have.
    """
    flags.DEFINE_enum(
        "strategy",
        "none",
        names,
        "How stage 2 is spread: mirrored over the GPUs of this machine, multi_worker over the"
        " machines in TF_CONFIG.",
    )


def define_scoring_flags() -> None:
    """Defines --word_accuracy, --extra_metrics, --num_pairs and --num_processes."""
    flags.DEFINE_bool(
        "word_accuracy", False, "Let a speech recogniser hear the words (extra: asr)."
    )
    flags.DEFINE_bool(
        "extra_metrics",
        False,
        "Score wide-band PESQ, classic STOI and ESTOI too; and, with the extra world, the"
        " mel-cepstral distance and the error of F0.",
    )
    flags.DEFINE_integer(
        "num_pairs",
        0,
        "Pairs to score, evenly spread over the split; 0 for all of them.",
        lower_bound=0,
    )
    define_num_processes_flag()


def define_num_processes_flag() -> None:
    """Defines --num_processes."""
    flags.DEFINE_integer(
        "num_processes", num_cores(), "Worker processes of the metrics.", lower_bound=1
    )


def read_config() -> Config:
    """Returns the configuration of --preset and --override, before TensorFlow is imported."""
    from mtnet_tf import config
    from mtnet_tf.config import preset

    return config.override(preset(flags.FLAGS.preset), flags.FLAGS.override)


def prepare_device(config: Config) -> tuple[str, Config]:
    """Chooses what --device asks for. To be called before any operation of TensorFlow's.

    Args:
        config: The configuration of a training.

    Returns:
        (device, config): "cpu" or "gpu", and `config` with its precision chosen.

    Raises:
        InputError: The device is not there.
    """
    from mtnet_tf.runs import devices

    device = devices.select_device(flags.FLAGS.device)
    return device, devices.choose_precision(config, device)


def make_strategy() -> "tf.distribute.Strategy":
    """Returns what --strategy asks for. To be called right after `prepare_device`.

    Raises:
        InputError: The machines of the strategy are not there.
    """
    from mtnet_tf.training import distribution

    return distribution.make_strategy(flags.FLAGS.strategy)


def define_dataset_flags() -> None:
    """Defines --dataset and what chooses and works on its recordings."""
    define_recordings_flags()
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


def define_recordings_flags() -> None:
    """Defines --data_dir, and what chooses and works on the recordings of a data set."""
    flags.DEFINE_string(
        "data_dir", None, "TFDS data_dir; default: TFDS's own, ~/tensorflow_datasets."
    )
    flags.DEFINE_string(
        "recordings_dir",
        None,
        "Recordings folder <word>/<speaker>_<take>.flac; default: the words that ship with the"
        " package, one recording each.",
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


def open_builder(name: str | None = None) -> "AudioDescriptionBuilder":
    """Returns the builder of a data set, prepared or not.

    Args:
        name: The data set; by default the one that the flags of `define_dataset_flags` name.
    """
    import data_builders

    values = flags.FLAGS
    processing = {name: values[name].value for name in ("top_db", "margin_secs", "peak")}
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
        processing={name: value for name, value in processing.items() if value is not None},
    )


def open_data_set(name: str | None = None) -> "PreparedDataSet":
    """Returns a prepared data set; prepares it where it is not.

    Args:
        name: As in `open_builder`.
    """
    return prepare(open_builder(name))


def prepare(builder: "AudioDescriptionBuilder") -> "PreparedDataSet":
    """Returns the data set of a builder; prepares it where it is not."""
    from mtnet_tf.data.prepared import open_prepared

    if not builder.is_prepared():
        builder.download_and_prepare()
    return open_prepared(builder.data_path)
