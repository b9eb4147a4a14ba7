"""Compares one network of many voices with one of each voice, and may let it learn a new one.

    python -m experiments.voices --dataset=mnist_ad/one_recording_each \
        --recordings_dir=recordings/fsdd --new_voice=theo \
        --override=voice.conditioning=concatenation --out_dir=runs/voices \
        --results=runs/voices/results

Each training leaves a result file; one that is there already is not made again, and is an error
where its flags were others. A training that was stopped goes on. The networks also speak some
pictures in every voice. experiments.report makes the table and the page of a study whose results
lie in experiments/results.
"""

import dataclasses
import pathlib

from absl import flags

from experiments import program
from mtnet_tf.errors import InputError

_NEW_VOICE = flags.DEFINE_string(
    "new_voice", None, "A voice that a network of the others learns later; default: none."
)
_ROWS = flags.DEFINE_list("rows", None, "Trainings to run; default: all.")
_OUT_DIR = flags.DEFINE_string(
    "out_dir", None, "Folder of the run folders, made if missing.", required=True
)
_RESULTS = flags.DEFINE_string("results", None, "Folder of the result files.", required=True)
_NUM_PAIRS = flags.DEFINE_integer(
    "num_pairs", 1200, "Test pairs to score, evenly spread; 0 for all of them.", lower_bound=0
)
program.define_num_processes_flag()
program.define_config_flags()
program.define_device_flag()
program.define_dataset_flags()


def main(argv: list[str]) -> None:
    """Trains and scores each network, and writes the results."""
    del argv
    config = program.read_config()
    if config.voice.conditioning == "none":
        raise InputError(
            "Say how the voice enters, with --override=voice.conditioning=concatenation."
        )

    from mtnet_tf.files import write_json
    from mtnet_tf.metrics.score import chosen_metrics
    from mtnet_tf.runs.examples import OF_VOICES
    from mtnet_tf.runs.run_folder import RunFolder
    from mtnet_tf.studies import voices
    from mtnet_tf.studies.results import is_made

    device, config = program.prepare_device(config)
    dataset, config, data = program.load_data_set(config)
    rows = voices.rows(config, data, _NEW_VOICE.value)
    out_dir, results = pathlib.Path(_OUT_DIR.value), pathlib.Path(_RESULTS.value)
    runs = {row.name: RunFolder(out_dir / row.name) for row in rows}
    names = _ROWS.value or list(runs)
    if unknown := sorted(set(names) - set(runs)):
        raise InputError(f"There are no rows {', '.join(unknown)}. There are: {', '.join(runs)}.")
    metrics = chosen_metrics(extras=False)
    for place, row in enumerate([row for row in rows if row.name in names], 1):
        print(f"row {place} of {len(names)}: {row.label}", flush=True)
        path = results / f"{row.name}.json"
        made_by = {"overrides": flags.FLAGS.override}
        if row.role == "base":  # whose network is that of all voices but the new one
            made_by["new_voice"] = _NEW_VOICE.value
        asked = {
            **made_by,
            "voice": row.voice,
            "provenance.preset": config.preset,
            "provenance.seed": config.training.seed,
            "provenance.precision": config.training.precision,
            "dataset": row.data.name,
            "num_pairs": len(row.data.test.spread(_NUM_PAIRS.value)),
        }
        if is_made(path, asked, row.config):
            print(f"{path} is there already.")
            continue
        found = voices.run_row(
            row,
            runs,
            device,
            flags.FLAGS.num_processes,
            metrics,
            _NUM_PAIRS.value,
            data_path=str(dataset.path),
        )
        write_json(path, {**made_by, "config": dataclasses.asdict(row.config), **found})
        print(f"Written: {path}")
    voices.write_examples(rows, runs, results / OF_VOICES)


if __name__ == "__main__":
    program.run(main)
