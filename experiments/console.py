"""The command `mtnet`: `mtnet train --...` is `python -m experiments.train --...`."""

import pathlib
import runpy
import sys

_NO_PROGRAMS = ("__init__", "console")


def programs() -> list[str]:
    """Returns the names of the programs."""
    names = [path.stem for path in pathlib.Path(__file__).parent.glob("*.py")]
    return sorted(name for name in names if name not in _NO_PROGRAMS)


def main() -> None:
    """Runs the program that the first argument names, with the others."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in programs():
        print(f"usage: mtnet {{{','.join(programs())}}} [--flag=value ...]", file=sys.stderr)
        print("mtnet <program> --help shows the flags of a program.", file=sys.stderr)
        sys.exit(0 if name in ("-h", "--help") else 1)
    del sys.argv[1]
    runpy.run_module(f"experiments.{name}", run_name="__main__", alter_sys=True)
