"""The COVID-19 image data collection (Cohen 2020, arXiv 2006.11988): ``metadata.csv``, ``images/``.

Fetched by each reader from github.com/ieee8023/covid-chestxray-dataset; licences differ by image.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cxrlab.catalog.schema import to_catalog
from cxrlab.errors import CXRLabError
from cxrlab.images import UnreadableImage, read_bytes

NAME = "covid-chestxray-dataset"
NEEDED = ("patientid", "finding", "view", "modality", "filename")
FOLDERS = ("images", "volumes")
UNSAFE = "unsafe file name"
UNNAMED = "no file name"


def load(folder: str | Path) -> pd.DataFrame:
    """Every row of ``metadata.csv`` as a catalog, with its own columns riding along.

    A row whose file name is blank or would leave ``folder`` keeps a missing ``path``, and the
    column ``problem`` says why. Raises :class:`CXRLabError` where the table cannot be read.
    """
    folder = Path(folder).absolute()
    return catalog_of(read_metadata(folder / "metadata.csv"), folder, NAME)


def catalog_of(table: pd.DataFrame, folder: Path, source: str) -> pd.DataFrame:
    """A table of :func:`read_metadata` with ``filename`` as the catalog of ``source``.

    Files lie in ``images/`` below ``folder``, an absolute path, unless a column ``folder`` says
    otherwise. Which names are refused: see :func:`load`.
    """
    # Labels are for our filters to decide, not for a column that a stranger has called so.
    table = table.drop(columns="label", errors="ignore")
    kind = table["folder"] if "folder" in table else pd.Series("images", index=table.index)
    names = table["filename"].fillna("").astype(str)
    homes = {name: (folder / name).resolve() for name in FOLDERS}
    paths = [
        _safe_path(folder, str(subfolder or "images"), name, homes)
        for subfolder, name in zip(kind.fillna(""), names, strict=True)
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


def read_metadata(path: str | Path, needed: Sequence[str] = NEEDED) -> pd.DataFrame:
    """``metadata.csv`` with every value as stripped text, blank ones missing.

    UTF-8 with or without a byte order mark, else Windows' cp1252: spreadsheets save either.
    Raises :class:`CXRLabError` naming missing columns.
    """
    try:
        data = read_bytes(path)
    except UnreadableImage as error:
        raise CXRLabError(
            f"{path} cannot be read: {error.reason}. The source needs its metadata.csv."
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    text = text.replace("\0", "\1")  # pandas 2 would end a value at a NUL and hide what follows
    try:
        table = pd.read_csv(io.StringIO(text), dtype="string", keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise CXRLabError(f"{path} is not a table of comma-separated values: {error}.") from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes what is too much for an index
        raise CXRLabError(
            f"{path} has rows with more values than its first line has names, so that it is not "
            "clear which value belongs where. Take metadata.csv unchanged from its repository."
        )
    table.columns = [str(column).strip() for column in table.columns]
    twice = table.columns[table.columns.duplicated()]
    if len(twice):  # pandas tells them apart, but for the blanks around them
        raise CXRLabError(
            f"{path} has two columns called {twice[0]!r}. Take metadata.csv unchanged from its "
            "repository."
        )
    missing = [column for column in needed if column not in table]
    if missing:
        seen = ", ".join(list(table.columns)[:12])
        raise CXRLabError(
            f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}. "
            f"Expected among others: {', '.join(needed)}. Seen: {seen}. "
            "Take metadata.csv unchanged from its repository."
        )
    table = table.apply(lambda column: column.str.strip())
    return table.mask(table == "")


def unique_ids(names: pd.Series) -> pd.Series:
    """Names made unique: the second row of a name gets ``#2``, the third ``#3``."""
    repeat = names.groupby(names).cumcount() + 1
    return names.where(repeat == 1, names + "#" + repeat.astype(str))


def _safe_path(folder: Path, subfolder: str, name: str, homes: dict[str, Path]) -> str | None:
    """The absolute path behind a row, or None where it is not safely inside the source's folder.

    Names come from strangers: absolute ones, drive letters, ``..``, backslashes (a separator on
    Windows alone), control characters and symbolic links to elsewhere are all refused.
    """
    parts = name.split("/")
    if (
        subfolder not in homes
        or any(part in ("", ".", "..") for part in parts)
        or "\\" in name
        or re.match(r"[A-Za-z]:", name)
        or not name.isprintable()
    ):
        return None
    path = folder / subfolder / name
    try:
        inside = path.resolve().is_relative_to(homes[subfolder])
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        return None
    return str(path) if inside else None
