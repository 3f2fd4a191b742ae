"""Notebooks written anew: the committed ones with what they show, and copies of them for a class.

``python -m cxrlab.running.refresh [01-05]`` executes committed notebooks on phantoms, at the class
budget, and stores the same bytes each time. Run it twice: what differs depends on chance or the
clock, and should not be shown. Without numbers (``make notebooks``) it runs all, and stores the
networks that a notebook begins with where notebook 03 has not been run.
"""

import copy
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor
from nbformat.v4 import new_code_cell, new_markdown_cell

from cxrlab.errors import CXRLabError
from cxrlab.exercises.quiz import module_of
from cxrlab.files import write_atomically
from cxrlab.publish import CHECKOUT, to_text
from cxrlab.running.course import environment_for, find_notebooks, select_notebooks
from cxrlab.running.execute import execute
from cxrlab.running.pages import without_widgets

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
KEPT = ("slideshow", "tags")  # of a cell's metadata
# What TensorFlow writes about its build before it reads any setting for its log. Only some
# processors bring it about; a reader may see it in red, and the guide says that it is harmless.
OPENING_LINES = re.compile(r"(?:WARNING: All log messages before absl|I\d{4} [\d:.]+ ).*\n?")
# What differs from run to run in a printed text, and is taken out in this order.
CHANGING = (
    re.compile(r"\x1b\[[0-9;]*m"),  # colours
    # What Keras's progress bar writes over, and its clock: the last state of each line stays.
    re.compile(r"[^\n]*(?:\r|\x08)+(?=[^\n\r\x08])"),
    re.compile(r" +[\dhms.]+ \d+m?s/(?:step|epoch)(?: -)?"),
    # "Trial 4 Complete [00h 00m 21s]", "Total elapsed time: 00h 01m 20s" of Keras Tuner.
    re.compile(r" \[\d+h \d+m \d+s\]|\n?Total elapsed time: [\dhms ]+"),
    OPENING_LINES,
)
ASKS = re.compile(r"^nb(\d\d)\.(\w+)\.(?:check\(.+\)|show\(\))$", re.MULTILINE)
SOLVED = ["solved", "nbval-check-output"]  # tags of a solution: nbval compares its verdict
ABOUT = "**A solved copy.** A solution follows each exercise: run it, or leave it out for yours."


def normalise(notebook: nbformat.NotebookNode) -> None:
    """Leave in ``notebook``, in place, only what is the same in every execution."""
    without_widgets(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = 5
    for cell in notebook.cells:
        kept = {name: cell.metadata[name] for name in KEPT if cell.metadata.get(name)}
        cell.metadata = nbformat.from_dict(kept)
        if cell.cell_type == "code":
            for output in cell.outputs:
                for part in CHANGING if output.output_type == "stream" else ():
                    output.text = part.sub("", output.text)
            cell.outputs = [output for output in cell.outputs if output.get("text") != ""]


def refresh(path: Path, workspace: Path, budget: str = "class") -> None:
    """Execute the notebook at ``path`` on phantoms and write it back, normalised.

    Raises :class:`CXRLabError`, and leaves the file as it was, when a cell fails.
    """
    execution = execute(path, path.parent, environment_for(budget, None, workspace))
    if execution.failure:
        raise CXRLabError(f"{execution}\nThe file is unchanged.")
    print(execution, flush=True)
    normalise(execution.notebook)
    text = to_text(execution.notebook)
    for place, shown in {workspace: "cxrlab-workspace", CHECKOUT: "cxrlab"}.items():
        text = text.replace(str(place), shown)  # what only this machine has
    write_atomically(path, text)


def keep_networks(workspace: Path) -> None:
    """Store the network of each kind of phantoms, for the course to bring along.

    Notebook 03 has left the first in ``workspace``; on the confounded phantoms it is trained here.
    """
    from cxrlab import course

    os.environ["CXRLAB_WORKSPACE"] = str(workspace)
    for name in ("phantoms", "phantoms-confounded"):
        space = course.open_workspace(workspace / name, "class")
        network = course.load_network(space, course.get_xrays(space), yours=True)
        course.ship(network, course.how_shipped(space), course.SHIPPED / f"{name}-class.npz")


def student_copy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook as committed but for its outputs: they would answer what is predicted."""
    return ClearOutputPreprocessor().preprocess(copy.deepcopy(notebook), {})[0]


def solved_copy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A student's copy with a solution behind each exercise, and behind the quiz its letters."""
    made = student_copy(notebook)
    cells = [made.cells[0], new_markdown_cell(ABOUT, metadata={"tags": ["solved"]})]
    for cell in made.cells[1:]:
        cells.append(cell)
        if cell.cell_type == "code" and (asks := ASKS.search(cell.source)):
            cells.append(new_code_cell(solution_of(asks), metadata={"tags": SOLVED}))
    return nbformat.from_dict({**made, "cells": cells})


def solution_of(asks: re.Match[str]) -> str:
    """Code that solves what ``nb04.ppv.check(ppv)`` or ``nb04.quiz.show()`` asks for."""
    asked = getattr(module_of(asks[1]), asks[2])
    if asks[2] != "quiz":
        return f"# A solution\n{asked.answer}\n\n\n{asks[0]}"
    letters = ", ".join(f'"{question.right}"' for question in asked)
    return f"# A solution\nnb{asks[1]}.quiz.check({letters})"


def write_copies(out: Path, budget: str = "") -> list[Path]:
    """Write ``out/student`` and ``out/solved``, a copy per notebook.

    With a ``budget`` the solved ones are run, on phantoms, and hold what they show. Returns the
    files that differ and were kept, because somebody may have worked in them. Raises
    :class:`CXRLabError` where a copy stops early, or ``out`` cannot be written.
    """
    kept = []
    with tempfile.TemporaryDirectory() as workspace:
        for path in find_notebooks():
            for name, make in {"student": student_copy, "solved": solved_copy}.items():
                target = out / name / path.name
                text = to_text(make(nbformat.read(path, as_version=4)))
                if target.exists() and target.read_text(encoding="utf-8") != text:
                    kept.append(target)
                    continue
                write_atomically(target, text)
                if budget and name == "solved":
                    refresh(target, Path(workspace), budget)
    return kept


def main() -> None:
    """Refresh the notebooks whose numbers follow on the command line; all, where none do."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else None
    workspace = CHECKOUT / "build" / "notebooks-workspace"
    if wanted is None:
        shutil.rmtree(workspace, ignore_errors=True)
    try:
        for path in select_notebooks(find_notebooks(CHECKOUT / "notebooks"), wanted):
            refresh(path, workspace)
    except CXRLabError as error:
        sys.exit(str(error))
    if wanted is None:
        keep_networks(workspace)


if __name__ == "__main__":
    main()
