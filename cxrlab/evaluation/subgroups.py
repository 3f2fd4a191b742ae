"""Is it as good for everyone? Recall and specificity of one frozen threshold by subgroup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxrlab.catalog.audit import AGE_BANDS, NOT_STATED
from cxrlab.errors import CXRLabError
from cxrlab.evaluation.intervals import estimate_metrics, patient_numbers
from cxrlab.evaluation.metrics import check_cases

SUBGROUPS = ("sex", "age", "view", "source")
FEWEST = 10  # patients of a class, below which a group's share says next to nothing
TOO_FEW = "too few"
ALL = "all cases"


def subgroup_table(
    cases: pd.DataFrame,
    threshold: float,
    by: Sequence[str] = SUBGROUPS,
    fewest: int = FEWEST,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a group, the first for all cases: counts, recall, specificity and 95 % intervals.

    ``cases`` has ``label`` (0 or 1), ``score`` (0...1) and, where known, ``patient_id`` and the
    columns in ``by`` (``age`` in years is banded). Columns: ``by``, ``group``, ``cases``,
    ``patients``, ``positives``, ``negatives``, then ``recall``, ``recall_low``, ``recall_high``,
    ``recall_note`` and the same of ``specificity``.

    A share is NaN, and its note says why, where the group has fewer than ``fewest`` patients
    (hence fewer independent cases) of the class: ``too few``; or where the source does not say
    which group a case is in: ``not stated``. A column that is not there is not stated either.
    """
    scored_columns(cases)  # complains of unusable cases before any group is cut out
    groups = [("all", ALL, np.ones(len(cases), bool))]
    for column in by:
        values = group_values(cases, column)
        names = _order(column, values)
        groups += [(column, name, (values == name).to_numpy()) for name in names]
    table = []
    for column, name, inside in groups:
        wanted = np.inf if name == NOT_STATED else fewest
        numbers = _row(cases[inside], threshold, wanted, resamples, seed)
        table.append({"by": column, "group": name} | numbers)
    return pd.DataFrame(table)


def share_words(row: Mapping, name: str) -> str:
    """Recall or specificity of a row: ``0.93 (0.87 to 0.97)``, or the note that stands for it."""
    if row[f"{name}_note"]:
        return row[f"{name}_note"]
    return f"{row[name]:.2f} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})"


def group_values(cases: pd.DataFrame, column: str) -> pd.Series:
    """The group of each case as text; ages in the bands of the audit, missing as not stated."""
    if column not in cases:
        return pd.Series(NOT_STATED, index=cases.index, dtype="string")
    values = cases[column]
    if column == "age":
        ages = pd.to_numeric(values, errors="coerce").astype("float64")
        bands = list(AGE_BANDS.values())
        values = pd.cut(ages, [*AGE_BANDS, np.inf], right=False, labels=bands)
    text = values.astype("string").str.strip()
    return text.mask(text == "").fillna(NOT_STATED)


def scored_columns(cases: pd.DataFrame) -> tuple:
    """``label`` and ``score`` of the cases, checked. Raises :class:`CXRLabError`."""
    for name in ("label", "score"):
        if name not in cases:
            raise CXRLabError(
                f"The cases have no column {name!r}; they have {', '.join(map(str, cases))}. "
                "Give each case a label (0 or 1) and the network's score."
            )
    return check_cases(cases["label"], cases["score"])


def _order(column: str, values: pd.Series) -> list[str]:
    """Bands of age in their order, other groups by size, and last what is not stated."""
    seen = values.value_counts()
    if column == "age":
        names = [band for band in AGE_BANDS.values() if band in seen]
    else:
        names = sorted(set(seen.index) - {NOT_STATED}, key=lambda name: (-seen[name], name))
    return [*names, *([NOT_STATED] if NOT_STATED in seen else [])]


def _row(cases: pd.DataFrame, threshold: float, fewest: float, resamples: int, seed: int) -> dict:
    """Counts, then recall and specificity with interval and note; NaN where patients are few."""
    labels, scores = scored_columns(cases)
    # The names of the patients go on, not numbers made of them: their order decides whom a seed
    # draws, and the intervals are to be those of `evaluate` on the same cases.
    named = cases.get("patient_id")
    patients = patient_numbers(named, len(cases))
    found = estimate_metrics(labels, scores, threshold, named, resamples, seed)
    row = {
        "cases": labels.size,
        "patients": np.unique(patients).size,
        "positives": int(labels.sum()),
        "negatives": int((labels == 0).sum()),
    }
    for name, label in (("recall", 1), ("specificity", 0)):
        share = found[name]
        known = np.unique(patients[labels == label]).size >= max(fewest, 1)
        values = (share.value, share.low, share.high) if known else (np.nan,) * 3
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
        silent = NOT_STATED if np.isinf(fewest) else TOO_FEW
        row[f"{name}_note"] = "" if known else silent
    return row
