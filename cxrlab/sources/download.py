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
BUSY = (429, 503)  # too many questions
PASSING = (*BUSY, 500, 502, 504)  # answers that are worth another try
LARGEST = 200_000_000  # bytes of one file; an X-ray has 1 to 10 million
SPARE = 50_000_000  # bytes that stay free on the disk, for whatever else runs
BROKE_OFF = (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError, EOFError)
PROXY = (
    "The proxy between this computer and {} refused. It may want a name and a password: ask your "
    "network's support for the settings, and put them into HTTPS_PROXY and HTTP_PROXY."
)
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


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
    bytes: int = 0  # of the new ones


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
                    found.bytes += job.result()
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


def _bring(one: Wanted) -> int:
    data = one.read()
    one.check(data)
    write(one.path, data)
    return len(data)


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises :class:`FetchError` where the disk refuses."""
    with writing_to(path):
        write_atomically(path, data)


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn what the disk refuses while ``path`` is written into a :class:`FetchError`."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            said = (
                f"The disk is full: {path.name} could not be written whole into {path.parent}. "
                "Free some space there and run this again, it goes on where it stopped."
            )
        else:
            said = (
                f"{path.name} could not be written into {path.parent}: {error.strerror or error}. "
                "Choose a folder that you may write to."
            )
        raise FetchError(said, stops_all=True) from error


def need_space(folder: Path, size: int) -> None:
    """Raise :class:`FetchError` where ``size`` more bytes do not fit on the disk of ``folder``."""
    free = shutil.disk_usage(folder).free - SPARE
    if free < size:
        raise FetchError(
            f"{size_text(size)} are to come, but the disk of {folder} has only "
            f"{size_text(max(free, 0))} to spare. Free some space or choose another folder."
        )


@contextmanager
def one_at_a_time(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Make ``folder`` and hold it for this process; another one that fetches into it waits."""
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"Another fetch into {folder} is running. Waiting until it is done.")
            lock.acquire()
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
                if answer.status_code != 200:
                    raise _refused(answer.status_code, url)
                return _body(answer, url, size)
        except requests.RequestException as error:
            if attempt == TRIES or not isinstance(error, BROKE_OFF):
                raise _no_answer(error, url) from error
    raise AssertionError("the last try returns or raises")


def _body(answer: requests.Response, url: str, size: int | None) -> bytes:
    """The content of an answer. Raises :class:`FetchError` where it is not the file."""
    data = bytearray()
    for part in answer.iter_content(64 * 1024):
        data += part
        if len(data) > (LARGEST if size is None else size):
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

    ``size`` is what it has to have, in bytes. Each thread opens the archive for itself. Raises
    :class:`FetchError` where it is no zip archive or another one, or cannot be reached.
    """

    def __init__(self, place: Path | str, size: int | None = None) -> None:
        self.place, self._own = place, threading.local()
        try:
            opened = self._opened()
        except Exception as error:  # zipfile promises no list of what it raises on strangers' bytes
            raise self._why(error) from error
        if size is not None and opened.size() != size:
            raise FetchError(
                f"{shown(str(place))} has changed at its source: it has {opened.size():,} bytes, "
                f"where {size:,} were expected. Look for a newer version of the course."
            )
        self.members = opened.infolist()

    def read(self, member: zipfile.ZipInfo) -> bytes:
        """The content of a member, with its CRC-32 checked. Raises :class:`FetchError`."""
        if member.file_size > LARGEST:
            raise FetchError(f"{member.filename} would unpack to more than {size_text(LARGEST)}.")
        for attempt in range(1, TRIES + 1):
            try:
                return self._opened().read(member)
            except Exception as error:
                self._own.zip = None  # after a broken connection it has to be opened again
                if attempt == TRIES or not isinstance(error, BROKE_OFF):
                    raise self._why(error, member.filename) from error
        raise AssertionError("the last try returns or raises")

    def _opened(self) -> zipfile.ZipFile:
        if getattr(self._own, "zip", None) is None:
            if isinstance(self.place, Path):
                self._own.zip = zipfile.ZipFile(self.place)
            else:
                url = at_mirror(self.place)
                self._own.zip = RemoteZip(url, session=session(), timeout=TIMEOUTS)
        return self._own.zip

    def _why(self, error: Exception, member: str = "") -> FetchError:
        """The sentence for whatever zipfile, remotezip or requests raised."""
        place = str(self.place)
        # remotezip gives the words of an error alone; the error itself stands behind it.
        cause = error.__context__ if isinstance(error, RemoteZipError) else error
        if isinstance(error, RangeNotSupported):
            return FetchError(
                f"{host(place)} sent no part of its archive, so single X-rays cannot be taken out "
                "of it; the login page of this network may stand in between. Download the archive "
                "whole in a browser, then name the file with --archive.",
                stops_all=True,
            )
        if isinstance(cause, requests.HTTPError):
            return _refused(cause.response.status_code, place)
        if isinstance(cause, (requests.RequestException, urllib3.exceptions.HTTPError)):
            return _no_answer(cause, place)
        what = f"{member} in {shown(place)} is damaged" if member else f"{place} is no zip archive"
        return FetchError(f"{what}, or did not come whole. Run this again, or name another copy.")


def _refused(status: int, url: str) -> FetchError:
    """The sentence for a status that is no success."""
    where = shown(url)
    if status == 407:
        return FetchError(PROXY.format(host(url)), stops_all=True)
    if status in BUSY:
        said = f"{host(url)} has too much to do or had too many questions from here (it answered"
        return FetchError(f"{said} {status}). Run this again later.", stops_all=True)
    if status in (404, 410):
        said = "is not there", "It may have moved: look for a newer version of the course."
    elif status in (401, 403):
        said = "may not be read from here", "Open it in a browser: it may ask for an account."
    else:
        said = "was refused", "Try again later."
    return FetchError(f"{where} {said[0]} (the server answered {status}). {said[1]}")


def _no_answer(error: Exception, url: str) -> FetchError:
    """The sentence for a server from which nothing came, or not all.

    The library's own text is left out: it may hold a proxy's password.
    """
    server, text = host(url), str(error).lower()
    if isinstance(error, requests.exceptions.ProxyError):
        said = PROXY.format(server)
    elif isinstance(error, requests.exceptions.SSLError):
        said = (
            f"The certificate of {server} was not accepted. A school's or clinic's network may "
            "read along: ask its support for the certificate and name it in REQUESTS_CA_BUNDLE."
        )
    elif isinstance(error, requests.TooManyRedirects):
        said = f"{server} sends us round in a circle of redirects. Try again later."
    elif isinstance(error, requests.Timeout) or "timed out" in text:
        said = f"{server} did not answer in time, {TRIES} times. Try again later."
    elif isinstance(error, BROKE_OFF):
        return FetchError(
            f"{shown(url)} did not come whole: the connection broke, {TRIES} times. Run this "
            "again, what has come is kept."
        )
    else:
        unknown = "resolve" in text or "getaddrinfo" in text
        why = "its name could not be found" if unknown else "no connection came about"
        said = (
            f"{server} cannot be reached: {why}. Connect this computer to the internet, or check "
            "its proxy settings, and run this again."
        )
    return FetchError(said, stops_all=True)


def shown(url: str) -> str:
    """An address or path as it may be printed: no password, and no token after the ``?``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{host(url)}{parts.path}" if parts.netloc else url


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
