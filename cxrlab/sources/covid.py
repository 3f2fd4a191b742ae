"""The COVID-19 image data collection, and two sets from elsewhere for testing.

Each is a repository on GitHub, ``metadata.csv`` beside ``images/``, fetched by each reader. COVIDx
contains all three: a network trained on COVIDx has seen Actualmed and Figure 1.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxrlab.sources.tables import Source, from_table, is_covid19, is_normal, read_table, unique_ids

__all__ = ["NAME", "load", "unique_ids", "used"]

NAME = "covid-chestxray-dataset"
ACTUALMED = "Actualmed-COVID-chestxray-dataset"
FIGURE1 = "Figure1-COVID-chestxray-dataset"
NEEDED = ("patientid", "finding", "view", "modality")  # in the table of each


def load(folder: str | Path) -> pd.DataFrame:
    """Every row of ``metadata.csv`` as a catalog, with its own columns riding along.

    :func:`cxrlab.sources.tables.from_table` says which file names are refused. Raises
    :class:`CXRLabError` where the table cannot be read.
    """
    folder = Path(folder).absolute()
    return from_table(read_table(folder / "metadata.csv", (*NEEDED, "filename")), folder, NAME)


def load_actualmed(folder: str | Path) -> pd.DataFrame:
    """As :func:`load`, for Actualmed: ``finding`` is ``COVID-19``, ``No finding`` (COVID-19 was
    excluded) or missing (inconclusive), ``view`` PA or AP.
    """
    folder = Path(folder).absolute()
    table = read_table(folder / "metadata.csv", (*NEEDED, "imagename"))
    table = table.assign(filename=table["imagename"], **_about(ACTUALMED))
    return from_table(table.drop(columns="imagename"), folder, ACTUALMED)


def load_figure1(folder: str | Path) -> pd.DataFrame:
    """As :func:`load`, for Figure 1. Where no file is there the path ends in ``.jpg``.

    ``COVID-00003a`` and ``COVID-00003b`` are two images of the patient ``COVID-00003``. ``view``
    is ``AP erect``, PA, AP or missing; an age such as ``50+`` is missing.
    """
    folder = Path(folder).absolute()
    table = read_table(folder / "metadata.csv", NEEDED).assign(**_about(FIGURE1))
    there = {path.stem: path.name for path in (folder / "images").glob("*")}
    # No column says the file's name: it is the patient's number and an ending.
    numbers = table["patientid"]
    table["filename"] = numbers.map(lambda one: there.get(one, f"{one}.jpg"), na_action="ignore")
    table["patientid"] = numbers.str.replace(r"(?<=\d)[a-z]$", "", regex=True)
    return from_table(table, folder, FIGURE1)


def _about(name: str) -> dict[str, str]:
    """What neither of the two tables says: where an image is from, and under which licence."""
    url = f"https://github.com/agchung/{name}"
    return {"url": url, "license": "none stated, for research only"}


def used(catalog: pd.DataFrame) -> pd.Series:
    """The rows worth fetching: X-rays in PA view, the positives and the other findings of 06.

    Of the external sets those with COVID-19 or without a finding, in any view.
    """
    finding, ours = catalog["finding"], catalog["source"] == NAME
    wanted = ours & finding.notna() & (catalog["view"] == "PA")
    wanted |= ~ours & (is_covid19(finding) | is_normal(finding))
    return (wanted & (catalog["modality"] == "X-ray")).fillna(False).astype(bool)


_RESEARCH = (
    "No licence is stated; its README says that the images are for research purposes only. "
    "Fetch it yourself; never pass images on.",
    "L. Wang, Z. Q. Lin, A. Wong, COVID-Net: a tailored deep convolutional neural network design "
    "for detection of COVID-19 cases from chest X-ray images, Scientific Reports 10, 19549, 2020, "
    "https://doi.org/10.1038/s41598-020-76550-z",
)
SOURCE = Source(
    NAME,
    "COVID-19 image data collection",
    "Differs from image to image, and is blank for many. Fetch it yourself; never pass images on.",
    "J. P. Cohen, P. Morrison, L. Dao, K. Roth, T. Q. Duong, M. Ghassemi, COVID-19 Image Data "
    "Collection: Prospective Predictions Are the Future, 2020, https://arxiv.org/abs/2006.11988",
    load,
)
ACTUALMED_SOURCE = Source(ACTUALMED, "Actualmed COVID-19 chest X-rays", *_RESEARCH, load_actualmed)
FIGURE1_SOURCE = Source(FIGURE1, "Figure 1 COVID-19 chest X-rays", *_RESEARCH, load_figure1)
