"""Run one notebook from top to bottom, in a kernel of this very Python."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from traitlets import default

from cxrlab.errors import CXRLabError

KEPT_ERROR_LINES = 6
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")

OnCell = Callable[[int, int], None]


@dataclass(frozen=True)
class Failure:
    """Where a notebook stopped: the code cell's number from 1, and why, in few lines."""

    cell: int
    lines: list[str]


@dataclass(frozen=True)
class Execution:
    """What came of one run: the notebook with its outputs, seconds, and where it failed, if so."""

    notebook: nbformat.NotebookNode
    seconds: float
    cells: int
    failure: Failure | None = None


class ThisPython(KernelSpecManager):
    """Whatever kernel a notebook asks for, it gets this interpreter.

    A machine often has a kernel named python3 that belongs to some other environment.
    """

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
        )


class ThisPythonsKernel(AsyncKernelManager):
    """Starts the kernel that :class:`ThisPython` names."""

    @default("kernel_spec_manager")
    def _only_this_python(self) -> ThisPython:
        return ThisPython(parent=self)


def code_cells(notebook: nbformat.NotebookNode) -> list[int]:
    """Positions of the cells that run: code, and not empty."""
    return [
        position
        for position, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.source.strip()
    ]


def execute(
    path: Path,
    folder: Path,
    environment: Mapping[str, str],
    on_cell: OnCell = lambda cell, of: None,
) -> Execution:
    """Run the notebook at ``path`` with ``folder`` as its working directory.

    ``environment`` is added to this process's variables. ``on_cell(i, n)`` is called as the
    i-th of n code cells starts. A cell that raises stops the notebook; what had run is kept.
    Raises ``KeyboardInterrupt`` when interrupted, after the kernel has been shut down, and
    :class:`CXRLabError` when no kernel starts.
    """
    notebook = nbformat.read(path, as_version=4)
    positions = code_cells(notebook)
    current = 0

    def started(cell: Any, cell_index: int) -> None:
        nonlocal current
        if cell_index in positions:
            current = positions.index(cell_index) + 1
            on_cell(current, len(positions))

    interruption = _Interruption()
    client = NotebookClient(
        notebook,
        kernel_manager_class=ThisPythonsKernel,
        kernel_name="python3",
        # Its own log, not the notebook's: unencrypted local ports, sockets closed by Ctrl-C.
        extra_arguments=["--log-level=CRITICAL"],
        timeout=None,
        shutdown_kernel="immediate",
        record_timing=False,
        coalesce_streams=True,
        # Output widgets need the widgets' state while the notebook runs.
        store_widget_state=True,
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=started,
        on_notebook_start=interruption.listen,
    )
    begun = time.monotonic()
    failure = None
    try:
        asyncio.run(client.async_execute(env=_kernel_environment(environment)))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except CellExecutionError as error:
        failure = Failure(current, _last_lines(error))
    except DeadKernelError:
        if interruption.happened:
            raise KeyboardInterrupt from None
        failure = Failure(current, ["Python stopped at once. Most often the memory ran out."])
    except RuntimeError as error:
        raise CXRLabError(
            f"The Jupyter kernel did not start ({error}). Run: cxrlab doctor"
        ) from error
    return Execution(notebook, time.monotonic() - begun, len(positions), failure)


def _kernel_environment(added: Mapping[str, str]) -> dict[str, str]:
    environment = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1", **added}
    # A backend chosen for scripts (Agg) would leave the notebook without figures.
    environment.pop("MPLBACKEND", None)
    return environment


class _Interruption:
    """Lets Ctrl-C cancel the run and remembers it; nbclient alone would report a dead kernel."""

    def __init__(self) -> None:
        self.happened = False

    def listen(self, notebook: nbformat.NotebookNode) -> None:
        """To be called inside the run, once the kernel has started."""
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()

        def cancel() -> None:
            self.happened = True
            task.cancel()

        # Windows has no signal handlers here; asyncio.run itself then turns Ctrl-C into a cancel.
        with contextlib.suppress(NotImplementedError, RuntimeError):
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, cancel)


def _last_lines(error: CellExecutionError) -> list[str]:
    """The end of an error as a person reads it: no colours, no frames, the message itself."""
    text = ESCAPES.sub("", f"{error.ename}: {error.evalue}".strip())
    return [line for line in text.splitlines() if line.strip()][-KEPT_ERROR_LINES:]
