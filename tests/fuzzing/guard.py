"""Notices whatever is written, started or connected to outside one folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Events that change a folder, and which of their details name what is changed.
CHANGES = dict.fromkeys(("os.remove", "os.rmdir", "os.mkdir", "os.truncate"), (0,))
CHANGES |= {"os.rename": (0, 1), "os.link": (1,), "os.symlink": (1,)}
BEYOND = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn")
BEYOND += ("socket.connect", "socket.getaddrinfo", "pickle.find_class", "ctypes.dlopen")


class Guard:
    """``breaches`` lists what happened while armed. An audit hook can never be taken away."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.breaches: list[str] = []
        sys.addaudithook(self._hook)

    def arm(self, folder: Path) -> None:
        """From now on writing is allowed in ``folder`` alone."""
        self.folder, self.breaches = os.path.realpath(folder), []

    def disarm(self) -> list[str]:
        """Stop listening; what was noticed."""
        self.folder = None
        return self.breaches

    def _hook(self, event: str, details: tuple) -> None:
        if self.folder is None:
            return
        changed = [details[position] for position in CHANGES.get(event, ())]
        if event == "open":
            path, mode, flags = details
            if any(letter in (mode or "") for letter in "wax+") or (flags or 0) & WRITES:
                changed = [path]
        if event in BEYOND or not all(isinstance(n, int) or self._inside(n) for n in changed):
            self.breaches.append(f"{event} {details!r}"[:200])

    def _inside(self, path: str | bytes | os.PathLike) -> bool:
        name = os.fsdecode(path)
        # The last part is not followed: removing a link removes the link.
        real = os.path.join(os.path.realpath(os.path.dirname(name) or "."), os.path.basename(name))
        return real == self.folder or real.startswith(self.folder + os.sep)
