"""Reproduces a table of the paper: trains and scores every cell of it.

    python -m experiments.reproduce --table=3 --list
    python -m experiments.reproduce --table=3
    python -m experiments.reproduce --table=3 --cells=mnist_ad/mtnet/0,mnist_ad/no_holes/0

A cell is a data set, a row and a seed. The same command goes on where it was stopped, cell by cell.
Several processes may work on one --out_dir, each on cells of its own. The exit status is 1 where a
cell failed.
"""

import pathlib
import shlex
from collections.abc import Sequence

from absl import flags

from experiments import program
from mtnet_tf.errors import InputError
from mtnet_tf.systems import plan

_TABLE = flags.DEFINE_enum("table", "3", plan.TABLES, "Table of the paper.")
_DATASETS = flags.DEFINE_list("datasets", None, "Data sets; default: the table's three.")
_CELLS = flags.DEFINE_list("cells", None, "Cells to run, as --list shows them; default: all.")
_LIST = flags.DEFINE_bool("list", False, "Show the cells, their states and their commands.")
_OUT_DIR = flags.DEFINE_string(
    "out_dir", "runs/tables", "Folder of the run folders. MT-Net's are of both tables."
)
_RESULTS = flags.DEFINE_string(
    "results", None, "Folder of the result files; default: <out_dir>/results."
)
program.define_config_flags()
program.define_device_flag()
program.define_keep_flag("model")
program.define_recordings_flags()
program.define_scoring_flags()


def main(argv: list[str]) -> int:
    """Runs the cells, or lists them."""
    del argv
    cells = plan.cells(_TABLE.value, _datasets())
    if _CELLS.value:
        cells = plan.chosen(_CELLS.value, cells)
    # A bad override is told before anything is trained.
    overrides = program.read_overrides()
    configs = {cell: plan.cell_config(cell, flags.FLAGS.preset, overrides) for cell in cells}

    from mtnet_tf.metrics.score import chosen_metrics
    from mtnet_tf.runs import devices
    from mtnet_tf.studies import reproduction

    out_dir = pathlib.Path(_OUT_DIR.value)
    places = reproduction.Places(out_dir, pathlib.Path(_RESULTS.value or out_dir / "results"))
    if _LIST.value:
        for cell in cells:
            print(f"{places.state(cell):8}  {cell.key:32}  {_command(cell.key)}")
        return 0
    device = devices.select_device(flags.FLAGS.device)
    # What is missing, of recordings or to hear words, is told before anything is trained.
    fingerprints, recognizers = {}, {}
    for name in dict.fromkeys(cell.dataset for cell in cells):
        metadata = program.open_builder(name).info.metadata
        fingerprints[name] = metadata["recordings_fingerprint"]
        recognizers[name] = program.make_recognizer(metadata["words"].values())
    reproduction.run_cells(
        cells,
        places,
        lambda cell: devices.choose_precision(configs[cell], device),
        program.open_data_set,
        device=device,
        keep=flags.FLAGS.keep,
        num_processes=flags.FLAGS.num_processes,
        metrics=chosen_metrics(extras=flags.FLAGS.extra_metrics),
        num_pairs=flags.FLAGS.num_pairs,
        fingerprints=fingerprints,
        recognizers=recognizers,
    )
    states = [places.state(cell) for cell in cells]
    print(", ".join(f"{states.count(s)} {s}" for s in sorted(set(states))))
    return int("failed" in states)


def _datasets() -> Sequence[str]:
    """Returns the data sets to run.

    Raises:
        InputError: --datasets names one that is not there.
    """
    from data_builders import BUILDERS

    datasets = _DATASETS.value or plan.DATASETS
    if unknown := [name for name in datasets if name not in BUILDERS]:
        raise InputError(
            f"--datasets: there is no data set {', '.join(unknown)}. The data sets are:"
            f" {', '.join(BUILDERS)}."
        )
    return datasets


def _command(key: str) -> str:
    """Returns the command that runs one cell as this command would."""
    kept = []
    for name in flags.FLAGS:
        if flags.FLAGS[name].present and name not in (_LIST.name, _CELLS.name):
            # A flag that may be repeated has a line for each time.
            kept += flags.FLAGS[name].serialize().splitlines()
    return shlex.join(["python", "-m", "experiments.reproduce", *kept, f"--cells={key}"])


if __name__ == "__main__":
    program.run(main)
