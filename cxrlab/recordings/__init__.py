"""Results that take too long for a lesson, recorded once: how they were made, and the numbers.

A recording is a JSON file of this folder, written by the command that it names.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import cxrlab
from cxrlab.errors import CXRLabError

LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Recording:
    """A recorded ``table``, and the command, seed, date and versions that made it."""

    table: pd.DataFrame
    command: str
    seed: int
    date: str  # ISO 8601
    versions: dict[str, str]
    data: str  # what was in the data folder, in words

    @property
    def sentence(self) -> str:
        """How the numbers came about, in a sentence."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"Recorded on {self.date} with `{self.command}` (seed {self.seed}) "
            f"on {self.data}; {versions}."
        )

    def to_json(self) -> dict:
        """A dictionary for a JSON file; missing numbers are ``None``."""
        table = self.table.astype(object).where(self.table.notna(), None)
        return {
            "command": self.command,
            "seed": self.seed,
            "date": self.date,
            "versions": self.versions,
            "data": self.data,
            "columns": list(table),
            "rows": table.to_numpy().tolist(),
        }


def record(table: pd.DataFrame, command: str, seed: int, data: str) -> Recording:
    """A recording of this table, made today with what is installed here."""
    today = datetime.date.today().isoformat()
    return Recording(table, command, seed, today, versions(), data)


def versions() -> dict[str, str]:
    """The versions that decide what a training comes to."""
    found = {"Python": platform.python_version(), "cxrlab": cxrlab.__version__}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def recorded(name: str) -> Recording:
    """The recording of this name that came with the library.

    Raises :class:`CXRLabError` where there is none.
    """
    return from_json(json.loads(file_of(name).read_text(encoding="utf-8")))


def file_of(name: str) -> Path:
    """The file of a recording that came with the library.

    Raises :class:`CXRLabError` where there is none.
    """
    folder = Path(__file__).parent
    path = folder / f"{name}.json"
    if not path.is_file():
        held = ", ".join(sorted(file.stem for file in folder.glob("*.json")))
        raise CXRLabError(f"There is no recording {name!r}. Recorded are: {held or 'none'}.")
    return path


def data_in_words(kind: dict, cases: pd.DataFrame) -> str:
    """On what something was recorded; ``kind`` as :func:`cxrlab.sources.what_kind` gives it."""
    count = f"{len(cases)} X-rays of {cases['patient_id'].nunique()} patients"
    if not kind["simulated"]:
        return f"{count}, real"
    return f"{count}, simulated, confounding dial at {kind['confounding']:g}"


def from_json(content: dict) -> Recording:
    """The recording that :meth:`Recording.to_json` gave."""
    rest = {name: content[name] for name in ("command", "seed", "date", "versions", "data")}
    table = pd.DataFrame(content["rows"], columns=content["columns"])
    return Recording(table.infer_objects(), **rest)
