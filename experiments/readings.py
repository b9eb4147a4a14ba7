"""Trains a stage under several readings of the paper's optimiser, with several seeds.

    python -m experiments.readings --preset=paper --stage=autoencoder --results=runs/readings

It writes a result file for each reading and seed. A result that is there already is not made again,
and is an error where its flags were others. The readings are in mtnet_tf/studies/readings.py, and
experiments.report makes a table of those in experiments/results/readings. Stage 1 of --preset=paper
takes some minutes for each reading and seed on two cores.
"""

import pathlib
import time

from absl import flags

from experiments import program

_STAGE = flags.DEFINE_enum("stage", "autoencoder", ["autoencoder", "joint"], "Stage to read.")
_READINGS = flags.DEFINE_list("readings", None, "Readings to try; default: all.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of the training.")
_RESULTS = flags.DEFINE_string("results", None, "Folder of the result files.", required=True)
program.define_config_flags()
program.define_device_flag()
program.define_dataset_flags()


def main(argv: list[str]) -> None:
    """Trains the stage once for each reading and seed, and writes the results."""
    del argv
    base = program.read_config()

    from mtnet_tf.config import require_kept
    from mtnet_tf.errors import InputError
    from mtnet_tf.files import write_json
    from mtnet_tf.studies import readings
    from mtnet_tf.studies.results import identity, is_made, training_record

    if bad := [seed for seed in _SEEDS.value if not seed.isdecimal()]:
        raise InputError(f"--seeds are whole numbers from 0, such as 0,1,2. Received: {bad}.")
    names = _READINGS.value or list(readings.READINGS)
    cells = [(name, int(seed)) for name in names for seed in _SEEDS.value]
    # A bad name is told before anything is trained.
    for name, seed in cells:
        config = readings.read(name, _STAGE.value, base, seed)
        require_kept(config, flags.FLAGS.override, f"the reading {name}, or --seeds,")
    device, base = program.prepare_device(base)
    _, base, data = program.load_data_set(base)
    for name, seed in cells:
        path = pathlib.Path(_RESULTS.value) / f"{_STAGE.value}_{name}_seed{seed}.json"
        config = readings.read(name, _STAGE.value, base, seed)
        asked = {
            "reading": name,
            "stage": _STAGE.value,
            "overrides": flags.FLAGS.override,
            **identity(config, data),
        }
        if is_made(path, asked):
            print(f"{path} is there already.")
            continue
        start = time.monotonic()
        if _STAGE.value == "autoencoder":
            found = readings.try_autoencoder(config, data)
        else:
            found = readings.try_joint(config, data, device)
        result = {
            **asked,
            "label": readings.READINGS[name].label,
            **training_record(config, data, device),
            "seconds": round(time.monotonic() - start, 1),
            **found,
        }
        write_json(path, result)
        print(f"Written: {path}")


if __name__ == "__main__":
    program.run(main)
