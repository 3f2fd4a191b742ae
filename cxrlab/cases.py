"""From a data folder to the cases that the course learns from, in one call.

Notebook 02 takes these steps one by one; later notebooks and the command line take them here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxrlab.catalog.audit import fingerprint, near_duplicates
from cxrlab.catalog.filters import FilterLog, select_cases
from cxrlab.sources import load_catalog


@dataclass(frozen=True)
class Prepared:
    """Selected cases, the log of how they were selected, and pairs that must stay together."""

    cases: pd.DataFrame
    log: FilterLog
    near: pd.DataFrame  # pairs of image_ids that show almost the same picture


def prepare(
    data: Path, negatives: str = "kermany", seed: int = 0, balanced: bool = True
) -> Prepared:
    """Load, filter, audit and balance the X-rays in ``data``.

    ``negatives``: ``kermany`` (the published children), ``adult`` or ``mixed``. Without
    ``balanced`` all usable X-rays are kept.
    """
    catalog = load_catalog(data, negatives)
    hashes = fingerprint(catalog)
    log = FilterLog()
    cases = select_cases(catalog, negatives, seed=seed, log=log, hashes=hashes, balanced=balanced)
    near = near_duplicates(hashes.loc[cases["image_id"]])
    return Prepared(cases, log, near)
