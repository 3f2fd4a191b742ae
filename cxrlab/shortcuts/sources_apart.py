"""Sources without disease, and disease without sources.

Healthy people of two sources differ in age, machine and processing, never in the disease. What
tells them apart would tell any two classes apart that come from these sources (Zech 2018,
10.1371/journal.pmed.1002683, for hospitals). The reverse keeps the source and changes the disease.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cxrlab.shortcuts.pixels import SIZE, region_probe
from cxrlab.shortcuts.regions import (
    Region,
    centre_blacked_out,
    corners_only,
    frame_only,
    whole_image,
)
from cxrlab.shortcuts.selection import normals_of, same_source_cases
from cxrlab.sources import kermany

FEW_REGIONS = (whole_image(), centre_blacked_out(0.6), frame_only(0.1), corners_only(0.1))


def source_probe(
    catalog: pd.DataFrame,
    first: str = kermany.NAME,
    second: str | None = None,
    regions: Sequence[Region] = FEW_REGIONS,
    size: int = SIZE,
    seed: int = 0,
    resamples: int = 1000,
    hashes: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The AUC of telling the normals of two sources apart: no disease is present in either.

    ``catalog``: all images, as from :func:`cxrlab.sources.load_catalog` with ``"mixed"``;
    ``hashes`` its fingerprints, if they are at hand. One row of ``probe.COLUMNS`` a region;
    ``positives`` are the images of ``second``, by default the adults of the catalog.
    """
    prepared = normals_of(catalog, first, second, hashes)
    return region_probe(prepared.cases, regions, size, seed, prepared.near, resamples)


def same_source_probe(
    catalog: pd.DataFrame,
    regions: Sequence[Region] = FEW_REGIONS,
    size: int = SIZE,
    seed: int = 0,
    resamples: int = 1000,
    hashes: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The AUC of telling COVID-19 from the other findings of its own source, PA X-rays only.

    Arguments and columns as in :func:`source_probe`. Where this falls far below the score against
    another source's normals, the difference was the source. The negatives are few: look at the
    interval.
    """
    prepared = same_source_cases(catalog, hashes)
    return region_probe(prepared.cases, regions, size, seed, prepared.near, resamples)
