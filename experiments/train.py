"""Trains MT-Net or one of its variants: Algorithm 1, both stages, into a run folder.

    python -m experiments.train --preset=small --dataset=digits_ad --run_dir=runs/first

The same command continues a run that was stopped.
"""

from absl import flags

from experiments import program

_PRESET = flags.DEFINE_string(
    "preset", "small", "paper, released (both for a GPU), small (two CPU cores) or tiny."
)
_VARIANT = flags.DEFINE_string(
    "variant", "mtnet", "Row of Table 3: gen_only, gen_rep, no_holes, autoencoder or mtnet."
)
_OVERRIDE = flags.DEFINE_multi_string(
    "override", [], "key=value of the configuration, e.g. training.joint.epochs=2."
)
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run folder, made if missing.", required=True)
_DEVICE = flags.DEFINE_enum(
    "device", "auto", ["auto", "cpu", "gpu"], "gpu without a GPU is an error."
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print the configuration and the sizes, and stop.")
program.define_dataset_flags()


def main(argv):
    del argv
    from mtnet_tf import config as config_lib
    from mtnet_tf import variants
    from mtnet_tf.presets import preset

    # Before TensorFlow is imported: a bad setting is told at once.
    config = config_lib.override(preset(_PRESET.value), _OVERRIDE.value)
    config = variants.apply(_VARIANT.value, config)

    from mtnet_tf import data as data_lib
    from mtnet_tf.training import algorithm1, devices
    from mtnet_tf.training.run_folder import RunFolder

    device = devices.select_device(_DEVICE.value)
    builder = program.open_prepared_builder()
    config = data_lib.fit_config(config, builder)
    print(config_lib.to_json(config))
    print(algorithm1.describe_sizes(config))
    if _DRY_RUN.value:
        return
    data = data_lib.load(builder, config.data)
    algorithm1.train(
        config, data, RunFolder(_RUN_DIR.value), device, data_path=str(builder.data_path)
    )
    print(f"The trained network is {_RUN_DIR.value}/model.keras.")


if __name__ == "__main__":
    program.run(main)
