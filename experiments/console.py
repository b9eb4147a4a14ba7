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
        to = sys.stdout if is_asked else sys.stderr
        print("usage: mtnet <program> [--flag=value ...]\n", file=to)
        for known in programs():
            print(f"  {known:20} {_summary(known)}", file=to)
        print("\nmtnet <program> --help shows the flags of a program.", file=to)
        sys.exit(not is_asked)
    del sys.argv[1]
    runpy.run_module(f"experiments.{name}", run_name="__main__", alter_sys=True)
