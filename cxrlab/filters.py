"""Which X-rays may we learn from? Filters that keep account, and the audit of the files.

Every filter takes a table and a :class:`FilterLog`, returns the rows that it keeps and writes
down how many it dropped and why. The audit reads every file once: fingerprints, and pairs of
images that look the same.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from os.path import isfile

import numpy as np
import pandas as pd
from PIL import Image

from cxrlab.errors import CXRLabError
from cxrlab.images import UnreadableImage, decode_bytes, read_bytes
from cxrlab.sources import EXTERNAL, ROLES, check_negatives, covid, filled_by
from cxrlab.sources.tables import is_covid19, is_normal

POSITIVES = "COVID-19"  # the branches of the workflow
NEGATIVES = "normal"
BOTH = "both"

HASH_SIZE = 16  # a perceptual hash of 16 x 16 bits; chest X-rays look too alike for the usual 8 x 8
# Of 256 bits. Among 261,487 pairs of real X-rays of different patients half lie 120 apart and none
# of two different X-rays below 52; one and the same X-ray, found under two patients with a caption
# added, lies 44 and 46 apart. A copy at half the size or strongly compressed lies within 10, one
# turned by 1 degree within 42, one with 2 % cropped off every edge mostly within 54.
NEAR_DISTANCE = 46
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


@dataclass(frozen=True)
class Step:
    """What one filter did: how many rows there were before and after it, and ``why``."""

    branch: str
    name: str
    before: int
    dropped: int
    after: int
    why: str


@dataclass
class FilterLog:
    """The steps of a filtering in the order in which they were taken."""

    steps: list[Step] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """One row per step: branch, step, before, dropped, after, why."""
        columns = ["branch", "name", "before", "dropped", "after", "why"]
        return pd.DataFrame(self.steps, columns=columns).rename(columns={"name": "step"})

    def keep(
        self, cases: pd.DataFrame, keep: pd.Series, name: str, why: str, branch: str
    ) -> pd.DataFrame:
        """The rows where ``keep`` holds (missing counts as no), with the step written down."""
        kept = cases[keep.astype("boolean").fillna(False).to_numpy(dtype=bool)]
        dropped = len(cases) - len(kept)
        self.steps.append(Step(branch, name, len(cases), dropped, len(kept), why))
        return kept


def keep_covid19(cases: pd.DataFrame, log: FilterLog, branch: str = POSITIVES) -> pd.DataFrame:
    """Rows whose finding names COVID-19, in either spelling."""
    return log.keep(cases, is_covid19(cases["finding"]), "COVID-19", "another finding", branch)


def keep_xray(cases: pd.DataFrame, log: FilterLog, branch: str = POSITIVES) -> pd.DataFrame:
    """X-rays; no computed tomography."""
    return log.keep(cases, cases["modality"] == "X-ray", "X-ray", "another modality (CT)", branch)


def keep_posteroanterior(
    cases: pd.DataFrame, log: FilterLog, branch: str = POSITIVES
) -> pd.DataFrame:
    """X-rays taken from back to front (PA).

    For the COVID-19 source only, as published: the children's X-rays are all AP, and the
    adults' views are not stated, so that the filter would drop every negative.
    """
    why = "another view (AP, lateral ...)"
    return log.keep(cases, cases["view"] == "PA", "posteroanterior (PA)", why, branch)


def keep_normal(cases: pd.DataFrame, log: FilterLog, branch: str = NEGATIVES) -> pd.DataFrame:
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
    return log.keep(cases, keep, "normal", why, branch)


def drop_missing(cases: pd.DataFrame, log: FilterLog, branch: str = BOTH) -> pd.DataFrame:
    """Rows whose file is in the folder; rows with an unsafe or no file name go, too."""
    unnamed = cases["path"].isna()
    here = pd.Series(list(map(isfile, cases["path"].fillna(""))), cases.index, dtype=bool)
    why = f"{(~here & ~unnamed).sum()} not in the folder"
    if unnamed.any():
        why += f", {unnamed.sum()} with an unsafe file name or none"
    return log.keep(cases, here, "file is there", why, branch)


def drop_unreadable(
    cases: pd.DataFrame, log: FilterLog, fingerprints: pd.DataFrame, branch: str = BOTH
) -> pd.DataFrame:
    """Rows whose file can be decoded, according to :func:`fingerprint`."""
    unknown = (~cases["image_id"].isin(fingerprints.index)).sum()
    if unknown:
        raise CXRLabError(
            f"{unknown} of {len(cases)} images have no fingerprint. Make the fingerprints from "
            "the same catalog: cxrlab.filters.fingerprint(catalog)."
        )
    problem = cases["image_id"].map(fingerprints["problem"])
    counts = problem.value_counts()
    why = ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "none unreadable"
    return log.keep(cases, problem.isna(), "readable", why, branch)


def drop_exact_duplicates(
    cases: pd.DataFrame, log: FilterLog, fingerprints: pd.DataFrame, branch: str = BOTH
) -> pd.DataFrame:
    """One row of those with the same file content, the first by ``image_id``.

    Where the same content stands under both labels nobody knows which is true: all of it goes.
    """
    content = cases["image_id"].map(fingerprints["sha256"])
    content = content.fillna(cases["image_id"])  # without a fingerprint: a content of its own
    contradicted = cases.groupby(content)["label"].transform("nunique") > 1
    order = cases["image_id"].argsort().to_numpy()  # positions: an index may repeat
    again = np.zeros(len(cases), dtype=bool)
    again[order] = content.iloc[order].duplicated()
    why = f"{(again & ~contradicted).sum()} the same file again"
    if contradicted.any():
        why += f", {contradicted.sum()} the same file under both labels"
    return log.keep(cases, ~again & ~contradicted, "no exact duplicates", why, branch)


def label_cases(cases: pd.DataFrame) -> pd.DataFrame:
    """The table with ``label``: 1 COVID-19, 0 normal, missing for any other finding."""
    label = pd.Series(pd.NA, index=cases.index, dtype="Int64")
    label[is_normal(cases["finding"])] = 0
    label[is_covid19(cases["finding"])] = 1
    return cases.assign(label=label)


def balance(
    cases: pd.DataFrame, log: FilterLog, seed: int = 0, negatives: str = "kermany"
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
    return log.keep(cases, cases["image_id"].isin(chosen), "balanced 1:1", why, BOTH)


def published_candidates(
    catalog: pd.DataFrame, negatives: str = "kermany", log: FilterLog | None = None
) -> pd.DataFrame:
    """The published filters: COVID-19 PA X-rays and normal ones whose file is there, labelled.

    Their files have not been opened yet; :func:`cxrlab.cases.select` does that.
    """
    log = FilterLog() if log is None else log
    positive = catalog[catalog["source"] == covid.NAME]
    for keep in (keep_covid19, keep_xray, keep_posteroanterior):
        positive = keep(positive, log)
    positive = drop_missing(positive, log, POSITIVES)
    there = set(catalog["source"])
    sources = [name for group in check_negatives(negatives) for name in filled_by(group, there)]
    normal = keep_normal(catalog[catalog["source"].isin(sources)], log)
    normal = drop_missing(normal, log, NEGATIVES)
    return label_cases(pd.concat([positive, normal], ignore_index=True))


def nothing_left(log: FilterLog) -> CXRLabError:
    """The error for a selection without cases: which step emptied a branch."""
    emptied = next((step for step in log.steps if step.after == 0 < step.before), None)
    if emptied is None:
        return CXRLabError("The catalog is empty, so no cases can be selected from it.")
    return CXRLabError(
        f"No X-rays are left in the branch {emptied.branch!r} after the step {emptied.name!r}, "
        f"which dropped all {emptied.before} ({emptied.why}). Look at log.table() and at the "
        "columns finding, view, modality and path of the catalog."
    )


def fingerprint(cases: pd.DataFrame) -> pd.DataFrame:
    """Read every file once: header, hash of the file, perceptual hash of the pixels, problem.

    Indexed by ``image_id``, columns as in ``FINGERPRINT``, in the order of ``cases``. Missing and
    unreadable files get a ``problem`` and are never fatal.
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
    row |= {"width": header.width, "height": header.height}
    row |= {"mode": header.mode, "format": header.format}
    return row | {"phash": str(imagehash.phash(Image.fromarray(pixels), hash_size=HASH_SIZE))}


def near_duplicates(fingerprints: pd.DataFrame, distance: int = NEAR_DISTANCE) -> pd.DataFrame:
    """Pairs of images whose perceptual hashes differ in at most ``distance`` of 256 bits.

    Columns ``first``, ``second`` (image_ids), ``distance``; exact duplicates come at 0. Every
    pair is compared: fine for thousands of images, too slow for more than ``MOST_COMPARED``, for
    which the table comes back empty.
    """
    hashes = fingerprints["phash"].dropna()
    pairs = [np.empty((0, 3), dtype=int)]
    if len(hashes) <= MOST_COMPARED:
        words = np.array([list(bytes.fromhex(text)) for text in hashes], dtype=np.uint8)
        words = words.reshape(len(hashes), HASH_SIZE**2 // 8).view(np.uint64)
        for row in range(len(words) - 1):
            apart = np.bitwise_count(words[row + 1 :] ^ words[row]).sum(axis=1, dtype=int)
            near = np.flatnonzero(apart <= distance)
            pairs.append(np.column_stack([np.full_like(near, row), near + row + 1, apart[near]]))
    first, second, apart = np.concatenate(pairs).T
    names = hashes.index.to_numpy()
    found = pd.DataFrame({"first": names[first], "second": names[second], "distance": apart})
    return found.sort_values(["distance", "first", "second"], ignore_index=True)
