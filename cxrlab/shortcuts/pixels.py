"""Frame only, corners only, centre blacked out: can the class be told beside the lungs?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlab.errors import CXRLabError
from cxrlab.pipeline import decode
from cxrlab.shortcuts.probe import COLUMNS, in_order, probe
from cxrlab.shortcuts.regions import REGIONS, Region
from cxrlab.splits import Pairs

SIZE = 32  # pixels: enough to tell the sources apart, and a probe takes a second


def small_pictures(cases: pd.DataFrame, size: int = SIZE) -> NDArray[np.uint8]:
    """Every case as a small grey picture, uint8 (n, size, size), 0 black, in the cases' order.

    All sources are resampled to one size first: else sharpness and stored size would tell them
    apart before anything that was X-rayed does. Raises :class:`CXRLabError` where a file cannot
    be read.
    """
    pixels = decode(cases, size).pixels
    if len(pixels) < len(cases):
        raise CXRLabError("A probe needs every X-ray of its cases. Drop those that are left out.")
    return pixels[..., 0]


def region_probe(
    cases: pd.DataFrame,
    regions: Sequence[Region] = REGIONS,
    size: int = SIZE,
    seed: int = 0,
    together: Pairs | None = None,
    resamples: int = 1000,
    pictures: NDArray | None = None,
) -> pd.DataFrame:
    """The AUC of a linear probe that sees one region of the image, one row a region.

    ``cases`` are labelled and readable, as from :func:`cxrlab.cases.prepare`, whose ``near`` is
    meant for ``together``. ``pictures`` is what :func:`small_pictures` made of these cases; left
    out, the files are read. Columns as in ``COLUMNS``.
    """
    cases, pictures = ordered(cases, pictures, size)
    rows = [
        probe(region.name, region.shown(pictures), cases, seed, together, resamples)
        for region in regions
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def ordered(
    cases: pd.DataFrame, pictures: NDArray | None, size: int = SIZE
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """The cases by ``image_id``, and their pictures (read, where there are none) within 0...1."""
    cases = cases.reset_index(drop=True)
    by_id = in_order(cases)
    if pictures is None:
        return by_id, small_pictures(by_id, size) / 255.0
    if len(pictures) != len(cases):
        raise CXRLabError(
            f"There are {len(pictures)} pictures of {len(cases)} cases. Give what "
            "small_pictures made of these very cases, or leave pictures out."
        )
    return by_id, pictures[pd.Index(cases["image_id"]).get_indexer(by_id["image_id"])] / 255.0
