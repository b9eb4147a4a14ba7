"""Trains a network that ships with the package, from its data set to its model card.

    python -m experiments.pretrain --name=mnist_ad
    python -m experiments.pretrain --name=cifar10_ad
    python -m experiments.report

It trains the preset `compact`, chooses how sure the network may be (experiments.calibrate), writes
the folder mtnet_tf/pretrained/<name> with the weights in float16, and scores what it wrote, and the
controls, on the test split. A test picture of each word goes along; some of the test pairs and
their scores are kept for the tests. The same command goes on where it was stopped. `report` then
writes the model card.
"""

import functools
import pathlib

from absl import flags

from experiments import program

# Whose pictures show none of the words. Of CIFAR-100 one class comes near to one: pickup_truck.
_OUTLIERS = {"mnist_ad": "cifar10_ad", "cifar10_ad": "cifar100_ad"}
_NUM_OUTLIERS = 2000
_NUM_KEPT = 200  # pairs for the tests

_NAME = flags.DEFINE_enum("name", "mnist_ad", list(_OUTLIERS), "Data set of the network.")
_OUT_DIR = flags.DEFINE_string("out_dir", "runs/pretrained", "Folder of the run folders.")
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "mtnet_tf/pretrained", "Folder that receives the folder of the network."
)
_RESULTS = flags.DEFINE_string(
    "results", "experiments/results/pretrained", "Folder that receives <name>, the scores."
)
_CHECKS = flags.DEFINE_string(
    "checks", "tests/pretrained", "Folder that receives <name>.npz and .json, for the tests."
)
program.define_override_flag()
program.define_device_flag()
program.define_recordings_flags()
program.define_scoring_flags()


def main(argv: list[str]) -> None:
    """Trains, calibrates, ships and scores the network."""
    del argv
    from mtnet_tf.runs.run_folder import RunFolder
    from mtnet_tf.systems import plan

    name, run = _NAME.value, RunFolder(pathlib.Path(_OUT_DIR.value) / _NAME.value)
    config = plan.cell_config(plan.Cell(name, "mtnet", 0), "compact", program.read_overrides())

    import data_builders
    from mtnet_tf.evaluation.calibration import calibrate_run
    from mtnet_tf.evaluation.run import evaluate_run
    from mtnet_tf.files import write_json, write_npz
    from mtnet_tf.reporting.study import collect
    from mtnet_tf.runs.layout import EVALUATION
    from mtnet_tf.studies.pretraining import ship
    from mtnet_tf.systems import find
    from mtnet_tf.systems.train import train

    device, config = program.prepare_device(config)
    dataset, config, data = program.load_data_set(config, name)
    recognizer = program.make_recognizer(data.words)
    # Only its pictures are used, so it has the words that ship with the package.
    others = program.prepare(
        data_builders.open_builder(_OUTLIERS[name], data_dir=flags.FLAGS.data_dir)
    )
    train(config, data, run, device, keep="model", data_path=str(dataset.path))
    calibrate_run(run, data, others, _NUM_OUTLIERS, device)
    kept = data.test.spread(_NUM_KEPT)
    shipped = ship(run, pathlib.Path(_OUTPUT_DIR.value) / name, kept)
    with program.scoring_pool(data) as pool:
        score = functools.partial(evaluate_run, shipped, data, pool, split="test", device=device)
        score(
            controls=find("mtnet").controls,
            num_pairs=flags.FLAGS.num_pairs,
            recognizer=recognizer,
            output_dir=run / EVALUATION,
        )
        (summary,) = score(num_pairs=len(kept), output_dir=run / "evaluation_of_some")
    collect(run.path, pathlib.Path(_RESULTS.value) / name)
    checks = pathlib.Path(_CHECKS.value)
    write_npz(checks / f"{name}.npz", image=kept.images, label=kept.labels)
    write_json(checks / f"{name}.json", summary)
    print(f"written: {shipped.path}")


if __name__ == "__main__":
    program.run(main)
