"""Scoring X-rays that somebody names: a CSV of cases, a folder, or single image files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlab.cases import prepare
from cxrlab.errors import CXRLabError
from cxrlab.images import UnreadableImage, load_square
from cxrlab.pipeline import Xrays
from cxrlab.sources import NEGATIVES, covid, filled_by, kermany, nih, sources_in
from cxrlab.sources.tables import AGES, image_files
from cxrlab.training import predict

if TYPE_CHECKING:
    import keras

ABOUT = ("sex", "age", "view", "source")


@dataclass(frozen=True)
class Scored:
    """The cases that could be scored (with a ``score`` column), and why the others could not."""

    cases: pd.DataFrame
    left_out: pd.DataFrame  # path, reason


def read_cases(path: Path) -> pd.DataFrame:
    """Read CASES.csv: ``path`` (absolute, or relative to the CSV), ``label`` (0 or 1), and
    optionally ``patient_id``; without it each row counts as a patient of its own.

    The optional columns ``sex``, ``age`` (years), ``view`` and ``source`` are kept; a blank is
    missing. A folder is read as :func:`folder_cases` says.

    Raises :class:`CXRLabError` when the file is missing, is no CSV, lacks a column, is empty, or
    holds a label other than 0 and 1 or an age that is no number of years.
    """
    if Path(path).is_dir():
        return folder_cases(path)
    try:
        table = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    except FileNotFoundError:
        raise CXRLabError(
            f"There is no file {path}. Name a CSV with columns path and label."
        ) from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise CXRLabError(
            f"{path} cannot be read as a CSV in UTF-8 ({type(error).__name__}). "
            "Save it as UTF-8 with columns path and label."
        ) from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes what is too much for an index
        raise CXRLabError(
            f"{path} has rows with more values than its first line has names. Give every column "
            "a name, and put quotes around a value that holds a comma."
        )
    missing = [name for name in ("path", "label") if name not in table]
    if missing:
        raise CXRLabError(
            f"{path} has no column {missing[0]!r}; it has {', '.join(map(str, table.columns))}. "
            "Needed are path and label (0 or 1), and patient_id if patients repeat."
        )
    if table.empty:
        raise CXRLabError(f"{path} lists no cases. Add a row for each X-ray.")
    labels = table["label"].str.strip()
    wrong = table.index[~labels.isin(["0", "1", "0.0", "1.0"])]
    if len(wrong):
        raise CXRLabError(
            f"{path}, line {wrong[0] + 2}: the label is {table.loc[wrong[0], 'label']!r}, "
            "but has to be 1 (COVID-19) or 0 (not)."
        )
    folder = Path(path).absolute().parent
    cases = pd.DataFrame(
        {
            "image_id": table["path"],
            "path": [str(folder / name) for name in table["path"]],
            "label": labels.astype(float).astype(int),
        }
    )
    rows = pd.Series([f"row {line}" for line in range(2, len(table) + 2)])
    if "patient_id" in table:
        given = table["patient_id"].str.strip()
        cases["patient_id"] = given.where(given != "", rows)
    else:
        cases["patient_id"] = rows
    for column in ABOUT:
        if column in table:
            text = table[column].str.strip()
            cases[column] = text.mask(text == "")
    if "age" in cases:
        cases["age"] = _ages(path, cases["age"])
    return cases


def _ages(path: Path, ages: pd.Series) -> pd.Series:
    """The ages as numbers, missing ones as NaN. Raises :class:`CXRLabError`."""
    years = pd.to_numeric(ages, errors="coerce")
    wrong = years.index[ages.notna() & ~years.between(*AGES)]
    if len(wrong):
        raise CXRLabError(
            f"{path}, line {wrong[0] + 2}: the age is {ages[wrong[0]]!r}, but has to be a number "
            f"of years from {AGES[0]} to {AGES[1]}. Leave it blank where it is not known."
        )
    return years.astype(float)


# Names of a class's subfolder, whatever their capitals.
CLASSES = {
    1: ("positive", "covid-19", "covid19", "covid"),
    0: ("negative", "normal", "healthy"),
}


def folder_cases(folder: Path) -> pd.DataFrame:
    """The cases in ``folder``: ``image_id``, ``path``, ``label``, ``patient_id`` and what is known.

    A folder in the layout of ``CXRLAB_DATA`` gives all its usable COVID-19 X-rays and healthy
    controls, not balanced, with ``sex``, ``age``, ``view`` and ``source``; without NIH's adults
    those that external sets lend. Otherwise it holds two
    subfolders, ``positive`` and ``negative`` (or ``COVID-19`` and ``normal``); each image then
    counts as a patient of its own. Raises :class:`CXRLabError` where it is neither.
    """
    folder = Path(folder).absolute()
    there = sources_in(folder)
    possible = [
        negatives
        for negatives, roles in NEGATIVES.items()
        if all(filled_by(role, there) for role in roles)
    ]
    if covid.NAME in there and possible:
        # The last of them takes in all healthy people that there are.
        cases = prepare(folder, possible[-1], balanced=False).cases
        known = [name for name in ABOUT if name in cases]
        cases = cases[["image_id", "path", "label", "patient_id", *known]]
        return cases.astype({"label": int}).reset_index(drop=True)
    tables = []
    for label, names in CLASSES.items():
        files = [
            file
            for place in sorted(folder.iterdir())
            if place.is_dir() and place.name.lower() in names
            for file in image_files(place)
        ]
        ids = [file.relative_to(folder).as_posix() for file in files]
        tables.append(
            pd.DataFrame(
                {"image_id": ids, "path": [str(file) for file in files], "label": label},
            ).assign(patient_id=ids)
        )
    if any(table.empty for table in tables):
        held = sorted(entry.name for entry in folder.iterdir())
        raise CXRLabError(
            f"{folder} holds {', '.join(held[:8]) or 'nothing'}. Expected are two subfolders with "
            "images, positive and negative (or COVID-19 and normal), or the layout of the course: "
            f"{covid.NAME}/ with {kermany.NAME}/ or {nih.NAME}/."
        )
    return pd.concat(tables, ignore_index=True)


def score_cases(model: keras.Model, cases: pd.DataFrame) -> Scored:
    """Score every readable X-ray of ``cases``; list the others with the reason.

    Raises :class:`CXRLabError` when none can be read.
    """
    pixels, reasons = read_squares(cases["path"])
    readable = np.array([reason is None for reason in reasons])
    left_out = cases.loc[~readable, ["path"]].assign(
        reason=[reason for reason in reasons if reason is not None]
    )
    if not readable.any():
        raise CXRLabError(
            f"None of the {len(cases)} X-rays could be read; the first, "
            f"{left_out['path'].iloc[0]}: {left_out['reason'].iloc[0]}. "
            "Check the path column: it is relative to the CSV."
        )
    kept = cases[readable].reset_index(drop=True)
    labels = kept["label"].to_numpy(int) if "label" in kept else np.zeros(len(kept), int)
    scores = predict(model, Xrays(np.stack(pixels)[..., None], labels, kept))
    return Scored(kept.assign(score=scores), left_out)


def score_images(model: keras.Model, paths: Sequence[Path]) -> Scored:
    """Score image files, in the order given. Raises as :func:`score_cases` does."""
    cases = pd.DataFrame({"image_id": map(str, paths), "path": map(str, paths)})
    return score_cases(model, cases)


def read_squares(paths: Sequence[str]) -> tuple[list[np.ndarray], list[str | None]]:
    """The readable images (uint8, 224×224) and, for every path, why it is not one, or None."""
    pixels, reasons = [], []
    for path in paths:
        try:
            pixels.append(load_square(path))
            reasons.append(None)
        except UnreadableImage as error:
            reasons.append(error.reason)
    return pixels, reasons
