"""The catalog, and the one place where strangers' tables and folders become it.

Tables come in through :func:`read_table`, folders of images through :func:`image_files`;
:func:`to_catalog` gives all of them the same columns, one row per image.
"""

import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.files import read_json
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

# Hidden files, and what macOS, disk stations and Windows leave in folders.
LITTER = re.compile(r"\.|(?:__macosx|@eadir|\$recycle\.bin|thumbs\.db|desktop\.ini)$", re.I)
TERMS = read_json(Path(__file__).with_name("terms.json"))  # of each source
STAMP = "phantoms.json"  # lies in a folder of phantoms and in no other


class Source(NamedTuple):
    """One set of X-rays: its folder, what reads that, and its terms, as ``terms.json`` has them."""

    name: str  # of its folder
    load: Callable[[str | Path], pd.DataFrame]  # from its folder to a catalog
    title: str
    allows: str  # what its authors allow, in a sentence or two
    citation: str  # on one line, with the address


def source(name: str, load: Callable[[str | Path], pd.DataFrame]) -> Source:
    """The source of this name with its terms."""
    return Source(name, load, **TERMS[name])


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
    kinds = {r"(?i)^x-?ray$": "X-ray", r"(?i)^ct$": "CT"}
    table["modality"] = table["modality"].replace(kinds, regex=True)
    table["sex"] = table["sex"].str.upper().str.extract("^([FM])", expand=False)
    age = pd.to_numeric(table["age"], errors="coerce").astype("float64")
    table["age"] = age.where(age.between(*AGES))
    table["label"] = table["label"].astype("Int64")
    empty = table[["image_id", "source", "patient_id"]].isna().sum()
    problems = [f"'{name}' is empty in {rows} rows" for name, rows in empty.items() if rows]
    repeated = table.loc[table["image_id"].duplicated(), "image_id"].dropna()
    problems += [f"'image_id' repeats the value '{value}'" for value in repeated[:1]]
    problems += [f"'label' fails at {value}" for value in set(table["label"].dropna()) - {0, 1}]
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
        wanted = f"Needed is a CSV with the columns {', '.join(needed)}."
        raise CXRLabError(f"{path} cannot be read: {error.reason}. {wanted}") from error


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
    separator = max(",;\t", key=text.strip().partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, line = {}, 1
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows[line] = [value.strip() for value in row]
            line = reader.line_num + 1
    except csv.Error as error:
        raise CXRLabError(f"{name}, line {line}, is no line of a table: {error}.") from error
    columns = rows.pop(min(rows)) if rows else []
    columns = [column or f"Unnamed: {place}" for place, column in enumerate(columns)]
    for line, row in rows.items():
        if any(row[len(columns) :]):
            raise CXRLabError(
                f"{name}, line {line}, has more values than its first line has names."
            )
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


def from_files(
    folder: Path, files: Mapping[str, Path], patients: Iterable[str], **about: object
) -> pd.DataFrame:
    """A catalog of files of :func:`image_files`, their patients in this order, and ``about`` all.

    Raises :class:`CXRLabError` where there is no file.
    """
    if not files:
        raise CXRLabError(f"{folder} holds no images of {about['source']}.")
    table = pd.DataFrame({"path": [str(path) for path in files.values()], **about})
    table["image_id"] = [f"{about['source']}/{inside}" for inside in files]
    table["patient_id"] = [f"{about['source']}/{patient}" for patient in patients]
    return to_catalog(table)


def image_files(folder: Path) -> dict[str, Path]:
    """All files below ``folder`` by their path from there, sorted, but hidden ones and litter.

    Whether one is an X-ray is seen when it is read: suffixes say little. Links are followed, each
    folder once. Raises :class:`CXRLabError` where a folder may not be looked into.
    """

    def refuse(error: OSError) -> None:
        said = f"{error.filename} cannot be looked into ({error.strerror}). Give yourself the right"
        raise CXRLabError(f"{said} to read it, or move it elsewhere.") from error

    found, been = [], set()
    for here, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        if (real := os.path.realpath(here)) in been:
            folders.clear()
            continue
        been.add(real)
        folders[:] = sorted(name for name in folders if not LITTER.match(name))
        found += [Path(here, name) for name in files if not LITTER.match(name)]
    return {path.relative_to(folder).as_posix(): path for path in sorted(found)}
