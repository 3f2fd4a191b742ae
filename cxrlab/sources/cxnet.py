"""Adults with COVID-19 from COVID-CXNet."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxrlab.sources.tables import Source, from_files, image_files

NAME = "covid-cxnet"
PLACE = "chest_xray_images/covid19"  # in the repository, and below our folder
URL = "https://github.com/armiro/COVID-CXNet"


def load(folder: str | Path) -> pd.DataFrame:
    """Every X-ray of an adult as a catalog, each of a patient of its own, mostly AP.

    No sex, age or view is stated. ``visible`` is False where the authors saw nothing abnormal. Many
    are X-rays of the other sources again: :func:`cxrlab.filters.without_known` leaves them out.
    Raises :class:`CXRLabError` where there is no X-ray.
    """
    folder = Path(folder).absolute()
    place, below = folder / PLACE, image_files(folder)
    files = [path for path in below if path.parent == place and is_adult(path.name)]
    about = {"finding": "COVID-19", "modality": "X-ray", "license": "CC BY 4.0", "url": URL}
    about["visible"] = [not path.stem.endswith("-") for path in files]
    return from_files(place, files, lambda name: Path(name).stem, source=NAME, **about)


def is_adult(name: str) -> bool:
    """``455p.jpg`` is of a child, ``296-.jpg`` of an adult without a visible abnormality."""
    return not Path(name).stem.endswith("p")


SOURCE = Source(
    NAME,
    "COVID-CXNet, COVID-19",
    "CC BY 4.0 as a collection; its authors gathered the images from publications and websites.",
    "A. Haghanifar, M. M. Majdabadi, Y. Choi, S. Deivalakshmi, S. Ko, COVID-CXNet: Detecting "
    "COVID-19 in frontal chest X-ray images using deep learning, Multimedia Tools and "
    "Applications 81, 30615-30645, 2022, https://doi.org/10.1007/s11042-022-12156-z",
    load,
)
