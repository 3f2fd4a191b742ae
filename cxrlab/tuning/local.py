"""The workers that a chief starts on its own machine, and starts again when they are killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from cxrlab.errors import CXRLabError

#: Deaths without a finished trial between them after which a search gives up.
DEATHS_IN_A_ROW = 4


class LocalWorkers:
    """``count`` processes that share this machine's processors, each with a log in ``logs``."""

    def __init__(
        self,
        count: int,
        command: Callable[[str, str], list[str]] | None,
        address: str,
        logs: Path,
    ) -> None:
        if count and command is None:
            raise ValueError("workers need a command")
        self._names = [f"tuner{number}" for number in range(count)]
        self._command, self._address, self._logs = command, address, logs
        self._processes: dict[str, subprocess.Popen] = {}
        self._deaths, self._finished_at_death = 0, 0

    def start(self) -> None:
        """Start them all."""
        for name in self._names:
            self._start(name)

    def running(self) -> list[str]:
        """Who is still at work."""
        return [name for name, process in self._processes.items() if process.poll() is None]

    def replace_dead(self, finished: int) -> list[str]:
        """Start those again that were killed, and say who they were.

        ``finished``: trials done so far. Raises :class:`CXRLabError` for a worker that ended with
        an error of its own, and when they die again and again.
        """
        dead = [name for name, process in self._processes.items() if process.poll()]
        for name in dead:
            code = self._processes[name].returncode
            if code > 0:
                raise CXRLabError(f"Worker {name} ended with an error: {self._last_words(name)}")
            if finished > self._finished_at_death:
                self._deaths = 0
            self._deaths, self._finished_at_death = self._deaths + 1, finished
            if self._deaths >= DEATHS_IN_A_ROW:
                raise CXRLabError(
                    f"Workers were killed {self._deaths} times without finishing a trial, the "
                    f"last by {signal.Signals(-code).name}. Often memory is short: take fewer "
                    "workers (--workers), or none. Finished trials are kept."
                )
            self._start(name)
        return dead

    def stop(self) -> None:
        """End those that still run."""
        for process in self._processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, name: str) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        threads = str(max((os.cpu_count() or 1) // len(self._names), 1))
        shares = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
        with self._log(name).open("w") as log:
            self._processes[name] = subprocess.Popen(
                self._command(self._address, name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **dict.fromkeys(shares, threads)},
            )

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _last_words(self, name: str) -> str:
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f"{said[-1] if said else 'it said nothing.'} (all of it: {self._log(name)})"
