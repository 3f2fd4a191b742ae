"""Scoring X-rays that somebody names: a CSV of cases, a folder, or single image files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.files import writing
from cxrlab.filters import COPY_DISTANCE, fingerprint, near_duplicates, patient_groups, prepare
from cxrlab.pipeline import Xrays, read_squares
from cxrlab.sources import NEGATIVES, covid, filled_by, kermany, nih, sources_in
from cxrlab.sources.tables import AGES, image_files, read_table
from cxrlab.training import predict

if TYPE_CHECKING:
    import keras

ABOUT = ["sex", "age", "view", "source"]
# Names of a class's subfolder, whatever their capitals.
CLASSES = {"positive": 1, "covid-19": 1, "covid19": 1, "covid": 1}
CLASSES |= {"negative": 0, "normal": 0, "healthy": 0}
BESIDE = r"(?i)(?<![a-z])(?:masks?|thumb(?:nail)?s?)(?![a-z])"


def read_cases(path: Path) -> pd.DataFrame:
    """Read CASES.csv: ``path`` (absolute, or relative to the CSV), ``label`` (0 or 1), and
    optionally ``patient_id``; without it each row counts as a patient of its own.

    The optional columns ``sex``, ``age`` (years), ``view`` and ``source`` are kept; a blank is
    missing. A folder is read as :func:`folder_cases` says. Every file is read once, for what
    :func:`audited` adds.

    Raises :class:`CXRLabError` when the file is missing, is no CSV, lacks a column, is empty, or
    holds a label other than 0 and 1 or an age that is no number of years.
    """
    if Path(path).is_dir():
        with writing(path):  # or reading: a folder may be locked
            return folder_cases(path)
    table = read_table(path, ("path", "label"))
    if table.empty:
        raise CXRLabError(f"{path} lists no cases. Add a row for each X-ray.")
    label = pd.to_numeric(table["label"], errors="coerce")
    _all(table, path, "label", label.isin([0, 1]), "1 (COVID-19) or 0 (not)")
    _all(table, path, "path", table["path"].notna(), "the name of a file")
    lines = table.index.astype(str)
    own = pd.Series("row " + lines, table.index)
    named = {
        "image_id": table["path"] + " (line " + lines + ")",
        "path": [str(Path(path).absolute().parent / name) for name in table["path"]],
        "label": label.astype(int),
        "patient_id": table.get("patient_id", own).fillna(own),
    }
    cases = pd.DataFrame(named).join(table[[column for column in ABOUT if column in table]])
    if "age" in cases:
        cases["age"] = pd.to_numeric(table["age"], errors="coerce").astype(float)
        right = table["age"].isna() | cases["age"].between(*AGES)
        years = f"a number of years from {AGES[0]} to {AGES[1]}, or blank where it is not known"
        _all(table, path, "age", right, years)
    return audited(cases.reset_index(drop=True))


def _all(table: pd.DataFrame, path: Path, column: str, right: pd.Series, expected: str) -> None:
    """Raise with the line of the first value that is not right."""
    for line, value in table.loc[~right.fillna(False), column].items():
        seen = "missing" if pd.isna(value) else repr(value)
        raise CXRLabError(f"{path}, line {line}: the {column} is {seen}, but has to be {expected}.")


def audited(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with ``problem`` (why one cannot be scored, or missing), ``group`` and ``phash``.

    A picture that comes again is recognised by what it shows, whatever its name, size or format.
    It counts once, and under both labels not at all. Patients who share one are one ``group``.
    """
    prints = fingerprint(cases)
    pairs = near_duplicates(prints, COPY_DISTANCE)
    label = cases.set_index("image_id")["label"]
    unlike = pairs[label[pairs["first"]].to_numpy() != label[pairs["second"]].to_numpy()]
    again = prints.index.isin(pairs["second"])
    contradicted = prints.index.isin([*unlike["first"], *unlike["second"]])
    problem = prints["problem"].mask(again, "the same picture again")
    problem = problem.mask(contradicted, "the same picture under both labels").to_numpy()
    phash, group = prints["phash"].to_numpy(), patient_groups(cases, pairs)
    return cases.assign(problem=problem, group=group, phash=phash)


def folder_cases(folder: Path) -> pd.DataFrame:
    """The cases in ``folder``: ``image_id``, ``path``, ``label``, ``patient_id`` and what is known.

    A folder in the layout of ``CXRLAB_DATA`` gives all its usable COVID-19 X-rays and healthy
    controls, not balanced, with ``sex``, ``age``, ``view`` and ``source``; without NIH's adults
    those that external sets lend. Otherwise it holds two subfolders, ``positive`` and ``negative``
    (or ``COVID-19`` and ``normal``); each image then counts as a patient of its own, and what
    :func:`audited` or its name tells to be no X-ray has a ``problem``. Raises
    :class:`CXRLabError` where it is neither, or no X-ray of a class can be read.
    """
    folder = Path(folder).absolute()
    there = sources_in(folder)
    possible = [n for n, roles in NEGATIVES.items() if all(filled_by(one, there) for one in roles)]
    if covid.NAME in there and possible:
        # The last of them takes in all healthy people that there are.
        cases = prepare(folder, possible[-1], balanced=False).cases
        known = ["image_id", "path", "label", "patient_id", *ABOUT, "phash"]
        return cases[known].astype({"label": int})
    held = sorted(folder.iterdir())
    found = [
        (f"{place.name}/{inside}", str(path), CLASSES[place.name.lower()])
        for place in held
        if place.is_dir() and place.name.lower() in CLASSES
        for inside, path in image_files(place).items()
    ]
    cases = pd.DataFrame(found, columns=["image_id", "path", "label"])
    cases = cases.sort_values("label", ascending=False, kind="stable", ignore_index=True)
    if cases["label"].nunique() < 2:
        raise CXRLabError(
            f"{folder} holds {', '.join(path.name for path in held[:8]) or 'nothing'}. Expected "
            "are two subfolders with images, positive and negative (or COVID-19 and normal), or "
            f"the layout of the course: {covid.NAME}/ with {kermany.NAME}/ or {nih.NAME}/."
        )
    beside = cases["image_id"].str.contains(BESIDE)
    cases["path"] = cases["path"].mask(beside)
    cases["problem"] = np.where(beside, "a mask or thumbnail by its name", None)
    cases = audited(cases.assign(patient_id=cases["image_id"]))
    for label, ours in cases.groupby("label"):
        if ours["problem"].notna().all():
            first = f"the first, {ours['image_id'].iloc[0]}: {ours['problem'].iloc[0]}"
            raise CXRLabError(
                f"{folder} holds no X-ray of the class {('negative', 'positive')[label]} that can "
                f"be read. Files seen: {len(ours)}; {first}."
            )
    return cases


class Scored(NamedTuple):
    """The readable cases with their ``score``, and ``path`` and ``reason`` of all others."""

    cases: pd.DataFrame
    left_out: pd.DataFrame


def score_cases(model: keras.Model, cases: pd.DataFrame) -> Scored:
    """Score every X-ray of ``cases`` that has no ``problem``, with its ``group`` for a patient.

    Raises :class:`CXRLabError` when none can be read.
    """
    problem = cases.get("problem", pd.Series(pd.NA, cases.index)).astype(object)
    pixels, reasons = read_squares(cases.loc[problem.isna(), "path"])
    problem[problem.isna()] = reasons
    left_out = pd.DataFrame({"path": cases["image_id"], "reason": problem}).dropna()
    if len(left_out) == len(cases):
        raise CXRLabError(
            f"None of the {len(cases)} X-rays could be read; the first, "
            f"{left_out['path'].iloc[0]}: {left_out['reason'].iloc[0]}. Name image files; "
            "`cxrlab evaluate` also takes a folder of them or a CSV."
        )
    kept = cases[problem.isna()].reset_index(drop=True)
    if "group" in kept:
        kept["patient_id"] = kept["group"]
    scores = predict(model, Xrays(pixels, np.zeros(len(kept), int), kept))
    return Scored(kept.assign(score=scores), left_out)


def score_images(model: keras.Model, paths: Sequence[Path]) -> Scored:
    """Score image files, in the order given. Raises as :func:`score_cases` does."""
    names = [str(path) for path in paths]
    return score_cases(model, pd.DataFrame({"image_id": names, "path": names}))
