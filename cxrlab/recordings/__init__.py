"""Results that take too long for a lesson, recorded once: how they were made, and the numbers.

A recording is a JSON file of this folder, written by the command that it names.
"""

import datetime
import importlib.metadata
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import cxrlab
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json

FOLDER = Path(__file__).parent
LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Recording:
    """A recorded table, and what made it."""

    table: pd.DataFrame
    about: dict  # command, seed, date (ISO 8601), versions of libraries, data in words

    @property
    def sentence(self) -> str:
        """How the numbers came about, in a sentence."""
        made = "Recorded on {date} with `{command}` (seed {seed}) on {data}; ".format(**self.about)
        return made + ", ".join(map(" ".join, self.about["versions"].items())) + "."

    def to_json(self) -> dict:
        """A dictionary for a JSON file; missing numbers are ``None``."""
        rows = self.table.astype(object).where(self.table.notna(), None).to_numpy().tolist()
        return {**self.about, "columns": list(self.table), "rows": rows}


def record(
    table: pd.DataFrame, command: str, seed: int, kind: dict, cases: pd.DataFrame
) -> Recording:
    """A recording of this table, made today from ``cases`` with what is installed here.

    ``kind`` as :func:`cxrlab.sources.what_kind` gives it.
    """
    made = (
        f"simulated, confounding dial at {kind['confounding']:g}" if kind["simulated"] else "real"
    )
    data = f"{len(cases)} X-rays of {cases['patient_id'].nunique()} patients, {made}"
    today = datetime.date.today().isoformat()
    about = {"command": command, "seed": seed, "date": today, "versions": versions(), "data": data}
    return Recording(table, about)


def versions() -> dict[str, str]:
    """The versions that decide what a training comes to."""
    found = {"Python": platform.python_version(), "cxrlab": cxrlab.__version__}
    for name in LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def recorded(name: str) -> Recording:
    """The recording of this name that came with the library.

    Raises :class:`CXRLabError` where there is none. Example: ``recorded("repairs-real").table``.
    """
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        held = ", ".join(sorted(file.stem for file in FOLDER.glob("*.json")))
        raise CXRLabError(f"There is no recording {name!r}. Recorded are: {held}.")
    return from_json(read_json(path))


def from_json(content: dict) -> Recording:
    """The recording that :meth:`Recording.to_json` gave."""
    about = {name: content[name] for name in ("command", "seed", "date", "versions", "data")}
    table = pd.DataFrame(content["rows"], columns=content["columns"]).infer_objects()
    return Recording(table, about)
