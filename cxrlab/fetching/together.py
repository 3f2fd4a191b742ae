"""Several files at a time, one line that tells how far we are, and one process a folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from cxrlab.errors import CXRLabError
from cxrlab.fetching.faults import size_text, writing
from cxrlab.progress import LiveLine, clock, counted

LOCK = ".fetching.lock"
STEP = 0.2  # seconds between two looks at what has finished


@dataclass(frozen=True)
class Failure:
    """One file that did not come."""

    url: str  # where it was asked for; for a member of an archive its name
    path: Path  # where it would have gone
    reason: str  # a plain sentence


@dataclass(frozen=True)
class Fetched:
    """What became of many files."""

    new: list[Path] = field(default_factory=list)
    already: list[Path] = field(default_factory=list)  # whole before we began
    failed: list[Failure] = field(default_factory=list)
    bytes: int = 0  # what travelled, files that failed included


class Stopped(Exception):
    """Raised in the threads that still fetch, once something has stopped them all."""


class Tally:
    """Counts what several threads bring and draws the line. ``what`` begins it."""

    def __init__(self, what: str, files: int, total_bytes: int | None) -> None:
        self.what, self.files, self.total = what, files, total_bytes
        self.new: list[Path] = []
        self.already: list[Path] = []
        self.failures: list[Failure] = []
        self.bytes = 0
        self.stopped = False
        self._passed = 0  # bytes that need not travel
        self._began = time.monotonic()
        self._line = LiveLine()
        self._one_at_a_time = threading.Lock()

    def came(self, number: int) -> None:
        """``number`` more bytes have travelled."""
        with self._one_at_a_time:
            self.bytes += number
        if self.stopped:
            raise Stopped

    def was_there(self, path: Path, size: int) -> None:
        self.already.append(path)
        with self._one_at_a_time:
            self._passed += size

    def try_one(self, url: str, path: Path, bring: Callable[[], bool]) -> None:
        """Run ``bring``; it says whether the file is new. A fault of this file alone is noted."""
        if self.stopped:
            raise Stopped
        try:
            if bring():
                self.new.append(path)
        except CXRLabError as error:
            if getattr(error, "stops_all", False):
                raise
            self.failures.append(Failure(url, path, str(error)))

    def draw(self) -> None:
        done = len(self.new) + len(self.already) + len(self.failures)
        text = f"{self.what}: {done:,} of {counted(self.files, 'file')}, {size_text(self.bytes)}"
        seconds = time.monotonic() - self._began
        if self.total:
            part = self.bytes / max(self.total - self._passed, 1)
            text += f" of {size_text(self.total)}"
        else:
            part = done / max(self.files, 1)
        if seconds > 1 and 0 < part <= 1:
            text += f", {clock(seconds * (1 - part) / part)} left"
        self._line.update(text)

    def close(self) -> Fetched:
        found = Fetched(self.new, self.already, self.failures, self.bytes)
        text = f"{self.what}: {len(found.new):,} new, {len(found.already):,} there already"
        text += f", {len(found.failed):,} failed" if found.failed else ""
        seconds = time.monotonic() - self._began
        self._line.close(f"{text}, {size_text(self.bytes)} in {clock(seconds)}")
        return found


def run_together(jobs: Sequence[Callable[[], None]], tally: Tally, at_once: int) -> Fetched:
    """Run ``jobs``, ``at_once`` at a time. What one of them raises stops the others."""
    pool = ThreadPoolExecutor(max_workers=at_once)
    running = {pool.submit(job) for job in jobs}
    try:
        while running:
            done, running = wait(running, timeout=STEP, return_when=FIRST_COMPLETED)
            for job in done:
                job.result()
            tally.draw()
    finally:
        # After Ctrl-C too: each thread stops at its next bytes, and keeps what has come.
        tally.stopped = bool(running)
        pool.shutdown(wait=True, cancel_futures=True)
        found = tally.close()
    return found


@contextmanager
def one_process(folders: Iterable[Path]) -> Iterator[None]:
    """Hold ``folders`` for this process; another one that fetches into them waits."""
    with ExitStack() as held:
        # Everybody takes them in the same order, so that nobody waits in a circle.
        for folder in sorted(set(folders)):
            with writing(folder / LOCK):
                folder.mkdir(parents=True, exist_ok=True)
                lock = FileLock(folder / LOCK)
                try:
                    lock.acquire(timeout=0)
                except NotImplementedError:
                    continue  # some network drives know no locks
                except Timeout:
                    line = LiveLine()
                    line.update(f"Another process fetches into {folder}: waiting for it.")
                    lock.acquire()
                    line.close()
            held.callback(lock.release)
        yield
