"""Writing files so that nobody ever finds half of one."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cxrlab.errors import CXRLabError, refused
from cxrlab.hosts import workspace_here


@contextmanager
def writing(place: str | Path) -> Iterator[None]:
    """Say in a sentence what stands in the way: no right, no room, a file where a folder was named.

    Raises :class:`CXRLabError` for any ``OSError`` of what is done inside.
    """
    try:
        yield
    except OSError as error:
        raise refused(place, error, workspace_root()) from error


def make_folder(folder: Path) -> Path:
    """Make ``folder`` where it is missing. Raises :class:`CXRLabError` where that cannot be."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success rename it, on failure remove it.

    The temporary name keeps the suffix, because libraries choose a format by it.
    """
    path = Path(path)
    beside = make_folder(path.parent) / f".{uuid.uuid4().hex}{path.suffix}"
    with writing(path):
        try:
            yield beside
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def write_atomically(path: str | Path, data: bytes | str) -> Path:
    """Write ``data`` (text as UTF-8) so that ``path`` holds all of it or is left as it was."""
    if isinstance(data, str):  # a file's name may hold bytes that are no letters
        data = data.encode("utf-8", errors="backslashreplace")
    with written_beside(path) as beside:
        beside.write_bytes(data)
    return Path(path)


def write_json(path: str | Path, content: Any) -> Path:
    """Write ``content`` as indented JSON. Raises ``ValueError`` on NaN: undefined is null here."""
    return write_atomically(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file written by :func:`write_json`."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def workspace_root() -> Path:
    """The reader's folder for phantoms, models and searches: ``CXRLAB_WORKSPACE`` or the host's."""
    try:
        named = os.environ.get("CXRLAB_WORKSPACE") or workspace_here()
        return Path(named).expanduser().absolute()
    except RuntimeError as error:  # a user without a home, as in some containers
        raise CXRLabError(f"{error} Set CXRLAB_WORKSPACE to a folder of yours.") from error
