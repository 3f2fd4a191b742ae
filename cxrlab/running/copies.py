"""Copies of the notebooks for a class: to work in, and solved for whoever has fallen behind."""

from __future__ import annotations

import copy
import importlib
import re
import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell
from rich.console import Console

from cxrlab.files import write_atomically
from cxrlab.publish import id_for
from cxrlab.running.course import find_notebooks
from cxrlab.running.refresh import refresh

ASKS = re.compile(r"^(nb\d\d)\.(\w+)\.(?:check\(.+\)|show\(\))$", re.MULTILINE)
TAGS = ["solved", "nbval-check-output"]  # of a solution: nbval compares its verdict
ABOUT = "**A solved copy.** A solution follows each exercise: run it, or leave it out for yours."


def student_copy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook as committed but for its outputs: they would answer what is predicted."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return made


def solved_copy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A student's copy with a solution behind each exercise, and behind the quiz its letters."""
    made, taken = student_copy(notebook), set()
    made.cells.insert(1, new_markdown_cell(ABOUT, metadata={"tags": TAGS[:1]}))
    for number, cell in reversed(list(enumerate(made.cells))):
        if cell.cell_type == "code" and (found := ASKS.search(cell.source)):
            solution = new_code_cell(solution_of(found), metadata={"tags": TAGS})
            made.cells.insert(number + 1, solution)
    for cell in made.cells:
        cell.id = id_for(cell.source, taken)
    return made


def solution_of(asks: re.Match[str]) -> str:
    """Code that solves what ``nb04.ppv.check(ppv)`` or ``nb04.quiz.show()`` asks for."""
    asked = getattr(importlib.import_module(f"cxrlab.exercises.{asks[1]}"), asks[2])
    if asks[2] != "quiz":
        return f"# A solution\n{asked.answer}\n\n\n{asks[0]}"
    letters = ", ".join(f'"{question.right}"' for question in asked)
    return f"# A solution\n{asks[1]}.quiz.check({letters})"


def write_copies(out: Path, budget: str = "") -> list[Path]:
    """Write ``out/student`` and ``out/solved``, a copy per notebook; return what was kept instead.

    A file that is there and differs is kept: somebody may have worked in it. With a ``budget``
    the solved copies are run, on phantoms in a workspace of their own, and hold what they show.
    Raises :class:`CXRLabError` where one stops early, or ``out`` cannot be written.
    """
    kept = []
    with tempfile.TemporaryDirectory() as workspace:
        for path in find_notebooks():
            for name, make in {"student": student_copy, "solved": solved_copy}.items():
                target = out / name / path.name
                text = nbformat.writes(make(nbformat.read(path, as_version=4))) + "\n"
                if target.exists() and target.read_text(encoding="utf-8") != text:
                    kept.append(target)
                    continue
                write_atomically(target, text)
                if budget and name == "solved":
                    refresh(target, Path(workspace), budget, Console())
    return kept
