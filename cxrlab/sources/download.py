"""Bringing files: whole or not at all, checked, a few at a time, and nothing trusted.

This module knows files, archives and the network, and nothing of X-rays: which files a source
needs is decided in :mod:`cxrlab.sources.fetching`.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from filelock import FileLock, Timeout
from remotezip import RangeNotSupported, RemoteZip, RemoteZipError
from requests.adapters import HTTPAdapter
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

import cxrlab
from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically

# Names a server that holds copies, for a classroom without internet and for tests.
MIRROR_VARIABLE = "CXRLAB_MIRROR"
LOCK = ".fetching.lock"
AT_ONCE = 4  # files
TIMEOUTS = (10, 30)  # seconds: for a connection, and for each next part of the body
TRIES = 4  # how often one thing is asked for before we give up
PAUSE = 1.0  # seconds before the third try, then twice as long each time
PASSING = (429, 500, 502, 503, 504)  # answers that are worth another try
LARGEST = 200_000_000  # bytes of one file; an X-ray has 1 to 10 million
SPARE = 50_000_000  # bytes that stay free on the disk, for whatever else runs
BROKE_OFF = (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError, EOFError)


class FetchError(CXRLabError):
    """A file that could not be brought. ``stops_all``: the next one would fail for the same."""

    def __init__(self, message: str, *, stops_all: bool = False) -> None:
        super().__init__(message)
        self.stops_all = stops_all


@dataclass(frozen=True)
class Wanted:
    """One file to bring: where it goes, what reads it, and what tells that it is the right one."""

    path: Path
    read: Callable[[], bytes]  # from the web, an archive or a folder
    check: Callable[[bytes], None]  # raises CXRLabError where the content is another
    size: int  # bytes, maybe an estimate


@dataclass
class Brought:
    """What became of many files."""

    new: list[Path] = field(default_factory=list)
    already: int = 0  # files that were whole before we began
    failed: dict[Path, str] = field(default_factory=dict)  # why


def bring_all(wanted: Sequence[Wanted], what: str) -> Brought:
    """Bring the files that are not there yet, a few at a time; ``what`` names the progress bar.

    A file gets its final name only when it is whole. One that fails does not stop the others,
    unless the next would fail for the same reason (no connection, a full disk).
    """
    missing = [one for one in wanted if not is_there(one)]
    found = Brought(already=len(wanted) - len(missing))
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
    with bar, ThreadPoolExecutor(AT_ONCE) as pool:
        task = bar.add_task(what, total=sum(one.size for one in missing))
        jobs = {pool.submit(_bring, one): one for one in missing}
        try:
            for job in as_completed(jobs):
                one = jobs[job]
                try:
                    job.result()
                    found.new.append(one.path)
                except CXRLabError as error:
                    found.failed[one.path] = str(error)
                    if getattr(error, "stops_all", False):
                        break
                bar.advance(task, one.size)
        finally:  # after Ctrl-C, too: what has come is kept, what has not begun is left
            pool.shutdown(wait=True, cancel_futures=True)
    return found


def is_there(one: Wanted) -> bool:
    """Whether the file lies in its place and passes its check."""
    try:
        one.check(one.path.read_bytes())
    except (OSError, CXRLabError):
        return False
    return True


def _bring(one: Wanted) -> None:
    data = one.read()
    one.check(data)
    write(one.path, data)


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises :class:`FetchError` where the disk refuses."""
    try:
        write_atomically(path, data)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        why = "the disk is full" if full else f"{error.strerror or error}"
        raise FetchError(
            f"{path.name} could not be written into {path.parent}: {why}. Free some space or "
            "choose another folder, and run this again: it goes on where it stopped.",
            stops_all=True,
        ) from error


def need_space(folder: Path, size: int) -> None:
    """Raise :class:`FetchError` where ``size`` more bytes do not fit on the disk of ``folder``."""
    free = shutil.disk_usage(folder).free - SPARE
    if free < size:
        raise FetchError(
            f"{decimal(size)} are to come, but the disk of {folder} has only "
            f"{decimal(max(free, 0))} to spare. Free some space or choose another folder."
        )


@contextmanager
def one_at_a_time(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Make ``folder`` and hold it for this process; another one that fetches into it waits."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        say(f"Another fetch into {folder} is running. Waiting until it is done.")
        lock.acquire()
    except OSError as error:
        raise FetchError(
            f"{folder} cannot be used: {error.strerror or error}. Choose a folder that you may "
            "write to."
        ) from error
    try:
        yield
    finally:
        lock.release()


def get(url: str, size: int | None = None) -> bytes:
    """The file at a web address, whole. ``size``: the bytes that it has to have, where known.

    Where a server is busy, fails in passing or breaks off, it is asked again. Raises
    :class:`FetchError` with the reason, and for a web page that came instead of the file.
    """
    for attempt in range(1, TRIES + 1):
        try:
            with session().get(at_mirror(url), stream=True, timeout=TIMEOUTS) as answer:
                answer.raise_for_status()
                return _body(answer, url, size)
        except requests.RequestException as error:
            if attempt == TRIES or not isinstance(error, BROKE_OFF):
                raise explain(error, url) from error
    raise AssertionError("the last try returns or raises")


def _body(answer: requests.Response, url: str, size: int | None) -> bytes:
    """The content of an answer. Raises :class:`FetchError` where it is not the file."""
    data = bytearray()
    for part in answer.iter_content(64 * 1024):
        data += part
        if len(data) > (size or LARGEST):
            break
    kind = answer.headers.get("Content-Type", "")
    if "html" in kind or data[:200].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise FetchError(
            f"{shown(url)} sent a web page instead of the file. A login or the sign-in page of "
            "this network may stand in between: open the address in a browser, then run this again."
        )
    if size not in (None, len(data)) or len(data) > LARGEST:
        raise FetchError(
            f"{shown(url)} has another size than the {size or LARGEST:,} bytes that were expected. "
            "It has changed at its source, or the server is wrong about its length."
        )
    return bytes(data)


@cache
def session() -> requests.Session:
    """The connection to all servers, which tries again where that helps (urllib3's Retry)."""
    again = urllib3.Retry(
        total=TRIES - 1,
        status_forcelist=PASSING,
        backoff_factor=PAUSE,
        respect_retry_after_header=False,  # some say an hour; then the reader tries again later
        raise_on_status=False,
    )
    found = requests.Session()
    found.headers["User-Agent"] = f"cxrlab/{cxrlab.__version__}"
    found.headers["Accept-Encoding"] = "identity"
    for scheme in ("http://", "https://"):
        found.mount(scheme, HTTPAdapter(max_retries=again))
    return found


def at_mirror(url: str) -> str:
    """The address to ask instead of ``url``, where ``CXRLAB_MIRROR`` names a server.

    With ``http://127.0.0.1:9000`` there, ``https://HOST/PATH?Q`` becomes
    ``http://127.0.0.1:9000/HOST/PATH?Q``. Raises :class:`CXRLabError` where it is no web address.
    """
    mirror = os.environ.get(MIRROR_VARIABLE)
    if not mirror:
        return url
    if urlsplit(mirror).scheme not in ("http", "https"):
        raise CXRLabError(
            f"{MIRROR_VARIABLE} is {mirror!r}, which is not a web address. It has to begin with "
            "http:// or https://, as in http://127.0.0.1:9000."
        )
    return f"{mirror.rstrip('/')}/{url.partition('://')[2]}"


class Archive:
    """A zip archive on this computer, or behind a web address, of which only parts travel.

    ``size`` is what one on the web has to have, in bytes. Each thread opens the archive for
    itself. Raises :class:`FetchError` where it is no zip archive or another one, or cannot be
    reached.
    """

    def __init__(self, place: Path | str, size: int | None = None) -> None:
        self.place, self._own = place, threading.local()
        try:
            opened = self._opened()
        except Exception as error:  # zipfile promises no list of what it raises on strangers' bytes
            raise explain(error, str(place)) from error
        if size is not None and opened.size() != size:
            raise FetchError(
                f"{shown(str(place))} has changed at its source: it has {opened.size():,} bytes, "
                f"where {size:,} were expected. Look for a newer version of the course."
            )
        self.members = opened.infolist()

    def read(self, member: zipfile.ZipInfo) -> bytes:
        """The content of a member, with its CRC-32 checked. Raises :class:`FetchError`."""
        if member.file_size > LARGEST:
            raise FetchError(f"{member.filename} would unpack to more than {decimal(LARGEST)}.")
        for attempt in range(1, TRIES + 1):
            try:
                data = self._opened().read(member)
                if len(data) != member.file_size:  # zipfile looks at the CRC alone
                    raise zipfile.BadZipFile("another length than the directory says")
                return data
            except Exception as error:
                self._own.zip = None  # after a broken connection it has to be opened again
                if attempt == TRIES or not isinstance(error, BROKE_OFF):
                    raise explain(error, str(self.place), member.filename) from error
        raise AssertionError("the last try returns or raises")

    def _opened(self) -> zipfile.ZipFile:
        if getattr(self._own, "zip", None) is None:
            if isinstance(self.place, Path):
                self._own.zip = zipfile.ZipFile(self.place)
            else:
                url = at_mirror(self.place)
                self._own.zip = RemoteZip(url, session=session(), timeout=TIMEOUTS)
        return self._own.zip


def explain(error: Exception, place: str, member: str = "") -> FetchError:
    """The sentence for whatever requests, remotezip or zipfile raised.

    ``place`` is the address or file, ``member`` what was read of an archive. The libraries' own
    text is left out: it may hold a proxy's password.
    """
    server = urlsplit(place).netloc.rpartition("@")[2]
    # remotezip gives the words of an error alone; the error itself stands behind it.
    cause = error.__context__ if isinstance(error, RemoteZipError) else error
    text = str(cause).lower()
    status = cause.response.status_code if isinstance(cause, requests.HTTPError) else None
    if isinstance(cause, requests.exceptions.ProxyError) or status == 407:
        said = (
            f"The proxy between this computer and {server} refused. It may want a name and a "
            "password: ask your network's support for the settings, and put them into HTTPS_PROXY "
            "and HTTP_PROXY."
        )
    elif isinstance(error, RangeNotSupported):
        said = (
            f"{server} sent no part of its archive, so single X-rays cannot be taken out of it; "
            "the login page of this network may stand in between. Download the archive whole in a "
            "browser, then name the file with --archive."
        )
    elif status in (429, 503):
        said = f"{server} had too many questions from here (it answered {status}). Try again later."
    elif isinstance(cause, requests.exceptions.SSLError):
        said = (
            f"The certificate of {server} was not accepted. A school's or clinic's network may "
            "read along: ask its support for the certificate and name it in REQUESTS_CA_BUNDLE."
        )
    elif isinstance(cause, requests.TooManyRedirects):
        said = f"{server} sends us round in a circle of redirects. Try again later."
    elif isinstance(cause, requests.RequestException) and "timed out" in text:
        said = f"{server} did not answer in time, {TRIES} times. Try again later."
    elif isinstance(cause, requests.ConnectionError):
        unknown = "resolve" in text or "getaddrinfo" in text
        why = "its name could not be found" if unknown else "no connection came about"
        said = (
            f"{server} cannot be reached: {why}. Connect this computer to the internet, or check "
            "its proxy settings, and run this again."
        )
    else:  # about this file alone
        gone = "is not there. It may have moved: look for a newer version of the course"
        closed = "may not be read from here. Open it in a browser: it may ask for an account"
        why = {404: gone, 410: gone, 401: closed, 403: closed}.get(status, "was refused")
        if status is None:
            why = "is damaged, or did not come whole. Run this again, what has come is kept"
        what = f"{member} in {shown(place)}" if member else shown(place)
        return FetchError(f"{what} {why}{f' (the server answered {status})' if status else ''}.")
    return FetchError(said, stops_all=True)


def shown(url: str) -> str:
    """An address or path as it may be printed: no password, and no token after the ``?``."""
    parts = urlsplit(url)
    return (
        f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else url
    )
