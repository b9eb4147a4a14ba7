"""The changes of the studies: each is a configuration, and starts from its base."""

import dataclasses
import importlib
import pkgutil
import re

import pytest

from mtnet_tf import config as config_lib
from mtnet_tf.config import preset
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies import changes as studies
from mtnet_tf.studies.changes import recipe
from mtnet_tf.studies.changes.change import Change, changed
from mtnet_tf.studies.trial import try_change

NAMES = [module.name for module in pkgutil.iter_modules(studies.__path__)]
MODULES = {name: importlib.import_module(f"{studies.__name__}.{name}") for name in NAMES}
STUDIES = {name: module.CHANGES for name, module in MODULES.items() if name != "change"}


def fields(config):
    return config_lib.flatten(dataclasses.asdict(config))


@pytest.mark.parametrize("study", STUDIES)
def test_every_change_changes_something_of_its_base(study):
    changes = STUDIES[study]
    for name, change in changes.items():
        found = fields(changed(name, changes, preset("small")))
        if change.base is not None:
            assert found != fields(changed(change.base, changes, preset("small"))), name
    labels = [(change.base, change.label) for change in changes.values()]
    assert len(set(labels)) == len(labels)


def test_a_change_of_the_recipe_says_when_its_epochs_are_not_those_of_its_base():
    def epochs(name):
        return changed(name, recipe.CHANGES, preset("small")).training.joint.epochs

    others = [
        change
        for name, change in recipe.CHANGES.items()
        if change.base is not None and epochs(name) != epochs(change.base)
    ]
    assert others
    for change in others:
        assert re.search(r"[\d.]+ epochs", change.label), change.label


def test_a_change_comes_after_all_its_bases():
    changes = {
        "first": Change("first", ("training.seed=1", "training.joint.epochs=1"), base=None),
        "second": Change("second", ("training.joint.epochs=2",), base="first"),
        "third": Change("third", ("training.joint.epochs=3",), base="second"),
    }
    config = changed("third", changes, preset("tiny"))
    assert (config.training.seed, config.training.joint.epochs) == (1, 3)
    with pytest.raises(config_lib.ConfigError, match="no change 'fourth'"):
        changed("fourth", changes, preset("tiny"))


def test_a_change_that_diverges_is_a_result(tiny_config, synthetic_data, tmp_path):
    config = config_lib.override(tiny_config, ["training.max_reconstruction_error=1e-6"])
    found = try_change(config, synthetic_data, RunFolder(tmp_path / "run"), "cpu", None, 0)
    assert set(found) == {
        *("diverged", "training_command", "training_git_commit", "training_hardware"),
        "training_versions",
    }
    assert found["diverged"]["error"].startswith("Stage 1 has not learned the recordings")
