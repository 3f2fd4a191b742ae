"""Two sets of X-rays from elsewhere (agchung, 2020), for testing: Actualmed and Figure 1.

Fetched by each reader from github.com/agchung. COVIDx contains both: a network trained on COVIDx
has seen them.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxrlab.sources.tables import from_table, is_covid19, is_normal, read_table

ACTUALMED = "Actualmed-COVID-chestxray-dataset"
FIGURE1 = "Figure1-COVID-chestxray-dataset"
TO_SAY = {"license": "none stated, for research only"}
# The file name's column is called otherwise in Actualmed's table.
ACTUALMED_NEEDED = ("patientid", "finding", "view", "modality", "imagename")
# No column of Figure 1 says the file's name: it is the patient's number with one of these endings.
FIGURE1_NEEDED = ("patientid", "finding", "view", "modality")
FIGURE1_SUFFIXES = (".jpg", ".png", ".jpeg")


def load_actualmed(folder: str | Path) -> pd.DataFrame:
    """Every row of Actualmed's ``metadata.csv`` as a catalog, its own columns riding along.

    ``finding`` is ``COVID-19``, ``No finding`` (COVID-19 was excluded) or missing (inconclusive);
    ``view`` PA or AP; sex and age are blank in the copy of 2020. Raises :class:`CXRLabError`
    where the table cannot be read.
    """
    folder = Path(folder).absolute()
    table = read_table(folder / "metadata.csv", ACTUALMED_NEEDED)
    table = table.assign(filename=table["imagename"]).drop(columns="imagename")
    url = f"https://github.com/agchung/{ACTUALMED}"
    return from_table(table.assign(url=url, **TO_SAY), folder, ACTUALMED)


def load_figure1(folder: str | Path) -> pd.DataFrame:
    """Every row of Figure 1's ``metadata.csv`` as a catalog, its own columns riding along.

    ``COVID-00003a`` and ``COVID-00003b`` are two images of the patient ``COVID-00003``. ``view``
    is ``AP erect``, PA, AP or missing, ``finding`` ``COVID-19``, ``Pneumonia``, ``No finding`` or
    missing; an age such as ``50+`` is missing. Where no file is there the path ends in ``.jpg``.
    Raises :class:`CXRLabError` where the table cannot be read.
    """
    folder = Path(folder).absolute()
    table = read_table(folder / "metadata.csv", FIGURE1_NEEDED)
    there = {path.name for path in (folder / "images").glob("*")}

    def file_of(number: str) -> str:
        named = [f"{number}{end}" for end in FIGURE1_SUFFIXES]
        return next((name for name in named if name in there), named[0])

    numbers = table["patientid"].fillna("")
    table["filename"] = [file_of(number) if number else "" for number in numbers]
    table["patientid"] = table["patientid"].str.replace(r"(?<=\d)[a-z]$", "", regex=True)
    url = f"https://github.com/agchung/{FIGURE1}"
    return from_table(table.assign(url=url, **TO_SAY), folder, FIGURE1)


def used(catalog: pd.DataFrame) -> pd.Series:
    """The rows worth fetching: X-rays with COVID-19 or without a finding, in any view."""
    xray = (catalog["modality"] == "X-ray").fillna(False).astype(bool)
    return xray & (is_covid19(catalog["finding"]) | is_normal(catalog["finding"]))
