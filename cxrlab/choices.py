"""What a reader chooses for a run: how much work it may do, and which X-rays it works on.

For the X-rays the first of these decides: the option ``--data``, the environment variable
``CXRLAB_DATA``, the choice kept in the workspace (``cxrlab data use DIR``). Without any, the course
makes phantoms. A ``CXRLAB_DATA`` that is set but empty means phantoms, whatever was chosen.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, workspace_root, write_json

PHANTOM = "phantom"  # said instead of a folder


@dataclass(frozen=True)
class Budget:
    """The sizes of everything that takes time. The split is the same at every budget."""

    name: str
    images: int  # training images at the most, 0 for all
    epochs: int  # passes over the training images
    patience: int  # epochs without a better validation loss before training stops
    trials: int  # settings that the search tries
    trial_epochs: int  # epochs a trial may take
    seeds: int  # repeated trainings where the spread matters
    resamples: int  # bootstrap resamples behind the interval of ROC AUC


BUDGETS = {
    budget.name: budget
    for budget in (
        Budget("smoke", 48, 1, 1, 2, 1, 2, 100),
        Budget("class", 192, 18, 10, 4, 12, 3, 1000),
        Budget("full", 0, 40, 15, 50, 20, 5, 2000),
    )
}


def get_budget(name: str | None = None) -> Budget:
    """The budget ``name``, else that of ``CXRLAB_BUDGET``, else ``class``; or CXRLabError."""
    name = name or os.environ.get("CXRLAB_BUDGET") or "class"
    if name not in BUDGETS:
        raise CXRLabError(
            f"There is no budget called {name!r}. Choose smoke, class or full "
            "(--budget, or the environment variable CXRLAB_BUDGET)."
        )
    return BUDGETS[name]


class Choice(NamedTuple):
    """A folder of X-rays, None for phantoms, and how it was chosen; ``""`` where it was not."""

    folder: Path | None
    in_words: str = ""  # such as ``named by CXRLAB_DATA``


def choose(data: str | Path | None = None) -> Choice:
    """The choice that holds now; ``data`` is a folder, or ``phantom``. No folder is looked at.

    Raises :class:`CXRLabError` where the choice kept in the workspace cannot be read.
    """
    named, by = (data, "--data") if data else (os.environ.get("CXRLAB_DATA"), "CXRLAB_DATA")
    if named is not None:
        folder = None if str(named) in ("", PHANTOM) else Path(os.path.expanduser(named)).resolve()
        return Choice(folder, f"named by {by}" if named else "")
    note = workspace_root() / "data.json"
    if not note.exists():
        return Choice(None)
    try:
        kept = read_json(note)["data"]
        folder = None if kept is None else Path(kept)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CXRLabError(
            f"{note} should say which X-rays were chosen, and cannot be read. Choose again with "
            "`cxrlab data use DIR`, or `cxrlab data use phantom` for simulated X-rays."
        ) from error
    return Choice(folder, "chosen in this workspace" if folder else "")


def remember(folder: str | Path | None) -> Path | None:
    """Keep ``folder`` (None for phantoms) as the choice of this workspace; returns it, absolute.

    Raises :class:`CXRLabError` where it is no folder.
    """
    if folder is not None:
        folder = Path(os.path.expanduser(folder)).resolve()
        if not folder.is_dir():
            raise CXRLabError(
                f"{folder} is not a folder, so it was not chosen. Name a folder of X-rays "
                f"(`cxrlab data fetch` makes one), or {PHANTOM} for simulated X-rays."
            )
    write_json(workspace_root() / "data.json", {"data": folder and str(folder)})
    return folder
