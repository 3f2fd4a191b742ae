"""cxrlab grade: made-up submissions of every kind, from the committed notebook 02."""

from __future__ import annotations

import csv
import os
import re
from contextlib import suppress
from importlib import import_module

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell
from typer.testing import CliRunner

from cxrlab.cli import app
from cxrlab.exercises.engine import Exercise
from cxrlab.grading import grade as grading
from cxrlab.grading.apart import Limits, parts_of_the_library
from cxrlab.grading.grade import read_submission, set_earlier_aside
from cxrlab.running.course import find_notebooks

NUMBER, NAME = "02", "02_data_filtering.ipynb"
KEYS = ["02.spellings", "02.waterfall", "02.clue", "02.split"]
NB02 = import_module("cxrlab.exercises.nb02")
OWN = {name: each for name, each in vars(NB02).items() if isinstance(each, Exercise)}
LETTERS = [question.right for question in NB02.quiz]
FIRST_CHECK = "nb02.two_spellings.check(covid_rows)"
WRONG = f"""
def covid_rows(table):
    return table[table["finding"] == "COVID-19"]

{FIRST_CHECK}
"""


def course_notebook(whole=False):
    """The committed notebook, where only the first two cells and those with an answer are run."""
    notebook = nbformat.read(find_notebooks()[1], as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code):
        cell.outputs, cell.execution_count = [], None
        if number > 1 and ".check(" not in cell.source and not whole:
            cell.metadata["tags"] = ["skip-execution"]
    return notebook


def answered(change=lambda name, code: code, letters=LETTERS, whole=False):
    """The committed notebook with solutions, ``change``d by name, and the quiz answered."""
    notebook = course_notebook(whole)
    for cell in notebook.cells:
        found = re.search(r"^nb02\.(\w+)\.check\(.*\)$", cell.source, re.MULTILINE)
        if found and found[1] in OWN:
            cell.source = change(found[1], f"{OWN[found[1]].answer}\n\n{found[0]}\n")
    quiz = ", ".join(each if each == "..." else f'"{each}"' for each in letters)
    notebook.cells.append(new_code_cell(f"nb02.quiz.check({quiz})"))
    return notebook


def in_place_of(name, code):
    """An answer of its own in the cell of one exercise."""
    return answered(lambda which, old: code if which == name else old)


def first_cell(code):
    """All answers wrong but claimed, by ``code`` that runs before them."""
    notebook = in_place_of("two_spellings", WRONG)
    notebook.cells.insert(5, new_code_cell(code))
    return notebook


PATCHED_CHECK = """
from cxrlab.exercises import engine, judge
for kind in (engine.Exercise, judge.FunctionExercise):
    kind.judge = lambda self, answer: engine.Verdict(engine.State.CORRECT, "Correct.")
"""
FORGED_PROGRESS = """
import json, os, pathlib
entries = {f"02.{key}": {"attempts": 1, "solved": True} for key in ("spellings", "quiz1")}
(pathlib.Path(os.environ["CXRLAB_WORKSPACE"]) / "progress.json").write_text(json.dumps(entries))
"""
# The function patches the judge when it is called there, outside of its notebook.
PATCHES_ITS_JUDGE = f"""
def covid_rows(table):
    from cxrlab.exercises import judge
    judge.close = lambda *anything: True
    return table

{FIRST_CHECK}
"""
LOOP = f"while True:\n    pass\n{FIRST_CHECK}"
HUNGRY = f"import numpy\nhungry = numpy.ones(20_000_000_000, 'uint8')\n{FIRST_CHECK}"


def kinds():
    """``{file: notebook, text or bytes}``: what people hand in."""
    name = f"assignsubmission_file_{NAME}"
    crash = answered()
    crash.cells.insert(45, new_code_cell("import os\nos._exit(1)"))
    return {
        f"Müller_Anna_12345_{name}": answered(whole=True),
        f"nothing_1_{name}": course_notebook(),
        f"wrong_2_{name}": in_place_of("two_spellings", WRONG),
        f"error_3_{name}": in_place_of("waterfall", "1 / 0\nnb02.waterfall.check(draw_rows)"),
        f"crash_4_{name}": crash,
        f"loop_5_{name}": in_place_of("two_spellings", LOOP),
        f"hungry_6_{name}": in_place_of("two_spellings", HUNGRY),
        f"patched_7_{name}": first_cell(PATCHED_CHECK),
        f"forged_8_{name}": first_cell(FORGED_PROGRESS),
        f"sly_9_{name}": in_place_of("two_spellings", PATCHES_ITS_JUDGE),
        "renamed/homework.ipynb": answered(letters=["a", "...", *LETTERS[2:]]),
        f"broken/{NAME}": '{"cells": [',
        f"list/{NAME}": "[]",
        "other/01_titanic.ipynb": nbformat.v4.new_notebook(cells=[new_code_cell("import seaborn")]),
        "report/report.pdf": b"%PDF-1.7",
        "absent/": None,
        f"twice/first_{NAME}": course_notebook(),
        f"twice/second_{NAME}": in_place_of("clue", "def right_by(table, column):\n    return ..."),
    }


def hand_in(folder, submissions):
    for number, (name, content) in enumerate(submissions.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir()
            continue
        if isinstance(content, nbformat.NotebookNode):
            content = nbformat.writes(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (1_700_000_000 + number,) * 2)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return hand_in(tmp_path_factory.mktemp("handed-in"), kinds())


@pytest.fixture
def read(folder):
    """``{person: submission}`` of the made-up ones, before anything is run."""
    files = [each for each in sorted(folder.rglob("*")) if each.is_file()]
    found = [read_submission(file, folder) for file in [*files, folder / "absent"]]
    set_earlier_aside(found)
    return {
        f"{each.person}/{each.file.name}" if each.person == "twice" else each.person: each
        for each in found
    }


def test_whose_a_file_is_and_which_notebook(read):
    anna = read["Müller Anna"]
    assert (anna.number, anna.problem) == (NUMBER, "")
    assert [key for cell in anna.cells for key in cell.metadata.get("answers", [])] == KEYS
    assert anna.letters == LETTERS and read["renamed"].letters[1] == "..."
    assert read["nothing"].letters == []


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("Müller_Anna_12345_assignsubmission_file_02_data_filtering.ipynb", "Müller Anna"),
        ("Müller Anna_12345_assignsubmission_file/02_data_filtering.ipynb", "Müller Anna"),
        ("mulleranna_LATE_4711_90210_02_data_filtering-1.ipynb", "mulleranna"),
        ("anna_02_data_filtering.ipynb", "anna"),
        ("Anna Müller/02_data_filtering.ipynb", "Anna Müller"),
        ("02_data_filtering.ipynb", "02_data_filtering.ipynb"),
        ("anna.ipynb", "anna"),
    ],
)
def test_a_person_is_named_as_learning_platforms_do(name, person, tmp_path):
    hand_in(tmp_path, {name: course_notebook()})
    assert read_submission(tmp_path / name, tmp_path).person == person


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ("broken", "cannot be read as a notebook (NotJSONError)"),
        ("list", "cannot be read as a notebook"),
        ("other", "not a notebook of this course"),
        ("report", "no notebook: the .ipynb file is wanted"),
        ("absent", "no notebook: the .ipynb file is wanted"),
        (f"twice/first_{NAME}", f"does not count: second_{NAME} is later"),
        (f"twice/second_{NAME}", ""),
    ],
)
def test_what_cannot_be_judged_says_why(read, person, words):
    assert read[person].problem.startswith(words)
    assert bool(words) == bool(read[person].problem)


def test_a_patch_of_the_library_is_seen(monkeypatch):
    from cxrlab.exercises import judge

    before, again = parts_of_the_library(), parts_of_the_library()
    assert all(again[name] is part for name, part in before.items())
    monkeypatch.setattr(judge, "close", lambda *anything: True)
    monkeypatch.setattr(Exercise, "judge", lambda *anything: None)
    monkeypatch.setattr(NB02.clue, "cases", [])
    now = parts_of_the_library()
    changed = {name for (_, name), p in before.items() if now.get((_, name)) is not p}
    assert {"close", "judge", "cases"} <= changed


def invoke(*arguments):
    return CliRunner().invoke(app, ["grade", *map(str, arguments)])


def table(out):
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        return [*csv.DictReader(file)]


@pytest.fixture
def no_processes(monkeypatch):
    """Grading that runs nothing: every answer is right. Gives the names of what was judged."""
    judged = []

    def run_and_judge(each, home, limits):
        judged.append(each.file.name)
        return "", {"02.spellings": ["solved", "<Correct.>"]}

    monkeypatch.setattr(grading, "run_and_judge", run_and_judge)
    monkeypatch.setattr(grading, "run_apart", lambda *anything: "")
    return judged


def test_a_second_run_takes_up_what_is_judged_and_keeps_an_edited_table(tmp_path, no_processes):
    folder, out = tmp_path / "in", tmp_path / "in" / "out"
    hand_in(folder, {"anna/02_x.ipynb": course_notebook(), "=ben/02_x.ipynb": answered()})
    assert invoke(folder, "--out", out).exit_code == 0
    assert [row["person"] for row in table(out)] == ["'=ben", "anna"]  # no formula
    assert table(out)[1]["exercises"] == "1 of 1" and table(out)[1]["02.spellings"] == "solved"
    page = (out / "grades.html").read_text(encoding="utf-8")
    assert "&lt;Correct.&gt;" in page and "<h1>Grades</h1>" in page
    assert invoke(folder, "--out", out).exit_code == 0 and len(no_processes) == 2
    assert not [*out.glob("grades-*.csv")]
    by_hand = (out / "grades.csv").read_bytes() + b"by hand"
    (out / "grades.csv").write_bytes(by_hand)
    hand_in(folder, {"anna/02_x.ipynb": answered(letters=["a"])})
    assert invoke(folder, "--out", out, "--jobs", 2).exit_code == 0
    assert len(no_processes) == 3, "only what has changed is judged again"
    (kept,) = out.glob("grades-*.csv")
    assert kept.read_bytes() == by_hand and len(table(out)) == 2


@pytest.fixture
def in_this_process(monkeypatch):
    """Running and judging without processes and kernels, for what decides between the two."""
    from cxrlab.exercises import judge

    monkeypatch.setattr(judge, "close", judge.close)  # a sly answer's patch is undone

    def run_apart(code, home, limits):
        if "apart.judge" in code:
            exec(code, {})
            return ""
        monkeypatch.setenv("CXRLAB_WORKSPACE", str(home))
        names = {"__name__": "__main__", "pd": pd, "nb02": NB02}
        for cell in nbformat.read(home / "notebook.ipynb", as_version=4).cells:
            if re.search(r"\.check\(|cloudpickle|progress", cell.source):
                with suppress(ArithmeticError, NameError):
                    exec(cell.source if cell.cell_type == "code" else "", names)
        return ""

    monkeypatch.setattr(grading, "run_apart", run_apart)


@pytest.mark.parametrize(
    ("person", "first", "quiz"),
    [
        ("renamed", "solved", "wrong"),
        ("nothing", "no answer", "no answer"),
        ("wrong", "wrong", "solved"),
        ("error", "solved", "solved"),
        ("forged", "claimed, not confirmed", "solved"),
        ("sly", "claimed, not confirmed", "solved"),
    ],
)
def test_verdicts_and_claims(read, in_this_process, tmp_path, person, first, quiz):
    each = read[person]
    _, each.verdicts = grading.run_and_judge(each, tmp_path, Limits())
    words = {key: word for key, (word, _) in each.verdicts.items()}
    assert list(words) == KEYS + [question.key for question in NB02.quiz]
    assert words["02.spellings"] == first and words["02.quiz1"] == quiz, each.verdicts
    assert words["02.clue"] == ("no answer" if person == "nothing" else "solved")
    assert (words["02.waterfall"] == "not judged") == (person == "error")
    claimed = "claimed, not confirmed: 02.spellings" if "claimed" in first else ""
    assert each.row()["notes"] == claimed


def test_an_empty_folder_is_a_sentence(tmp_path):
    done = invoke(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 1 and "is empty. Name a folder" in done.output


@pytest.mark.long
def test_submissions_in_processes_of_their_own(tmp_path):
    notes = {
        "Müller Anna": "",
        "crash": "stopped early (Python stopped at once",
        "hungry": "",
        "loop": "",
        "patched": "claimed, not confirmed: 02.spellings",
        "sly": "claimed, not confirmed: 02.spellings",
    }
    chosen = {name: it for name, it in kinds().items() if name.startswith((*notes, "Müller_Anna"))}
    folder, out = hand_in(tmp_path / "in", chosen), tmp_path / "out"
    rows = {each.person: each.row() for each in grading.grade(folder, out, 2, Limits(minutes=8))}
    assert rows.keys() == notes.keys() and len(table(out)) == len(rows)
    for person, row in rows.items():
        solved = {"Müller Anna": 4, "crash": 2}.get(person, 3)
        assert (row["exercises"], row["quiz"]) == (f"{solved} of 4", "6 of 6"), row
        assert row["notes"].startswith(notes[person]) and bool(row["notes"]) == bool(notes[person])
    assert "claimed, not confirmed" in (out / "grades.html").read_text(encoding="utf-8")
