"""Splits that keep each patient, and everything that looks the same, on one side.

The images of a patient are tied together, and so are the patients whose images are duplicates of
one another. These groups, not images, are drawn: stratified by label, by source and by whether
they hold several images. All of it is done on whole columns, fast enough for a million rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedKFold, train_test_split

from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically

PARTS = ("train", "validation", "test")
Pairs = pd.DataFrame | Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Split:
    """Three tables of cases, each in the order of its ``image_id``."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame

    def parts(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {name: getattr(self, name) for name in PARTS}

    def summary(self) -> pd.DataFrame:
        """One row a part: images, patients, positives, negatives, share of all images."""
        rows = {
            name: {
                "images": len(part),
                "patients": part["patient_id"].nunique(),
                "positives": int((part["label"] == 1).sum()),
                "negatives": int((part["label"] == 0).sum()),
            }
            for name, part in self.parts().items()
        }
        table = pd.DataFrame.from_dict(rows, orient="index")
        return table.assign(share=table["images"] / table["images"].sum())


def split_by_patient(
    cases: pd.DataFrame,
    seed: int = 0,
    test: float = 0.2,
    validation: float = 0.15,
    together: Pairs | None = None,
) -> Split:
    """Draw a test part, then a validation part from what remains (15 % of the training data).

    ``test`` and ``validation`` are shares between 0 and 1, met as nearly as whole patients allow.
    ``together`` holds pairs of image_ids (the columns ``first`` and ``second``, as from
    ``near_duplicates``, or plain pairs) that may not end up in different parts. The same cases
    and seed give the same split, whatever the order of the rows. Raises :class:`CXRLabError`
    where there are too few patients for both classes to be in every part.
    """
    cases, group, groups = _groups(cases, together)
    rest, held_out = _draw(groups, test, seed)
    train, tuned_on = _draw(rest, validation, seed)
    return _split(cases, group, train, tuned_on, held_out)


def kfold_by_patient(
    cases: pd.DataFrame,
    folds: int = 5,
    seed: int = 0,
    together: Pairs | None = None,
    validation: float = 0.15,
) -> list[Split]:
    """``folds`` splits whose test parts hold every image once between them.

    In each, ``validation`` of the other images are set aside. Otherwise as
    :func:`split_by_patient`.
    """
    cases, group, groups = _groups(cases, together)
    fewest = groups["label"].value_counts().min()
    if not 2 <= folds <= fewest:
        raise CXRLabError(
            f"{folds} folds were asked for, but the smaller class has {fewest} patients. "
            "Choose at least 2 folds and no more than that."
        )
    drawn = StratifiedKFold(folds, shuffle=True, random_state=seed)
    splits = []
    for number, (others, held_out) in enumerate(drawn.split(groups, _strata(groups, folds))):
        train, tuned_on = _draw(groups.iloc[others], validation, seed + number)
        splits.append(_split(cases, group, train, tuned_on, groups.iloc[held_out]))
    return splits


def subsample(part: pd.DataFrame, images: int, seed: int = 0) -> pd.DataFrame:
    """At most ``images`` rows of a part (0: all), each class in its share and at least once.

    Patients are taken whole, in random order, until a class is full; only the last may be cut.
    """
    if not 0 < images < len(part):
        return part
    if images < 2:
        raise CXRLabError("At least 2 images are needed, one of each class.")
    ordered = part.sort_values("image_id")
    patient, _ = pd.factorize(ordered["patient_id"])
    order = np.random.default_rng(seed).permutation(patient.max() + 1)
    ordered = ordered.assign(order=order[patient]).sort_values(["order", "image_id"])
    positive = ordered["label"] == 1
    wanted = round(images * positive.mean())
    if 0 < positive.sum() < len(part):
        wanted = min(max(wanted, 1), images - 1)
    rank = ordered.groupby(positive).cumcount()
    kept = rank < np.where(positive, wanted, images - wanted)
    return part[part.index.isin(ordered.index[kept])]


def check_split(split: Split, together: Pairs | None = None) -> list[str]:
    """What is wrong with a split, in sentences; an empty list if nothing is.

    Patients, images or files in two parts, a class that a part lacks, and ``together`` pairs
    that were torn apart.
    """
    table = pd.concat([part.assign(part=name) for name, part in split.parts().items()])
    problems = []
    for column, what in [("patient_id", "patients"), ("image_id", "images"), ("path", "files")]:
        if column in table:
            homes = table[[column, "part"]].drop_duplicates().dropna()[column]
            torn = homes[homes.duplicated()].nunique()
            if torn:
                problems.append(f"{torn} {what} are in more than one part")
    repeated = table["image_id"].duplicated().sum()
    if repeated:
        problems.append(f"{repeated} images appear more than once")
    for name, part in split.parts().items():
        for label, what in [(1, "COVID-19"), (0, "normal")]:
            if not (part["label"] == label).any():
                problems.append(f"the {name} part has no {what} image")
    if together is not None:
        home = table.drop_duplicates("image_id").set_index("image_id")["part"]
        first, second = (home.reindex(names).to_numpy() for names in _pairs(together))
        torn = sum(a != b for a, b in zip(first, second, strict=True) if pd.notna([a, b]).all())
        if torn:
            problems.append(f"{torn} pairs of duplicates are in different parts")
    return problems


def save_manifest(split: Split, path: str | Path) -> Path:
    """Write which image is in which part, as CSV, without any path of this machine.

    Columns ``image_id``, ``patient_id``, ``label``, ``part``, and ``sha256`` where the cases
    have that column. The order of the rows is kept.
    """
    table = pd.concat([part.assign(part=name) for name, part in split.parts().items()])
    columns = ["image_id", "patient_id", "label", "part"]
    columns += ["sha256"] * ("sha256" in table)
    return write_atomically(path, table[columns].to_csv(index=False, lineterminator="\n"))


def load_manifest(path: str | Path, cases: pd.DataFrame) -> Split:
    """The split that :func:`save_manifest` wrote, on these cases, in the manifest's order.

    Raises :class:`CXRLabError` where the cases are not exactly those of the manifest: images
    missing or extra, another label, another patient, or (if both have it) another ``sha256``.
    """
    try:
        saved = pd.read_csv(path, dtype="string", keep_default_na=False)
    except (OSError, ValueError) as error:
        raise CXRLabError(f"The manifest {path} cannot be read: {error}.") from error
    missing = {"image_id", "patient_id", "label", "part"} - set(saved)
    if missing or not saved["part"].isin(PARTS).all():
        raise CXRLabError(
            f"{path} is not a manifest. Expected: a CSV with the columns image_id, patient_id, "
            f"label and part, where part is one of {', '.join(PARTS)}."
        )
    ids = cases["image_id"].astype("string")
    _complain(path, saved.loc[~saved["image_id"].isin(ids), "image_id"], "are not here")
    _complain(path, ids[~ids.isin(saved["image_id"])], "are here but not in the manifest")
    _complain(path, saved.loc[saved["image_id"].duplicated(), "image_id"], "are listed twice")
    ordered = cases.set_index(ids, drop=False).loc[saved["image_id"]].reset_index(drop=True)
    for column in ("label", "patient_id", "sha256"):
        if column in saved and column in ordered:
            differs = ordered[column].astype("string").fillna("") != saved[column]
            _complain(path, saved.loc[differs, "image_id"], f"have another {column} here")
    return Split(*(ordered[saved["part"] == name].reset_index(drop=True) for name in PARTS))


def _complain(path: str | Path, images: pd.Series, what: str) -> None:
    """Raise where there are any images of which ``what`` is true."""
    if len(images):
        raise CXRLabError(
            f"The manifest {path} does not fit these cases: {len(images)} images {what}, "
            f"such as {images.iloc[0]}. Load the data that it was made from, or split anew."
        )


def _pairs(together: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """First and second image_ids of the pairs."""
    if isinstance(together, pd.DataFrame):
        return together["first"].to_numpy(), together["second"].to_numpy()
    pairs = list(together)
    return np.array([a for a, _ in pairs], object), np.array([b for _, b in pairs], object)


def _groups(
    cases: pd.DataFrame, together: Pairs | None
) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """The cases in a fixed order, the group of each, and the table of groups.

    A group is a patient, or several patients who share a (near) duplicate. Groups are numbered
    in the order of their first image, so that nothing depends on the order of the rows.
    """
    if cases["label"].isna().any():
        raise CXRLabError("Some cases have no label. Select cases before splitting them.")
    cases = cases.sort_values("image_id", ignore_index=True)
    group, patients = pd.factorize(cases["patient_id"])
    if together is not None:
        index = pd.Index(cases["image_id"].astype(object))
        first, second = (index.get_indexer(names) for names in _pairs(together))
        known = (first >= 0) & (second >= 0)
        ends = group[first[known]], group[second[known]]
        links = coo_array((np.ones(known.sum()), ends), shape=(len(patients), len(patients)))
        group, _ = pd.factorize(connected_components(links, directed=False)[1][group])
    source = cases["source"] if "source" in cases else pd.Series("", index=cases.index)
    table = pd.DataFrame(
        {"group": group, "label": cases["label"].astype(int), "source": pd.factorize(source)[0]}
    )
    table = table.groupby("group").agg(
        label=("label", "max"), source=("source", "first"), images=("label", "size")
    )
    return cases, group, table


def _strata(groups: pd.DataFrame, smallest: int) -> pd.Series:
    """A stratum for each group: its label, source and size where they are frequent enough.

    Strata of fewer than ``smallest`` groups are thrown together, first over one or several
    images, then over the sources, so that the label always counts.
    """
    coarse = groups["label"].astype(str)
    by_source = coarse + " " + groups["source"].astype(str)
    by_size = by_source + " " + (groups["images"] > 1).map({True: "several", False: "one"})
    strata = by_size
    for wider in (by_source, coarse):
        # All of a label's groups widen at once: a stratum may not lie within another.
        rare = strata.map(strata.value_counts()) < smallest
        widened = wider.isin(wider[rare])
        strata = strata.mask(widened, wider)
    return strata


def _draw(groups: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables of groups, the second with ``share`` of them, stratified."""
    if not 0 < share < 1:
        raise CXRLabError(f"The share of a part is between 0 and 1, not {share}.")
    strata = _strata(groups, int(np.ceil(1 / min(share, 1 - share))))
    try:
        return train_test_split(groups, test_size=share, stratify=strata, random_state=seed)
    except ValueError as error:
        raise CXRLabError(_too_few(groups["label"])) from error


def _split(
    cases: pd.DataFrame,
    group: np.ndarray,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    test: pd.DataFrame,
) -> Split:
    """The tables of cases behind three tables of groups."""
    part = np.empty(group.max() + 1, dtype=int)
    for number, groups in enumerate((train, validation, test)):
        part[groups.index] = number
        if groups["label"].nunique() < 2:
            everyone = pd.concat([train, validation, test])["label"]
            raise CXRLabError(_too_few(everyone))
    home = part[group]
    return Split(*(cases[home == number].reset_index(drop=True) for number in range(len(PARTS))))


def _too_few(labels: pd.Series) -> str:
    counts = labels.value_counts()
    return (
        f"There are too few patients to split: {counts.get(1, 0)} with COVID-19 and "
        f"{counts.get(0, 0)} normal (patients who share a duplicate count once). Training, "
        "validation and test part each need some of both; 10 of each are usually enough."
    )
