"""The one error that readers meet, and what its sentences are made of.

A message says in one or two plain sentences what was seen, what was expected and what to do next:
"There is no notebook 88. There are 01, 02, 03." It names files and options as a reader writes them.
"""

from pathlib import Path


class CXRLabError(Exception):
    """Something the reader can mend: what was seen, what was expected, what to do next.

    The command line prints the message alone. IPython asks an exception for
    ``_render_traceback_``, so a notebook shows the same sentence and no stack of frames.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def refused(place: str | Path, error: OSError, workspace: Path) -> CXRLabError:
    """The error for a file or folder that the system refuses, to be raised from ``error``."""
    place, advice = Path(place).absolute(), "Choose another folder."
    if place.is_relative_to(workspace) or workspace.is_relative_to(place):
        advice = "Set CXRLAB_WORKSPACE to a folder of yours."
    return CXRLabError(f"Cannot use {place} ({error.strerror or error}). {advice}")


def counted(number: int, what: str) -> str:
    """``1 epoch``, ``2 epochs``, ``1,000 epochs``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
