"""The COVID-19 image data collection, and two sets from elsewhere for testing.

Each is a repository on GitHub, ``metadata.csv`` beside ``images/``, fetched by each reader. COVIDx
contains all three: a network trained on COVIDx has seen Actualmed and Figure 1.
"""

import os
from functools import partial
from pathlib import Path

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.sources.tables import is_covid19, is_normal, read_table, source, to_catalog

NAME = "covid-chestxray-dataset"
ACTUALMED = "Actualmed-COVID-chestxray-dataset"
FIGURE1 = "Figure1-COVID-chestxray-dataset"
NEEDED = ("patientid", "finding", "view", "modality")  # in the table of each
# The column with the names of the files. Those of Figure 1 are called like the patient.
NAMED = {NAME: "filename", ACTUALMED: "imagename", FIGURE1: "patientid"}
FOLDERS = ("images", "volumes")  # where a metadata.csv may say that its files lie


def load(folder: str | Path, name: str = NAME) -> pd.DataFrame:
    """Every row of ``metadata.csv`` as a catalog, with its own columns riding along.

    A file name that is blank or would leave the folder gives no ``path``; ``problem`` says why.
    Actualmed's ``finding`` is ``COVID-19``, ``No finding`` (COVID-19 was excluded) or missing
    (inconclusive). In Figure 1 ``COVID-00003a`` and ``COVID-00003b`` are two images of the patient
    ``COVID-00003``; where no file is there the path ends in ``.jpg``; an age such as ``50+`` is
    missing. Raises :class:`CXRLabError` where the table cannot be read.
    """
    folder = Path(folder).absolute()
    table = read_table(folder / "metadata.csv", (*NEEDED, NAMED[name]))
    # Labels are for our filters to decide, not for a column that a stranger has called so.
    table = table.drop(columns="label", errors="ignore").rename(columns={"imagename": "filename"})
    if name != NAME:
        table["url"] = f"https://github.com/agchung/{name}"
        table["license"] = "none stated, for research only"
    if name == FIGURE1:
        there = {path.stem: path.name for path in (folder / "images").glob("*")}
        patients = table["patientid"]
        table["filename"] = patients.map(lambda one: there.get(one, f"{one}.jpg"), "ignore")
        table["patientid"] = patients.str.replace(r"(?<=\d)[a-z]$", "", regex=True)
    places = table.get("folder", pd.Series("images", table.index)).fillna("images")
    names = table["filename"].fillna("").astype(str)
    homes = {place: (folder / place).resolve() for place in FOLDERS}
    for home in homes.values():  # else each of its files would seem to be missing
        if home.is_dir() and not os.access(home, os.X_OK):
            raise CXRLabError(f"{home} cannot be looked into. Give yourself the right to read it.")
    paths = [
        _safe_path(folder / place, file, homes.get(place))
        for place, file in zip(places, names, strict=True)
    ]
    table["path"] = pd.array(paths, dtype="string")
    problem = table["path"].isna().map({True: "unsafe file name", False: pd.NA}).astype("string")
    table["problem"] = problem.mask(names == "", "no file name")
    table["source"] = name
    table["image_id"] = unique_ids(f"{name}/" + names)
    # Without a patient a row can only be taken for a patient of its own.
    patients = table["patientid"].fillna("unknown " + table["image_id"])
    table["patient_id"] = f"{name}/" + patients.astype(str)
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


def used(catalog: pd.DataFrame) -> pd.Series:
    """The rows worth fetching: X-rays in PA view, the positives and the other findings of 06.

    Of the external sets those with COVID-19 or without a finding, in any view.
    """
    finding, ours = catalog["finding"], catalog["source"] == NAME
    wanted = ours & finding.notna() & (catalog["view"] == "PA")
    wanted |= ~ours & (is_covid19(finding) | is_normal(finding))
    return (wanted & (catalog["modality"] == "X-ray")).fillna(False).astype(bool)


SOURCE = source(NAME, load)
INSIDE_COVIDX = tuple(source(name, partial(load, name=name)) for name in (ACTUALMED, FIGURE1))
