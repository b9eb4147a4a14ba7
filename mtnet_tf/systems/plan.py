"""Which runs make Tables 3 and 4: data sets, rows and seeds, in the order of their value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from mtnet_tf import config as config_lib
from mtnet_tf.config import Config, ConfigError
from mtnet_tf.systems.registry import configure, controls, find, of_table

TABLES = ("3", "4")
DATASETS = ("mnist_ad", "cifar10_ad", "cifar100_ad")


@dataclasses.dataclass(frozen=True)
class Beyond:
    """A row of Table 3 that is none of the paper's: MT-Net trained otherwise, one seed.

    Attributes:
        label: how.
        preset: of the row, whatever that of the others is.
        epochs: {data set: passes over its training images}.
    """

    label: str
    preset: str
    epochs: Mapping[str, float]


BEYOND = {
    "long": Beyond("longer", "small", {"cifar10_ad": 24.0, "cifar100_ad": 24.0}),
    "tuned": Beyond("tuned", "tuned", {"cifar10_ad": 45.0, "cifar100_ad": 45.0}),
}

# The rows whose difference is a claim that one seed cannot carry, and those that everyone asks for.
_MANY_SEEDS = ("mtnet", "no_holes")
_SEEDS = 3

# Passes over the training images; the tables say how many minutes they take.
_EPOCHS = {
    "small": {"mnist_ad": 3.0, "cifar10_ad": 10.0, "cifar100_ad": 10.0},
    # No row of a table: the networks of `mtnet_tf.pretrained`.
    "compact": {"mnist_ad": 4.0, "cifar10_ad": 20.0},
}
# Of the adversarial stage, which comes after the other stages of DCMAVG and is nearly all of
# CMCGAN, which has 10 minutes on MNIST AD.
_ADVERSARIAL_EPOCHS = {
    "small": {
        "dcmavg": {"mnist_ad": 2.0, "cifar10_ad": 6.0, "cifar100_ad": 6.0},
        "cmcgan": {"mnist_ad": 1.75, "cifar10_ad": 6.0, "cifar100_ad": 6.0},
    },
}
# What the searches on validation chose (`mtnet_tf.studies.changes`) for both adversarial systems,
# and for one row alone.
_OF_BOTH_GANS = (
    "training.adversarial.batch_size=16",
    "training.inverter.epochs=2000",
    "spectrogram_inverter.input_noise=0.2",
)
_CHOSEN = {
    ("small", "i2t2a"): (
        "loss.letters=sum",
        "training.image_encoder_optimizer.learning_rate=0.02",
    ),
    ("small", "dcmavg"): (
        *_OF_BOTH_GANS,
        "adversarial.generator_updates=3",
        "adversarial.conditioning=projection",
    ),
    ("small", "cmcgan"): (
        *_OF_BOTH_GANS,
        "training.discriminator_optimizer.learning_rate=0.0005",
        "adversarial.mismatched_weight=16",
    ),
}
# One precision a table: fast on a CPU that computes in it, about as fast as float32 on others.
_PRECISION = "mixed_bfloat16"


@dataclasses.dataclass(frozen=True)
class Cell:
    """One run of a table.

    Attributes:
        dataset: a data set's name, without its config.
        row: a system's name, or one of `BEYOND`.
        seed: of the training.
    """

    dataset: str
    row: str
    seed: int

    @property
    def key(self) -> str:
        """What --cells calls it: data set/row/seed."""
        return f"{self.dataset}/{self.row}/{self.seed}"


def place_of(key: object) -> tuple[str, str, int | None] | None:
    """Returns data set, row and seed of a result's key; None for what is no key.

    Args:
        key: `Cell.key`, or data set/control, which has no seed.
    """
    dataset, _, rest = str(key).partition("/")
    name, _, seed = rest.partition("/")
    for table in TABLES:
        if name in controls(table) and not seed:
            return dataset, name, None
        if name in rows(table) and seed.isdecimal():
            return dataset, name, int(seed)
    return None


def rows(table: str) -> tuple[str, ...]:
    """Returns the rows of a table, and of Table 3 those beyond the paper."""
    return (*(system.name for system in of_table(table)), *(BEYOND if table == "3" else ()))


def label(row: str) -> str:
    """Returns what a table calls a row: a system, one of `BEYOND` or a control.

    Raises:
        ConfigError: there is no such row.
    """
    if row in BEYOND:
        return f"{find('mtnet').label}, {BEYOND[row].label}"
    all_controls = controls()
    return all_controls[row][1].label if row in all_controls else find(row).label


def num_seeds(dataset: str, row: str) -> int:
    """Returns with how many seeds a row is run on a data set; 0 for none."""
    if row in BEYOND:
        return int(dataset in BEYOND[row].epochs)
    return _SEEDS if dataset == "mnist_ad" or row in _MANY_SEEDS else 1


def in_order(datasets: Iterable[str]) -> list[str]:
    """Returns data sets in the order of the tables; those of no table come last, by name."""
    found = set(datasets)
    return [*filter(found.__contains__, DATASETS), *sorted(found.difference(DATASETS))]


def cells(table: str, datasets: Iterable[str] = DATASETS) -> list[Cell]:
    """Returns the runs of a table, one seed of everything first.

    MT-Net is a row of both tables, and its runs are the same.

    Args:
        table: one of `TABLES`.
        datasets: the data sets, in the order in which they are run. One that comes twice is run
            once.
    """
    datasets = list(dict.fromkeys(datasets))
    # What a table is read for comes first.
    by_value = sorted(rows(table), key=lambda row: (row in BEYOND, row != "mtnet"))
    return [
        Cell(dataset, row, seed)
        for seed in range(_SEEDS)
        for dataset in datasets
        for row in by_value
        if seed < num_seeds(dataset, row)
    ]


def chosen(keys: Sequence[str], among: Sequence[Cell]) -> list[Cell]:
    """Returns the cells of some keys, in the order of the plan.

    Raises:
        ConfigError: a key is no cell's.
    """
    known = {cell.key for cell in among}
    if unknown := [key for key in keys if key not in known]:
        raise ConfigError(
            f"There are no cells {', '.join(unknown)}. A cell is <data set>/<row>/<seed>, as --list"
            " shows them."
        )
    return [cell for cell in among if cell.key in keys]


def cell_config(cell: Cell, preset: str, overrides: Sequence[str]) -> Config:
    """Returns the configuration of a cell.

    Args:
        cell: the cell.
        preset: of the rows of the paper; those of `BEYOND` have their own.
        overrides: assignments as `config.override` takes them, over those of the plan.

    Raises:
        ConfigError: an override, or what it leads to, is refused.
    """
    beyond = BEYOND.get(cell.row)
    preset, system = (beyond.preset, "mtnet") if beyond else (preset, cell.row)
    stages = {
        "joint": beyond.epochs if beyond else _EPOCHS.get(preset, {}),
        "adversarial": _ADVERSARIAL_EPOCHS.get(preset, {}).get(cell.row, {}),
    }
    planned = [
        f"training.{stage}.epochs={epochs[cell.dataset]}"
        for stage, epochs in stages.items()
        if cell.dataset in epochs
    ]
    planned += _CHOSEN.get((preset, cell.row), ())
    if beyond or preset in _EPOCHS:
        planned.append(f"training.precision={_PRECISION}")
    config = config_lib.override(
        config_lib.preset(preset), [*planned, *overrides, f"training.seed={cell.seed}"]
    )
    config_lib.require_kept(config, overrides, f"the cell {cell.key}")
    return configure(system, config)
