"""Which X-rays may we learn from? Filters that keep account, and the audit of the files.

Every filter takes a table and a log, returns the rows that it keeps and adds a :class:`Step` to the
log. The audit reads every file once: fingerprints, and pairs of images that look the same.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from os.path import isfile
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from cxrlab.errors import CXRLabError
from cxrlab.images import UnreadableImage, decode_bytes, read_bytes
from cxrlab.sources import EXTERNAL, ROLES, check_negatives, covid, filled_by
from cxrlab.sources.tables import is_covid19, is_normal

# The branches of the workflow.
POSITIVES, NEGATIVES, BOTH = "COVID-19", "normal", "both"

HASH_SIZE = 16  # a perceptual hash of 16 x 16 bits; chest X-rays look too alike for the usual 8 x 8
# Of 256 bits. Among 261,487 pairs of real X-rays of different patients half lie 120 apart and none
# of two different X-rays below 52; one and the same X-ray, found under two patients with a caption
# added, lies 44 and 46 apart. A copy at half the size or strongly compressed lies within 10, one
# turned by 1 degree within 42, one with 2 % cropped off every edge mostly within 54.
NEAR_DISTANCE = 46
COPY_DISTANCE = 10  # safe where nothing is known of the X-rays
MOST_COMPARED = 20_000  # images; every one is compared with every other

FINGERPRINT = {
    "problem": "string",  # why the file cannot be used, <NA> where it can
    "width": "Int64",
    "height": "Int64",
    "mode": "string",
    "format": "string",
    "bytes": "Int64",
    "sha256": "string",  # of the file, 64 hexadecimal digits
    "phash": "string",  # of the pixels, 64 hexadecimal digits
}


class Step(NamedTuple):
    """What one filter did: how many rows there were before and after it, and ``why``."""

    branch: str
    name: str
    before: int
    after: int
    why: str


Log = list[Step]


def _keep(
    cases: pd.DataFrame, kept: pd.Series, log: Log, name: str, why: str, branch: str
) -> pd.DataFrame:
    """The rows where ``kept`` holds (missing counts as no), with the step written down."""
    left = cases[kept.astype("boolean").fillna(False).to_numpy(dtype=bool)]
    log.append(Step(branch, name, len(cases), len(left), why))
    return left


# The published filters of the COVID-19 source: what is kept, why the others go, and the test.
# The children's X-rays are all AP and the adults' views are not stated: there the filter by view
# would drop every negative.
PUBLISHED: tuple[tuple[str, str, Callable[[pd.DataFrame], pd.Series]], ...] = (
    ("COVID-19", "another finding", lambda cases: is_covid19(cases["finding"])),
    ("X-ray", "another modality (CT)", lambda cases: cases["modality"] == "X-ray"),
    ("posteroanterior (PA)", "another view (AP, lateral ...)", lambda cases: cases["view"] == "PA"),
)


def keep_normal(cases: pd.DataFrame, log: Log) -> pd.DataFrame:
    """Rows without a finding (``Normal`` or ``No Finding``).

    Of an external set, which holds all sorts, only frontal X-rays: from the side, or from nobody
    knows where, a chest would be told by its view.
    """
    keep, why = is_normal(cases["finding"]), "another finding"
    lent = cases["source"].isin(EXTERNAL)
    if lent.any():
        frontal = cases["view"].str.match(r"(?:PA|AP)\b").fillna(False)
        keep &= ~lent | (frontal & (cases["modality"] == "X-ray"))
        why += ", or (external sets) no frontal X-ray"
    return _keep(cases, keep, log, "normal", why, NEGATIVES)


def drop_missing(cases: pd.DataFrame, log: Log, branch: str) -> pd.DataFrame:
    """Rows whose file is in the folder; rows with an unsafe or no file name go, too."""
    unnamed = cases["path"].isna()
    here = pd.Series(list(map(isfile, cases["path"].fillna(""))), cases.index, dtype=bool)
    why = f"{(~here & ~unnamed).sum()} not in the folder"
    if unnamed.any():
        why += f", {unnamed.sum()} with an unsafe file name or none"
    return _keep(cases, here, log, "file is there", why, branch)


def drop_unreadable(cases: pd.DataFrame, log: Log, fingerprints: pd.DataFrame) -> pd.DataFrame:
    """Rows whose file can be decoded, according to :func:`fingerprint`."""
    problem = cases["image_id"].map(fingerprints["problem"])
    counts = problem.value_counts()
    why = ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "none unreadable"
    return _keep(cases, problem.isna(), log, "readable", why, BOTH)


def drop_exact_duplicates(
    cases: pd.DataFrame, log: Log, fingerprints: pd.DataFrame
) -> pd.DataFrame:
    """One row of those with the same file content, the first by ``image_id``.

    Where the same content stands under both labels nobody knows which is true: all of it goes.
    """
    content = cases["image_id"].map(fingerprints["sha256"])
    contradicted = cases.groupby(content)["label"].transform("nunique") > 1
    order = cases["image_id"].argsort().to_numpy()  # positions: an index may repeat
    again = np.zeros(len(cases), dtype=bool)
    again[order] = content.iloc[order].duplicated()
    why = f"{(again & ~contradicted).sum()} the same file again"
    if contradicted.any():
        why += f", {contradicted.sum()} the same file under both labels"
    return _keep(cases, ~again & ~contradicted, log, "no exact duplicates", why, BOTH)


def balance(
    cases: pd.DataFrame, log: Log, seed: int = 0, negatives: str = "kermany"
) -> pd.DataFrame:
    """As many negatives as positives: a random choice (``seed``) from the larger class.

    With ``negatives="mixed"`` children and adults are half of the negatives each. The choice
    depends on the images alone and not on the order of the rows. With one source of negatives it
    is that of ``cases.groupby("label").sample(n, random_state=seed)``.
    """
    groups = check_negatives(negatives)
    ordered = cases.sort_values("image_id", ignore_index=True)
    group = ordered["source"].map({name: group for group in groups for name in ROLES[group]})
    healthy = ordered[(ordered["label"] == 0) & group.notna()]
    positive = ordered[ordered["label"] == 1]
    # The scarcest group limits its share, and with it the other groups and the positives.
    pools = healthy.groupby(group[healthy.index])
    sizes = pools.size().reindex(list(groups), fill_value=0)
    share = min([len(positive) // len(groups), *sizes])
    draw = np.random.RandomState(seed)
    chosen = pools.sample(share, random_state=draw)["image_id"].to_list()
    chosen += positive.sample(share * len(groups), random_state=draw)["image_id"].to_list()
    counts = cases["label"].value_counts()
    why = f"{counts.get(1, 0)} COVID-19 and {counts.get(0, 0)} normal made "
    why += f"{share * len(groups)} of each"
    return _keep(cases, cases["image_id"].isin(chosen), log, "balanced 1:1", why, BOTH)


def published_candidates(
    catalog: pd.DataFrame, negatives: str = "kermany", log: Log | None = None
) -> pd.DataFrame:
    """The published filters: COVID-19 PA X-rays and normal ones whose file is there.

    ``label`` is 1 for COVID-19 and 0 for normal. No file has been opened yet.
    """
    log = [] if log is None else log
    positive = catalog[catalog["source"] == covid.NAME]
    for name, why, test in PUBLISHED:
        positive = _keep(positive, test(positive), log, name, why, POSITIVES)
    positive = drop_missing(positive, log, POSITIVES)
    there = set(catalog["source"])
    sources = [name for group in check_negatives(negatives) for name in filled_by(group, there)]
    normal = keep_normal(catalog[catalog["source"].isin(sources)], log)
    normal = drop_missing(normal, log, NEGATIVES)
    both = pd.concat([positive, normal], ignore_index=True)
    return both.assign(label=is_covid19(both["finding"]).astype("Int64"))


def nothing_left(log: Log) -> CXRLabError:
    """The error for a selection without cases: which step emptied a branch."""
    emptied = next((step for step in log if step.after == 0 < step.before), None)
    if emptied is None:
        return CXRLabError("The catalog is empty, so no cases can be selected from it.")
    return CXRLabError(
        f"No X-rays are left in the branch {emptied.branch!r} after the step {emptied.name!r}, "
        f"which dropped all {emptied.before} ({emptied.why}). Look at the columns finding, view, "
        "modality and path of the catalog."
    )


def fingerprint(cases: pd.DataFrame) -> pd.DataFrame:
    """Read every file once: header, hash of the file, perceptual hash of the pixels, problem.

    Indexed by ``image_id``, columns as in ``FINGERPRINT``, in the order of ``cases``. Missing and
    unreadable files get a ``problem`` and are never fatal.

    Example: ``fingerprint(cases)["problem"].value_counts()``.
    """
    unsafe = cases["problem"] if "problem" in cases else pd.Series(pd.NA, index=cases.index)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # Pillow and hashlib allow it
        rows = list(pool.map(_fingerprint_file, cases["path"], unsafe.fillna("missing")))
    index = pd.Index(cases["image_id"], name="image_id")
    return pd.DataFrame(rows, index=index, columns=list(FINGERPRINT)).astype(FINGERPRINT)


def _fingerprint_file(path: str | None, problem: str) -> dict[str, object]:
    """One row of :func:`fingerprint`: of the file, or the problem where there is no path."""
    import imagehash

    if pd.isna(path):
        return {"problem": problem}
    row: dict[str, object] = {}
    try:
        data = read_bytes(path)
        row |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        header, pixels = decode_bytes(data, path)
    except UnreadableImage as error:
        return row | {"problem": error.reason}
    phash = imagehash.phash(Image.fromarray(pixels), hash_size=HASH_SIZE)
    return row | header._asdict() | {"phash": str(phash)}


def near_duplicates(fingerprints: pd.DataFrame, distance: int = NEAR_DISTANCE) -> pd.DataFrame:
    """Pairs of images whose perceptual hashes differ in at most ``distance`` of 256 bits.

    Columns ``first``, ``second`` (image_ids), ``distance``; exact duplicates come at 0. Every
    pair is compared, which is too slow for more than ``MOST_COMPARED`` images: of those only
    pairs at 0 are found. Example: ``pairs = near_duplicates(fingerprint(cases))``.
    """
    hashes = fingerprints["phash"].dropna()
    words, pairs = _words(hashes), [np.empty((0, 3), dtype=int)]
    if len(hashes) <= MOST_COMPARED:
        for row in range(len(words) - 1):
            apart = np.bitwise_count(words[row + 1 :] ^ words[row]).sum(axis=1, dtype=int)
            near = np.flatnonzero(apart <= distance)
            pairs.append(np.column_stack([np.full_like(near, row), near + row + 1, apart[near]]))
    else:
        _, first, same = np.unique(hashes.to_numpy(object), return_index=True, return_inverse=True)
        again = np.setdiff1d(np.arange(len(hashes)), first)
        pairs.append(np.column_stack([first[same[again]], again, np.zeros_like(again)]))
    first, second, apart = np.concatenate(pairs).T
    names = hashes.index.to_numpy()
    found = pd.DataFrame({"first": names[first], "second": names[second], "distance": apart})
    return found.sort_values(["distance", "first", "second"], ignore_index=True)


def seen_before(phash: pd.Series, learned: pd.Series) -> np.ndarray:
    """Whether each image is a copy of one of ``learned``: bool, shape (n,). Both are ``phash``."""
    known, seen = _words(learned.dropna()), phash.notna().to_numpy(copy=True)
    nearest = [
        np.bitwise_count(known ^ word).sum(axis=1, dtype=int).min(initial=HASH_SIZE**2)
        for word in _words(phash[seen])
    ]
    seen[seen] = np.array(nearest) <= COPY_DISTANCE
    return seen


def _words(hashes: pd.Series) -> np.ndarray:
    """Perceptual hashes as bits, uint64 (n, 4)."""
    words = np.array([list(bytes.fromhex(text)) for text in hashes], dtype=np.uint8)
    return words.reshape(len(hashes), HASH_SIZE**2 // 8).view(np.uint64)
