"""TensorFlow says nothing of its own: what it logs and writes looks like failures and is none."""

import contextlib
import importlib.abc
import importlib.util
import os
import shutil
import sys
import tempfile
import types
from collections.abc import Sequence
from importlib.machinery import ModuleSpec

# This must stand before TensorFlow is imported. What its C++ code logs as an error is either no
# error (a CPU without AVX-512, a machine without a GPU) or comes as an exception too.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def keep_import_quiet() -> None:
    """Lets TensorFlow's import write nothing, unless TF_CPP_MIN_LOG_LEVEL asks for more."""
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3":
        sys.meta_path.insert(0, _Importer())


class _Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports TensorFlow without what its libraries write meanwhile.

    No setting silences it: they write before they read one.
    """

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None):
        if name != "tensorflow":
            return None
        # Asked again without this finder. It stays until the import itself: some only ask whether
        # TensorFlow is there.
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec):
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType):
        sys.meta_path.remove(self)
        module.__loader__ = module.__spec__.loader = self._loader
        with _stderr_kept_for_errors():
            self._loader.exec_module(module)


@contextlib.contextmanager
def _stderr_kept_for_errors():
    """Shows what is written to file descriptor 2, by libraries too, only after an exception."""
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except Exception:
            sys.stderr.flush()
            kept.seek(0)
            with open(shown, "wb", closefd=False) as stderr:
                shutil.copyfileobj(kept, stderr)
            raise
        finally:
            sys.stderr.flush()
            os.dup2(shown, 2)
            os.close(shown)
