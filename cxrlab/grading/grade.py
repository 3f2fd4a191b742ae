"""Grading a folder: whose file each is, what its answers are worth, a table and a page of it."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from pathlib import Path

import nbformat
import pandas as pd

import cxrlab
from cxrlab.errors import CXRLabError, counted
from cxrlab.exercises.engine import PROGRESS, State
from cxrlab.exercises.quiz import exercises_by_notebook
from cxrlab.files import make_folder, read_json, write_atomically, write_json
from cxrlab.grading.apart import Limits, run_apart
from cxrlab.running.course import find_notebooks
from cxrlab.running.pages import render

# Moodle: "Müller_Anna_12345_assignsubmission_file_03_building_the_cnn.ipynb"; Canvas; by hand.
END_OF_PERSON = re.compile(r"_\d+_assignsubmission|_(?:LATE_)?\d+_\d+_|[ _-]?0\d_|\.\w+$")
CHECK = re.compile(r"^[ \t]*nb\d\d\.(\w+)\.check\((.*?)\)[ \t]*(?:#.*)?$", re.MULTILINE | re.DOTALL)
SAME_VERSION = 0.8  # of the course's own cells
FEW = 3  # answers that two people may well have in common
SOLVED, CLAIMED, NOT_JUDGED = "solved", "claimed, not confirmed", "not judged"
WORDS = {"CORRECT": SOLVED, "WRONG": "wrong", "UNTOUCHED": "no answer", "TAMPERED": CLAIMED}
APART = "cxrlab.grading.apart"
# What the notebooks make once is made once for all: each submission gets a copy.
PHANTOMS = "from cxrlab import plots, sources as s\n"
PHANTOMS += "s.data_folder(), s.confounded_phantoms(), s.hospital_phantoms()"


@dataclass
class Submission:
    """One file. ``problem`` says why nothing of it can be judged."""

    person: str
    file: Path
    number: str = ""  # of the notebook: "03"
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    cells: list[nbformat.NotebookNode] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)  # of the quiz
    words: str = ""  # the reader's own, in all cells with an answer
    verdicts: dict[str, list[str]] = field(default_factory=dict)  # "01.matrix": [word, sentence]

    def row(self) -> dict[str, str]:
        """What the table says of it."""
        row = {"person": self.person, "notebook": self.number, "file": self.file.name}
        for name, in_quiz in (("exercises", False), ("quiz", True)):
            mine = [word for key, (word, _) in self.verdicts.items() if (".quiz" in key) == in_quiz]
            row[name] = f"{mine.count(SOLVED)} of {len(mine)}" if mine else ""
        row["notes"] = "; ".join(filter(None, [self.problem, *self.notes]))
        return row | {key: word for key, (word, _) in self.verdicts.items()}


def grade(folder: Path, out: Path, jobs: int, limits: Limits) -> Iterator[Submission]:
    """Give each file below ``folder`` once it is judged; write ``grades.csv`` and a page at last.

    What is judged is kept in ``out``, and judged again only if the file, the limits or the
    library's version change. Raises :class:`CXRLabError` where there is no file, or no phantoms.
    """
    folder, out = folder.absolute(), out.absolute()
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() or not any(f.iterdir())]
    # Not what is written here, nor .DS_Store, .ipynb_checkpoints, __MACOSX.
    seen = [f for f in files if not re.search(r"/(\.|__)", f"/{f.relative_to(folder).as_posix()}")]
    seen = [file for file in seen if not file.is_relative_to(out)]
    found = [read_submission(file, folder) for file in seen]
    if not found:
        raise CXRLabError(f"{folder} is empty. Name a folder of notebooks, or of a folder each.")
    compare(found)
    ready = make_folder(out / "prepared")
    if why := run_apart(["-c", PHANTOMS], ready, limits):
        raise CXRLabError(f"The phantoms are not made ({why}); {ready / 'log.txt'} has more.")
    pool = ThreadPoolExecutor(jobs)
    try:
        yield from pool.map(lambda each: judged(each, out, limits), found)
    finally:  # also where it is interrupted
        pool.shutdown(cancel_futures=True)
    write_results(found, out)


def read_submission(file: Path, folder: Path) -> Submission:
    """Whose file it is, which notebook, and what it answers. Nothing in it stops this."""
    name = unicodedata.normalize("NFC", file.relative_to(folder).parts[0])
    person = END_OF_PERSON.split(name, maxsplit=1)[0].replace("_", " ").strip() or name
    found = Submission(person, file)
    try:
        recognise(found)
    except CXRLabError as error:
        found.problem = str(error)
    except Exception as error:  # whatever a file brings about that only looks like a notebook
        found.problem = f"cannot be read as a notebook ({type(error).__name__})"
    return found


def recognise(found: Submission) -> None:
    """Find the notebook of the course that it is, and at each cell what it answers."""
    if found.file.suffix != ".ipynb":
        what = "a file of another kind" if found.file.is_file() else "an empty folder"
        raise CXRLabError(f"{what}: the .ipynb file is wanted")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cells without an id
        found.cells = nbformat.reads(found.file.read_text("utf-8"), as_version=4).cells
    code = [cell.source for cell in found.cells if cell.cell_type == "code"]
    course = {path.stem[:2]: path for path in find_notebooks()}
    named = Counter(re.findall(r"\bnb(0\d)\b", "\n".join(code))).most_common()
    found.number = next((number for number, _ in named if number in course), "")
    if not found.number:
        raise CXRLabError("not a notebook of this course: it names none of its exercises")
    if not re.search(rf"(?<!\d){found.number}_", found.file.name):
        found.notes.append("recognised by its cells, not by its name")
    given = [c for c in nbformat.read(course[found.number], 4).cells if c.cell_type == "code"]
    own = {cell.source for cell in given if "..." not in cell.source}
    if (same := len(own & {*code})) < SAME_VERSION * len(own):
        found.notes.append(f"another version? {same} of {len(own)} given cells are as they are")
    before = {cell.id: cell.source for cell in given}
    exercises = vars(import_module(f"cxrlab.exercises.nb{found.number}"))
    for cell in found.cells:
        code, cell.metadata["answers"] = cell.source if cell.cell_type == "code" else "", {}
        # Also where the line with the check was deleted.
        for name, answer in CHECK.findall(code) or CHECK.findall(before.get(cell.get("id"), "")):
            if name == "quiz":
                found.letters = re.findall(r"\.\.\.|\w+", answer)
            elif name in exercises:
                cell.metadata["answers"][exercises[name].key] = answer
                # Not the dots, nor the course's solution, which everybody may look at.
                if code not in before.values() and exercises[name].answer not in code:
                    found.words += f"{code}\n"


def compare(found: list[Submission]) -> None:
    """Of several files of a notebook by one person the latest counts; say who answers alike."""
    latest: dict[tuple[str, str], Submission] = {}
    for each in sorted(found, key=lambda one: one.file.stat().st_mtime):
        if not each.problem:
            if earlier := latest.get((each.person, each.number)):
                earlier.problem = f"does not count: {each.file.name} is later"
            latest[each.person, each.number] = each
    for each in latest.values():
        alike = [
            one.person for one in latest.values() if one.words == each.words and one is not each
        ]
        if alike and len(CHECK.findall(each.words)) >= FEW:
            each.notes.append(f"every answer is letter for letter that of {', '.join(alike)}")


def judged(each: Submission, out: Path, limits: Limits) -> Submission:
    """The submission with its verdicts, from an earlier run or from now."""
    if each.problem:
        return each
    what = each.file.read_bytes() + repr((limits, cxrlab.__version__)).encode()
    kept = out / "judged" / f"{hashlib.sha256(what).hexdigest()[:16]}.json"
    if not kept.exists():
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
            home = shutil.copytree(out / "prepared", Path(work, "home"))
            write_json(kept, run_and_judge(each, home, limits))
    each.verdicts, notes = read_json(kept)
    each.notes += notes
    return each


def run_and_judge(each: Submission, home: Path, limits: Limits) -> tuple[dict, list[str]]:
    """Run a submission in ``home`` and judge what it leaves there: the verdicts, and its notes."""
    cells, ran, notebook = [], home / "ran.ipynb", home / "notebook.ipynb"
    for cell in each.cells:
        cells.append(cell)
        for key, answer in cell.metadata["answers"].items():  # out of the kernel, into a file
            file = f"pathlib.Path({str(home / f'{key}.answer')!r})"
            code = f"import cloudpickle, pathlib\n{file}.write_bytes(cloudpickle.dumps({answer}))"
            cells.append(nbformat.v4.new_code_cell(code))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    terms = [str(limits.minutes), str(limits.memory)]
    why = run_apart(["-m", APART, "run", str(notebook), *terms], home, limits)
    shown = nbformat.read(ran, as_version=4).cells if ran.exists() else []
    own = [
        output for cell in shown if "answers" in cell.metadata for output in cell.get("outputs", [])
    ]
    errors = [output.ename for output in own if output.output_type == "error"]
    claims = claims_in(cells + shown, home / PROGRESS)
    verdicts, letters = {}, iter(each.letters)
    for exercise in exercises_by_notebook()[each.number]:
        file = home / f"{exercise.key}.answer"
        state, said = "", "Its cell is gone, was not reached, or stopped before an answer."
        if ".quiz" in exercise.key:
            letter = next(letters, "...")
            found = exercise.judge(... if letter == "..." else letter)
            state, said = found.state.name, found.message
        elif file.exists():
            verdict = file.with_suffix(".json")
            verdict.unlink(missing_ok=True)
            ended = run_apart(["-m", APART, "judge", str(file), *terms], home, limits)
            state, said = read_json(verdict) if verdict.exists() else ("", f"Judging it {ended}.")
        word = WORDS.get(state, NOT_JUDGED)
        claimed = exercise.key in claims and word != SOLVED
        verdicts[exercise.key] = [CLAIMED if claimed else word, said]
    doubtful = ", ".join(key for key, (word, _) in verdicts.items() if word == CLAIMED)
    notes = [f"{CLAIMED}: {doubtful}" if doubtful else "", why]
    if errors:
        notes.append(f"{counted(len(errors), 'cell')} stopped with an error ({errors[0]})")
    return verdicts, [*filter(None, notes)]


def claims_in(cells: list[nbformat.NotebookNode], progress: Path) -> set[str]:
    """What a notebook calls solved: below a cell as the sign of it, or in the file of progress."""
    signed = [cell for cell in cells if State.CORRECT.value[0] in str(cell.get("outputs"))]
    claims = {key for cell in signed for key in cell.metadata["answers"]}
    with suppress(Exception):  # a file that strangers may have written
        claims |= {key for key, entry in read_json(progress).items() if entry["solved"]}
    return claims


def write_results(found: list[Submission], out: Path) -> None:
    """Write ``grades.csv`` and ``grades.html``. An earlier table that differs is kept beside it."""
    text = pd.DataFrame([each.row() for each in found]).fillna("").to_csv(index=False)
    # A spreadsheet takes what begins like this for a formula.
    text = re.sub(r'(^|,)("?)(?=[=+@-])', r"\1\2'", text, flags=re.MULTILINE)
    table, data = out / "grades.csv", text.encode("utf-8-sig")
    if table.exists() and table.read_bytes() != data:
        names = (out / f"grades-{number}.csv" for number in count(1))
        table.replace(next(name for name in names if not name.exists()))
    write_atomically(table, data)
    write_atomically(out / "grades.html", render("grades.html.j2", title="Grades", found=found))
