"""Trains all stages of MT-Net, or of another system, into a run folder.

    python -m experiments.train --preset=small --dataset=digits_ad --run_dir=runs/first

The same command continues a run that was stopped.

A network of several voices (voice.conditioning) learns another one, from one take of each word,
when it begins with the weights of its run. It forgets the voices that it knew, unless the data set
has them too, and does not say in the new voice a word that it never heard in it. Here all but the
embedding of the voice and the generator stays as it is (with "film" gamma and beta take the place
of voice_fc):

    python -m experiments.train --init_from=runs/voices --run_dir=runs/me \
        --freeze=image_encoder,classifier,cross_modal_mapper,voice_fc \
        --dataset=mnist_ad/one_recording --recordings_dir=recordings/me

To train over several machines, run it on each of them with --strategy=multi_worker and the
machine's own TF_CONFIG.
"""

from absl import flags

from experiments import program
from mtnet_tf import systems
from mtnet_tf.config import Config, override
from mtnet_tf.config.new_voice import configure_new_voice
from mtnet_tf.errors import InputError
from mtnet_tf.runs.layout import CONFIG
from mtnet_tf.runs.run_folder import RunFolder

_SYSTEM = flags.DEFINE_string("system", "mtnet", f"One of {', '.join(systems.names())}.")
_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run folder, made if missing.", required=True)
_INIT_FROM = flags.DEFINE_string(
    "init_from",
    None,
    "Run folder of a network of several voices, to learn the voices of --dataset beside them. Its"
    " configuration takes the place of --preset.",
)
_FREEZE = flags.DEFINE_list(
    "freeze", [], "With --init_from: layers that stay as they are, e.g. image_encoder,classifier."
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print the configuration and the sizes, and stop.")
_PROFILE = flags.DEFINE_bool(
    "profile",
    False,
    "Trace ten steps of each stage but stage 1 for TensorBoard's profiler.",
)
program.define_system_module_flag()
program.define_config_flags()
program.define_device_flag()
program.define_strategy_flag(["none", "mirrored", "multi_worker"])
program.define_keep_flag("all")
program.define_dataset_flags()


def main(argv: list[str]) -> None:
    """Reads the configuration, prepares the data set, and trains."""
    del argv
    from mtnet_tf.config import require_kept, to_json

    base = RunFolder(_INIT_FROM.value) if _INIT_FROM.value else None
    (system,) = program.find_systems([base.config().system if base else _SYSTEM.value])
    config = systems.configure(system.name, _read_config(base))
    require_kept(config, flags.FLAGS.override, f"the system {system.name}")
    config = _as_begun(config)

    from mtnet_tf.data import loading
    from mtnet_tf.data.voices import describe_hearing
    from mtnet_tf.runs.networks import describe_sizes
    from mtnet_tf.systems.train import train
    from mtnet_tf.training.new_voice import join_voices

    device, config = program.prepare_device(config)
    strategy = program.make_strategy()
    dataset = program.open_data_set()
    if base is None:
        config = loading.fit_config(config, dataset)
    data = loading.load(dataset, config.data)
    if base is not None:
        config, data = join_voices(config, data, base)
        print(describe_hearing(data))
    system.check(config)
    print(to_json(config))
    print(describe_sizes(system.build(config)))
    if _DRY_RUN.value:
        return
    train(
        config,
        data,
        RunFolder(_RUN_DIR.value),
        device,
        strategy=strategy,
        profile=_PROFILE.value,
        init_from=base,
        keep=flags.FLAGS.keep,
        data_path=str(dataset.path),
    )
    print(f"The trained network is {_RUN_DIR.value}/model.keras.")


def _as_begun(config: Config) -> Config:
    """Returns the configuration with the precision that the run was begun with, where it was auto.

    Another machine may be fast at another one.
    """
    run = RunFolder(_RUN_DIR.value)
    if config.training.precision != "auto" or not (run / CONFIG).is_file():
        return config
    return override(config, [f"training.precision={run.config().training.precision}"])


def _read_config(base: RunFolder | None) -> Config:
    """Returns the configuration of the flags, before TensorFlow is imported."""
    if base is None:
        if _FREEZE.value:
            raise InputError("--freeze is for a training that begins with --init_from.")
        return program.read_config()
    for name in ("preset", "system"):
        if flags.FLAGS[name].present:
            raise InputError(
                f"--{name}={flags.FLAGS[name].value} and --init_from are given: the {name} is that"
                f" of {base.path}. Leave out --{name}; --override changes single fields."
            )
    return configure_new_voice(base.config(), _FREEZE.value, program.read_overrides())


if __name__ == "__main__":
    program.run(main)
