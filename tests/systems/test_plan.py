"""The cells of the tables: which there are, in which order, and how each is configured."""

import collections
import dataclasses
import json
import pathlib

import pytest

from mtnet_tf import config as config_lib
from mtnet_tf.config import ConfigError
from mtnet_tf.systems import plan

RESULTS = pathlib.Path(__file__).parents[2] / "experiments/results/tables"


def test_the_cells_are_those_that_the_table_needs():
    cells = plan.cells("3")
    seeds = collections.Counter((cell.dataset, cell.row) for cell in cells)
    assert len(set(cells)) == len(cells)
    assert all(seeds["mnist_ad", row] == 3 for row in plan.rows("3") if row not in plan.BEYOND)
    for dataset in ("cifar10_ad", "cifar100_ad"):
        assert [seeds[dataset, row] for row in plan.rows("3")] == [1, 1, 3, 1, 3, 1, 1]
    assert seeds["mnist_ad", "long"] == seeds["mnist_ad", "tuned"] == 0
    of_paper = ("gen_only", "gen_rep", "no_holes", "autoencoder", "mtnet")
    assert plan.rows("3") == (*of_paper, "long", "tuned")


def test_table_4_has_its_own_rows_and_the_same_runs_of_mtnet():
    cells = plan.cells("4")
    seeds = collections.Counter((cell.dataset, cell.row) for cell in cells)
    assert plan.rows("4") == ("dcmavg", "cmcgan", "i2t2a", "mtnet")
    assert [seeds["mnist_ad", row] for row in plan.rows("4")] == [3, 3, 3, 3]
    for dataset in ("cifar10_ad", "cifar100_ad"):
        assert [seeds[dataset, row] for row in plan.rows("4")] == [1, 1, 1, 3]
    of_mtnet = {cell for cell in plan.cells("3") if cell.row == "mtnet"}
    assert {cell for cell in cells if cell.row == "mtnet"} == of_mtnet
    assert cells[0].key == "mnist_ad/mtnet/0"


def test_each_row_has_a_label():
    names = ("mtnet", "long", "tuned", "white_noise", "i2t2a_espeak_ng")
    labels = ["MT-Net", "MT-Net, longer", "MT-Net, tuned", "white noise"]
    labels += ["I2T2A, the voice of eSpeak NG"]
    assert [plan.label(name) for name in names] == labels
    with pytest.raises(ConfigError, match="no system 'other'"):
        plan.label("other")


def test_one_seed_of_everything_comes_first():
    seeds = [cell.seed for cell in plan.cells("3")]
    assert seeds == sorted(seeds)
    first = [cell for cell in plan.cells("3") if cell.seed == 0]
    assert {(c.dataset, c.row) for c in first} == {(c.dataset, c.row) for c in plan.cells("3")}
    assert [c.key for c in first if c.row == "mtnet"] == [
        "mnist_ad/mtnet/0", "cifar10_ad/mtnet/0", "cifar100_ad/mtnet/0",
    ]  # fmt: skip


def test_a_data_set_that_comes_twice_is_run_once():
    assert plan.cells("3", ["mnist_ad", "mnist_ad"]) == plan.cells("3", ["mnist_ad"])


def test_chosen_cells_keep_the_order_of_the_plan():
    cells = plan.cells("3")
    chosen = plan.chosen(["cifar10_ad/mtnet/0", "mnist_ad/gen_rep/0"], cells)
    assert [cell.key for cell in chosen] == ["mnist_ad/gen_rep/0", "cifar10_ad/mtnet/0"]
    with pytest.raises(config_lib.ConfigError, match="no cells mnist_ad/mtnet/9, x"):
        plan.chosen(["mnist_ad/mtnet/9", "x"], cells)


def test_a_cell_is_configured_by_preset_plan_overrides_and_row():
    cell = plan.Cell("cifar10_ad", "no_holes", 2)
    config = plan.cell_config(cell, "small", [])
    assert (config.preset, config.system, config.training.seed) == ("small", "no_holes", 2)
    assert config.image_encoder.dilation_rates == (1,)
    planned = config.training.joint.epochs
    of_mnist = plan.cell_config(plan.Cell("mnist_ad", "no_holes", 2), "small", [])
    assert planned != of_mnist.training.joint.epochs
    assert config.training.precision == "mixed_bfloat16"
    gan = plan.cell_config(plan.Cell("cifar10_ad", "dcmavg", 0), "small", [])
    assert gan.training.joint.epochs == planned
    assert gan.training.adversarial.epochs > config.training.adversarial.epochs
    of_cmcgan = plan.cell_config(plan.Cell("mnist_ad", "cmcgan", 0), "small", [])
    for config_of_gan in (gan, of_cmcgan):
        assert config_of_gan.training.adversarial.batch_size == 16
        assert config_of_gan.training.inverter.epochs == 2000
        assert config_of_gan.spectrogram_inverter.input_noise == 0.2
    assert (gan.adversarial.conditioning, gan.adversarial.generator_updates) == ("projection", 3)
    weights = [config.adversarial.mismatched_weight for config in (of_cmcgan, gan)]
    assert weights == [16, 1]
    rates = [config.training.discriminator_optimizer.learning_rate for config in (of_cmcgan, gan)]
    assert rates[0] > rates[1]
    speller = plan.cell_config(plan.Cell("mnist_ad", "i2t2a", 0), "small", [])
    assert (speller.loss.letters, gan.loss.letters) == ("sum", "mean")
    # A user's override is stronger than the plan.
    own = ["training.joint.epochs=0.5", "training.precision=float32"]
    config = plan.cell_config(cell, "small", own)
    assert (config.training.joint.epochs, config.training.precision) == (0.5, "float32")
    # But the seed is the cell's.
    with pytest.raises(config_lib.ConfigError, match="the cell cifar10_ad/no_holes/2 sets"):
        plan.cell_config(cell, "small", ["training.seed=7"])
    # A preset that the plan has no epochs of keeps its own.
    tiny = plan.cell_config(cell, "tiny", [])
    assert tiny.training.joint.epochs == config_lib.preset("tiny").training.joint.epochs


def test_the_rows_beyond_the_paper_are_mtnet_trained_otherwise():
    config = plan.cell_config(plan.Cell("cifar10_ad", "tuned", 0), "small", [])
    assert (config.preset, config.system) == ("tuned", "mtnet")
    assert config.training.joint.epochs == 45
    long = plan.cell_config(plan.Cell("cifar10_ad", "long", 0), "tiny", [])
    mtnet = plan.cell_config(plan.Cell("cifar10_ad", "mtnet", 0), "small", [])
    assert config_lib.differences(mtnet, long) == ["training.joint.epochs: 10.0 -> 24.0"]


def test_the_committed_cells_were_trained_as_planned():
    """Those of earlier plans are gone: a table has one recipe a row."""
    results = sorted(RESULTS.glob("*_seed*.json"))
    assert results
    for path in results:
        result = json.loads(path.read_text())
        dataset, row, seed = result["cell"].split("/")
        config = plan.cell_config(plan.Cell(dataset, row, int(seed)), "small", [])
        is_adversarial = row in ("dcmavg", "cmcgan")
        stage = config.training.adversarial if is_adversarial else config.training.joint
        made = result["provenance"]
        steps = round(stage.epochs * made["num_training_pairs"] / stage.batch_size)
        assert made["steps"] == steps, path.name
        assert made["precision"] == config.training.precision, path.name
        if "config" in result:  # older ones hold none
            kept = config_lib.from_json(json.dumps(result["config"]))
            assert config_lib.differences(dataclasses.replace(kept, data=config.data), config) == []
