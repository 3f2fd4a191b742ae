"""Parts of one file on the web, as remotezip asks for them, few and large, and counted."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import requests
from remotezip import PartialBuffer

from cxrlab.fetching import web
from cxrlab.fetching.faults import FetchError, shown

LARGEST_PART = 500_000_000  # bytes: what we hold in memory at once


class Ranges:
    """A remote file of which parts can be had.

    What is read while the archive is opened is kept, so that a second reader of the same archive
    asks for nothing. :meth:`hold` brings one more part, in a single request, and keeps it until
    the next.
    """

    def __init__(self, url: str, size: int | None = None) -> None:
        self.url = url
        self.size = size  # bytes of the whole file; where none is given, the server's word
        self.travelled = 0
        self.on_bytes: Callable[[int], None] = lambda number: None
        self._proof: str | None = None
        self._direct: str | None = None  # where the last redirect led
        self._kept: list[tuple[int, bytes]] = []
        self._held: tuple[int, bytes] = (0, b"")

    def copy(self) -> Ranges:
        """Another reader of the same file, for another thread."""
        other = Ranges(self.url, self.size)
        other._proof, other._direct, other._kept = self._proof, self._direct, list(self._kept)
        return other

    def as_fetcher(self, *_, **__) -> Ranges:
        """What :class:`remotezip.RemoteZip` calls to make its ``fetcher``."""
        return self

    def fetch(self, data_range: tuple[int, int | None], stream: bool = False) -> PartialBuffer:
        """The bytes of ``data_range``, both ends included, from memory where they are held."""
        if self.size is None:
            self._bring(0, 0)
        first, last = data_range
        if first < 0:
            first = max(self.size + first, 0)
        last = self.size - 1 if last is None else min(last, self.size - 1)
        for start, data in (self._held, *self._kept):
            if start <= first < start + len(data):
                part = data[first - start : last - start + 1]
                break
        else:
            part = self._bring(first, last)
            self._kept.append((first, part))
        return PartialBuffer(io.BytesIO(part), first, len(part), False)

    def hold(self, first: int, stop: int) -> None:
        """Bring the bytes from ``first`` up to ``stop``, which is not included."""
        self._held = (first, self._bring(first, stop - 1))

    def _bring(self, first: int, last: int) -> bytes:
        if not 0 <= last - first < LARGEST_PART:
            raise FetchError(
                f"{shown(self.url)} is no zip archive that can be read: it wants "
                f"{last - first + 1:,} bytes at once. It may be damaged."
            )
        come = bytearray()
        for attempt in range(1, web.TRIES + 1):
            try:
                self._ask(first, last, come)
                return bytes(come)
            except web.Interrupted as error:
                if attempt == web.TRIES:
                    raise FetchError(
                        f"A part of {shown(self.url)} did not come whole: {error.reason}, "
                        f"{web.TRIES} times. Run this again, what has come is kept."
                    ) from error
                time.sleep(web.pause(attempt))
        raise AssertionError("the last try returns or raises")

    def _ask(self, first: int, last: int, come: bytearray) -> None:
        """Add to ``come`` what it lacks. Raises ``Interrupted`` where not all of it came."""
        begin = first + len(come)
        headers = {"Range": f"bytes={begin}-{last}"}
        with web.ask(self.url, headers, self._direct) as answer:
            if answer.status_code == 200:
                web.refuse_web_page(answer, self.url)
                raise FetchError(
                    f"{web.host(self.url)} cannot send parts of a file, so single X-rays cannot be "
                    "taken out of its archive. Download the archive whole in a browser, then name "
                    "the file instead of the address.",
                    stops_all=True,
                )
            span = web.content_range(answer)
            self._check_same(answer, span)
            if answer.status_code == 416 and self.size == 0:
                raise FetchError(f"{shown(self.url)} is no zip archive: it is empty.")
            if span is None or span[0] != begin or span[1] > last:
                raise web.Interrupted("the server sent another part than was asked for")
            if answer.history:
                self._direct = answer.url
            for some in web.body(answer):
                come += some[: last + 1 - first - len(come)]
                self.travelled += len(some)
                self.on_bytes(len(some))
        if len(come) < last + 1 - first:
            raise web.Interrupted("the connection broke")

    def _check_same(self, answer: requests.Response, span: tuple[int, int, int] | None) -> None:
        """Raise :class:`FetchError` where the file is not the one that was expected."""
        named = answer.headers.get("Content-Range", "").rpartition("/")[2]  # "bytes */123" with 416
        if span is None and not named.isdecimal():
            return
        total, proof = int(named), web.validator(answer)
        if self.size is None:
            self.size = total
        if self._proof is None and span is not None:
            self._proof = proof
        if total != self.size:
            seen = f"it has {total:,} bytes, where {self.size:,} were expected"
        elif span is not None and proof not in (None, self._proof):
            seen = "its version is another"
        else:
            return
        raise FetchError(
            f"{shown(self.url)} has changed at its source: {seen}. Run this again, and if that "
            "does not help, tell the authors of the course.",
            stops_all=True,
        )
