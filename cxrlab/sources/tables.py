"""The catalog, and the one place where strangers' tables and folders become it.

Tables come in through :func:`read_table` and :func:`from_table`, folders of images through
:func:`image_files`; :func:`to_catalog` gives all of them the same columns, one row per image.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

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
AGES, ADULT = (0, 130), 18  # years
# Years: lower end and name of each band.
AGE_BANDS = {0: "0-5", 6: "6-17", 18: "18-39", 40: "40-59", 60: "60-79", 80: "80 and over"}
NOT_STATED = "not stated"

# What macOS, disk stations and Windows leave in folders.
LITTER = ("__macosx", "@eadir", "$recycle.bin", "thumbs.db", "desktop.ini")
FOLDERS = ("images", "volumes")  # where a metadata.csv may say that its files lie
STAMP = "phantoms.json"  # lies in a folder of phantoms and in no other


class Source(NamedTuple):
    """One set of X-rays: what it is called, what its authors allow, and what reads its folder."""

    name: str  # of its folder
    title: str
    allows: str  # what may be done with it, in a sentence or two
    citation: str  # on one line, with the address
    load: Callable[[str | Path], pd.DataFrame]  # from its folder to a catalog


def is_phantom(folder: str | Path) -> bool:
    """Whether the X-rays in ``folder`` are simulated; they are then labelled so when shown."""
    return (Path(folder) / STAMP).is_file()


def to_catalog(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the catalog's columns first and in their types, then all others.

    Text is pandas' ``string``, ``age`` is in years (float), ``label`` is ``Int64``. Blank text
    and impossible ages become missing, columns that are not there are added empty. Raises
    :class:`CXRLabError` where an image has no id, source or patient or is there twice, or a label
    is neither 0 nor 1.
    """
    others = [column for column in table if column not in COLUMNS]
    table = table.reindex(columns=[*COLUMNS, *others]).reset_index(drop=True)
    for column in TEXT_COLUMNS:
        text = table[column].astype("string").str.strip()
        table[column] = text.mask(text == "")
    # Typed by hand: "pa", "ap supine" and "x-ray" are the same as PA, AP supine and X-ray.
    first = r"(?i)^(?:pa|ap|l)\b"
    table["view"] = table["view"].str.replace(first, lambda view: view[0].upper(), regex=True)
    kinds = table["modality"].str.upper().map({"X-RAY": "X-ray", "XRAY": "X-ray", "CT": "CT"})
    table["modality"] = kinds.fillna(table["modality"])
    table["sex"] = table["sex"].str.upper().str[:1].where(lambda sex: sex.isin(["F", "M"]))
    age = pd.to_numeric(table["age"], errors="coerce").astype("float64")
    table["age"] = age.where(age.between(*AGES))
    table["label"] = table["label"].astype("Int64")
    empty = table[["image_id", "source", "patient_id"]].isna().sum()
    problems = [f"'{name}' is empty in {rows} rows" for name, rows in empty.items() if rows]
    repeated = table.loc[table["image_id"].duplicated(), "image_id"].dropna()
    problems += [f"'image_id' repeats the value '{value}'" for value in repeated[:1]]
    wrong = set(table["label"].dropna()) - {0, 1}
    problems += [f"'label' fails at {value}" for value in wrong]
    if problems:
        raise CXRLabError(f"This table is not a catalog of X-rays: {'; '.join(problems[:3])}.")
    return table


def is_covid19(findings: pd.Series) -> pd.Series:
    """Whether each finding is, or has among others, COVID-19 (``Pneumonia/Viral/COVID-19``)."""
    covid19 = r"(?:^|[/,])\s*COVID-19\s*(?:$|[/,])"  # also "COVID-19, ARDS", in older copies
    return findings.astype("string").str.contains(covid19, case=False, na=False).astype(bool)


def is_normal(findings: pd.Series) -> pd.Series:
    """Whether each finding says that nothing was found: ``Normal`` or ``No Finding``."""
    return findings.astype("string").str.lower().isin(["normal", "no finding"])


def read_table(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    """The file as :func:`parse_table` reads it, which says what it raises."""
    try:
        return parse_table(read_bytes(path), path, needed)
    except UnreadableImage as error:
        said = f"{path} cannot be read: {error.reason}. The source needs its {path.name}."
        raise CXRLabError(said) from error


def parse_table(data: bytes, name: str | Path, needed: Sequence[str]) -> pd.DataFrame:
    """A stranger's CSV with every value as stripped text, blank ones missing.

    The index holds the line of the file on which each row begins. UTF-8 with or without a byte
    order mark, else Windows' cp1252; commas, semicolons or tabs: spreadsheets save any of them.
    Blank lines are left out. Raises :class:`CXRLabError`, with ``name`` for the file, where columns
    of ``needed`` are missing, a column comes twice, or values stand under no name.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, line = {}, 1
    try:
        for row in reader:
            rows[line] = [value.strip() for value in row]
            line = reader.line_num + 1
    except csv.Error as error:
        raise CXRLabError(f"{name}, line {line}, is no line of a table: {error}.") from error
    rows = {line: row for line, row in rows.items() if any(row)}
    columns = rows.pop(next(iter(rows))) if rows else []
    columns = [column or f"Unnamed: {place}" for place, column in enumerate(columns)]
    for line, row in rows.items():
        if any(row[len(columns) :]):
            said = f"{name}, line {line}, has more values than its first line has names."
            raise CXRLabError(said)
        rows[line] = [*row, *[""] * len(columns)][: len(columns)]
    lower = [column.casefold() for column in columns]
    if twice := [column for column in columns if lower.count(column.casefold()) > 1]:
        raise CXRLabError(f"{name} has two columns called {twice[0]!r}. Delete or rename one.")
    if missing := [column for column in needed if column not in columns]:
        raise CXRLabError(
            f"{name} has no column {missing[0]!r}. Needed are {', '.join(needed)}; seen: "
            f"{', '.join(columns[:12]) or 'nothing'}."
        )
    table = pd.DataFrame(list(rows.values()), list(rows), columns, dtype="string")
    return table.mask(table == "")


def from_table(table: pd.DataFrame, folder: Path, source: str) -> pd.DataFrame:
    """A table of :func:`read_table` with ``filename`` and ``patientid`` as a catalog.

    Files lie in ``images/`` below ``folder``, an absolute path, or where a column ``folder`` says.
    A file name that is blank or would leave it gives no ``path``; ``problem`` then says why.
    """
    # Labels are for our filters to decide, not for a column that a stranger has called so.
    table = table.drop(columns="label", errors="ignore")
    places = table.get("folder", pd.Series("images", index=table.index)).fillna("images")
    names = table["filename"].fillna("").astype(str)
    homes = {name: (folder / name).resolve() for name in FOLDERS}
    for home in homes.values():  # else each of its files would seem to be missing
        if home.is_dir() and not os.access(home, os.X_OK):
            raise CXRLabError(f"{home} cannot be looked into. Give yourself the right to read it.")
    paths = [
        _safe_path(folder / place, name, homes.get(place))
        for place, name in zip(places.astype(str), names, strict=True)
    ]
    table["path"] = pd.array(paths, dtype="string")
    problem = table["path"].isna().map({True: "unsafe file name", False: pd.NA}).astype("string")
    table["problem"] = problem.mask(names == "", "no file name")
    table["source"] = source
    table["image_id"] = unique_ids(source + "/" + names)
    # Without a patient a row can only be taken for a patient of its own.
    patients = table["patientid"].fillna("unknown " + table["image_id"])
    table["patient_id"] = source + "/" + patients.astype(str)
    return to_catalog(table)


def unique_ids(names: pd.Series) -> pd.Series:
    """Names made unique: the second row of a name gets ``#2``, the third ``#3``."""
    repeat = names.groupby(names).cumcount() + 1
    return names.where(repeat == 1, names + "#" + repeat.astype(str))


def _safe_path(place: Path, name: str, home: Path | None) -> str | None:
    """The absolute path behind a row, or None where it is not inside ``home`` on every system.

    Backslashes and drive letters lead out on Windows alone, symbolic links may lead anywhere.
    """
    if home is None or "\\" in name or ":" in name or not name.isprintable():
        return None
    try:
        inside = home in (place / name).resolve().parents
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        return None
    return str(place / name) if inside else None


def from_files(
    folder: Path, files: Sequence[Path], patient_of: Callable[[str], str], **about: object
) -> pd.DataFrame:
    """A catalog of image files below ``folder``: ``patient_of`` a file's name, and ``about`` all.

    Raises :class:`CXRLabError` where there is no file.
    """
    if not files:
        raise CXRLabError(f"{folder} holds no images of {about['source']}.")
    inside = pd.Series([path.relative_to(folder).as_posix() for path in files], dtype="string")
    patients = pd.Series([patient_of(path.name) for path in files], dtype="string")
    table = pd.DataFrame({"path": [str(path) for path in files], **about})
    prefix = f"{about['source']}/"
    return to_catalog(table.assign(image_id=prefix + inside, patient_id=prefix + patients))


def image_files(folder: Path) -> list[Path]:
    """All files below ``folder``, sorted, but hidden ones (``._x``) and litter.

    Whether one is an X-ray is seen when it is read: suffixes say little. Links are followed, each
    folder once. Raises :class:`CXRLabError` where a folder may not be looked into.
    """

    def refuse(error: OSError) -> None:
        said = f"{error.filename} cannot be looked into ({error.strerror}). Give yourself the right"
        raise CXRLabError(f"{said} to read it, or move it elsewhere.") from error

    def is_ours(name: str) -> bool:
        return name[0] != "." and name.lower() not in LITTER

    found, been = [], set()
    for here, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        if (real := os.path.realpath(here)) in been:
            folders.clear()
            continue
        been.add(real)
        folders[:] = sorted(filter(is_ours, folders))
        found += [Path(here, name) for name in filter(is_ours, files)]
    return sorted(found)
