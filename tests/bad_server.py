"""A web server on this machine that serves bytes, with ranges, and misbehaves where asked to.

    with BadServer() as server:
        server.misbehave("/a.png", "truncated", times=1)
        get(server.put("/a.png", data))

With ``CXRLAB_MIRROR`` set to ``server.root`` it stands in for every host: ``https://HOST/PATH``
is then looked for as ``/HOST/PATH``.
"""

from __future__ import annotations

import contextlib
import http.server
import re
import socket
import threading
import time
from collections import defaultdict
from urllib.parse import unquote, urlsplit

PAGE = b"<!DOCTYPE html>\n<title>Log in</title>Please log in.\n"
STATUSES = {"forbidden": 403, "missing": 404, "proxy_login": 407, "busy": 429, "gateway": 502}
OTHERS = {
    "truncated",  # announces all, sends the first half, closes
    "login",  # redirects to a page
    "disguised_page",  # a page in place of the file
    "another",  # other bytes than those that were put there: `data`
    "no_ranges",  # answers 200 with everything, whatever was asked for
    "late",  # waits `seconds` before the first word
    "closes",  # closes the connection without a word
}


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Whoever asked went away: that is what these tests are about."""


class BadServer:
    """Serves while it is open; ``asked`` are the paths that were asked for, ``sent`` is bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.hosts: list[str] = []
        self.sent = 0
        self.lock = threading.Lock()
        self._faults = defaultdict(list)
        self._server = Quiet(("127.0.0.1", 0), _handler_of(self))
        self.root = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, path: str, data: bytes) -> str:
        """Serve ``data`` at ``path``; gives the address."""
        self.files[path] = data
        return self.root + path

    def misbehave(self, path: str, fault: str, times: float = float("inf"), **options) -> None:
        """From now on, or for the next ``times`` requests, answer ``path`` (``*``: all) so."""
        assert fault in STATUSES or fault in OTHERS, fault
        self._faults[path].append([fault, times, options])

    def behave(self) -> None:
        """Forget all faults and what was asked."""
        self._faults.clear()
        self.asked.clear()

    def fault_for(self, path: str) -> tuple[str, dict]:
        with self.lock:
            waiting = self._faults.get(path) or self._faults.get("*")
            if not waiting:
                return "", {}
            waiting[0][1] -= 1
            name, times, options = waiting[0]
            if times <= 0:
                waiting.pop(0)
            return name, options


def _handler_of(server: BadServer) -> type:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for nothing

        def do_GET(self):
            path = unquote(urlsplit(self.path).path)  # as a proxy it gets whole addresses
            server.asked.append(path)
            server.hosts.append(self.headers.get("Host", ""))
            fault, options = server.fault_for(path)
            time.sleep(options.get("seconds", 0))
            if fault == "closes":
                self._hang_up()
            elif fault in STATUSES:
                self._answer(STATUSES[fault], b"no\n")
            elif fault == "login":
                self._answer(302, b"", {"Location": "/login?token=secret"})
            elif path == "/login" or fault == "disguised_page":
                self._answer(200, PAGE)
            elif path not in server.files:
                self._answer(404, b"no\n")
            else:
                self._file(options.get("data", server.files[path]), fault)

        def do_CONNECT(self):
            """Somebody takes us for a proxy to an encrypted server."""
            self._answer(407, b"no\n")

        def _file(self, data, fault):
            span = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            if not span or fault == "no_ranges":
                self._answer(200, data, fault=fault)
                return
            first, last = span.groups()
            start = int(first) if first else max(0, len(data) - int(last))
            end = min(int(last), len(data) - 1) if first and last else len(data) - 1
            where = {"Content-Range": f"bytes {start}-{end}/{len(data)}"}
            self._answer(206, data[start : end + 1], where, fault)

        def _answer(self, status, data, headers=None, fault=""):
            self.send_response(status)
            for header, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
                self.send_header(header, value)
            self.end_headers()
            data = data[: len(data) // 2] if fault == "truncated" else data
            with server.lock:  # before it goes, so that whoever has got it finds it counted
                server.sent += len(data)
            self.wfile.write(data)
            self.wfile.flush()
            if fault == "truncated":
                self._hang_up()

        def _hang_up(self):
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_):
            pass

    return Handler
