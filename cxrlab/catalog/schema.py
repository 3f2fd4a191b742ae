"""The columns of the catalog: one row per image, whichever source it comes from.

The sources write in this vocabulary, so this one module of the catalog comes before them in the
flow and imports none of the rooms.
"""

from __future__ import annotations

import pandas as pd

from cxrlab.errors import CXRLabError

TEXT_COLUMNS = (
    "image_id",  # unique: "<source>/<file name as in the source>"
    "path",  # absolute; the file may be missing; <NA> where no safe path can be made
    "source",  # name of the source's folder
    "patient_id",  # "<source>/<patient>"
    "finding",
    "view",  # PA, AP, L, ...
    "modality",  # X-ray, CT
    "sex",  # F, M
    "license",
    "url",
)
COLUMNS = (*TEXT_COLUMNS[:8], "age", *TEXT_COLUMNS[8:], "label")
NEVER_MISSING = ("image_id", "source", "patient_id")
AGES = (0, 130)  # years


def to_catalog(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the catalog's columns first and in their types, then all others.

    Text is pandas' ``string``, ``age`` is in years (float), ``label`` is ``Int64``. Blank text
    and impossible ages become missing, columns that are not there are added empty, and the result
    is validated.
    """
    table = table.copy()
    for column in TEXT_COLUMNS:
        text = table[column] if column in table else pd.Series(pd.NA, index=table.index)
        text = text.astype("string").str.strip()
        table[column] = text.mask(text == "")
    age = table["age"] if "age" in table else pd.Series(float("nan"), index=table.index)
    age = pd.to_numeric(age, errors="coerce").astype("float64")
    table["age"] = age.where(age.between(*AGES))
    label = table["label"] if "label" in table else pd.Series(pd.NA, index=table.index)
    table["label"] = label.astype("Int64")
    others = [column for column in table if column not in COLUMNS]
    return validate(table[[*COLUMNS, *others]].reset_index(drop=True))


def validate(table: pd.DataFrame) -> pd.DataFrame:
    """The same table, if it is a catalog; otherwise a :class:`CXRLabError` saying what is wrong."""
    problems = [f"the column '{name}' is not there" for name in COLUMNS if name not in table]
    if not problems:
        empty = {name: table[name].isna().sum() for name in NEVER_MISSING}
        problems += [f"'{name}' is empty in {rows} rows" for name, rows in empty.items() if rows]
        repeated = table.loc[table["image_id"].duplicated(), "image_id"].dropna()
        problems += [f"'image_id' repeats the value '{value}'" for value in repeated[:1]]
        wrong = {
            "age": ~table["age"].between(*AGES) & table["age"].notna(),
            "label": ~table["label"].isin([0, 1]) & table["label"].notna(),
        }
        problems += [
            f"'{name}' fails at {table.loc[bad, name].iloc[0]}"
            for name, bad in wrong.items()
            if bad.any()
        ]
    if problems:
        raise CXRLabError(
            f"This table is not a catalog: {'; '.join(problems[:3])}. "
            "Make catalogs with cxrlab.sources.load_catalog, which fills every column."
        )
    return table
