"""The programs in processes of their own, as a user starts them.

Each is forked off a process that has imported TensorFlow already: an import takes five seconds of a
core, and the tests start a hundred programs. What a start by itself imports and prints is tested in
`test_program.py` and `test_console.py`, and the README's commands run whole.
"""

import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[1]
# Of librosa the parts that it imports when they are first used. Nothing of this project: the server
# does not know where the tests are, and could find another copy than the one that is tested.
_PRELOADED = [
    *("tensorflow", "keras", "tensorflow_datasets", "librosa.core.spectrum", "librosa.filters"),
    *("matplotlib.figure", "numba", "scipy.optimize", "scipy.signal"),
]

MOST_SECS = 600  # that a program may take; longer, it hangs
_FORKED = "forked"  # the name of this file in the new process

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_PRELOADED)


class Program:
    """A program that was started.

    Attributes:
        process: its `multiprocessing.Process`.
    """

    def __init__(self, name, *arguments, package="experiments", cwd=ROOT, **environment):
        self.args = [f"{package}.{name}", *map(str, arguments)]
        self._files = [tempfile.NamedTemporaryFile("r") for _ in ("stdout", "stderr")]
        paths = [file.name for file in self._files]
        # By its path: the new process does not know where the tests are.
        values = (self.args, paths, str(cwd), {**os.environ, **environment})
        self.process = _context.Process(
            target=runpy.run_path, args=(__file__, {"values": values}, _FORKED)
        )
        self.process.start()

    def finish(self):
        """Waits for its end and returns what `subprocess.run` would."""
        self.process.join(MOST_SECS)
        if self.process.exitcode is None:  # it hangs
            self.process.kill()
            self.process.join()
        texts = []
        for file in self._files:
            with file:
                texts.append(file.read())
        return subprocess.CompletedProcess(self.args, self.process.exitcode, *texts)


def run(name, *arguments, **options):
    """Runs `python -m experiments.<name>`, or of another package, to its end."""
    return Program(name, *arguments, **options).finish()


def _run(argv, paths, cwd, environment):
    for descriptor, path in zip((1, 2), paths):
        opened = os.open(path, os.O_WRONLY)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path[:0] = [cwd]  # as `python -m` does
    sys.argv = argv
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


if __name__ == _FORKED:
    _run(*values)  # noqa: F821
