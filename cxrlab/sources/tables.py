"""The catalog, and the one place where strangers' tables and folders become it.

The catalog has one row per image, whichever source it comes from. ``metadata.csv`` files come in
through :func:`read_table` and :func:`from_table`, folders of images through :func:`image_files`;
:func:`to_catalog` gives all of them the same columns.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.images import UnreadableImage, read_bytes

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
VIEWS = ("PA", "AP", "L")  # whose capitals do not matter
AGES = (0, 130)  # years
# Years: lower end and name of each band.
AGE_BANDS = {0: "0-5", 6: "6-17", 18: "18-39", 40: "40-59", 60: "60-79", 80: "80 and over"}
NOT_STATED = "not stated"

SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".tif", ".tiff", ".gif", ".webp")
FOLDERS = ("images", "volumes")  # where a metadata.csv may say that its files lie
UNSAFE = "unsafe file name"
UNNAMED = "no file name"


def to_catalog(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the catalog's columns first and in their types, then all others.

    Text is pandas' ``string``, ``age`` is in years (float), ``label`` is ``Int64``. Blank text
    and impossible ages become missing, columns that are not there are added empty. Raises
    :class:`CXRLabError` as :func:`check_catalog` does.
    """
    table = table.copy()
    for column in TEXT_COLUMNS:
        text = table[column] if column in table else pd.Series(pd.NA, index=table.index)
        text = text.astype("string").str.strip()
        table[column] = text.mask(text == "")
    capitals = table["view"].str.upper()
    table["view"] = table["view"].mask(capitals.isin(VIEWS), capitals)
    age = table["age"] if "age" in table else pd.Series(float("nan"), index=table.index)
    age = pd.to_numeric(age, errors="coerce").astype("float64")
    table["age"] = age.where(age.between(*AGES))
    label = table["label"] if "label" in table else pd.Series(pd.NA, index=table.index)
    table["label"] = label.astype("Int64")
    others = [column for column in table if column not in COLUMNS]
    return check_catalog(table[[*COLUMNS, *others]].reset_index(drop=True))


def check_catalog(table: pd.DataFrame) -> pd.DataFrame:
    """The same table, if it is a catalog; otherwise a :class:`CXRLabError` saying what is wrong."""
    problems = [f"the column '{name}' is not there" for name in COLUMNS if name not in table]
    if not problems:
        empty = {name: table[name].isna().sum() for name in NEVER_MISSING}
        problems += [f"'{name}' is empty in {rows} rows" for name, rows in empty.items() if rows]
        repeated = table.loc[table["image_id"].duplicated(), "image_id"].dropna()
        problems += [f"'image_id' repeats the value '{value}'" for value in repeated[:1]]
        allowed = {"age": table["age"].between(*AGES), "label": table["label"].isin([0, 1])}
        for name, right in allowed.items():
            wrong = table.loc[~right & table[name].notna(), name]
            problems += [f"'{name}' fails at {value}" for value in wrong[:1]]
    if problems:
        raise CXRLabError(
            f"This table is not a catalog: {'; '.join(problems[:3])}. "
            "Make catalogs with cxrlab.sources.load_catalog, which fills every column."
        )
    return table


def is_covid19(findings: pd.Series) -> pd.Series:
    """Whether each finding names COVID-19, in either spelling of the source.

    Older copies say ``COVID-19`` or ``COVID-19, ARDS``, later ones ``Pneumonia/Viral/COVID-19``.
    """
    covid19 = r"(?:^|[/,])\s*COVID-19\s*(?:$|[/,])"
    text = findings.astype("string")
    return text.str.contains(covid19, case=False).fillna(False).astype(bool)


def is_normal(findings: pd.Series) -> pd.Series:
    """Whether each finding says that nothing was found: ``Normal`` or ``No Finding``."""
    named = findings.astype("string").str.lower().isin(["normal", "no finding"])
    return named.fillna(False).astype(bool)


def read_table(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    """The file of :func:`parse_table`. Raises :class:`CXRLabError` where it cannot be read."""
    try:
        return parse_table(read_bytes(path), str(path), needed)
    except UnreadableImage as error:
        raise CXRLabError(
            f"{path} cannot be read: {error.reason}. The source needs its metadata.csv."
        ) from error


def parse_table(data: bytes, name: str, needed: Sequence[str]) -> pd.DataFrame:
    """A stranger's CSV with every value as stripped text, blank ones missing.

    UTF-8 with or without a byte order mark, else Windows' cp1252: spreadsheets save either.
    Raises :class:`CXRLabError`, with ``name`` for the file, where columns of ``needed`` are
    missing, a column comes twice, or values stand under no name.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    text = text.replace("\0", "\1")  # pandas 2 would end a value at a NUL and hide what follows
    try:
        table = pd.read_csv(io.StringIO(text), dtype="string", keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise CXRLabError(f"{name} is not a table of comma-separated values: {error}.") from error
    unchanged = "Take metadata.csv unchanged from its repository."
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes what is too much for an index
        raise CXRLabError(
            f"{name} has rows with more values than its first line has names, so that it is not "
            f"clear which value belongs where. {unchanged}"
        )
    table.columns = [str(column).strip() for column in table.columns]
    twice = table.columns[table.columns.duplicated()]
    if len(twice):  # pandas tells them apart, but for the blanks around them
        raise CXRLabError(f"{name} has two columns called {twice[0]!r}. {unchanged}")
    if missing := [column for column in needed if column not in table]:
        raise CXRLabError(
            f"{name} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}. "
            f"Expected among others: {', '.join(needed)}. "
            f"Seen: {', '.join(list(table.columns)[:12])}. {unchanged}"
        )
    table = table.apply(lambda column: column.str.strip())
    return table.mask(table == "")


def from_table(table: pd.DataFrame, folder: Path, source: str) -> pd.DataFrame:
    """A table of :func:`read_table` with ``filename`` and ``patientid`` as a catalog.

    Files lie in ``images/`` below ``folder``, an absolute path, unless a column ``folder`` says
    otherwise. A row whose file name is blank or would leave ``folder`` keeps a missing ``path``,
    and the column ``problem`` says why.
    """
    # Labels are for our filters to decide, not for a column that a stranger has called so.
    table = table.drop(columns="label", errors="ignore")
    kind = table["folder"] if "folder" in table else pd.Series(pd.NA, index=table.index)
    names = table["filename"].fillna("").astype(str)
    homes = {name: (folder / name).resolve() for name in FOLDERS}
    paths = [
        _safe_path(folder / subfolder, name, homes.get(subfolder))
        for subfolder, name in zip(kind.fillna("images").astype(str), names, strict=True)
    ]
    table["path"] = pd.array(paths, dtype="string")
    table["problem"] = table["path"].isna().map({True: UNSAFE, False: pd.NA}).astype("string")
    table["problem"] = table["problem"].mask(names == "", UNNAMED)
    table["source"] = source
    table["image_id"] = unique_ids(source + "/" + names)
    # Without a patient a row can only be taken for a patient of its own.
    patients = table["patientid"].fillna("unknown " + table["image_id"])
    table["patient_id"] = source + "/" + patients.astype(str)
    if "sex" in table:
        table["sex"] = table["sex"].str.upper().str[:1].where(lambda sex: sex.isin(["F", "M"]))
    return to_catalog(table)


def unique_ids(names: pd.Series) -> pd.Series:
    """Names made unique: the second row of a name gets ``#2``, the third ``#3``."""
    repeat = names.groupby(names).cumcount() + 1
    return names.where(repeat == 1, names + "#" + repeat.astype(str))


def is_safe_name(name: str) -> bool:
    """Whether ``name``, joined to a folder, stays inside it on every system.

    Absolute names, drive letters, ``..``, backslashes (a separator on Windows alone) and control
    characters are refused.
    """
    return (
        all(part not in ("", ".", "..") for part in name.split("/"))
        and "\\" not in name
        and not re.match(r"[A-Za-z]:", name)
        and name.isprintable()
    )


def _safe_path(place: Path, name: str, home: Path | None) -> str | None:
    """The absolute path behind a row, or None where it is not safely inside ``home``.

    Symbolic links to elsewhere are refused, too.
    """
    if home is None or not is_safe_name(name):
        return None
    try:
        inside = (place / name).resolve().is_relative_to(home)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        return None
    return str(place / name) if inside else None


def image_files(folder: Path) -> list[Path]:
    """Image files below ``folder``, sorted. ``__MACOSX`` and hidden ones (``._x``) are left out."""
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__MACOSX" and name[0] != "."]
        found += [
            Path(here, name) for name in files if name[0] != "." and name.lower().endswith(SUFFIXES)
        ]
    return sorted(found)
