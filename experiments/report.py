"""Writes tables from result files.

python -m experiments.report --out_dir=runs/study [--report_dir=...]    the report of a study or a run
python -m experiments.report --collect=runs/study --name=mnist_ad_x     commits its results
python -m experiments.report                                            the tables of the committed results
python -m experiments.report --check                                    fails if those tables are stale
"""

import pathlib

from absl import flags

from experiments import program

_OUT_DIR = flags.DEFINE_string(
    "out_dir", None, "Study of experiments.ablation, or a run folder, to report on."
)
_REPORT_DIR = flags.DEFINE_string(
    "report_dir", None, "Folder of that report; default: <out_dir>/report."
)
_COLLECT = flags.DEFINE_string(
    "collect", None, "Study or run folder whose summaries go into experiments/results/NAME."
)
_NAME = flags.DEFINE_string("name", None, "NAME of the committed results.")
_CHECK = flags.DEFINE_bool("check", False, "Only compare: exit 1 if a generated file is stale.")


def main(argv):
    del argv
    from mtnet_tf import report
    from mtnet_tf.errors import InputError
    from mtnet_tf.files import write_text

    root = pathlib.Path(__file__).resolve().parent.parent
    if _OUT_DIR.value:
        print(report.write_report(_OUT_DIR.value, _REPORT_DIR.value or f"{_OUT_DIR.value}/report"))
        return
    if _COLLECT.value:
        if not _NAME.value:
            raise InputError("--collect needs --name, the folder under experiments/results.")
        names = report.collect(_COLLECT.value, root / "experiments/results" / _NAME.value)
        print(f"Collected: {', '.join(names)}")
    if _CHECK.value:
        stale = [str(path.relative_to(root)) for path in report.stale_files(root)]
        if stale:
            raise InputError(f"Stale: {', '.join(stale)}. Run python -m experiments.report.")
        print("The tables say what the result files say.")
        return
    for path, text in report.generated_files(root).items():
        write_text(path, text)
        print(f"Written: {path.relative_to(root)}")


if __name__ == "__main__":
    program.run(main)
