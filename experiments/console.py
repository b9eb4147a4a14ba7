"""The command `mtnet`: `mtnet train --...` is `python -m experiments.train --...`."""

import ast
import pathlib
import runpy
import sys

_NO_PROGRAMS = ("__init__", "console")


def programs() -> list[str]:
    """Returns the names of the programs."""
    names = [path.stem for path in pathlib.Path(__file__).parent.glob("*.py")]
    return sorted(name for name in names if name not in _NO_PROGRAMS)


def _summary(name: str) -> str:
    """Returns the first line of a program's docstring, without running it."""
    source = pathlib.Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)).partition("\n")[0]


def main() -> None:
    """Runs the program that the first argument names, with the others."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in programs():
        is_asked = name in ("-h", "--help")
        lines = [f"  {known:20} {_summary(known)}" for known in programs()]
        print(
            "usage: mtnet <program> [--flag=value ...]\n",
            *lines,
            "\nmtnet <program> --help shows the flags of a program.",
            sep="\n",
            file=sys.stdout if is_asked else sys.stderr,
        )
        sys.exit(not is_asked)
    del sys.argv[1]
    runpy.run_module(f"experiments.{name}", run_name="__main__", alter_sys=True)
