"""From a data folder to the cases that the course learns from, in one call.

Notebook 02 takes these steps one by one; later notebooks and the command line take them here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.filters import (
    Log,
    balance,
    drop_exact_duplicates,
    drop_unreadable,
    fingerprint,
    near_duplicates,
    nothing_left,
    published_candidates,
)
from cxrlab.sources import load_catalog
from cxrlab.sources.tables import to_catalog
from cxrlab.splits import patient_groups

TEN = 10


@dataclass(frozen=True)
class Prepared:
    """Selected cases, the steps that selected them, and the ten for the reader, if asked for.

    The column ``group`` of the cases joins patients whose X-rays look alike: see :func:`usable`.
    """

    cases: pd.DataFrame
    log: Log
    ten: pd.DataFrame | None = None


def prepare(
    data: Path, negatives: str = "kermany", seed: int = 0, balanced: bool = True, ten: bool = False
) -> Prepared:
    """Load, filter, audit and balance the X-rays in ``data``.

    ``negatives``: ``kermany`` (the published children), ``adult`` or ``mixed``. Without
    ``balanced`` all usable X-rays are kept. With ``ten`` the X-rays of notebook 01 are drawn, and
    all X-rays of their patients are left out of the cases.
    """
    return select(load_catalog(data, negatives), negatives, seed, balanced, ten)


def select(
    catalog: pd.DataFrame,
    negatives: str = "kermany",
    seed: int = 0,
    balanced: bool = True,
    ten: bool = False,
    hashes: pd.DataFrame | None = None,
) -> Prepared:
    """The same from a catalog. ``hashes`` is what ``fingerprint`` made of it; else files are read.

    Raises :class:`CXRLabError` where one of the classes comes out empty.
    """
    log: Log = []
    cases = published_candidates(to_catalog(catalog), negatives, log)
    cases = usable(cases, log, hashes)
    if cases["label"].nunique() < 2:
        raise nothing_left(log)
    drawn = None
    if ten:
        drawn = ten_xrays(cases, seed)
        cases = cases[~cases["group"].isin(drawn["group"])]
    if balanced:
        cases = balance(cases, log, seed, negatives)
    return Prepared(cases.reset_index(drop=True), log, drawn)


def usable(cases: pd.DataFrame, log: Log, hashes: pd.DataFrame | None = None) -> pd.DataFrame:
    """The cases without damaged files and exact duplicates, with ``group``, ``sha256``, ``phash``.

    ``group`` joins the patients of X-rays that look almost the same, also of those whose copy was
    dropped: they must stay in one part of a split. The other two tell these X-rays from others.
    """
    hashes = fingerprint(cases) if hashes is None else hashes.loc[cases["image_id"]]
    # Before any duplicate is dropped: it may be what ties two patients.
    cases = cases.assign(group=patient_groups(cases, near_duplicates(hashes)))
    cases[["sha256", "phash"]] = hashes[["sha256", "phash"]].to_numpy()
    return drop_exact_duplicates(drop_unreadable(cases, log, hashes), log, hashes)


def ten_xrays(cases: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Ten of the cases for the reader of notebook 01, one per group of patients, shuffled.

    Four to six of them are positive where there are as many: a reader who counts the calls so far
    cannot work out the last one. The same cases and seed give the same ten. Raises
    :class:`CXRLabError` where the cases have too few patients.
    """
    rng = np.random.RandomState(seed)
    # Sorted first, so that the draw depends on the cases alone and not on the order of the rows.
    ordered = cases.sort_values("image_id", ignore_index=True)
    one_each = ordered.groupby("group").sample(1, random_state=rng)
    positive, negative = (one_each[one_each["label"] == label] for label in (1, 0))
    if len(one_each) < TEN:
        raise CXRLabError(
            f"The X-rays are of {len(one_each)} patients, but ten are needed, one per X-ray. "
            "Name a folder with more X-rays in CXRLAB_DATA, or unset it to use phantoms."
        )
    count = min(max(int(rng.randint(4, 7)), TEN - len(negative)), len(positive))
    drawn = [positive.sample(count, random_state=rng)]
    drawn.append(negative.sample(TEN - count, random_state=rng))
    shuffled = pd.concat(drawn).sample(frac=1, random_state=np.random.RandomState([seed, TEN]))
    return shuffled.reset_index(drop=True)
