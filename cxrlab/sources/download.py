"""Bringing files: whole or not at all, a few at a time, and nothing trusted."""

import os
import threading
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from remotezip import RangeNotSupported, RemoteZip, RemoteZipError
from requests.adapters import HTTPAdapter
from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress

import cxrlab
from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically
from cxrlab.images import read_bytes
from cxrlab.sources.tables import image_files

AT_ONCE = 4  # files
TIMEOUTS = (10, 30)  # seconds: for a connection, and for each next part of the body
PAUSE = 1.0  # seconds before the third try, then twice as long each time
LARGEST = 200_000_000  # bytes of one file; an X-ray has 1 to 10 million
GIVE_UP = 8  # failures in a row: there is no connection, or the disk is full


class Wanted(NamedTuple):
    """One file to bring: where it goes, and what reads it whole from wherever it is."""

    path: Path
    read: Callable[[], bytes]  # raises CXRLabError where it cannot, or where it is another file
    size: int  # bytes


def bring_all(wanted: Sequence[Wanted], what: str) -> list[str]:
    """Bring files, a few at a time; returns why, for each that did not come.

    One that fails does not stop the others, eight in a row do. ``what`` names the progress bar.
    """
    failed, in_a_row = [], 0
    with Progress(console=Console(stderr=True)) as bar, ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(_bring, one) for one in wanted]
        try:
            for job in bar.track(as_completed(jobs), total=len(jobs), description=what):
                why = job.result()
                failed += filter(None, [why])
                in_a_row = in_a_row + 1 if why else 0
                if in_a_row == GIVE_UP:
                    break
        finally:  # after Ctrl-C, too: what has come is kept, what has not begun is left
            pool.shutdown(wait=True, cancel_futures=True)
    return failed


def _bring(one: Wanted) -> str:
    """Bring one file; returns why it did not come, or ``""``."""
    for _ in range(2):  # the connection may have broken off on the way
        try:
            write_atomically(one.path, one.read())
            return ""
        except CXRLabError as error:
            why = str(error)
    return why


def get(url: str) -> bytes:
    """The file at a web address, whole.

    Raises :class:`CXRLabError` with the reason, and for a web page that came instead of the file.
    """
    try:
        answer = session().get(at_mirror(url), timeout=TIMEOUTS)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise explain(error, url) from error
    if answer.content[:200].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise CXRLabError(
            f"{url} sent a web page instead of the file. The login page of this network may stand "
            "in between: open the address in a browser, then run this again."
        )
    return answer.content


@cache
def session() -> requests.Session:
    """The connection to all servers, which tries again where that helps (urllib3's Retry)."""
    again = urllib3.Retry(
        total=3,
        status_forcelist=(429, 500, 502, 503, 504),
        backoff_factor=PAUSE,
        respect_retry_after_header=False,  # some say an hour; then the reader tries again later
        raise_on_status=False,
    )
    found, agent = requests.Session(), f"cxrlab/{cxrlab.__version__}"
    found.headers.update({"User-Agent": agent, "Accept-Encoding": "identity"})
    for scheme in ("http://", "https://"):
        found.mount(scheme, HTTPAdapter(max_retries=again))
    return found


def at_mirror(url: str) -> str:
    """``http://SERVER/HOST/PATH`` for ``https://HOST/PATH`` where ``CXRLAB_MIRROR`` is set."""
    if not (mirror := os.environ.get("CXRLAB_MIRROR")):
        return url
    if not mirror.startswith(("http://", "https://")):
        raise CXRLabError(f"CXRLAB_MIRROR is {mirror!r}. It has to begin with http:// or https://.")
    return f"{mirror.rstrip('/')}/{url.partition('://')[2]}"


def contents(place: Path | str) -> list[tuple[str, Callable[[], bytes], int]]:
    """What a folder or a zip archive, here or on the web, holds: paths, readers, bytes.

    Raises :class:`CXRLabError` where it is no zip archive or cannot be reached, and so do readers.
    """
    if isinstance(place, Path) and place.is_dir():
        files = image_files(place).values()
        return [(path.as_posix(), partial(read_bytes, path), path.stat().st_size) for path in files]
    archive = Archive(place)
    members = archive.ask(zipfile.ZipFile.infolist)
    return [(one.filename, partial(archive.read, one), one.file_size) for one in members]


class Archive:
    """A zip archive on this computer, or behind a web address, of which only parts travel."""

    def __init__(self, place: Path | str) -> None:
        self.place, self._own = place, threading.local()  # each thread opens it for itself

    def read(self, member: zipfile.ZipInfo) -> bytes:
        """The content of a member, with its CRC-32 checked. Raises :class:`CXRLabError`."""
        if member.file_size > LARGEST:
            raise CXRLabError(f"{member.filename} would unpack to more than {decimal(LARGEST)}.")
        return self.ask(lambda opened: opened.read(member), f"{member.filename} in ")

    def ask(self, question: Callable[[zipfile.ZipFile], Any], of_which: str = "") -> Any:
        """What the opened archive answers. Raises :class:`CXRLabError` whatever goes wrong."""
        try:
            if getattr(self._own, "zip", None) is None:
                is_here = isinstance(self.place, Path)
                self._own.zip = zipfile.ZipFile(self.place) if is_here else self._remote()
            return question(self._own.zip)
        except Exception as error:  # zipfile promises no list of what strangers' bytes raise
            self._own.zip = None  # after a broken connection it has to be opened again
            raise explain(error, str(self.place), of_which) from error

    def _remote(self) -> RemoteZip:
        return RemoteZip(at_mirror(self.place), session=session(), timeout=TIMEOUTS)


def explain(error: Exception, place: str, of_which: str = "") -> CXRLabError:
    """The sentence for whatever requests, remotezip or zipfile raised at an address or file.

    Their own text is left out: it may hold a proxy's password.
    """
    if isinstance(error, CXRLabError):
        return error
    # remotezip gives the words of an error alone; the error itself stands behind it.
    cause = error.__context__ if isinstance(error, RemoteZipError) else error
    status = cause.response.status_code if isinstance(cause, requests.HTTPError) else None
    server, what = urlsplit(place).netloc, of_which + place
    if isinstance(cause, requests.exceptions.ProxyError) or status == 407:
        why = f"The proxy before {server} refused. It may want a name and a password in HTTPS_PROXY"
    elif isinstance(error, RangeNotSupported):
        why = (
            f"{server} sent no part of its archive; the login page of this network may stand in "
            "between. Download the archive whole in a browser, then unpack it into the source's "
            "folder or, for the children's, name the file with --archive"
        )
    elif status in (429, 503):
        why = f"{server} had too many questions from here (it answered {status}). Try again later"
    elif isinstance(cause, requests.ConnectionError | requests.Timeout):
        why = f"{server} cannot be reached. Check the connection and the proxy, and run this again"
    elif status in (404, 410):
        why = f"{what} is not there ({status}). Look for a newer version of the course"
    elif status:
        why = f"{what} was refused ({status}). Open it in a browser: it may ask for an account"
    else:
        why = f"{what} is damaged, or did not come whole. Run this again, what has come is kept"
    return CXRLabError(f"{why}.")
