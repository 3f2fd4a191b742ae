"""The columns of the catalog: one row an image, whichever source it comes from.

The sources write in this vocabulary, so this one module of the catalog comes before them in the
flow and imports none of the rooms.
"""

from __future__ import annotations

from collections.abc import Callable

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
REPEATED = ("source", "finding", "view", "modality", "sex", "license")  # few values in many rows
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
        text = text.astype("string")
        table[column] = once_a_value(text, _stripped) if column in REPEATED else _stripped(text)
    age = table["age"] if "age" in table else pd.Series(float("nan"), index=table.index)
    age = pd.to_numeric(age, errors="coerce").astype("float64")
    table["age"] = age.where(age.between(*AGES))
    label = table["label"] if "label" in table else pd.Series(pd.NA, index=table.index)
    table["label"] = label.astype("Int64")
    others = [column for column in table if column not in COLUMNS]
    return validate(table[[*COLUMNS, *others]].reset_index(drop=True))


def once_a_value(values: pd.Series, change: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """``change(values)``, for a change that looks at each value alone: each is looked at once.

    A million rows say the same few things again and again, and text is slow.
    """
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    changed = change(pd.Series(distinct, dtype=values.dtype, name=values.name))
    return changed.take(codes).set_axis(values.index)


def _stripped(text: pd.Series) -> pd.Series:
    """Without blanks at the ends; nothing but blanks is missing."""
    text = text.str.strip()
    return text.mask(text == "")


def validate(table: pd.DataFrame) -> pd.DataFrame:
    """The same table, if it is a catalog; otherwise a :class:`CXRLabError` saying what is wrong."""
    # Imported here, because it takes a second that `import cxrlab` should not pay.
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

    text = {
        column: pa.Column(
            pd.StringDtype, nullable=column not in NEVER_MISSING, unique=column == "image_id"
        )
        for column in TEXT_COLUMNS
    }
    numbers = {
        "age": pa.Column(float, pa.Check.in_range(*AGES), nullable=True),
        "label": pa.Column("Int64", pa.Check.isin([0, 1]), nullable=True),
    }
    try:
        return pa.DataFrameSchema(text | numbers).validate(table, lazy=True)
    except SchemaErrors as found:
        raise CXRLabError(_sentences(found.failure_cases)) from None


def _sentences(failures: pd.DataFrame) -> str:
    """Pandera's table of failures in words, the first three kinds of them."""
    said = []
    for (column, check), rows in failures.groupby(["column", "check"], dropna=False, sort=False):
        case = rows["failure_case"].iloc[0]
        if check == "column_in_dataframe":
            said.append(f"the column '{case}' is not there")
        elif check == "not_nullable":
            said.append(f"'{column}' is empty in {len(rows)} rows")
        elif check == "field_uniqueness":
            said.append(f"'{column}' repeats the value '{case}'")
        else:
            said.append(f"'{column}' fails {check} at '{case}'")
    more = f" (and {len(said) - 3} more)" if len(said) > 3 else ""
    return (
        f"This table is not a catalog: {'; '.join(said[:3])}{more}. "
        "Make catalogs with cxrlab.sources.load_catalog, which fills every column."
    )
