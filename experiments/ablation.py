"""The ablation study (Table 3): trains and scores the five rows and the controls, and writes a report.

    python -m experiments.ablation --preset=tiny --dataset=digits_ad --out_dir=runs/quick_start

One run folder a row under --out_dir, the report (table, picture, sounds) in <out_dir>/report. The same command
continues a study that was stopped.
"""

import os

from absl import flags

from experiments import program

_ROWS = flags.DEFINE_list(
    "rows", "gen_only,gen_rep,no_holes,autoencoder,mtnet", "Rows of Table 3 to run."
)
_OUT_DIR = flags.DEFINE_string(
    "out_dir", None, "Folder of the run folders, made if missing.", required=True
)
_WORD_ACCURACY = flags.DEFINE_bool(
    "word_accuracy", False, "Let a speech recogniser hear the words (extra: asr)."
)
_NUM_PAIRS = flags.DEFINE_integer(
    "num_pairs",
    0,
    "Pairs to score, evenly spread over the split; 0 for all of them.",
    lower_bound=0,
)
_NUM_PROCESSES = flags.DEFINE_integer(
    "num_processes", os.cpu_count(), "Worker processes of the metrics.", lower_bound=1
)
program.define_training_flags(["none", "mirrored"])
program.define_dataset_flags()


def main(argv):
    del argv
    config = program.read_config()

    from mtnet_tf.data import prepared
    from mtnet_tf.metrics.scoring_pool import ScoringPool
    from mtnet_tf.reporting import study
    from mtnet_tf.studies import table as ablation

    device, strategy, config = program.prepare_devices(config)
    builder = program.open_prepared_builder()
    config = prepared.fit_config(config, builder)
    data = prepared.load(builder, config.data)
    with ScoringPool(data.recordings.float_waveforms(), _NUM_PROCESSES.value) as pool:
        summaries = ablation.run_ablation(
            config,
            data,
            pool,
            _OUT_DIR.value,
            rows=_ROWS.value,
            device=device,
            word_accuracy=_WORD_ACCURACY.value,
            num_pairs=_NUM_PAIRS.value,
            strategy=strategy,
            data_path=str(builder.data_path),
        )
    report_dir = f"{_OUT_DIR.value}/report"
    ablation.draw_run(f"{_OUT_DIR.value}/{_ROWS.value[-1]}", data, f"{report_dir}/examples.png")
    study.write_report(_OUT_DIR.value, report_dir)
    print(study.text_table(summaries))
    print(f"The report is {report_dir}/report.md.")


if __name__ == "__main__":
    program.run(main)
