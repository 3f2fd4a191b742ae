"""Each reader of strangers' bytes, and what it promises: a result as described, or CXRLabError."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from fuzzing import samples

from cxrlab.case_files import read_cases
from cxrlab.errors import CXRLabError
from cxrlab.images import (
    DICOM,
    LARGEST_AREA,
    MASK,
    SHALLOW,
    SMALLEST_SIDE,
    UnreadableImage,
    decode_bytes,
    load_square,
    read_image,
)
from cxrlab.sources import covid
from cxrlab.sources.download import contents
from cxrlab.sources.fetching import normal_name
from cxrlab.tuning import recorded_search

READ = "read"
REASONS = {"missing", "not a file", "no permission", "empty", "not an image", DICOM, "too small"}
REASONS |= {"too large", "animated", "truncated", "damaged", MASK, SHALLOW}


class Broken(AssertionError):
    """A reader did not keep its promise."""


def check(kept: object, promise: str) -> None:
    """Raise :class:`Broken` unless the promise was kept (``assert`` can be switched off)."""
    if not kept:
        raise Broken(promise)


def read_one_image(data: bytes, folder: Path) -> str:
    """The same pixels twice, of the header's shape; or a reason of the list."""
    path = folder / "case.img"
    path.write_bytes(data)
    try:
        header, pixels = decode_bytes(data, path)
    except UnreadableImage as error:
        check(error.reason in REASONS, f"{error.reason} is one of the reasons")
        return error.reason
    check(pixels.dtype == np.uint8 and pixels.ndim == 2, "grey values are uint8 of two axes")
    size = (header["height"], header["width"])
    check(pixels.shape in (size, size[::-1]), "the shape is that of the header")
    check(min(size) >= SMALLEST_SIDE and pixels.size <= LARGEST_AREA, "the size is acceptable")
    check(np.array_equal(read_image(path), pixels), "two readings give the same pixels")
    check(load_square(path).shape == (224, 224), "the square is 224 by 224")
    return READ


def read_metadata(data: bytes, folder: Path) -> str:
    """Every path of the catalog lies in the source's folder, whatever the table says."""
    (folder / "images").mkdir()
    with suppress(OSError):  # Windows lets few people make links
        # A way out, for names that pass through it.
        (folder / "images" / "up").symlink_to(folder.parent.parent)
    (folder / "metadata.csv").write_bytes(data)
    table = covid.load(folder)
    check(table["image_id"].is_unique, "ids are unique")
    check(table["age"].dropna().between(0, 130).all(), "ages are those of people")
    homes = [(folder / name).resolve() for name in covid.FOLDERS]
    for path in table["path"].dropna():
        real = Path(os.path.realpath(path))
        check(any(real.is_relative_to(home) for home in homes), f"{path!r} stays inside")
    return READ


def read_case_file(data: bytes, folder: Path) -> str:
    """Labels are 0 or 1, ages numbers of years, and what is not there has a reason."""
    path = folder / "CASES.csv"
    path.write_bytes(data)
    cases = read_cases(path)
    check(set(cases["label"]) <= {0, 1} and len(cases), "labels are 0 or 1")
    check(cases[["patient_id", "group"]].notna().all(axis=None), "everybody is some patient")
    check("age" not in cases or cases["age"].dropna().between(0, 130).all(), "ages are of people")
    check(cases["problem"].notna().all(), "no file is there, and that is said")
    return READ


def read_recording(data: bytes, folder: Path) -> str:
    """A recording that is accepted can be shown to its end."""
    path = folder / "recording.json"
    path.write_bytes(data)
    check("val_loss" in recorded_search(path).table, "each trial has its score")
    return READ


def read_archive(data: bytes, folder: Path) -> str:
    """Normal X-rays have harmless names, and each comes out or is refused."""
    place, outcome = folder / "a.zip", READ
    place.write_bytes(data)
    for inside, read, _ in contents(place)[:10]:
        if name := normal_name(inside):
            within = (folder / name).resolve().relative_to(folder.resolve()).as_posix()
            check(within == name and within.count("/") == 2, f"{name!r} is harmless")
            try:
                read()
            except CXRLabError:
                outcome = "a member refused"
    return outcome


READERS: dict[str, Callable[[bytes, Path], str]] = {
    "image": read_one_image,
    "metadata": read_metadata,
    "cases": read_case_file,
    "recording": read_recording,
    "archive": read_archive,
}


def outcome_of(sample: samples.Sample, data: bytes, folder: Path) -> str:
    """What became of ``data``: read, refused (for an image: why). All else escapes."""
    try:
        return READERS[sample.reader](data, folder)
    except CXRLabError as error:
        check(str(error).strip() and len(str(error)) < 20_000, "the message can be read")
        return "refused"
