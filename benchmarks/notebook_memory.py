"""The most memory that each notebook takes at a budget: kernel, its processes, and the server.

As by a reader who does everything: the exercises are solved, and every cell that trains runs
twice. The notebooks run one after the other in one workspace, as `cxrlab run` runs them, each in
a kernel of its own. What JupyterLab's server takes is measured once, with no notebook open, and
added: a running server holds little more, as outputs pass through it. The notebooks are told that
they have what Binder leaves them beside the server (``CXRLAB_MEMORY``); with more they take more,
because it is quicker. The whole course at the class budget takes half an hour and more; name
notebooks, or fewer ``--epochs``, for less. (Memory grows with each training, and not with its
epochs.)
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import psutil
from measure import print_json, result

LIMIT = 1.8  # GB
BINDER = "1.9"  # GB: 2, less the server
PAUSE = 0.1  # seconds between two looks
WAIT = 60.0  # seconds for the server to answer

# Keras, Keras Tuner, and what trains in the library.
TRAINS = re.compile(r"\bfit\(|\.search\(|\btrain\(")
# A line that hands an answer to an exercise.
ASKS = re.compile(r"^.*\bnb(0\d)\.(\w+)\.(?:check|or_solution)\(", re.MULTILINE)
FEWER_EPOCHS = """
from dataclasses import replace
from cxrlab import choices
for name, budget in choices.BUDGETS.items():
    choices.BUDGETS[name] = replace(budget, epochs={0}, trial_epochs={0})
"""


def resident(process: psutil.Process, itself: bool) -> int:
    """Bytes that the children of ``process`` hold, and with ``itself`` its own.

    Pages that two of them share count twice: rather too much than too little.
    """
    total = 0
    for one in [process] * itself + process.children(recursive=True):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:  # it has just ended
            continue
    return total


class Watch:
    """Looks at this process's children again and again; ``peak`` is the most seen, in bytes."""

    def __enter__(self) -> Watch:
        self.peak, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        here = psutil.Process()
        while not self._over.wait(PAUSE):
            self.peak = max(self.peak, resident(here, itself=False))


def server_bytes(folder: Path) -> int:
    """What JupyterLab's server holds after it has given its page once."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--notebook-dir={folder}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    server = subprocess.Popen(
        command,
        env={**os.environ, "JUPYTER_TOKEN": token},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ends = time.monotonic() + WAIT
        while True:
            try:
                address = f"http://127.0.0.1:{port}/lab?token={token}"
                with urllib.request.urlopen(address, timeout=10) as page:
                    page.read()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if time.monotonic() > ends or server.poll() is not None:
                    raise SystemExit("JupyterLab's server does not answer.") from None
                time.sleep(0.5)
        time.sleep(2)  # its extensions load after the first page
        return resident(psutil.Process(server.pid), itself=True)
    finally:
        server.terminate()
        server.wait(30)


def as_a_reader_does(path: Path, folder: Path, epochs: int | None) -> Path:
    """A copy of the notebook with every exercise solved and every training twice."""
    notebook = nbformat.read(path, as_version=4)
    cells = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.source = ASKS.sub(_answered, cell.source)
        cells += [cell] * (2 if TRAINS.search(cell.source) else 1)
    if epochs:
        cells.insert(0, nbformat.v4.new_code_cell(FEWER_EPOCHS.format(epochs)))
    notebook.cells = [
        nbformat.v4.new_code_cell(cell.source, id=f"cell-{number}")
        for number, cell in enumerate(cells)
    ]
    nbformat.write(notebook, folder / path.name)
    return folder / path.name


def _answered(asks: re.Match) -> str:
    """The line with the exercise's answer in front of it; a quiz has none."""
    from cxrlab.exercises.quiz import module_of

    exercise = getattr(module_of(asks[1]), asks[2])
    answer = getattr(exercise, "answer", "")
    return f"{textwrap.dedent(answer).strip()}\n{asks[0]}" if answer else asks[0]


def main() -> None:
    """Measure the server, then every notebook that was named."""
    from cxrlab.running.course import environment_for, find_notebooks, select_notebooks
    from cxrlab.running.execute import execute

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notebooks", default=None, help="such as 03 or 01-05; default: all")
    parser.add_argument("--budget", default="class", help="smoke, class or full")
    parser.add_argument("--data", type=Path, default=None, help="default: phantoms")
    parser.add_argument("--epochs", type=int, default=None, help="in place of the budget's")
    parser.add_argument("--memory", default=BINDER, help="GB for a kernel; empty: the machine's")
    given = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        (place / "notebooks").mkdir()
        environment = environment_for(given.budget, given.data, place / "workspace")
        environment["CXRLAB_MEMORY"] = given.memory
        server = server_bytes(place) / 1e9
        measured, stopped = {}, {}
        for path in select_notebooks(find_notebooks(), given.notebooks):
            with Watch() as watch:
                copy = as_a_reader_does(path, place, given.epochs)
                execution = execute(copy, place / "notebooks", environment)
            measured[path.stem] = [server + watch.peak / 1e9]
            if execution.failure:
                stopped[path.stem] = execution.failure
            print(path.stem, round(measured[path.stem][0], 3), "GB", file=sys.stderr)
    print_json(
        result(
            f"memory of each notebook at the {given.budget} budget, kernel and server together, "
            "exercises solved and each training run twice, "
            + (f"where a kernel may take {given.memory} GB" if given.memory else "unlimited"),
            "GB at the most",
            measured,
            needed=f"under {LIMIT} GB each",
            met=not stopped and max(peak for (peak,) in measured.values()) < LIMIT,
            server=round(server, 3),
            stopped_early=stopped,
            number_format=_number_format(),
        )
    )


def _number_format() -> str:
    """What ``auto`` trains in where the notebooks ran."""
    from cxrlab.training import machine

    return str(machine())


if __name__ == "__main__":
    main()
