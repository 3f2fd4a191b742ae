"""Splits that keep each patient, and everything that looks the same, on one side.

A column ``group`` of the cases says what stays together (:func:`cxrlab.filters.patient_groups`);
without it the patient is the group. Notebook 02 makes the same split in the open.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically
from cxrlab.filters import as_names, as_text, near_duplicates

PARTS = ("train", "validation", "test")
TEST_FOLDS = 5  # one fold of five is the test part: 20 % of all images
VALIDATION_FOLDS = 7  # one fold of seven of the rest is the validation part: 14 % of it


@dataclass(frozen=True)
class Split:
    """Three tables of cases, each in the order of its ``image_id``."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame

    def parts(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {name: getattr(self, name) for name in PARTS}

    def as_table(self) -> pd.DataFrame:
        """All cases, with a column ``part``."""
        return pd.concat([part.assign(part=name) for name, part in self.parts().items()])

    def manifest(self) -> str:
        """Which image is in which part, with its hashes, as CSV without a path of this machine."""
        columns = ["image_id", "patient_id", "label", "part", "sha256", "phash"]
        table = self.as_table()
        return table[[name for name in columns if name in table]].to_csv(index=False)

    def digest(self) -> str:
        """Stands for which image is in which part, with which label: 16 hexadecimal digits."""
        names = [
            [list(map(str, row)) for row in part[["image_id", "label"]].to_numpy()]
            for part in self.parts().values()
        ]
        return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def split_by_patient(cases: pd.DataFrame, seed: int = 0) -> Split:
    """Draw a test part (one fold of five), then a validation part from the rest (one of seven).

    Stratified by label, and by source where several sources share a label. The same cases and seed
    give the same split, whatever the order of the rows. Raises :class:`CXRLabError` where there
    are too few patients for both classes to be in every part.
    """
    rest, test = _folds(_ordered(cases), TEST_FOLDS, seed)[0]
    return Split(*_folds(rest, VALIDATION_FOLDS, seed)[0], test)


def kfold_by_patient(cases: pd.DataFrame, folds: int = TEST_FOLDS, seed: int = 0) -> list[Split]:
    """``folds`` splits whose test parts hold every image once; otherwise as split_by_patient."""
    drawn = _folds(_ordered(cases), folds, seed)
    return [Split(*_folds(rest, VALIDATION_FOLDS, seed)[0], test) for rest, test in drawn]


def _ordered(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases by ``image_id``, with the column ``group``."""
    strange = cases.loc[~cases["label"].isin([0, 1]), "label"]
    if len(strange):
        seen = repr(strange.iloc[0])
        raise CXRLabError(f"Every case needs a label, 1 for COVID-19 or 0. Seen: {seen}.")
    group = as_names(cases, "group" if "group" in cases else "patient_id")
    return cases.assign(group=group).sort_values("image_id", ignore_index=True)


def _folds(cases: pd.DataFrame, folds: int, seed: int) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Each fold as (the others, this one), both classes in each."""
    patients = cases.groupby("label")["group"].nunique().reindex([0, 1], fill_value=0)
    strata = cases["label"].astype(str)
    if "source" in cases:
        by_source = strata + " " + cases["source"].astype(str)
        if cases.groupby(by_source)["group"].nunique().min() >= folds:
            strata = by_source
    drawn = []
    if 2 <= folds <= patients.min():
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        for others, fold in splitter.split(cases, strata.to_numpy(object), cases["group"]):
            drawn.append(tuple(cases.iloc[i].reset_index(drop=True) for i in (others, fold)))
    if not drawn or any(part["label"].nunique() < 2 for pair in drawn for part in pair):
        raise CXRLabError(
            f"There are too few patients for {folds} folds: {patients[1]} with COVID-19 and "
            f"{patients[0]} normal (patients who share a duplicate count once). Training, "
            "validation and test part each need some of both; 10 of each are usually enough."
        )
    return drawn


def subsample(part: pd.DataFrame, images: int, seed: int = 0) -> pd.DataFrame:
    """At most ``images`` rows of a part (0: all), each class in its share and at least once.

    Patients are taken whole, in random order, until a class is full; only the last may be cut.
    """
    if not 0 < images < len(part):
        return part
    if images < 2:
        raise CXRLabError("At least 2 images are needed, one of each class.")
    ordered = part.reset_index(drop=True).sort_values("image_id")
    patient, _ = pd.factorize(as_names(ordered, "patient_id"))
    order = np.random.default_rng(seed).permutation(patient.max() + 1)
    ordered = ordered.assign(order=order[patient]).sort_values(["order", "image_id"])
    positive = ordered["label"] == 1
    wanted = round(images * positive.mean())
    if 0 < positive.sum() < len(part):
        wanted = min(max(wanted, 1), images - 1)
    rank = ordered.groupby(positive).cumcount()
    kept = rank < np.where(positive, wanted, images - wanted)
    return part.iloc[np.sort(ordered.index[kept])]


def check_split(split: Split) -> list[str]:
    """What is wrong with a split, in sentences; an empty list if nothing is.

    Patients, groups, images, files, contents or (where ``phash`` is there) look-alikes in two
    parts, cases without a patient, other labels, a class that a part lacks.
    Example: ``check_split(Split(train, validation, test))``.
    """
    table = split.as_table().reset_index(drop=True)
    problems = []
    if unknown := as_text(table["patient_id"]).isna().sum():
        problems.append(f"{unknown} images have no patient_id")
    things = {"patient_id": "patients", "group": "groups", "image_id": "images", "path": "files"}
    things["sha256"] = "contents"
    for column in [name for name in things if name in table]:
        if torn := (table.groupby(as_text(table[column]))["part"].nunique() > 1).sum():
            problems.append(f"{torn} {things[column]} are in more than one part")
    if "phash" in table:
        pairs = near_duplicates(table)
        part = table["part"].to_numpy()
        if torn := (part[pairs["first"]] != part[pairs["second"]]).sum():
            problems.append(f"{torn} pairs of images that look the same are in more than one part")
    if repeated := table["image_id"].duplicated().sum():
        problems.append(f"{repeated} images appear more than once")
    if strange := (~table["label"].isin([0, 1])).sum():
        problems.append(f"{strange} images have a label other than 1 (COVID-19) and 0")
    for name, part in split.parts().items():
        for label, what in [(1, "COVID-19"), (0, "normal")]:
            if not strange and not (part["label"] == label).any():
                problems.append(f"the {name} part has no {what} image")
    return problems


def save_manifest(split: Split, path: str | Path) -> Path:
    """Write :meth:`Split.manifest`. Raises :class:`CXRLabError` where another one is there."""
    path, text = Path(path), split.manifest()
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise CXRLabError(
            f"{path} holds another split than these X-rays give now. Load the data that it was "
            "made from, or name a new folder."
        )
    return write_atomically(path, text)
