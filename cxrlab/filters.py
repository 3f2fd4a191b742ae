"""Which X-rays may we learn from? The filters, the audit of the files, and the cases that are left.

Notebook 02 takes these steps one by one; later notebooks and the command line take them here, by
:func:`prepare`.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from os.path import isfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cxrlab.errors import CXRLabError
from cxrlab.images import UnreadableImage, decode_bytes, read_bytes
from cxrlab.sources import EXTERNAL, ROLES, check_negatives, covid, filled_by, load_catalog
from cxrlab.sources.tables import is_covid19, is_normal

HASH_SIZE = 16  # a perceptual hash of 16 x 16 bits; chest X-rays look too alike for the usual 8 x 8
# Of 256 bits. Among 261,487 pairs of real X-rays of different patients half lie 120 apart and none
# of two different X-rays below 52; one and the same X-ray, found under two patients with a caption
# added, lies 44 and 46 apart. A copy at half the size or strongly compressed lies within 10, one
# turned by 1 degree within 42, one with 2 % cropped off every edge mostly within 54.
NEAR_DISTANCE = 46
COPY_DISTANCE = 10  # safe where nothing is known of the X-rays
TEN = 10  # X-rays for the reader of notebook 01

FINGERPRINT = {
    "problem": "string",  # why the file cannot be used, <NA> where it can
    **dict.fromkeys(("width", "height", "bytes"), "Int64"),
    **dict.fromkeys(("mode", "format"), "string"),
    "sha256": "string",  # of the file, 64 hexadecimal digits
    "phash": "string",  # of the pixels, 64 hexadecimal digits
}


class Prepared(NamedTuple):
    """Selected cases, and the ten for the reader, if asked for."""

    cases: pd.DataFrame
    ten: pd.DataFrame | None


def prepare(
    data: Path, negatives: str = "kermany", seed: int = 0, balanced: bool = True, ten: bool = False
) -> Prepared:
    """Load, filter, audit and balance the X-rays in ``data``.

    ``negatives``: ``kermany`` (the published children), ``adult`` or ``mixed``. With ``ten`` the
    X-rays of notebook 01 are drawn, and all of their patients are left out of the cases.
    Raises :class:`CXRLabError` where one of the classes comes out empty.
    """
    left: dict[str, int] = {}
    cases = usable(published_candidates(load_catalog(data, negatives), negatives, left))
    if cases["label"].nunique() < 2:
        left["usable"] = len(cases)
        raise CXRLabError(
            f"No X-rays of one class are left. Rows left by each step: {left}. "
            "Look at the columns finding, view, modality and path, and at the files."
        )
    drawn = ten_xrays(cases, seed) if ten else None
    if ten:
        cases = cases[~cases["group"].isin(drawn["group"])]
    if balanced:
        cases = balance(cases, seed, negatives)
    return Prepared(cases.reset_index(drop=True), drawn)


def published_candidates(
    catalog: pd.DataFrame, negatives: str = "kermany", left: dict[str, int] | None = None
) -> pd.DataFrame:
    """The published filters: COVID-19 PA X-rays and normal ones whose file is there.

    ``label`` is 1 for COVID-19 and 0 for normal; ``left`` is told how many rows each filter left.
    No file has been opened yet. The filter by view would drop every negative: the children's X-rays
    are all AP, and the adults' views are not stated. Of external sets, which hold all sorts, normal
    X-rays are taken from the front only: else a chest would be told by its view.
    """
    there = set(catalog["source"])
    sources = [name for role in check_negatives(negatives) for name in filled_by(role, there)]
    frontal = catalog["view"].str.match(r"(?:PA|AP)\b") & (catalog["modality"] == "X-ray")
    own = catalog["source"].isin(sources) & (frontal | ~catalog["source"].isin(EXTERNAL))
    has_file = catalog["path"].fillna("").map(isfile)  # an unsafe file name has no path
    kept = {1: catalog["source"] == covid.NAME, 0: own}
    steps = [
        (1, "COVID-19", is_covid19(catalog["finding"])),
        (1, "X-ray", catalog["modality"] == "X-ray"),
        (1, "PA", catalog["view"] == "PA"),
        (1, "COVID-19, file is there", has_file),
        (0, "normal", is_normal(catalog["finding"])),
        (0, "normal, file is there", has_file),
    ]
    for label, name, right in steps:
        kept[label] &= right.fillna(False).astype(bool)
        if left is not None:
            left[name] = int(kept[label].sum())
    tables = [catalog[rows].assign(label=label) for label, rows in kept.items()]
    return pd.concat(tables, ignore_index=True).astype({"label": "Int64"})


def usable(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases that can be read, each X-ray once, with ``group``, ``sha256`` and ``phash``.

    ``group`` joins the patients of X-rays that look almost the same: they must stay in one part of
    a split. Of files with the same content the first by ``image_id`` stays; where it stands under
    both labels nobody knows which is true: all go.
    """
    hashes = fingerprint(cases)
    # Before any duplicate is dropped: it may be what ties two patients.
    cases = cases.assign(group=patient_groups(cases, near_duplicates(hashes)))
    cases[["sha256", "phash"]] = hashes[["sha256", "phash"]].to_numpy()
    cases = cases[hashes["problem"].isna().to_numpy()]
    contradicted = cases.groupby("sha256")["label"].transform("nunique") > 1
    first = cases.sort_values("image_id").drop_duplicates("sha256")["image_id"]
    return cases[~contradicted & cases["image_id"].isin(first)]


def patient_groups(cases: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series:
    """The group of each case: its patient, joined with the patients who share a duplicate.

    ``pairs``: image_ids of duplicates, columns ``first`` and ``second``, as from
    ``near_duplicates``; a pair of images that are not among the cases ties, too. A group bears the
    first of its patients' names, so that the order of the rows does not matter. Raises
    :class:`CXRLabError` where a case has no patient.
    Example: ``cases["group"] = patient_groups(cases, near_duplicates(fingerprints))``.
    """
    patients = as_names(cases, "patient_id")
    # People and images are the knots of a net; each case and each pair ties two of them.
    people, images = "person " + patients, "image " + as_names(cases, "image_id")
    first, second = ("image " + as_names(pairs, column) for column in ("first", "second"))
    knots, names = pd.factorize(pd.concat([people, first, images, second]).to_numpy(object))
    one, other = np.split(knots, 2)
    net = coo_array((np.ones(len(one)), (one, other)), shape=(len(names), len(names)))
    group = connected_components(net, directed=False)[1][one[: len(cases)]]
    return patients.groupby(group).transform("min").rename("group")


def as_names(cases: pd.DataFrame, column: str) -> pd.Series:
    """A column of names as text (:func:`as_text`). Raises :class:`CXRLabError` where one is
    missing: such cases cannot be placed.
    """
    names = as_text(cases[column])
    if unknown := names.isna().sum():
        raise CXRLabError(
            f"{unknown} of {len(cases)} cases have no {column}. "
            "Give each of them one of its own, or drop them."
        )
    return names


def as_text(names: pd.Series) -> pd.Series:
    """Names however they were typed: 12, 12.0, "12" and " 12 " are one, and a blank is none."""
    text = names.astype("string").str.strip().str.replace(r"^(\d+)\.0$", r"\1", regex=True)
    return text.mask(text == "").astype(object)


def balance(cases: pd.DataFrame, seed: int = 0, negatives: str = "kermany") -> pd.DataFrame:
    """As many negatives as positives: a random choice (``seed``), whatever the order of the rows.

    With ``negatives="mixed"`` children and adults are half of the negatives each. With one source
    of negatives it is the choice of ``cases.groupby("label").sample(n, random_state=seed)``.
    """
    roles = check_negatives(negatives)
    ordered = cases.sort_values("image_id", ignore_index=True)
    role = ordered["source"].map({name: role for role in roles for name in ROLES[role]})
    healthy = ordered[(ordered["label"] == 0) & role.notna()]
    positive = ordered[ordered["label"] == 1]
    # The scarcest role limits the others, and with them the positives.
    pools = healthy.groupby(role[healthy.index])
    sizes = pools.size().reindex(list(roles), fill_value=0)
    each = min([len(positive) // len(roles), *sizes])
    draw = np.random.RandomState(seed)
    chosen = pools.sample(each, random_state=draw)["image_id"].to_list()
    chosen += positive.sample(each * len(roles), random_state=draw)["image_id"].to_list()
    return cases[cases["image_id"].isin(chosen)]


def ten_xrays(cases: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Ten of the cases for the reader of notebook 01, one per group of patients, shuffled.

    Four to six of them are positive where there are as many: a reader who counts the calls so far
    cannot work out the last one. Raises :class:`CXRLabError` where there are too few patients.
    """
    rng = np.random.RandomState(seed)
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


# --- the audit of the files --------------------------------------------------------------------


def fingerprint(cases: pd.DataFrame) -> pd.DataFrame:
    """Read every file once: header, hash of the file, perceptual hash of the pixels, problem.

    Indexed by ``image_id``, columns as in ``FINGERPRINT``, in the order of ``cases``. Missing and
    unreadable files get a ``problem`` and are never fatal.
    Example: ``fingerprint(cases)["problem"].value_counts()``.
    """
    unsafe = cases.get("problem", pd.Series(index=cases.index)).astype(object)
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
        row = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        header, pixels = decode_bytes(data, path)
    except UnreadableImage as error:
        return row | {"problem": error.reason}
    phash = imagehash.phash(Image.fromarray(pixels), hash_size=HASH_SIZE)
    return row | header | {"phash": str(phash)}


def near_duplicates(fingerprints: pd.DataFrame, distance: int = NEAR_DISTANCE) -> pd.DataFrame:
    """Pairs of images whose perceptual hashes differ in at most ``distance`` of 256 bits.

    Columns ``first``, ``second`` (image_ids), ``distance``; exact duplicates come at 0. All pairs
    are compared: of 60,000 images in two minutes, which takes less time than reading them.
    Example: ``pairs = near_duplicates(fingerprint(cases))``.
    """
    hashes = fingerprints["phash"].dropna()
    words, pairs = _words(hashes), [np.empty((0, 3), dtype=int)]
    for row in range(len(words) - 1):
        apart = np.bitwise_count(words[row + 1 :] ^ words[row]).sum(axis=1, dtype=int)
        near = np.flatnonzero(apart <= distance)
        pairs.append(np.column_stack([np.full_like(near, row), near + row + 1, apart[near]]))
    first, second, apart = np.concatenate(pairs).T
    names = hashes.index.to_numpy()
    found = pd.DataFrame({"first": names[first], "second": names[second], "distance": apart})
    return found.sort_values(["distance", "first", "second"], ignore_index=True)


def seen_before(phash: pd.Series, learned: pd.Series, distance: int = COPY_DISTANCE) -> np.ndarray:
    """Whether each image is a copy of one of ``learned``: bool, shape (n,). Both are ``phash``."""
    known, seen = _words(learned.dropna()), phash.notna().to_numpy(copy=True)
    nearest = [
        np.bitwise_count(known ^ word).sum(axis=1, dtype=int).min(initial=HASH_SIZE**2)
        for word in _words(phash[seen])
    ]
    seen[seen] = np.array(nearest) <= distance
    return seen


def without_known(cases: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """The cases without those that show an X-ray of ``known`` again, or almost: they would leak.

    The files are read where ``phash`` is not there. Crops of more than 2 % are not recognised.
    Example: ``elsewhere = without_known(EXTERNAL["covid-cxnet"].load(folder), cases)``
    """
    ours, theirs = (
        table["phash"] if "phash" in table else fingerprint(table)["phash"]
        for table in (cases, known)
    )
    return cases[~seen_before(ours, theirs, NEAR_DISTANCE)]


def _words(hashes: pd.Series) -> np.ndarray:
    """Perceptual hashes as bits, uint64 (n, 4)."""
    words = np.array([list(bytes.fromhex(text)) for text in hashes], dtype=np.uint8)
    return words.reshape(len(hashes), HASH_SIZE**2 // 8).view(np.uint64)
