"""Healthy adults with drawn lungs, from OpenIST."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cxrlab.sources.tables import Source, from_files, image_files

NAME = "openist"
PLACE = "Datasets/Chest_x-ray"  # in the repository, and below our folder
URL = "https://github.com/pi-null-mezon/OpenIST"


def load(folder: str | Path) -> pd.DataFrame:
    """Every X-ray as a catalog, each of a patient of its own; no sex, age or view is stated.

    Raises :class:`CXRLabError` where there is none.
    """
    folder = Path(folder).absolute()
    place, below = folder / PLACE, image_files(folder)
    files = [path for path in below if path.parent == place and is_xray(path.name)]
    about = {"finding": "No Finding", "modality": "X-ray", "license": "none stated", "url": URL}
    return from_files(place, files, lambda name: Path(name).stem, source=NAME, **about)


def is_xray(name: str) -> bool:
    """Whether a file is an X-ray and not its mask."""
    return not Path(name).stem.endswith("@")


def mask_path(path: str | Path) -> Path:
    """Where the mask of an X-ray lies, of its size: 255 in the lungs and 0 elsewhere."""
    return Path(path).with_name(f"{Path(path).stem}@.png")


SOURCE = Source(
    NAME,
    "OpenIST chest X-rays with lung masks",
    "No licence is stated. Fetch it yourself; never pass images on.",
    f"OpenIST, a set of open tools for image segmentation, X-rays from chestx-ray.com, {URL}",
    load,
)
