"""Builds the API reference, a page a module, from the docstrings.

    python -m experiments.build_api_reference --output=runs/api
    python -m http.server --directory runs/api

It needs the extra `docs`.
"""

import pathlib
import pkgutil
import warnings

from absl import flags

from experiments import program
from mtnet_tf.errors import InputError, install

_OUTPUT = flags.DEFINE_string("output", "runs/api", "Folder of the pages.")

_PACKAGES = ("mtnet_tf", "data_builders")
# Their modules import what only an extra or a test has.
_LEFT_OUT = ("_test", ".testing")


def main(argv: list[str]) -> None:
    """Writes the pages, and says how many."""
    del argv
    try:
        import pdoc
        import pdoc.render
    except ImportError as error:
        raise InputError(f"The reference needs the package pdoc. {install('docs')}") from error

    root = pathlib.Path(__file__).resolve().parent.parent
    paths = {package: [str(root / package)] for package in _PACKAGES}
    modules = list(_PACKAGES) + [
        module.name
        for package in _PACKAGES
        for module in pkgutil.walk_packages(paths[package], f"{package}.", _refuse)
        if not module.name.endswith(_LEFT_OUT)
    ]
    # It tells that a package names its modules too, and what TFDS imports for type checkers alone.
    warnings.filterwarnings("ignore", module="pdoc")
    pdoc.render.configure(docformat="google", search=True)
    # Each by name: a package's __all__ would hide its modules.
    pdoc.pdoc(*modules, output_directory=pathlib.Path(_OUTPUT.value))
    print(f"{len(modules)} modules: {_OUTPUT.value}/index.html")


def _refuse(name: str) -> None:
    raise InputError(f"{name} cannot be imported: see the error above.")


if __name__ == "__main__":
    program.run(main)
