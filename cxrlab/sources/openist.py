"""Healthy adults with drawn lungs, from OpenIST (github.com/pi-null-mezon/OpenIST)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxrlab.sources.tables import Source, from_files, image_files

NAME = "openist"
PLACE = "Datasets/Chest_x-ray"  # in the repository, and below our folder
URL = "https://github.com/pi-null-mezon/OpenIST"


def load(folder: str | Path) -> pd.DataFrame:
    """Every X-ray of the repository's chests as a catalog: ``No Finding``, a patient per image.

    The masks beside them are left out (:func:`mask_path`); neither sex nor age nor view is stated.
    Raises :class:`CXRLabError` where there is no X-ray.
    """
    place = Path(folder).absolute() / PLACE
    below = image_files(Path(folder).absolute())
    files = [path for path in below if path.parent == place and not path.stem.endswith("@")]
    about = {"finding": "No Finding", "modality": "X-ray", "license": "none stated", "url": URL}
    return from_files(place, files, lambda name: Path(name).stem, source=NAME, **about)


def mask_path(path: str | Path) -> Path:
    """Where the mask of an X-ray lies, of its size: 255 in the lungs and 0 elsewhere.

    Example: ``lungs = np.asarray(Image.open(mask_path(row.path))) > 127``
    """
    path = Path(path)
    return path.with_name(f"{path.stem}@.png")


SOURCE = Source(
    NAME,
    "OpenIST chest X-rays with lung masks",
    "No licence is stated; the X-rays are from the teaching module of chestx-ray.com. Fetch them "
    "yourself; never pass images on.",
    f"OpenIST, a set of open tools for image segmentation, {URL}",
    load,
)
