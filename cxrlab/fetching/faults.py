"""What can go wrong on the way, each in a sentence that says what to do next."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from cxrlab.errors import CXRLabError

FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
SPARE = 50_000_000  # bytes that stay free on the disk, for whatever else runs


class FetchError(CXRLabError):
    """A file that could not be brought. ``stops_all``: the next one would fail for the same."""

    def __init__(self, message: str, *, stops_all: bool = False) -> None:
        super().__init__(message)
        self.stops_all = stops_all


def shown(url: str) -> str:
    """An address as it may be printed: without a password and without what follows the ``?``.

    A query may hold a signature or a token.
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def host(url: str) -> str:
    """The name of the server in an address."""
    return urlsplit(url).netloc.rpartition("@")[2]


def size_text(size: float) -> str:
    """``1,235,512,464`` bytes become ``1.2 GB``."""
    for unit, bytes_in_one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= bytes_in_one:
            number = size / bytes_in_one
            return f"{number:.1f} {unit}" if number < 10 else f"{number:,.0f} {unit}"
    return f"{size:.0f} bytes"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk refuses while ``path`` is written into a :class:`FetchError`."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) from error


def disk_error(error: OSError, path: Path) -> FetchError:
    """The sentence for an ``OSError`` at ``path``."""
    if error.errno in FULL:
        return FetchError(
            f"The disk is full: {path.name} could not be written whole into {path.parent}. "
            "Free some space there and run this again, it goes on where it stopped.",
            stops_all=True,
        )
    return FetchError(
        f"{path.name} could not be written into {path.parent}: {error.strerror or error}. "
        "Choose a folder that you may write to.",
        stops_all=True,
    )


def need_space(folder: Path, size: int) -> None:
    """Raise :class:`FetchError` where ``size`` more bytes would not fit on the disk of ``folder``.

    ``folder`` need not exist yet.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < size + SPARE:
        raise FetchError(
            f"{size_text(size)} are to come, but the disk of {folder} has only "
            f"{size_text(max(free - SPARE, 0))} to spare. Free some space or choose "
            "another folder.",
            stops_all=True,
        )
