"""Scores a network in every form that it can be exported to, beside Keras itself.

    python -m experiments.compare_exports --data_path=data/tfds/mnist_ad/one_recording-0123/1.0.0
    python -m experiments.compare_exports --run_dir=runs/first

Without --run_dir it is the network of digits that ships with the package, whose results the report
shows; --pretrained names another one that ships. Each form leaves a result file: the scores on some
test pairs, its size, its largest difference from Keras, and how long a picture takes.
"""

import pathlib

from absl import flags

from experiments import program
from mtnet_tf import pretrained

_COMMITTED = "experiments/results/exports"
_NUM_PAIRS = flags.DEFINE_integer(
    "num_pairs",
    1000,
    "Pairs to score, evenly spread over the test split; 0 for all.",
    lower_bound=0,
)
_OUT_DIR = flags.DEFINE_string(
    "out_dir", None, "Folder of the scores, pair by pair; default: runs/exports/<its name>."
)
_RESULTS = flags.DEFINE_string(
    "results",
    None,
    f"Folder that receives <form>.json; default: {_COMMITTED} for the network of digits that ships"
    " with the package, <out_dir>/results for others.",
)
program.define_data_path_flag()
program.define_num_processes_flag()
program.define_network_flags()
program.define_system_module_flag()


def main(argv: list[str]) -> None:
    """Exports, scores and prints."""
    del argv
    run, _ = program.open_run(program.network_dir())

    from mtnet_tf.files import write_json
    from mtnet_tf.reporting import exports
    from mtnet_tf.runs import devices
    from mtnet_tf.runs.data_set import load_data
    from mtnet_tf.studies.exports import compare_exports

    device = devices.select_device("cpu")
    data = load_data(run, flags.FLAGS.data_path)
    out_dir = pathlib.Path(_OUT_DIR.value or pathlib.Path("runs/exports", run.path.name))
    results = results_dir(out_dir)
    with program.scoring_pool(data) as pool:
        summaries = compare_exports(
            run,
            data,
            pool,
            out_dir,
            device=device,
            num_pairs=_NUM_PAIRS.value,
        )
    for summary in summaries:
        write_json(results / f"{summary['candidate']}.json", summary)
    print(exports.section(results))


def results_dir(out_dir: pathlib.Path) -> pathlib.Path:
    """Returns the folder of the result files.

    The committed one is that of the network of digits that ships, and others stay out of it.

    Args:
        out_dir: of the scores, pair by pair.
    """
    if _RESULTS.value:
        return pathlib.Path(_RESULTS.value)
    values = flags.FLAGS
    is_committed = values.run_dir is None and values.pretrained == pretrained.DEFAULT
    return pathlib.Path(_COMMITTED) if is_committed else out_dir / "results"


if __name__ == "__main__":
    program.run(main)
