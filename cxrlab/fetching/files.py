"""Fetching files from the web: one or many, resumed, checked, and renamed only when whole."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import requests

from cxrlab.errors import CXRLabError
from cxrlab.fetching import web
from cxrlab.fetching.faults import FetchError, need_space, shown, size_text, writing
from cxrlab.fetching.partial import Part
from cxrlab.fetching.together import Failure, Fetched, Tally, one_process, run_together

__all__ = ["Failure", "FetchError", "Fetched", "Wanted", "fetch_file", "fetch_files"]

LARGEST = 5_000_000_000  # bytes: no body may grow past this where its size is unknown
WEB_PAGES = {".html", ".htm", ".xhtml"}


@dataclass(frozen=True)
class Wanted:
    """One file to bring.

    ``check`` gets the file before it has its final name (it ends in ``.part``) and raises
    ``CXRLabError`` where the content is not what it should be.
    """

    url: str  # the real address; a mirror is looked up on the way
    path: Path  # where it goes, absolute
    size: int | None = None  # bytes, where known
    sha256: str | None = None  # hexadecimal, where known
    check: Callable[[Path], None] | None = None


def fetch_file(wanted: Wanted, on_bytes: Callable[[int], None] = lambda number: None) -> int:
    """Bring one file, unless it is there; give the bytes that travelled.

    A file that is there but has another size or hash, or fails its check, is fetched anew and
    replaced once the new one is whole. ``on_bytes`` gets the bytes as they come. Where it breaks
    off, the next call goes on with ``NAME.part`` if the file is still the same at the server.
    Raises :class:`FetchError`; under the final name lies then what lay there before.
    """
    with one_process([wanted.path.parent]):
        return 0 if is_there(wanted) else _bring(wanted, on_bytes)


def fetch_files(
    wanted: Sequence[Wanted], what: str, at_once: int = 6, total_bytes: int | None = None
) -> Fetched:
    """Bring many files, ``at_once`` at a time, with one line that tells how far we are.

    ``what`` begins that line. ``total_bytes`` is what all of them have together, where the sizes
    in ``wanted`` do not say. A file that fails is noted in ``failed`` and does not stop the
    others. Raises :class:`FetchError` for what would stop them all: a full disk, no connection,
    a proxy that refuses, a server that asks to be left alone. What has come is kept.
    """
    wanted = list({one.path: one for one in wanted}.values())
    missing = [one for one in wanted if not one.path.exists()]
    sizes = [one.size for one in wanted]
    if total_bytes is None and None not in sizes:
        total_bytes = sum(sizes)
    if missing:
        known = sum(one.size or 0 for one in missing)
        if not known and total_bytes and len(missing) == len(wanted):
            known = total_bytes
        need_space(missing[0].path.parent, known)
    with one_process(one.path.parent for one in wanted):
        tally = Tally(what, len(wanted), total_bytes)

        def bring(one: Wanted) -> bool:
            if is_there(one):
                tally.was_there(one.path, one.path.stat().st_size)
                return False
            _bring(one, tally.came)
            return True

        jobs = [partial(tally.try_one, one.url, one.path, partial(bring, one)) for one in wanted]
        return run_together(jobs, tally, at_once)


def is_there(wanted: Wanted) -> bool:
    """Whether the file lies in its place, of the right size and hash, and passes its check."""
    path = wanted.path
    if not path.is_file():
        return False
    with writing(path):
        if wanted.size is not None and path.stat().st_size != wanted.size:
            return False
        if wanted.sha256 is not None:
            return sha256_of(path) == wanted.sha256.lower()
    try:
        if wanted.check is not None:
            wanted.check(path)
    except CXRLabError:
        return False
    return True


def sha256_of(path: Path) -> str:
    """The hash of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bring(wanted: Wanted, on_bytes: Callable[[int], None]) -> int:
    """:func:`fetch_file` for whoever holds the folder already."""
    part = Part(wanted.path, wanted.url)
    travelled = 0

    def count(number: int) -> None:
        nonlocal travelled
        travelled += number
        on_bytes(number)

    for attempt in range(1, web.TRIES + 1):
        try:
            _go_on(wanted, part, count)
            break
        except web.Interrupted as error:
            if attempt == web.TRIES:
                raise _broken_off(wanted, part, error) from error
            time.sleep(web.pause(attempt))
    _finish(wanted, part)
    return travelled


def _go_on(wanted: Wanted, part: Part, count: Callable[[int], None]) -> None:
    """Ask for what is missing and write it. Raises ``Interrupted`` where not all of it came."""
    come, proof, total = part.so_far() or (0, "", 0)
    if come and come == total:
        return
    headers = {"Range": f"bytes={come}-", "If-Range": proof} if come else {}
    with web.ask(wanted.url, headers) as answer:
        if answer.status_code != 200 and not _continues(answer, come, proof, total):
            part.remove()
            raise web.Interrupted("the file changed at the server while it came")
        wants_page = wanted.path.suffix.lower() in WEB_PAGES
        if not wants_page:
            web.refuse_web_page(answer, wanted.url)
        length = web.announced(answer)
        come = come if answer.status_code == 206 else 0
        whole = None if length is None else come + length
        if wanted.size is not None and whole not in (None, wanted.size):
            part.remove()
            raise _other_size(wanted, whole)
        need_space(wanted.path.parent, length or 0)
        limit = next(size for size in (wanted.size, whole, LARGEST) if size is not None)
        data = web.body(answer)
        first = next(data, b"")
        if come == 0 and not wants_page:
            web.refuse_web_page(answer, wanted.url, first)
        file = part.go_on() if come else part.begin(web.validator(answer), whole)
        # Around the closing too, which writes what is left.
        with writing(wanted.path), file:
            for some in chain([first], data):
                come += len(some)
                if come > limit:
                    part.remove()
                    raise _other_size(wanted, limit, at_least=True)
                file.write(some)
                count(len(some))
        due = whole if whole is not None else wanted.size
        if due is not None and come < due:
            raise web.Interrupted("the connection broke")


def _continues(answer: requests.Response, come: int, proof: str, total: int) -> bool:
    """Whether the answer is the rest of the very file of which ``come`` bytes are here."""
    span = web.content_range(answer)
    if answer.status_code != 206 or not come or span is None:
        return False
    return span == (come, total - 1, total) and web.validator(answer) in (None, proof)


def _finish(wanted: Wanted, part: Part) -> None:
    """Check the whole file, and give it its name or throw it away."""
    with writing(wanted.path):
        size = part.path.stat().st_size
        same = wanted.sha256 is None or sha256_of(part.path) == wanted.sha256.lower()
    try:
        if wanted.size is not None and size != wanted.size:
            raise _other_size(wanted, size)
        if not same:
            raise FetchError(
                f"{shown(wanted.url)} is not the file that was expected: its SHA-256 differs. It "
                "has changed at its source or was damaged on the way, so it was thrown away. Run "
                "this again, and if that does not help, tell the authors of the course."
            )
        if wanted.check is not None:
            wanted.check(part.path)
    except CXRLabError as error:
        part.remove()
        if isinstance(error, FetchError):
            raise
        raise FetchError(
            f"What came from {shown(wanted.url)} cannot be used and was thrown away. {error}"
        ) from error
    part.finish()


def _other_size(wanted: Wanted, size: int, at_least: bool = False) -> FetchError:
    said = f"{'more than ' if at_least else ''}{size:,} bytes"
    if wanted.size is not None:
        said += f", where {wanted.size:,} were expected"
    return FetchError(
        f"{shown(wanted.url)} has {said}. It has changed at its source, or the server is wrong "
        "about its length, so nothing was kept. Run this again, and if that does not help, tell "
        "the authors of the course."
    )


def _broken_off(wanted: Wanted, part: Part, error: web.Interrupted) -> FetchError:
    come = part.so_far()
    kept = (
        f"{size_text(come[0])} have come and are kept: run this again, it goes on there."
        if come
        else "Run this again."
    )
    return FetchError(
        f"{shown(wanted.url)} did not come whole: {error.reason}, {web.TRIES} times. {kept}"
    )
