"""Pixels that stay on the disk: a file of them, mapped to an array, with steady memory."""

from __future__ import annotations

import math
import mmap
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np

from cxrlab.errors import CXRLabError
from cxrlab.files import workspace_root, written_beside
from cxrlab.memory import GIGABYTE, is_beyond_memory

PORTION = 256  # X-rays that are held in memory on their way from one file to another


def store(
    shape: tuple[int, ...], images: Iterable[np.ndarray], path: Path | None = None
) -> np.ndarray:
    """Write ``images`` one after the other and give an array, uint8 of ``shape``, mapped to them.

    ``path`` is a ``.npy`` file, there when it is whole or not at all; without it the pixels lie
    in a file of the workspace that vanishes with the array. Only one image at a time is held.
    Raises :class:`CXRLabError` where the disk has no room.
    """
    if path is None:
        folder = workspace_root()
        _check_room(shape, folder)
        with TemporaryFile(prefix="pixels-", dir=folder) as file:
            _write(file, images)
            return np.memmap(file, np.uint8, "r", shape=shape)
    _check_room(shape, Path(path).parent)
    with written_beside(path) as beside, open(beside, "wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(file, header)
        _write(file, images)
    return np.load(path, mmap_mode="r")


def is_stored(pixels: np.ndarray) -> bool:
    """Whether the pixels lie in a file."""
    return _map_of(pixels) is not None


def taken(pixels: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The rows at these positions; too many of a file for the memory go into another file."""
    if not is_stored(pixels):
        return pixels[positions]
    rows = np.arange(len(pixels))[positions]
    if not is_beyond_memory(len(rows) * math.prod(pixels.shape[1:])):
        return rows_of(pixels, rows)

    def images() -> Iterator[np.ndarray]:
        for start in range(0, len(rows), PORTION):
            yield from rows_of(pixels, rows[start : start + PORTION])

    return store((len(rows), *pixels.shape[1:]), images())


def rows_of(pixels: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """A copy in memory of the rows at these positions of a mapped file.

    What was read is handed back to the system at once. It may stay in the disk's cache, but no
    longer counts as held by this process.
    """
    rows = np.array(pixels[positions])
    mapped = _map_of(pixels)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        mapped.madvise(mmap.MADV_DONTNEED)
    return rows


def _map_of(pixels: np.ndarray) -> mmap.mmap | None:
    """The map of a file below an array or a view of one."""
    below = pixels
    while isinstance(below, np.ndarray):
        below = below.base
    return below if isinstance(below, mmap.mmap) else None


def _write(file: IO[bytes], images: Iterable[np.ndarray]) -> None:
    for image in images:
        file.write(np.ascontiguousarray(image, np.uint8).data)
    file.flush()


def _check_room(shape: tuple[int, ...], folder: Path) -> None:
    """Raise where the disk of ``folder`` has no room: better now than after an hour of reading."""
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = math.prod(shape), shutil.disk_usage(folder).free
    if needed > free:
        raise CXRLabError(
            f"{shape[0]:,} X-rays take {needed / GIGABYTE:.1f} GB, too much for the memory that "
            f"is free here, and the disk of {folder} has {free / GIGABYTE:.1f} GB left. Take "
            "fewer X-rays, free some space, or set CXRLAB_WORKSPACE to a folder on another disk."
        )
