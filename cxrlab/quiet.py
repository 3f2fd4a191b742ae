"""TensorFlow without its opening lines, and on a small machine with less memory.

While it is imported, TensorFlow writes about its build to standard error, before any setting for
its log is read. In a notebook that is a red box under the first cell that trains, of no use to a
reader. Here these lines, and no others, are taken out.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

STANDARD_ERROR = 2  # the file descriptor: C++ does not know sys.stderr
CHATTER = re.compile(
    r"All log messages before absl::InitializeLog"
    r"|oneDNN custom operations are on"
    r"|binary is optimized to use available CPU instructions"
    r"|To enable the following instructions"
    r"|Unable to register cu\w+ factory"  # Colab, where another library registered it first
    r"|computation placer already registered"
)


def quiet_tensorflow(before: Callable[[], None]) -> None:
    """From now on, the first import of TensorFlow is a quiet one, whoever asks for it.

    ``before`` is called when it begins.
    """
    already = any(isinstance(finder, _QuietTensorFlow) for finder in sys.meta_path)
    if "tensorflow" not in sys.modules and not already:
        sys.meta_path.insert(0, _QuietTensorFlow(before))


class _QuietTensorFlow(MetaPathFinder):
    """Finds TensorFlow where it is, and has it loaded by :class:`_QuietLoader`. Once."""

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before

    def find_spec(self, name, path=None, target=None) -> ModuleSpec | None:
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _QuietLoader(spec.loader, self._before)
        return spec


class _QuietLoader(Loader):
    def __init__(self, loader: Loader, before: Callable[[], None]) -> None:
        self._loader, self._before = loader, before

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # The module should not remember us.
        module.__spec__.loader = module.__loader__ = self._loader
        self._before()
        with without_chatter():
            self._loader.exec_module(module)


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back what is written to standard error; afterwards let through all but the chatter."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(STANDARD_ERROR)
        os.dup2(held.fileno(), STANDARD_ERROR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, STANDARD_ERROR)
            os.close(kept)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines(keepends=True):
                if not CHATTER.search(line):
                    os.write(STANDARD_ERROR, line.encode())
