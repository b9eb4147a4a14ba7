"""Trains with changes of the recipe, one at a time, and writes what the validation split says.

    python -m experiments.recipe --dataset=cifar10_ad --changes=baseline,batch_norm \
        --out_dir=runs/recipe --results=runs/recipe/results
    python -m experiments.recipe --study=open_points --dataset=mnist_ad \
        --out_dir=runs/points --results=runs/points/results

The changes are in mtnet_tf/studies/changes, a file a study. Each leaves a result file; one that is
there already is not made again, and is an error where its flags were others. A training that was
stopped goes on. experiments.report makes the table of a study whose results lie in
experiments/results.
"""

import dataclasses
import importlib
import pathlib
import pkgutil

from absl import flags

from experiments import program
from mtnet_tf.studies import changes as studies

_STUDIES = sorted(
    module.name for module in pkgutil.iter_modules(studies.__path__) if module.name != "change"
)
_STUDY = flags.DEFINE_enum("study", "recipe", _STUDIES, "Which changes.")
_CHANGES = flags.DEFINE_list("changes", None, "Changes to try; default: all.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the training.", lower_bound=0)
_OUT_DIR = flags.DEFINE_string(
    "out_dir", None, "Folder of the run folders, made if missing.", required=True
)
_RESULTS = flags.DEFINE_string("results", None, "Folder of the result files.", required=True)
_NUM_PAIRS = flags.DEFINE_integer(
    "num_pairs",
    1000,
    "Validation pairs whose speech is scored, evenly spread; 0 for all of them.",
    lower_bound=0,
)
program.define_num_processes_flag()
program.define_config_flags()
program.define_device_flag()
program.define_dataset_flags()


def main(argv: list[str]) -> None:
    """Trains once for each change, and writes the results."""
    del argv
    base = program.read_config()

    from mtnet_tf import config as config_lib
    from mtnet_tf import systems
    from mtnet_tf.files import write_json
    from mtnet_tf.runs.run_folder import RunFolder
    from mtnet_tf.studies.changes.change import changed
    from mtnet_tf.studies.results import identity, is_made, training_record
    from mtnet_tf.studies.trial import try_change

    study = _STUDY.value
    changes = importlib.import_module(f"{studies.__name__}.{study}").CHANGES
    base = systems.configure(study if study in systems.names() else "mtnet", base)
    names = _CHANGES.value or list(changes)

    def config_of(name: str, base: config_lib.Config) -> config_lib.Config:
        return config_lib.override(changed(name, changes, base), [f"training.seed={_SEED.value}"])

    # A bad name is told before anything is trained.
    for name in names:
        config = config_of(name, base)
        config_lib.require_kept(config, flags.FLAGS.override, f"the change {name}, or --seed,")
    device, base = program.prepare_device(base)
    _, base, data = program.load_data_set(base)
    dataset_name = data.name.partition("/")[0]
    num_scored = len(data.validation.spread(_NUM_PAIRS.value))
    with program.scoring_pool(data) as pool:
        for place, name in enumerate(names, 1):
            print(f"change {place} of {len(names)}: {name}", flush=True)
            stem = f"{dataset_name}_{base.preset}_{name}_seed{_SEED.value}"
            path = pathlib.Path(_RESULTS.value) / f"{stem}.json"
            config = config_of(name, base)
            asked = {
                "study": study,
                "change": name,
                "base": changes[name].base,
                "overrides": flags.FLAGS.override,
                **identity(config, data),
                "num_validation_pairs": len(data.validation),
            }
            if is_made(path, {**asked, "scores.num_pairs": num_scored}, config):
                print(f"{path} is there already.")
                continue
            run_dir = pathlib.Path(_OUT_DIR.value) / stem
            found = try_change(config, data, RunFolder(run_dir), device, pool, _NUM_PAIRS.value)
            result = {
                **asked,
                "label": changes[name].label,
                "config": dataclasses.asdict(config),
                **training_record(config, data, device),
                **found,
            }
            write_json(path, result)
            print(f"Written: {path}")


if __name__ == "__main__":
    program.run(main)
