"""Trains MT-Net or one of its variants: Algorithm 1, both stages, into a run folder.

    python -m experiments.train --preset=small --dataset=digits_ad --run_dir=runs/first

The same command continues a run that was stopped. Over several machines, the same command runs on each, with its own
TF_CONFIG and --strategy=multi_worker.
"""

from absl import flags

from experiments import program

_VARIANT = flags.DEFINE_string(
    "variant", "mtnet", "Row of Table 3: gen_only, gen_rep, no_holes, autoencoder or mtnet."
)
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run folder, made if missing.", required=True)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print the configuration and the sizes, and stop.")
_PROFILE = flags.DEFINE_bool(
    "profile", False, "Trace ten steps of stage 2 for TensorBoard's profiler."
)
program.define_training_flags(["none", "mirrored", "multi_worker"])
program.define_dataset_flags()


def main(argv):
    del argv
    from mtnet_tf import config as config_lib
    from mtnet_tf.systems import mtnet as variants

    config = variants.apply(_VARIANT.value, program.read_config())

    from mtnet_tf.data import prepared
    from mtnet_tf.runs.run_folder import RunFolder
    from mtnet_tf.training import algorithm1

    device, strategy, config = program.prepare_devices(config)
    dataset = program.open_data_set()
    config = prepared.fit_config(config, dataset)
    print(config_lib.to_json(config))
    print(algorithm1.describe_sizes(config))
    if _DRY_RUN.value:
        return
    algorithm1.train(
        config,
        prepared.load(dataset, config.data),
        RunFolder(_RUN_DIR.value),
        device,
        strategy=strategy,
        profile=_PROFILE.value,
        data_path=str(dataset.path),
    )
    print(f"The trained network is {_RUN_DIR.value}/model.keras.")


if __name__ == "__main__":
    program.run(main)
