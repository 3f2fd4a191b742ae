"""A web server on this machine that serves a folder, with ranges, and misbehaves where asked to.

    with BadServer(folder) as server:
        server.misbehave("/a.png", "truncated", times=1)
        fetch(server.address("/a.png"))

With ``CXRLAB_MIRROR`` set to ``server.root`` it stands in for every host: ``https://HOST/PATH``
is then looked for in ``folder/HOST/PATH``.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import re
import socket
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

PAGE = b"<!DOCTYPE html>\n<html><title>Log in</title>Please log in.</html>\n"
STATUSES = {
    "forbidden": 403,
    "missing": 404,
    "proxy_login": 407,
    "busy": 429,  # option retry_after: seconds
    "broken": 500,
    "gateway": 502,
    "unavailable": 503,
}
OTHERS = {
    "truncated",  # announces all, sends the first `after` bytes, closes
    "announces_more",  # Content-Length is `by` bytes too large
    "announces_less",  # Content-Length is `by` bytes too small
    "no_length",  # no Content-Length, closes at the end
    "login",  # redirects to a page
    "page",  # a page in place of the file, as text/html
    "disguised_page",  # the same, called application/octet-stream
    "circle",  # redirects to itself
    "moved",  # redirects to the path `to`
    "changed",  # another content of another length, with another ETag
    "damaged",  # one byte is another, the ETag is the same
    "no_ranges",  # answers 200 with everything, whatever was asked for
    "no_proof",  # neither ETag nor date
    "wrong_part",  # another range than was asked for
    "slow",  # waits `seconds` in the middle of the body
    "late",  # waits `seconds` before the first word
    "closes",  # closes the connection without a word
}


@dataclass
class Asked:
    """One request: its path, its headers, the status and the bytes of body that were sent."""

    path: str
    headers: dict
    status: int = 0
    sent: int = 0


@dataclass
class Fault:
    name: str
    times: int | None
    options: dict = field(default_factory=dict)


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Whoever asked went away: that is what these tests are about."""


class BadServer:
    """Serves ``folder`` from ``start`` (or ``with``) to ``stop``; ``asked`` is what was asked."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.asked: list[Asked] = []
        self._faults: dict[str, list[Fault]] = defaultdict(list)
        self._tags: dict[tuple, str] = {}
        self._lock = threading.Lock()
        self._server = Quiet(("127.0.0.1", 0), _handler_of(self))
        self.root = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> BadServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    def address(self, path: str) -> str:
        return self.root + path

    def put(self, path: str, data: bytes) -> str:
        """Serve ``data`` at ``path``; gives the address."""
        place = self.folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return self.address(path)

    def misbehave(self, path: str, fault: str, times: int | None = None, **options) -> None:
        """From now on, or for the next ``times`` requests, answer ``path`` with ``fault``.

        ``path`` may be ``*``, every path. Several faults come one after the other.
        """
        assert fault in STATUSES or fault in OTHERS, fault
        self._faults[path].append(Fault(fault, times, options))

    def behave(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    @property
    def sent(self) -> int:
        """Bytes of bodies that were sent, all requests together."""
        return sum(one.sent for one in self.asked)

    def fault_for(self, path: str) -> Fault | None:
        with self._lock:
            for waiting in (self._faults.get(path), self._faults.get("*")):
                if not waiting:
                    continue
                fault = waiting[0]
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        waiting.pop(0)
                return fault
        return None

    def tag(self, place: Path) -> str:
        stat = place.stat()
        key = (place, stat.st_mtime_ns, stat.st_size)
        if key not in self._tags:
            self._tags[key] = f'"{hashlib.sha1(place.read_bytes()).hexdigest()}"'
        return self._tags[key]


def _handler_of(server: BadServer) -> type:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for nothing

        def do_GET(self):
            # As a proxy it gets whole addresses.
            path = unquote(urlsplit(self.path).path)
            self.asked = Asked(path, dict(self.headers))
            server.asked.append(self.asked)
            self._answer(path)

        def do_CONNECT(self):
            """Somebody takes us for a proxy to an encrypted server."""
            self.asked = Asked(self.path, dict(self.headers))
            server.asked.append(self.asked)
            fault = server.fault_for("CONNECT")
            self._status(STATUSES[fault.name] if fault else 502)

        def _answer(self, path):
            fault = server.fault_for(path)
            name = fault.name if fault else ""
            options = fault.options if fault else {}
            place = server.folder / path.lstrip("/")
            if name == "late":
                time.sleep(options.get("seconds", 5))
            if name == "closes":
                self._hang_up()
            elif name in STATUSES:
                self._status(STATUSES[name], options)
            elif name in ("login", "circle", "moved"):
                target = {
                    "login": "/login?token=secret",
                    "circle": path,
                    "moved": options.get("to"),
                }
                self._body(302, b"", {"Location": target[name]})
            elif path == "/login" or name == "page":
                self._body(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})
            elif name == "disguised_page":
                self._body(200, PAGE, {"Content-Type": "application/octet-stream"})
            elif ".." in path or not place.is_file():
                self._status(404)
            else:
                self._file(place, name, options)

        def _file(self, place, name, options):
            size, tag = place.stat().st_size, server.tag(place)
            if name == "changed":
                size, tag = size + 1, '"another"'
            headers = {} if name == "no_proof" else {"ETag": tag}
            span = None if name == "no_ranges" else self._span(size, tag)
            if span == "outside":
                self._body(416, b"", {"Content-Range": f"bytes */{size}"})
                return
            first, last = span or (0, size - 1)
            if name == "wrong_part":
                first, last = 0, last - first
            if span is not None:
                headers["Content-Range"] = f"bytes {first}-{last}/{size}"
            with place.open("rb") as file:
                file.seek(first)
                data = file.read(last - first + 1)
            if name == "changed":
                data = (data[::-1] + b"!")[: last - first + 1]
            middle = size // 2 - first  # of the file, so that it is always the same byte
            if name == "damaged" and 0 <= middle < len(data):
                data = data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]
            self._body(200 if span is None else 206, data, headers, name, options)

        def _span(self, size, tag):
            """The range that is asked for: first and last byte, ``None``, or ``outside``."""
            found = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            if not found or self.headers.get("If-Range", tag) != tag:
                return None
            first, last = found.groups()
            if not first:
                return max(size - int(last), 0), size - 1
            if int(first) >= size:
                return "outside"
            return int(first), min(int(last or size), size - 1)

        def _status(self, status, options=None):
            headers = {"Content-Type": "text/plain"}
            if options and "retry_after" in options:
                headers["Retry-After"] = str(options["retry_after"])
            self._body(status, b"no\n", headers)

        def _body(self, status, data, headers, name="", options=None):
            options = options or {}
            self.asked.status = status
            self.send_response(status)
            length = len(data)
            if name == "announces_more":
                length += options.get("by", 100)
            if name == "announces_less":
                length -= options.get("by", 100)
            if name != "no_length":
                self.send_header("Content-Length", str(length))
            for header, value in headers.items():
                self.send_header(header, value)
            self.end_headers()
            half = options.get("after", len(data) // 2)
            if name == "truncated":
                self._send(data[:half])
            elif name == "slow":
                self._send(data[:half])
                time.sleep(options.get("seconds", 5))
                self._send(data[half:])
            else:
                self._send(data)
            if name in ("truncated", "announces_more", "no_length"):
                self._hang_up()

        def _send(self, data):
            for start in range(0, len(data), 65536):
                part = data[start : start + 65536]
                self.wfile.write(part)
                self.asked.sent += len(part)
            self.wfile.flush()

        def _hang_up(self):
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_):
            pass

    return Handler
