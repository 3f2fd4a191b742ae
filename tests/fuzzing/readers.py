"""Each reader of strangers' bytes, and what it promises: a result as described, or CXRLabError."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
from fuzzing import samples

from cxrlab.case_files import read_cases, read_squares
from cxrlab.errors import CXRLabError
from cxrlab.images import (
    LARGEST_AREA,
    REASONS,
    SMALLEST_SIDE,
    UnreadableImage,
    decode_bytes,
    load_square,
    read_image,
)
from cxrlab.sources import covid
from cxrlab.sources.download import Archive
from cxrlab.sources.fetching import normal_name
from cxrlab.sources.tables import FOLDERS
from cxrlab.splits import load_manifest
from cxrlab.tuning import recorded_search

READ = "read"
REFUSED = "refused"


class Broken(AssertionError):
    """A reader did not keep its promise."""


def check(kept: object, promise: str) -> None:
    """Raise :class:`Broken` unless the promise was kept (``assert`` can be switched off)."""
    if not kept:
        raise Broken(promise)


def read_one_image(data: bytes, folder: Path) -> str:
    """All ways of reading an image file agree: the same pixels, or the same reason."""
    path = folder / "case.img"
    path.write_bytes(data)
    try:
        header, pixels = decode_bytes(data, path)
    except UnreadableImage as error:
        check(error.reason in REASONS, f"{error.reason} is one of the reasons")
        for reader in (read_image, load_square):
            try:
                reader(path)
            except UnreadableImage as again:
                # decode_bytes is given the bytes, so that only it can be asked about an empty file.
                check(again.reason == error.reason or not data, f"{reader.__name__} agrees")
            else:
                raise Broken(f"{reader.__name__} refuses what decode_bytes refuses") from error
        return error.reason
    check(pixels.dtype == np.uint8 and pixels.ndim == 2, "grey values are uint8 of two axes")
    size = (header.height, header.width)
    check(pixels.shape in (size, size[::-1]), "the shape is that of the header")
    check(min(size) >= SMALLEST_SIDE and pixels.size <= LARGEST_AREA, "the size is acceptable")
    check(np.array_equal(read_image(path), pixels), "two readings give the same pixels")
    square = load_square(path)
    check(square.shape == (224, 224) and square.dtype == np.uint8, "the square is 224 by 224")
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
    homes = [(folder / name).resolve() for name in FOLDERS]
    for path in table["path"].dropna():
        real = Path(os.path.realpath(path))
        check(any(real.is_relative_to(home) for home in homes), f"{path!r} stays inside")
    return READ


def read_case_file(data: bytes, folder: Path) -> str:
    """Labels are 0 or 1, ages numbers of years, and every path is read or has a reason."""
    path = folder / "CASES.csv"
    path.write_bytes(data)
    cases = read_cases(path)
    check(set(cases["label"]) <= {0, 1} and len(cases), "labels are 0 or 1")
    check(cases["patient_id"].notna().all(), "everybody is some patient")
    if "age" in cases:
        check(cases["age"].dropna().between(0, 130).all(), "ages are those of people")
    pixels, reasons = read_squares(list(cases["path"][:20]))
    check(len(reasons) == len(cases[:20]), "every path has an answer")
    check(len(pixels) == reasons.count(None), "what was read has no reason")
    return READ


def read_manifest(data: bytes, folder: Path) -> str:
    """A manifest that is accepted gives exactly the cases, each once."""
    path = folder / "split.csv"
    path.write_bytes(data)
    ids = [f"i{n}" for n in range(7)]
    cases = pd.DataFrame({"image_id": ids, "patient_id": [f"p{n}" for n in range(7)]})
    cases["label"] = [0, 1, 0, 1, 0, 1, 1]
    split = load_manifest(path, cases)
    found = pd.concat(split.parts().values())
    check(sorted(found["image_id"]) == ids, "each case is in one part")
    return READ


def read_recording(data: bytes, folder: Path) -> str:
    """A recording that is accepted can be shown to its end."""
    path = folder / "recording.json"
    path.write_bytes(data)
    found, objective = recorded_search(path)
    check(objective in found.table, "each trial has its score")
    return READ


def read_archive(data: bytes, folder: Path) -> str:
    """Normal X-rays have harmless names, and what comes out has the size that was announced."""
    place = folder / "a.zip"
    place.write_bytes(data)
    archive, outcome = Archive(place), READ
    for member in archive.members[:10]:
        name = normal_name(member.filename)
        if name is None:
            continue
        inside = (folder / name).resolve().relative_to(folder.resolve()).as_posix()
        check(inside == name and inside.count("/") == 2, f"{name!r} is harmless")
        try:
            content = archive.read(member)
        except CXRLabError:
            outcome = "a member refused"
        else:
            check(len(content) == member.file_size, "the size is the announced one")
    return outcome


READERS: dict[str, Callable[[bytes, Path], str]] = {
    "image": read_one_image,
    "metadata": read_metadata,
    "cases": read_case_file,
    "manifest": read_manifest,
    "recording": read_recording,
    "archive": read_archive,
}


def outcome_of(sample: samples.Sample, data: bytes, folder: Path) -> str:
    """What became of ``data``: read, refused (for an image: why). All else escapes."""
    try:
        return READERS[sample.reader](data, folder)
    except CXRLabError as error:
        check(str(error).strip() and len(str(error)) < 20_000, "the message can be read")
        return REFUSED
