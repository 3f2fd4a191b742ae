"""What a run was made from and what came of each notebook: run.json, and the index page of it."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import cxrlab
from cxrlab.doctor import LIBRARIES, first_version
from cxrlab.files import read_json, write_atomically, write_json
from cxrlab.running.pages import style, templates

SHOWN_VERSIONS = {
    **LIBRARIES,
    "NumPy": ("numpy",),
    "pandas": ("pandas",),
    "scikit-learn": ("scikit-learn",),
}
# The notebooks open their workspace with this seed.
COURSE_SEED = 0


@dataclass(frozen=True)
class NotebookRecord:
    """One row of the index: ``failure`` is None, or says where the notebook stopped."""

    name: str
    title: str
    page: str
    seconds: float
    failure: str | None = None


@dataclass
class RunRecord:
    """The choices of a run and its notebooks so far, in their order."""

    data: str
    budget: str
    seed: int = COURSE_SEED
    date: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    notebooks: list[NotebookRecord] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(notebook.seconds for notebook in self.notebooks)

    def add(self, notebook: NotebookRecord) -> None:
        """Put ``notebook`` in its place, instead of an earlier run of the same."""
        others = [other for other in self.notebooks if other.name != notebook.name]
        self.notebooks = sorted([*others, notebook], key=lambda entry: entry.name)
        self.date = date.today().isoformat()
        self.versions = versions()


def versions() -> dict[str, str]:
    """The versions that results depend on."""
    found = {"CXRLab": cxrlab.__version__, "Python": platform.python_version()}
    for name, distributions in SHOWN_VERSIONS.items():
        if version := first_version(distributions):
            found[name] = version
    return found


def open_record(out: Path, data: str, budget: str) -> RunRecord:
    """The record in ``out`` where it is of the same data and budget, else a new one."""
    stored = _read(out / "run.json")
    same = isinstance(stored, dict) and (stored.get("data"), stored.get("budget")) == (data, budget)
    if not same:
        return RunRecord(data, budget)
    try:
        notebooks = [NotebookRecord(**entry) for entry in stored.pop("notebooks")]
        return RunRecord(**stored, notebooks=notebooks)
    except (KeyError, TypeError):  # written by another version
        return RunRecord(data, budget)


def save_record(out: Path, record: RunRecord) -> None:
    """Write run.json."""
    write_json(out / "run.json", asdict(record))


def headlines(workspace: Path) -> list[dict[str, Any]]:
    """The numbers that the notebooks left in their workspace; none where they left none."""
    stored = _read(workspace / "headlines.json")
    if not isinstance(stored, list):
        return []
    wanted = {"notebook", "label", "value"}
    lines = [line for line in stored if isinstance(line, dict) and wanted <= line.keys()]
    return [{"interval": "", "note": "", **line} for line in lines]


def forget_headlines(workspace: Path, numbers: set[str]) -> None:
    """Drop what earlier runs of these notebooks left, so that the index shows none of it."""
    path = workspace / "headlines.json"
    if path.exists():
        kept = [line for line in headlines(workspace) if str(line["notebook"])[:2] not in numbers]
        write_json(path, kept)


def write_index(out: Path, record: RunRecord, workspace: Path) -> Path:
    """Write index.html: numbers, notebooks, minutes, versions."""
    page = (
        templates()
        .get_template("index.html.j2")
        .render(title="Overview", style=style(), record=record, headlines=headlines(workspace))
    )
    return write_atomically(out / "index.html", page)


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return None
