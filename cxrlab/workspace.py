"""The folder in which one notebook leaves its work for the next.

Everything in it was made from one choice of data, negatives, budget and seed. The name of the
folder ends in a digest of these, so that another choice gets another folder and no notebook
picks up a model that was trained on something else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cxrlab
from cxrlab.budgets import Budget, get_budget
from cxrlab.chosen import choose
from cxrlab.files import read_json, workspace_root, write_json
from cxrlab.sources import data_folder, is_phantom


@dataclass(frozen=True)
class Workspace:
    """One choice of data, negatives, budget and seed, and the folder of what was made from it."""

    data: Path
    negatives: str
    budget: Budget
    seed: int
    folder: Path
    chosen: str = ""  # how the data came to be chosen, in words

    @property
    def simulated(self) -> bool:
        """Whether the X-rays are phantoms."""
        return is_phantom(self.data)

    def __str__(self) -> str:
        kind = "phantoms (simulated X-rays)" if self.simulated else f"X-rays in {self.data.name}"
        if self.chosen:
            kind += f", {self.chosen}"
        return f"Data: {kind} · budget: {self.budget.name} · seed: {self.seed}"

    def headline(
        self,
        notebook: str,
        label: str,
        value: str,
        interval: str = "",
        note: str = "",
    ) -> None:
        """Keep a number for the index page of ``cxrlab run``, in place of an earlier one."""
        path = self.folder.parent / "headlines.json"
        kept = read_json(path) if path.exists() else []
        kept = [line for line in kept if (line["notebook"], line["label"]) != (notebook, label)]
        entry = {
            "notebook": notebook,
            "label": label,
            "value": value,
            "interval": interval,
            "note": note,
        }
        write_json(path, sorted([*kept, entry], key=lambda line: line["notebook"]))


def open_workspace(
    data: str | Path | None = None,
    budget: str | None = None,
    seed: int = 0,
    negatives: str = "kermany",
) -> Workspace:
    """Open the workspace for this choice, making phantoms first where no data is named.

    ``data`` defaults to the reader's choice (:mod:`cxrlab.chosen`), ``budget`` to
    ``CXRLAB_BUDGET``.
    """
    folder = data_folder(data)
    chosen = get_budget(budget)
    kind = "phantoms" if is_phantom(folder) else folder.name
    digest = _digest(folder, negatives, chosen, seed)
    home = workspace_root() / f"{kind}-{chosen.name}-seed{seed}-{digest}"
    home.mkdir(parents=True, exist_ok=True)
    return Workspace(folder, negatives, chosen, seed, home, choose(data).in_words)


def _digest(data: Path, negatives: str, budget: Budget, seed: int) -> str:
    """Changes when the files, the choices or the library's version change."""
    files = [
        (path.relative_to(data).as_posix(), path.stat().st_size)
        for path in sorted(data.rglob("*"))
        if path.is_file()
    ]
    parts = [cxrlab.__version__, files, negatives, asdict(budget), seed]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]
