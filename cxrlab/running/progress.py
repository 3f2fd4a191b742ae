"""Show a run as it happens: a live line in a terminal, plain lines in a log."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cxrlab.progress import clock
from cxrlab.running.execute import Execution

# A log gets a line no more often than this within one notebook.
LOG_SECONDS = 15.0


def closing_line(name: str, execution: Execution) -> str:
    """What is left standing about a notebook that has ended."""
    if execution.failure is None:
        return f"{name}  done, {execution.cells} cells in {clock(execution.seconds)}"
    stopped = f"{name}  STOPPED at cell {execution.failure.cell} of {execution.cells}"
    return f"{stopped} after {clock(execution.seconds)}"


class LiveProgress:
    """One line a notebook, the current one moving: name, bar, cell, elapsed."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[cell]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = TaskID(0)

    def __enter__(self) -> LiveProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, name: str) -> None:
        self._task = self._progress.add_task(name, total=None, cell="starting")

    def cell(self, cell: int, of: int) -> None:
        self._progress.update(self._task, total=of, completed=cell - 1, cell=f"cell {cell} of {of}")

    def end(self, name: str, execution: Execution) -> None:
        state = "done" if execution.failure is None else f"stopped at {execution.failure.cell}"
        done = execution.cells if execution.failure is None else execution.failure.cell - 1
        self._progress.update(self._task, total=execution.cells, completed=done, cell=state)
        self._progress.stop_task(self._task)


class LoggedProgress:
    """The same as plain lines, for a file or a build log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._name = ""
        self._begun = self._last_said = 0.0

    def __enter__(self) -> LoggedProgress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def start(self, name: str) -> None:
        self._name = name
        self._begun = self._last_said = time.monotonic()
        self._say(f"{name}  starting")

    def cell(self, cell: int, of: int) -> None:
        now = time.monotonic()
        if now - self._last_said >= LOG_SECONDS:
            self._last_said = now
            self._say(f"{self._name}  cell {cell} of {of}, {clock(now - self._begun)}")

    def end(self, name: str, execution: Execution) -> None:
        self._say(closing_line(name, execution))

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def progress_for(console: Console) -> LiveProgress | LoggedProgress:
    """The display that suits where ``console`` writes."""
    return LiveProgress(console) if console.is_terminal else LoggedProgress(console)
