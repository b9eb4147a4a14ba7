"""Scores a trained run over a split: Corr2D, PESQ and STOI of every pair, and retrieved words.

    python -m experiments.evaluate --run_dir=runs/first
    python -m experiments.evaluate --run_dir=runs/first --controls

It writes rows.csv, summary.json and wavs into <run_dir>/evaluation/<split>/<candidate>/, and prints
the table. A candidate that is scored already is not scored again.
"""

from absl import flags

from experiments import program

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Run folder of experiments.train.", required=True)
_SPLIT = flags.DEFINE_enum(
    "split",
    "test",
    ["test", "validation"],
    "Split to score. Choose recipes on validation; score test once.",
)
_CONTROLS = flags.DEFINE_bool("controls", False, "Score the controls too.")
_NUM_WAVS = flags.DEFINE_integer(
    "num_wavs", 10, "How many of the first waveforms to keep.", lower_bound=0
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the results; default: <run_dir>/evaluation."
)
program.define_data_path_flag()
program.define_device_flag()
program.define_scoring_flags()
program.define_system_module_flag()


def main(argv: list[str]) -> None:
    """Scores the run, and prints the table."""
    del argv
    run, system = program.open_run(_RUN_DIR.value)

    from mtnet_tf.evaluation.run import evaluate_run
    from mtnet_tf.reporting import study
    from mtnet_tf.runs import devices
    from mtnet_tf.runs.data_set import load_data
    from mtnet_tf.systems.controls import CONTROLS

    device = devices.select_device(flags.FLAGS.device)
    data = load_data(run, flags.FLAGS.data_path)
    recognizer = program.make_recognizer(data.words)
    with program.scoring_pool(data) as pool:
        summaries = evaluate_run(
            run,
            data,
            pool,
            split=_SPLIT.value,
            controls=tuple(dict.fromkeys((*CONTROLS, *system.controls))) if _CONTROLS.value else (),
            recognizer=recognizer,
            num_pairs=flags.FLAGS.num_pairs,
            num_wavs=_NUM_WAVS.value,
            device=device,
            output_dir=_OUTPUT_DIR.value,
        )
    print(study.text_table(summaries))


if __name__ == "__main__":
    program.run(main)
