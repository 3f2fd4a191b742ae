"""Adults without a finding, from NIH ChestX-ray14 (Wang 2017, 10.1109/CVPR.2017.369)."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from cxrlab.sources.tables import Source, from_files, image_files

NAME = "nih-no-finding"
URL = "https://nihcc.app.box.com/v/ChestXray-NIHCC"


def load(folder: str | Path) -> pd.DataFrame:
    """Every image in the folder as a catalog; it holds only X-rays labelled "No Finding".

    No sex, age or view comes with the files. Raises :class:`CXRLabError` where there are none.
    """
    folder = Path(folder).absolute()
    about = {"finding": "No Finding", "modality": "X-ray", "license": "free with attribution"}
    return from_files(folder, image_files(folder), patient_of, source=NAME, url=URL, **about)


def patient_of(name: str) -> str:
    """The patient in a file name: ``00001281_000.png`` is image 0 of patient ``00001281``."""
    found = re.match(r"\d+(?=_\d+\.)", name)
    return found.group() if found else Path(name).stem


SOURCE = Source(
    NAME,
    "NIH ChestX-ray14, No Finding",
    "Free to use; link to the download site, cite the paper and name the NIH Clinical Center as "
    "the provider.",
    "X. Wang, Y. Peng, L. Lu, Z. Lu, M. Bagheri, R. M. Summers, ChestX-ray8: Hospital-scale Chest "
    "X-ray Database and Benchmarks on Weakly-Supervised Classification and Localization of Common "
    "Thorax Diseases, CVPR 2017, https://doi.org/10.1109/CVPR.2017.369",
    load,
)
