"""The flags that several programs have."""

from absl import flags

from mtnet_tf import pretrained
from mtnet_tf.config import PRESETS
from mtnet_tf.runs.cores import num_cores

# The flags defined here belong to the program that asks for them: its --help shows them.
flags.disclaim_key_flags()


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


def define_data_path_flag() -> None:
    """Defines --data_path."""
    flags.DEFINE_string(
        "data_path", None, "Folder of the run's prepared data set; default: where the run found it."
    )


def define_system_module_flag() -> None:
    """Defines --system_module."""
    flags.DEFINE_string(
        "system_module", None, "Python module that registers a system of your own, to be imported."
    )


def define_config_flags() -> None:
    """Defines --preset and --override."""
    flags.DEFINE_string(
        "preset",
        "small",
        f"One of {', '.join(PRESETS)}. paper and released are for a GPU, the others for a CPU.",
    )
    define_override_flag()


def define_override_flag() -> None:
    """Defines --override."""
    flags.DEFINE_multi_string(
        "override", [], "key=value of the configuration, e.g. training.joint.epochs=2."
    )


def define_keep_flag(default: str) -> None:
    """Defines --keep."""
    flags.DEFINE_enum(
        "keep",
        default,
        ["all", "model"],
        "What stays of a finished run: model leaves out checkpoints, TensorBoard's events and the"
        " networks of earlier stages.",
    )


def define_strategy_flag(names: list[str]) -> None:
    """Defines --strategy.

    Args:
        names: the values that it may have.
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
    flags.DEFINE_integer(
        "pairing_seed",
        None,
        "Draws takes and voices, where a pairing has several; default: the config's, or 0.",
    )
    flags.DEFINE_string(
        "audio_length", None, "L_s in samples, or auto: the longest word's; default: the paper's."
    )
    flags.DEFINE_bool(
        "allow_missing_words", None, "Make a data set of the words that are recorded."
    )
    # Their defaults: data_builders.recordings.Processing.
    flags.DEFINE_float(
        "top_db", None, "Silence is this far below a recording's loudest 10 ms, in dB; default: 45."
    )
    flags.DEFINE_float(
        "margin_secs", None, "Kept before and after a word, in seconds; default: 0.01."
    )
    flags.DEFINE_float(
        "peak", None, "Largest absolute sample of a recording, in [0.01, 1]; default: 0.9."
    )
