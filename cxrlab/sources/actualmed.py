"""Actualmed's COVID-19 chest X-rays from Spain (agchung, 2020), an external set for the course.

Fetched by each reader from github.com/agchung/Actualmed-COVID-chestxray-dataset. COVIDx contains
it: a network trained on COVIDx has seen it.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxrlab.sources import covid

NAME = "Actualmed-COVID-chestxray-dataset"
URL = "https://github.com/agchung/Actualmed-COVID-chestxray-dataset"
# The file name's column is called otherwise here.
NEEDED = ("patientid", "finding", "view", "modality", "imagename")
LICENCE = "none stated, for research only"


def load(folder: str | Path) -> pd.DataFrame:
    """Every row of ``metadata.csv`` as a catalog, with its own columns riding along.

    ``finding`` is ``COVID-19``, ``No finding`` (COVID-19 was excluded) or missing (inconclusive);
    ``view`` PA or AP; sex and age are blank in the copy of 2020. File names are treated as those
    of :func:`cxrlab.sources.covid.load`. Raises :class:`CXRLabError` where the table cannot be
    read.
    """
    folder = Path(folder).absolute()
    table = covid.read_metadata(folder / "metadata.csv", NEEDED)
    table = table.drop(columns="filename", errors="ignore").rename(
        columns={"imagename": "filename"}
    )
    return covid.catalog_of(table.assign(license=LICENCE, url=URL), folder, NAME)
