"""Which X-rays to work on: chosen once, and remembered by every notebook of the workspace.

The first of these that names a folder decides: the option ``--data``, the environment variable
``CXRLAB_DATA``, the choice kept in the workspace (``cxrlab data use DIR``). Without any, the course
makes phantoms. A ``CXRLAB_DATA`` that is set but empty means phantoms, whatever was chosen.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, workspace_root, write_json

PHANTOM = "phantom"  # said instead of a folder
REMEMBERED = "chosen in this workspace"
BACK_TO_PHANTOMS = "`cxrlab data use phantom` goes back to simulated X-rays."


@dataclass(frozen=True)
class Choice:
    """A folder of X-rays, None for phantoms, and what named it; ``""`` where nothing did."""

    folder: Path | None
    by: str = ""

    @property
    def in_words(self) -> str:
        """``named by CXRLAB_DATA`` or ``chosen in this workspace``, and nothing for nobody."""
        return self.by if self.by in ("", REMEMBERED) else f"named by {self.by}"


def choose(data: str | Path | None = None) -> Choice:
    """The choice that holds now. Whether the folder exists is looked at for a remembered one only.

    ``data`` is a folder, or ``phantom``. Raises as :func:`remembered`.
    """
    named, by = (data, "--data") if data else (os.environ.get("CXRLAB_DATA"), "CXRLAB_DATA")
    if named is None:
        folder = remembered()
        return Choice(folder, REMEMBERED if folder else "")
    if str(named) in ("", PHANTOM):
        return Choice(None, by if named else "")
    return Choice(Path(named).expanduser().resolve(), by)


def remember(folder: str | Path | None) -> Path | None:
    """Keep ``folder`` (None for phantoms) as the choice of this workspace; returns it, absolute.

    Raises :class:`CXRLabError` where it is no folder.
    """
    if folder is not None:
        folder = Path(folder).expanduser().resolve()
        if not folder.is_dir():
            raise CXRLabError(
                f"{folder} is not a folder, so it was not chosen. Name a folder of X-rays "
                f"(`cxrlab data fetch` makes one), or {PHANTOM} for simulated X-rays."
            )
    write_json(_note(), {"data": None if folder is None else _as_kept(folder)})
    return folder


def remembered() -> Path | None:
    """The folder chosen in this workspace, None for phantoms or where nothing was chosen.

    Raises :class:`CXRLabError` where it has vanished, or the note of it cannot be read.
    """
    note = _note()
    if not note.exists():
        return None
    try:
        kept = read_json(note)["data"]
        folder = None if kept is None else workspace_root() / kept  # absolute stays absolute
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CXRLabError(
            f"{note} should say which X-rays were chosen, and cannot be read. "
            f"Choose again with `cxrlab data use DIR`. {BACK_TO_PHANTOMS}"
        ) from error
    if folder is not None and not folder.is_dir():
        raise CXRLabError(
            f"The X-rays chosen in this workspace lay in {folder}, which is no folder now. "
            f"Choose again with `cxrlab data use DIR`. {BACK_TO_PHANTOMS}"
        )
    return folder


def _note() -> Path:
    return workspace_root() / "data.json"


def _as_kept(folder: Path) -> str:
    """Relative inside the workspace, so that the choice survives when the workspace moves."""
    home = workspace_root().resolve()
    return folder.relative_to(home).as_posix() if folder.is_relative_to(home) else str(folder)
