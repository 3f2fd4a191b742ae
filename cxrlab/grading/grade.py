"""Grading a folder: whose file each is, what its answers are worth, a table and a page of it."""

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
from pathlib import Path

import nbformat
import pandas as pd

import cxrlab
from cxrlab.errors import CXRLabError
from cxrlab.exercises.engine import PROGRESS, State
from cxrlab.exercises.quiz import NOTEBOOKS, Question, exercises_by_notebook, module_of
from cxrlab.files import make_folder, read_json, write_atomically, write_json
from cxrlab.grading.apart import Limits, run_apart
from cxrlab.running.pages import render

# Moodle: "Müller_Anna_12345_assignsubmission_file_03_building_the_cnn.ipynb"; Canvas; by hand.
END_OF_PERSON = re.compile(r"_\d+_assignsubmission|_(?:LATE_)?\d+_\d+_|[ _-]?0\d_|\.\w+$")
CHECK = re.compile(r"^[ \t]*nb\d\d\.(\w+)\.check\((.*?)\)[ \t]*(?:#.*)?$", re.MULTILINE | re.DOTALL)
SOLVED, CLAIMED = "solved", "claimed, not confirmed"
WORDS = {"CORRECT": SOLVED, "WRONG": "wrong", "UNTOUCHED": "no answer", "TAMPERED": CLAIMED}
WORDS[""] = "not judged"
APART = "from cxrlab.grading import apart; apart"
# What the notebooks make once is made once for all: each submission gets a copy.
PHANTOMS = "from cxrlab import plots, sources as s\n"
PHANTOMS += "s.data_folder(), s.confounded_phantoms(), s.hospital_phantoms()"
# After a cell with an answer: out of the kernel, into a file.
HAND_OVER = """import cloudpickle, os, pathlib
file = pathlib.Path(os.environ["CXRLAB_WORKSPACE"], "{}.answer")
file.write_bytes(cloudpickle.dumps({}))"""


@dataclass
class Submission:
    """One file. ``problem`` says why nothing of it can be judged."""

    person: str
    file: Path
    number: str = ""  # of the notebook: "03"
    problem: str = ""
    cells: list[nbformat.NotebookNode] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)  # of the quiz
    verdicts: dict[str, list[str]] = field(default_factory=dict)  # "01.matrix": [word, sentence]

    def row(self) -> dict[str, str]:
        """What the table says of it."""
        row = {"person": self.person, "notebook": self.number, "file": self.file.name}
        for name, in_quiz in (("exercises", False), ("quiz", True)):
            mine = [word for key, (word, _) in self.verdicts.items() if (".quiz" in key) == in_quiz]
            row[name] = f"{mine.count(SOLVED)} of {len(mine)}" if mine else ""
        words = {key: word for key, (word, _) in self.verdicts.items()}
        claimed = ", ".join(key for key, word in words.items() if word == CLAIMED)
        notes = [self.problem, f"{CLAIMED}: {claimed}" if claimed else ""]
        return {**row, "notes": "; ".join(filter(None, notes)), **words}


def grade(folder: Path, out: Path, jobs: int, limits: Limits) -> Iterator[Submission]:
    """Give each file below ``folder`` once it is judged; write ``grades.csv`` and a page at last.

    What is judged is kept in ``out``, and judged again only if the file, the limits or the
    library's version change. Raises :class:`CXRLabError` where there is no file, or no phantoms.
    """
    folder, out = folder.absolute(), out.absolute()
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() or not any(f.iterdir())]
    # Not what is written here, nor .DS_Store, .ipynb_checkpoints, __MACOSX.
    seen = [f for f in files if not re.search(r"/(\.|__)", f"/{f.relative_to(folder).as_posix()}")]
    found = [read_submission(file, folder) for file in seen if not file.is_relative_to(out)]
    if not found:
        raise CXRLabError(f"{folder} is empty. Name a folder of notebooks, or of a folder each.")
    set_earlier_aside(found)
    ready = make_folder(out / "prepared")
    if why := run_apart(PHANTOMS, ready, limits):
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
    if file.suffix != ".ipynb":
        found.problem = "no notebook: the .ipynb file is wanted"
        return found
    try:
        with warnings.catch_warnings(action="ignore"):  # of cells without an id
            cells = nbformat.reads(file.read_text("utf-8"), as_version=4).cells
        recognise(found, cells)
    except Exception as error:  # whatever a file brings about that only looks like a notebook
        found.problem = f"cannot be read as a notebook ({type(error).__name__})"
    return found


def recognise(found: Submission, cells: list[nbformat.NotebookNode]) -> None:
    """Find the notebook of the course that it is, and what it answers, cell by cell."""
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    named = Counter(re.findall(r"\bnb(0\d)\b", code)).most_common()
    found.number = next((number for number, _ in named if number in NOTEBOOKS), "")
    if not found.number:
        found.problem = "not a notebook of this course: it names none of its exercises"
        return
    exercises = vars(module_of(found.number))
    for cell in cells:
        found.cells.append(cell)
        cell.metadata["answers"] = []
        for name, answer in CHECK.findall(cell.source if cell.cell_type == "code" else ""):
            if name == "quiz":
                found.letters = re.findall(r"\.\.\.|\w+", answer)
            elif name in exercises:
                key = exercises[name].key
                cell.metadata["answers"].append(key)
                found.cells.append(nbformat.v4.new_code_cell(HAND_OVER.format(key, answer)))


def set_earlier_aside(found: list[Submission]) -> None:
    """Of several files of a notebook by one person the latest counts."""
    by_time = sorted(found, key=lambda each: each.file.stat().st_mtime)
    latest = {(each.person, each.number): each for each in by_time if not each.problem}
    for each in found:
        last = latest.get((each.person, each.number), each)
        if not each.problem and last is not each:
            each.problem = f"does not count: {last.file.name} is later"


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
    each.problem, each.verdicts = read_json(kept)
    return each


def run_and_judge(each: Submission, home: Path, limits: Limits) -> tuple[str, dict]:
    """Run a submission in ``home``: why it ended early, and the verdicts on what it leaves."""
    notebook, ran = home / "notebook.ipynb", home / "ran.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=each.cells), notebook)
    why = run_apart(f"{APART}.run({str(notebook)!r}, {limits.minutes})", home, limits)
    shown = nbformat.read(ran, as_version=4).cells if ran.exists() else []
    claims = claims_in(each.cells + shown, home / PROGRESS)
    verdicts, letters = {}, iter(each.letters)
    for exercise in exercises_by_notebook()[each.number]:
        if isinstance(exercise, Question):
            letter = next(letters, "...")
            found = exercise.judge(... if letter == "..." else letter)
            state, said = found.state.name, found.message
        else:
            state, said = judge_apart(home / f"{exercise.key}.answer", limits)
        claimed = exercise.key in claims and state != "CORRECT"
        verdicts[exercise.key] = [CLAIMED if claimed else WORDS[state], said]
    return why, verdicts


def judge_apart(answer: Path, limits: Limits) -> tuple[str, str]:
    """The state of an answer and what to say of it, from a fresh process."""
    if not answer.exists():
        return "", "Its cell or its check is gone, was not reached, or stopped before."
    verdict = answer.with_suffix(".json")
    verdict.unlink(missing_ok=True)  # the notebook may have written one
    ended = run_apart(f"{APART}.judge({str(answer)!r})", answer.parent, limits)
    return read_json(verdict) if verdict.exists() else ("", f"Judging it {ended}.")


def claims_in(cells: list[nbformat.NotebookNode], progress: Path) -> set[str]:
    """What a notebook calls solved: below a cell as the sign of it, or in the file of progress."""
    signed = [cell for cell in cells if State.CORRECT.value[0] in str(cell.get("outputs"))]
    claims = {key for cell in signed for key in cell.metadata.get("answers", [])}
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
        table.replace(out / f"grades-{table.stat().st_mtime:.0f}.csv")
    write_atomically(table, data)
    write_atomically(out / "grades.html", render("grades.html.j2", title="Grades", found=found))
