"""How far a reader has come, over all notebooks."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from types import ModuleType

import pandas as pd

import cxrlab.exercises
from cxrlab.exercises.engine import Exercise, remembered
from cxrlab.exercises.quiz import Quiz


@dataclass(frozen=True)
class Overview:
    """``notebooks``: one row per notebook. ``next_step``: a sentence on what is left."""

    notebooks: pd.DataFrame
    next_step: str


def exercises_in(module: ModuleType) -> list[Exercise]:
    """The exercises of a notebook's module in their order, its quiz's questions last."""
    things = vars(module).values()
    found = [thing for thing in things if isinstance(thing, Exercise)]
    quizzes = [thing for thing in things if isinstance(thing, Quiz)]
    return found + [question for quiz in quizzes for question in quiz]


def exercises_by_notebook() -> dict[str, list[Exercise]]:
    """``{"04": [...]}`` for every module ``nb04`` of this package, in order."""
    names = sorted(module.name for module in pkgutil.iter_modules(cxrlab.exercises.__path__))
    return {
        name.removeprefix("nb"): exercises_in(importlib.import_module(f"cxrlab.exercises.{name}"))
        for name in names
        if name.startswith("nb")
    }


def overview() -> Overview:
    """Solved and all exercises and quiz questions of each notebook, from the workspace."""
    kept, rows, open_ones = remembered(), [], []
    for notebook, exercises in exercises_by_notebook().items():
        row = {"notebook": notebook}
        for kind, in_quiz in (("exercises", False), ("quiz", True)):
            mine = [e for e in exercises if (".quiz" in e.key) == in_quiz]
            solved = [e for e in mine if kept.get(e.key, {}).get("solved")]
            row[kind] = f"{len(solved)} of {len(mine)}"
            open_ones += [e for e in mine if e not in solved]
        row["attempts"] = sum(kept.get(e.key, {}).get("attempts", 0) for e in exercises)
        rows.append(row)
    step = "Everything is solved."
    if open_ones:
        step = f"Next: notebook {open_ones[0].key[:2]}, “{open_ones[0].title}”."
    return Overview(pd.DataFrame(rows), step)
