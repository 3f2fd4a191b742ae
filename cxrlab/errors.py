"""The one error that readers meet: a plain sentence instead of a traceback."""

from __future__ import annotations


class CXRLabError(Exception):
    """Something the reader can mend: what was seen, what was expected, what to do next.

    The command line prints the message alone. IPython asks an exception for
    ``_render_traceback_``, so a notebook shows the same sentence and no stack of frames.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]
