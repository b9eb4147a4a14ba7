"""Writes tables from result files.

The report of a study or of a run:

    python -m experiments.report --out_dir=runs/study [--report_dir=runs/report]

The spread of the scores over the seeds of some runs:

    python -m experiments.report --seeds=runs/seeds

Tables 3 and 4 from the cells of experiments.reproduce, beside their folder:

    python -m experiments.report --tables=runs/tables/results

Results are committed with --collect and --collect_seeds, in place of the .json files that are in
their folder. Without a flag the tables of all committed results are written again, and --check
fails if they are stale. --pictures draws their pictures first, and --hear lets a speech recogniser
hear the examples of Tables 3 and 4 (extra asr).

    python -m experiments.report --pictures
    python -m experiments.report --hear
    python -m experiments.report --collect=runs/study --name=mnist_ad_x
    python -m experiments.report --collect_seeds=runs/seeds
    python -m experiments.report
    python -m experiments.report --check
"""

import pathlib

from absl import flags

from experiments import program
from mtnet_tf.errors import InputError

_OUT_DIR = flags.DEFINE_string(
    "out_dir", None, "Study of experiments.ablation, or run folder, to report on."
)
_REPORT_DIR = flags.DEFINE_string(
    "report_dir", None, "Folder of that report; default: <out_dir>/report."
)
_TABLES = flags.DEFINE_string(
    "tables", None, "Folder of the result files of experiments.reproduce, to make its tables of."
)
_COLLECT = flags.DEFINE_string(
    "collect", None, "Study or run folder whose summaries go into experiments/results/NAME."
)
_NAME = flags.DEFINE_string("name", None, "NAME of the folder under experiments/results.")
_SEEDS = flags.DEFINE_string(
    "seeds", None, "Folder of run folders, to tell how far their scores spread over the seeds."
)
_COLLECT_SEEDS = flags.DEFINE_string(
    "collect_seeds",
    None,
    "Folder of run folders whose summaries go into experiments/results/seeds.",
)
_CHECK = flags.DEFINE_bool("check", False, "Only compare: exit 1 if a generated file is stale.")
_PICTURES = flags.DEFINE_bool("pictures", False, "Draw the pictures of the committed results.")
_HEAR = flags.DEFINE_bool("hear", False, "Let a speech recogniser hear the committed examples.")
program.define_system_module_flag()

# One of these is all that a call does; any of the others can be done in one call.
_ALONE = ("out_dir", "seeds", "tables", "check")
_TOGETHER = ("collect", "collect_seeds", "pictures", "hear")
# {flag: the flag without which it means nothing}
_NEEDS = {"report_dir": "out_dir", "name": "collect", "collect": "name"}


def main(argv: list[str]) -> None:
    """Writes, collects or checks tables."""
    del argv
    _check_flags()
    program.import_system_module()
    from mtnet_tf.files import write_text
    from mtnet_tf.reporting import committed, seeds, study, table_pages

    root = pathlib.Path(__file__).resolve().parent.parent
    if _OUT_DIR.value:
        print(study.write_report(_OUT_DIR.value, _REPORT_DIR.value or f"{_OUT_DIR.value}/report"))
        return
    if _SEEDS.value:
        print(seeds.shown(seeds.read_runs(_SEEDS.value), _SEEDS.value))
        return
    if _TABLES.value:
        drawn = table_pages.draw_picture(_TABLES.value)
        pages = table_pages.pages(_TABLES.value)
        for path, text in pages.items():
            write_text(path, text)
        print("\n".join(f"Written: {path}" for path in [*drawn, *pages]))
        return
    if _COLLECT.value:
        names = study.collect(_COLLECT.value, committed.study_folder(root, _NAME.value))
        print(f"Collected: {', '.join(names)}")
    if _COLLECT_SEEDS.value:
        names = seeds.collect(_COLLECT_SEEDS.value, root / committed.SEEDS)
        print(f"Collected: {', '.join(names)}")
    if _PICTURES.value:
        for path in committed.draw_pictures(root):
            print(f"Drawn: {path.relative_to(root)}")
    if _HEAR.value:
        _hear(root / committed.TABLES)
    if _CHECK.value:
        stale = [str(path.relative_to(root)) for path in committed.stale_files(root)]
        if stale:
            raise InputError(f"Stale: {', '.join(stale)}. Run python -m experiments.report.")
        print("The tables say what the result files say.")
        return
    for path, text in committed.generated_files(root).items():
        write_text(path, text)
        print(f"Written: {path.relative_to(root)}")


def _check_flags() -> None:
    """Refuses flags of which one would not be heeded.

    Raises:
        InputError: a flag is given with one that it excludes, or without one that it needs.
    """
    values = flags.FLAGS
    tasks = [name for name in (*_ALONE, *_TOGETHER) if values[name].value]
    for name in _ALONE:
        if name in tasks and len(tasks) > 1:
            others = ", ".join(f"--{other}" for other in tasks if other != name)
            raise InputError(f"--{name} is given with {others}. Give it in a call of its own.")
    for name, needed in _NEEDS.items():
        if values[name].value and not values[needed].value:
            raise InputError(f"--{name} needs --{needed}: {values[needed].help}")


def _hear(folder: pathlib.Path) -> None:
    """Lets the recogniser hear the examples of each data set."""
    from data_builders import BUILDERS
    from mtnet_tf.metrics.word_accuracy import WordRecognizer
    from mtnet_tf.runs.examples import RECORD, folder_of
    from mtnet_tf.studies.examples import hear

    for name, builder in BUILDERS.items():
        examples = folder_of(folder, name)
        if (examples / RECORD).is_file():
            hear(examples, WordRecognizer(builder.WORDS.values()).recognize)
            print(f"Heard: {name}")


if __name__ == "__main__":
    program.run(main)
