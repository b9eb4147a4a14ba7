"""Trains all stages of MT-Net, or of another system, into a run folder.

    python -m experiments.train --preset=small --dataset=digits_ad --run_dir=runs/first

The same command continues a run that was stopped. To train over several machines, run it on each of
them with --strategy=multi_worker and the machine's own TF_CONFIG.
"""

from absl import flags

from experiments import program
from mtnet_tf import systems

_SYSTEM = flags.DEFINE_string("system", "mtnet", f"One of {', '.join(systems.names())}.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run folder, made if missing.", required=True)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print the configuration and the sizes, and stop.")
_PROFILE = flags.DEFINE_bool(
    "profile", False, "Trace ten steps of stage 2 for TensorBoard's profiler."
)
program.define_training_flags(["none", "mirrored", "multi_worker"])
program.define_dataset_flags()


def main(argv: list[str]) -> None:
    """Reads the configuration, prepares the data set, and trains."""
    del argv
    from mtnet_tf.config import to_json

    system = program.find_systems([_SYSTEM.value])[0]
    config = systems.configure(system.name, program.read_config())

    from mtnet_tf.data import loading
    from mtnet_tf.runs.networks import describe_sizes
    from mtnet_tf.runs.run_folder import RunFolder
    from mtnet_tf.systems.trained import train

    device, strategy, config = program.prepare_devices(config)
    dataset = program.open_data_set()
    config = loading.fit_config(config, dataset)
    print(to_json(config))
    print(describe_sizes([system.build(config), *system.build_auxiliary(config)]))
    if _DRY_RUN.value:
        return
    train(
        config,
        loading.load(dataset, config.data),
        RunFolder(_RUN_DIR.value),
        device,
        strategy=strategy,
        profile=_PROFILE.value,
        keep=flags.FLAGS.keep,
        data_path=str(dataset.path),
    )
    print(f"The trained network is {_RUN_DIR.value}/model.keras.")


if __name__ == "__main__":
    program.run(main)
