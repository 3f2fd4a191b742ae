"""COVID-19 chest X-rays sent in through Figure 1 (agchung, 2020), an external set for the course.

Fetched by each reader from github.com/agchung/Figure1-COVID-chestxray-dataset. COVIDx contains
it: a network trained on COVIDx has seen it.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxrlab.sources import covid

NAME = "Figure1-COVID-chestxray-dataset"
URL = "https://github.com/agchung/Figure1-COVID-chestxray-dataset"
# No column says the file's name: it is the patient's number with one of these endings.
NEEDED = ("patientid", "finding", "view", "modality")
SUFFIXES = (".jpg", ".png", ".jpeg")
LICENCE = "none stated, for research only"


def load(folder: str | Path) -> pd.DataFrame:
    """Every row of ``metadata.csv`` as a catalog, with its own columns riding along.

    ``COVID-00003a`` and ``COVID-00003b`` are two images of the patient ``COVID-00003``. ``view``
    is ``AP erect``, PA, AP or missing, ``finding`` ``COVID-19``, ``Pneumonia``, ``No finding`` or
    missing; an age such as ``50+`` is missing. Where no file is there the path ends in ``.jpg``.
    Raises :class:`CXRLabError` where the table cannot be read.
    """
    folder = Path(folder).absolute()
    table = covid.read_metadata(folder / "metadata.csv", NEEDED)
    there = {path.name for path in (folder / "images").glob("*")}
    numbers = table["patientid"].fillna("")
    table["filename"] = [
        next((f"{number}{end}" for end in SUFFIXES if f"{number}{end}" in there), f"{number}.jpg")
        if number
        else ""
        for number in numbers
    ]
    table["patientid"] = table["patientid"].str.replace(r"(?<=\d)[a-z]$", "", regex=True)
    return covid.catalog_of(table.assign(license=LICENCE, url=URL), folder, NAME)
