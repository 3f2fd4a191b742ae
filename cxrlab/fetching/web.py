"""Asking a web server: patient where that helps, and every refusal in plain words."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import requests
import urllib3

import cxrlab
from cxrlab.fetching.addresses import at_mirror
from cxrlab.fetching.faults import FetchError, host, shown

TIMEOUTS = (10, 30)  # seconds: for a connection, and for each next part of the body
TRIES = 4  # how often one thing is asked for before we give up
PAUSE = 1.0  # seconds before the second try, then twice as long each time
LONGEST_WAIT = 60  # seconds that we wait where a server names a time
CHUNK = 16 * 1024  # bytes; less than one chunk is lost where a body breaks off

BUSY = {429, 503}
PASSING = {408, 500, 502, 504}  # worth another try
EXPIRED = {400, 401, 403, 404, 410}  # what a signed address answers that no longer holds

_own = threading.local()


class Interrupted(Exception):
    """The body stopped coming. Inside this room only: whoever reads goes on or gives up."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def ask(url: str, headers: dict[str, str], direct: str | None = None) -> requests.Response:
    """The beginning of the answer to a GET, its status 200, 206 or 416; the body has yet to come.

    ``url`` is the real address, a mirror is looked up here. Redirects are followed, proxies are
    those of the environment. Where a server is busy (429, 503) or failed in passing we ask again,
    after the time that it names, up to ``LONGEST_WAIT`` seconds. ``direct`` is where an earlier
    redirect of ``url`` led: it is asked first, while it holds. Raises :class:`FetchError`.
    """
    address = direct or at_mirror(url)
    for attempt in range(1, TRIES + 1):
        last = attempt == TRIES
        try:
            answer = session().get(
                address,
                headers={"Accept-Encoding": "identity", **headers},
                stream=True,
                timeout=TIMEOUTS,
            )
        except requests.RequestException as error:
            if last or not _worth_another_try(error):
                raise _no_answer(error, address) from error
            time.sleep(pause(attempt))
            continue
        if answer.status_code in (200, 206, 416):
            return answer
        answer.close()
        if answer.status_code in EXPIRED and direct and not last:
            direct, address = None, at_mirror(url)
            continue
        wait = _named_wait(answer)
        too_long = wait is not None and wait > LONGEST_WAIT
        if last or too_long or answer.status_code not in BUSY | PASSING:
            raise _refused(answer, url, wait)
        time.sleep(pause(attempt) if wait is None else wait)
    raise AssertionError("the last try returns or raises")


def body(answer: requests.Response) -> Iterator[bytes]:
    """The parts of a body as they come. Raises :class:`Interrupted` where it breaks off."""
    try:
        yield from answer.iter_content(CHUNK)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        timed_out = "timed out" in str(error).lower()
        reason = f"nothing came for {TIMEOUTS[1]} seconds" if timed_out else "the connection broke"
        raise Interrupted(reason) from error


def announced(answer: requests.Response) -> int | None:
    """How many bytes of body the server promises; ``None`` where it does not say."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        return None  # the length is that of the packed body
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def content_range(answer: requests.Response) -> tuple[int, int, int] | None:
    """First byte, last byte and the whole size from ``Content-Range``; ``None`` without them."""
    unit, _, rest = answer.headers.get("Content-Range", "").partition(" ")
    span, _, total = rest.partition("/")
    first, _, last = span.partition("-")
    if unit != "bytes" or not (first.isdecimal() and last.isdecimal() and total.isdecimal()):
        return None
    return int(first), int(last), int(total)


def validator(answer: requests.Response) -> str | None:
    """What proves that two answers come from the same file: a strong ETag, else its date."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified")


def refuse_web_page(answer: requests.Response, url: str, beginning: bytes = b"") -> None:
    """Raise :class:`FetchError` where a web page came: a login, a hotel's network, an error page.

    ``beginning`` is how the body starts, because some say of every file that it is plain text.
    """
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    start = beginning[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    looks = start.startswith((b"<!doctype html", b"<html"))
    if kind not in ("text/html", "application/xhtml+xml") and not looks:
        return
    answer.close()
    came = f", after a redirect to {shown(answer.url)}" if answer.history else ""
    raise FetchError(
        f"{shown(url)} sent a web page instead of the file{came}. A login or the sign-in page of "
        "this network may stand in between: open the address in a browser, then run this again."
    )


def pause(attempt: int) -> float:
    """Seconds to wait after the ``attempt``-th try."""
    return PAUSE * 2 ** (attempt - 1)


def session() -> requests.Session:
    """This thread's own session: requests promises nothing for one that several threads share."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.headers["User-Agent"] = f"cxrlab/{cxrlab.__version__}"
    return _own.session


def _named_wait(answer: requests.Response) -> float | None:
    """The seconds that ``Retry-After`` asks for, given as a number or as a date."""
    named = answer.headers.get("Retry-After", "").strip()
    if named.isdecimal():
        return float(named)
    try:
        return max(parsedate_to_datetime(named).timestamp() - time.time(), 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _worth_another_try(error: requests.RequestException) -> bool:
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    lasting = (requests.exceptions.ProxyError, requests.exceptions.SSLError)
    return isinstance(error, passing) and not isinstance(error, lasting)


def _no_answer(error: requests.RequestException, address: str) -> FetchError:
    """The sentence for a server from which nothing came.

    The library's own text is left out: it may hold a proxy's password.
    """
    server = host(address)
    if isinstance(error, requests.exceptions.ProxyError):
        needs_login = "407" in str(error)
        return _proxy_refused(server, needs_login)
    if isinstance(error, requests.exceptions.SSLError):
        said = (
            f"The certificate of {server} was not accepted. A school's or clinic's network may "
            "read along: ask its support for the certificate and name it in REQUESTS_CA_BUNDLE, "
            "and check this computer's clock."
        )
    elif isinstance(error, requests.Timeout):
        said = f"{server} did not answer in time, {TRIES} times. Try again later."
    elif isinstance(error, requests.TooManyRedirects):
        return FetchError(f"{server} sends us round in a circle of redirects. Try again later.")
    elif isinstance(error, requests.ConnectionError):
        name_unknown = "resolve" in str(error).lower() or "getaddrinfo" in str(error).lower()
        why = "its name could not be found" if name_unknown else "no connection came about"
        said = (
            f"{server} cannot be reached: {why}. Connect this computer to the internet, or check "
            "its proxy settings, and run this again."
        )
    else:
        return FetchError(f"{shown(address)} could not be asked: {type(error).__name__}.")
    return FetchError(said, stops_all=True)


def _proxy_refused(server: str, needs_login: bool) -> FetchError:
    why = "it wants a name and a password" if needs_login else "it passed nothing on"
    return FetchError(
        f"The proxy between this computer and {server} refused: {why}. Ask your network's support "
        "for the settings, and put them into HTTPS_PROXY and HTTP_PROXY.",
        stops_all=True,
    )


def _refused(answer: requests.Response, url: str, wait: float | None) -> FetchError:
    """The sentence for a status that is no success."""
    status, where = answer.status_code, shown(url)
    if status == 407:
        return _proxy_refused(host(url), needs_login=True)
    if status in (404, 410):
        return FetchError(
            f"{where} is not there (the server answered {status}). It may have moved: look for a "
            "newer version of the course, or name another version of the data."
        )
    if status in (401, 403):
        return FetchError(
            f"{where} may not be read from here (the server answered {status}). Open it in a "
            "browser to see whether it asks for an account."
        )
    if status in BUSY:
        later = "later" if wait is None else f"in {max(round(wait / 60), 1)} min"
        return FetchError(
            f"{host(url)} has too much to do or had too many questions from here (it answered "
            f"{status}). Run this again {later}, what has come is kept.",
            stops_all=True,
        )
    if status in (502, 504):
        return FetchError(
            f"{where} could not be reached by a proxy or gateway on the way (it answered "
            f"{status}, {TRIES} times). Try again later."
        )
    target = answer.headers.get("Location")
    moved = f", pointing to {shown(urljoin(answer.url, target))}" if target else ""
    return FetchError(f"{where} was refused: the server answered {status}{moved}.")
