"""Copies for a class: what a student gets, and solved ones that run and pass."""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest

from cxrlab.exercises.quiz import Question, exercises_by_notebook
from cxrlab.publish import CHECKOUT, to_text
from cxrlab.running.refresh import solved_copy, student_copy, write_copies

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))


def split_up(notebook) -> tuple[list, list]:
    """The course's own cells, and the solutions."""
    solved = [cell for cell in notebook.cells if "solved" in cell.metadata.get("tags", [])]
    own = [cell for cell in notebook.cells if cell not in solved]
    return own, [cell for cell in solved if cell.cell_type == "code"]


def test_copies_are_the_notebook_and_its_solutions(path, notebook):
    student, solved = student_copy(notebook), solved_copy(notebook)
    assert any(cell.get("outputs") for cell in notebook.cells)
    for made in (student, solved):
        own, solutions = split_up(made)
        assert [cell.source for cell in own] == [cell.source for cell in notebook.cells]
        assert not any(cell.get("outputs") for cell in made.cells)
        nbformat.reads(to_text(made), as_version=4)
    exercises = exercises_by_notebook()[path.stem[:2]]
    assert len(solutions) == 1 + sum(not isinstance(each, Question) for each in exercises)
    for solution in solutions:
        asked = solved.cells[solved.cells.index(solution) - 1].source
        assert "..." in asked or "quiz.show()" in asked
        assert "..." not in solution.source
        compile(solution.source, path.name, "exec")


def test_what_somebody_has_worked_in_is_kept(tmp_path):
    assert write_copies(tmp_path) == []
    assert write_copies(tmp_path) == []
    mine = tmp_path / "student" / NOTEBOOKS[0].name
    mine.write_text("my work", encoding="utf-8")
    (tmp_path / "solved" / NOTEBOOKS[1].name).unlink()
    assert write_copies(tmp_path) == [mine]
    assert mine.read_text(encoding="utf-8") == "my work"
    assert len(list(tmp_path.glob("*/*.ipynb"))) == 2 * len(NOTEBOOKS)


@pytest.mark.long
def test_solved_copies_run_pass_every_check_and_nbval(tmp_path):
    write_copies(tmp_path, "smoke")
    for path in sorted((tmp_path / "solved").glob("*.ipynb")):
        for cell in split_up(nbformat.read(path, as_version=4))[1]:
            verdicts = [output.data["text/plain"] for output in cell.outputs]
            assert verdicts and all(each.startswith("✓") for each in verdicts), cell.source
    workspace = {"CXRLAB_BUDGET": "smoke", "CXRLAB_WORKSPACE": str(tmp_path / "workspace")}
    command = ["-m", "pytest", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"]
    subprocess.run(
        [sys.executable, *command, str(tmp_path / "solved")],
        env={**os.environ, **workspace, "CXRLAB_DATA": ""},
        cwd=tmp_path,
        check=True,
    )
