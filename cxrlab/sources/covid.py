"""The COVID-19 image data collection (Cohen 2020, arXiv 2006.11988): ``metadata.csv``, ``images/``.

Fetched by each reader from github.com/ieee8023/covid-chestxray-dataset; licences differ by image.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxrlab.sources.tables import from_table, is_covid19, read_table, unique_ids

__all__ = ["NAME", "NEEDED", "load", "unique_ids", "used"]

NAME = "covid-chestxray-dataset"
NEEDED = ("patientid", "finding", "view", "modality", "filename")


def load(folder: str | Path) -> pd.DataFrame:
    """Every row of ``metadata.csv`` as a catalog, with its own columns riding along.

    Which file names are refused: see :func:`cxrlab.sources.tables.from_table`. Raises
    :class:`CXRLabError` where the table cannot be read.
    """
    folder = Path(folder).absolute()
    return from_table(read_table(folder / "metadata.csv", NEEDED), folder, NAME)


def used(catalog: pd.DataFrame) -> pd.Series:
    """The rows worth fetching: COVID-19, X-ray, PA, as the filters of notebook 02 keep them."""
    pa_xray = (catalog["modality"] == "X-ray") & (catalog["view"] == "PA")
    return is_covid19(catalog["finding"]) & pa_xray.fillna(False).astype(bool)
