"""What is in the files? Fingerprints, and pairs of images that look the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from PIL import Image

from cxrlab.images import UnreadableImage, decode, read_bytes

HASH_SIZE = 16  # a perceptual hash of 16 x 16 bits; chest X-rays look too alike for the usual 8 x 8
# Of 256 bits. Among 261,487 pairs of real X-rays of different patients half lie 120 apart and none
# of two different X-rays below 52; one and the same X-ray, found under two patients with a caption
# added, lies 44 and 46 apart. A copy at half the size or strongly compressed lies within 10, one
# turned by 1 degree within 42, one with 2 % cropped off every edge mostly within 54.
NEAR_DISTANCE = 46

MOST_COMPARED = 20_000  # images; every one is compared with every other

# Years: lower end and name of each band.
AGE_BANDS = {0: "0-5", 6: "6-17", 18: "18-39", 40: "40-59", 60: "60-79", 80: "80 and over"}
NOT_STATED = "not stated"

COLUMNS = {
    "problem": "string",  # why the file cannot be used, <NA> where it can
    "width": "Int64",
    "height": "Int64",
    "mode": "string",
    "format": "string",
    "bytes": "Int64",
    "sha256": "string",  # of the file, 64 hexadecimal digits
    "phash": "string",  # of the pixels, 64 hexadecimal digits
}


def fingerprint(
    cases: pd.DataFrame,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Read every file once: header, hash of the file, perceptual hash of the pixels, problem.

    Indexed by ``image_id``, columns as in ``COLUMNS``, in the order of ``cases``. Missing and
    unreadable files get a ``problem`` and are never fatal. ``progress`` is called with the
    number of files done and of all.
    """
    unsafe = cases["problem"] if "problem" in cases else pd.Series(pd.NA, index=cases.index)
    jobs = list(zip(cases["path"], unsafe.fillna("missing"), strict=True))
    workers = workers or min(8, os.cpu_count() or 1)
    rows = []
    with ThreadPoolExecutor(workers) as pool:  # Pillow and hashlib let other threads run
        for row in pool.map(_fingerprint_file, jobs):
            rows.append(row)
            if progress:
                progress(len(rows), len(jobs))
    index = pd.Index(cases["image_id"], name="image_id")
    return pd.DataFrame(rows, index=index, columns=list(COLUMNS)).astype(COLUMNS)


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


def _fingerprint_file(job: tuple[str, str]) -> dict[str, object]:
    """One row of :func:`fingerprint`: the path, or the problem where there is no path."""
    import imagehash

    path, problem = job
    if pd.isna(path):
        return {"problem": problem}
    row: dict[str, object] = {}
    try:
        data = read_bytes(path)
        row |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        header, pixels = decode(data, path)
    except UnreadableImage as error:
        return row | {"problem": error.reason}
    row |= {"width": header.width, "height": header.height}
    row |= {"mode": header.mode, "format": header.format}
    return row | {"phash": str(imagehash.phash(Image.fromarray(pixels), hash_size=HASH_SIZE))}
