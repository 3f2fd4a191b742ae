"""Who is in the two classes? The same question asked of both, side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxrlab.catalog.audit import AGE_BANDS, NOT_STATED

VIEWS = ("PA", "AP")  # first and second in every table; other views follow


def makeup(cases: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Images per value and label: tables ``view``, ``age`` and ``sex``, columns 0 and 1.

    Rows that are missing in the catalog count as ``not stated``, the last row of a table. Bands
    of age that hold nobody are left out. Raises ``KeyError`` where a column is missing.
    """
    ages = pd.cut(cases["age"], [*AGE_BANDS, np.inf], right=False, labels=list(AGE_BANDS.values()))
    return {
        "view": _per_label(cases, cases["view"], VIEWS),
        "age": _per_label(cases, ages, tuple(AGE_BANDS.values())),
        "sex": _per_label(cases, cases["sex"], ("F", "M")),
    }


def told_apart(cases: pd.DataFrame, column: str) -> tuple[int, int]:
    """How many cases a rule gets right that knows this column alone, and how many there are.

    The rule says for every value (missing ones are a value, too) what most of its cases are.
    """
    values = cases[column].astype("string").fillna(NOT_STATED)
    counts = pd.crosstab(values, cases["label"].astype(int))
    return int(counts.max(axis=1).sum()), len(cases)


def _per_label(cases: pd.DataFrame, values: pd.Series, order: tuple[str, ...]) -> pd.DataFrame:
    said = values.astype("string").fillna(NOT_STATED)
    counts = pd.crosstab(said, cases["label"].astype(int))
    others = sorted(set(counts.index) - {*order, NOT_STATED})
    rows = [name for name in (*order, *others, NOT_STATED) if name in counts.index]
    return counts.reindex(index=rows, columns=[0, 1], fill_value=0)
