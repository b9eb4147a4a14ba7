"""Inspects a prepared data set: prints its facts (section 4.1 of the paper) and checks its pairs.

    python -m experiments.inspect_data --dataset=digits_ad --output_dir=runs/inspection
    python -m experiments.inspect_data --path=data/tfds/mnist_ad/one_recording-0123456789ab/1.0.0

Each check prints one line: ok, note (worth knowing) or FAILED (the data set is not what it says it
is). With one FAILED the exit status is 1. --path needs no recordings, and runs nothing that lies in
the folder. --output_dir receives inspection.json (facts and checks), contact_sheet.png (an image
of each class and the sound that it is paired with) and, with the extra croissant, croissant.json
(files, fields and licences, as search engines for data sets read them).
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING

from absl import flags

from experiments import program
from mtnet_tf import files
from mtnet_tf.errors import InputError, install

if TYPE_CHECKING:
    from data_builders.inspection.pass_over_pairs import Inspection
    from mtnet_tf.data.prepared import PreparedDataSet

_BEFORE = set(flags.FLAGS)
program.define_dataset_flags()
_SOURCES = sorted(set(flags.FLAGS) - _BEFORE)  # what names a data set and says how it is built
_PATH = flags.DEFINE_string(
    "path", None, "Folder of a prepared data set, .../<name>/<config>/<version>, for --dataset."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder for what is written about the data set; default: only print."
)


def main(argv: list[str]) -> None:
    """Inspects the data set that the flags name."""
    del argv
    given = [f"--{name}" for name in _SOURCES if flags.FLAGS[name].present]
    if _PATH.value and given:
        raise InputError(f"--path names a prepared data set already: leave out {given[0]}.")
    if _OUTPUT_DIR.value:
        files.check_writable(pathlib.Path(_OUTPUT_DIR.value, "inspection.json"))

    from data_builders.inspection.pass_over_pairs import inspect
    from mtnet_tf.data.prepared import open_prepared

    dataset = open_prepared(_PATH.value) if _PATH.value else program.open_data_set()
    result = inspect(dataset)
    _print_facts(result.facts)
    for check in result.checks:
        print(f"{check.status:<7} {check.name:<11} {check.detail}")
    if _OUTPUT_DIR.value:
        _write(result, dataset, pathlib.Path(_OUTPUT_DIR.value))
    if result.failed:
        raise InputError(
            f"{len(result.failed)} of {len(result.checks)} checks of {result.facts['data_set']}"
            f" FAILED: {', '.join(result.failed)}. The lines above say where; mend the recordings"
            " or delete the folder, and prepare the data set again."
        )


def _print_facts(facts: dict):
    pairs, used = facts["pairs"], facts["recordings"]
    fewest, most = facts["takes_of_a_word_by_a_speaker"]
    lines = {
        "data set": f"{facts['data_set']}, {facts['num_bytes'] / 1e6:,.1f} MB",
        "images": f"{pairs['train']:,} train, {pairs['test']:,} test,"
        f" {'x'.join(map(str, facts['image_shape']))}, {facts['image_source']}",
        "words": f"{len(facts['words'])}: {', '.join(facts['words'])}",
        "missing": ", ".join(facts["missing_words"]),
        "shortest": f"{facts['shortest']['ms']} ms, {facts['shortest']['recording_id']}",
        "longest": f"{facts['longest']['ms']} ms, {facts['longest']['recording_id']}",
        "speakers": f"{len(facts['speakers'])}: {', '.join(facts['speakers'])}",
        "takes": f"{fewest if fewest == most else f'{fewest} to {most}'} of a word by a speaker",
        "recordings": f"{used['all']}: {used['train']} in train, {used['test']} in test",
        "L_s": f"{facts['audio_length']} samples at {facts['sample_rate']} Hz,"
        f" {facts['audio_length_ms']} ms",
        "folder": facts["folder"],
    }
    for name, text in lines.items():
        if text:
            print(f"{name:<12} {text}")
    print()


def _write(result: Inspection, dataset: PreparedDataSet, output_dir: pathlib.Path):
    from data_builders.inspection import contact_sheet, croissant
    from mtnet_tf.data import audio

    rate = result.facts["sample_rate"]
    titles = [
        f"{e.word} / {e.voice_id} / {1000 * len(e.samples) / rate:.0f} ms" for e in result.examples
    ]
    with files.replacing(output_dir / "contact_sheet.png") as path:
        contact_sheet.draw_contact_sheet(
            path,
            [example.image for example in result.examples],
            [audio.from_int16(example.samples) for example in result.examples],
            titles,
            result.facts["data_set"],
            rate,
        )
    checks = [dataclasses.asdict(check) for check in result.checks]
    files.write_json(output_dir / "inspection.json", {"facts": result.facts, "checks": checks})
    written = "inspection.json, contact_sheet.png"
    try:
        files.write_json(output_dir / "croissant.json", croissant.croissant(dataset))
        written += ", croissant.json"
    except ImportError:
        written += f"; not croissant.json. {install('croissant')}"
    print(f"\nwritten      {output_dir}/{written}")


if __name__ == "__main__":
    program.run(main)
