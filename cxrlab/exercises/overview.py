"""How far a reader has come, over all notebooks."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass

import pandas as pd

import cxrlab.exercises
from cxrlab.exercises import progress
from cxrlab.exercises.engine import Exercise
from cxrlab.exercises.quiz import exercises_in


@dataclass(frozen=True)
class Overview:
    """``notebooks``: one row a notebook. ``next_step``: a sentence on what is left."""

    notebooks: pd.DataFrame
    next_step: str


def exercises_by_notebook() -> dict[str, list[Exercise]]:
    """``{"04": [...]}`` for every module ``nb04`` of this package, in order."""
    names = sorted(
        module.name
        for module in pkgutil.iter_modules(cxrlab.exercises.__path__)
        if module.name.startswith("nb")
    )
    return {
        name.removeprefix("nb"): exercises_in(importlib.import_module(f"cxrlab.exercises.{name}"))
        for name in names
    }


def overview() -> Overview:
    """Solved and all exercises and quiz questions of each notebook, from the workspace."""
    kept, rows, open_ones = progress.load(), [], []
    for notebook, exercises in exercises_by_notebook().items():
        row = {"notebook": notebook}
        for kind, is_kind in (("exercises", False), ("quiz", True)):
            mine = [e for e in exercises if _in_quiz(e) == is_kind]
            solved = [e for e in mine if kept.get(e.key, {}).get("solved")]
            row[kind] = f"{len(solved)} of {len(mine)}"
            open_ones += [e for e in mine if e not in solved]
        row["attempts"] = sum(kept.get(e.key, {}).get("attempts", 0) for e in exercises)
        rows.append(row)
    if not open_ones:
        step = "Everything is solved."
    else:
        first = open_ones[0]
        step = f"Next: notebook {first.key.partition('.')[0]}, “{first.title}”."
    return Overview(pd.DataFrame(rows), step)


def _in_quiz(exercise: Exercise) -> bool:
    return exercise.key.partition(".")[2].startswith("quiz")
