"""The ablation study: trains and scores the rows of Table 3 and the controls.

    python -m experiments.ablation --preset=tiny --dataset=digits_ad --out_dir=runs/quick_start

Each row has a run folder under --out_dir. The report, with table, picture and sounds, is in
<out_dir>/report; the picture is of MT-Net, or of the last row where MT-Net is none of them. The
same command continues a study that was stopped.
"""

from absl import flags

from experiments import program
from mtnet_tf import systems

_ROWS = flags.DEFINE_list(
    "rows", [system.name for system in systems.of_table("3")], "Systems to train and score."
)
_OUT_DIR = flags.DEFINE_string(
    "out_dir", None, "Folder of the run folders, made if missing.", required=True
)
program.define_system_module_flag()
program.define_config_flags()
program.define_device_flag()
program.define_strategy_flag(["none", "mirrored"])
program.define_keep_flag("all")
program.define_dataset_flags()
program.define_scoring_flags()


def main(argv: list[str]) -> None:
    """Trains and scores the rows, writes the report, and prints the table."""
    del argv
    rows = program.find_systems(_ROWS.value)
    config = program.read_config()

    from mtnet_tf.reporting import study
    from mtnet_tf.runs.run_folder import RunFolder
    from mtnet_tf.studies.examples import write_examples
    from mtnet_tf.studies.table import run_table

    device, config = program.prepare_device(config)
    strategy = program.make_strategy()
    dataset, config, data = program.load_data_set(config)
    recognizer = program.make_recognizer(data.words)
    with program.scoring_pool(data) as pool:
        summaries = run_table(
            config,
            data,
            pool,
            _OUT_DIR.value,
            systems=rows,
            device=device,
            recognizer=recognizer,
            num_pairs=flags.FLAGS.num_pairs,
            strategy=strategy,
            keep=flags.FLAGS.keep,
            data_path=str(dataset.path),
        )
    report_dir = f"{_OUT_DIR.value}/report"
    shown = next((row for row in rows if row.name == "mtnet"), rows[-1])
    write_examples(RunFolder(f"{_OUT_DIR.value}/{shown.name}"), data, report_dir)
    study.write_report(_OUT_DIR.value, report_dir)
    print(study.text_table(summaries))
    print(f"The report is {report_dir}/report.md.")


if __name__ == "__main__":
    program.run(main)
