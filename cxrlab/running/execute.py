"""Run one notebook from top to bottom, in a kernel of this very Python."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from rich.text import Text

from cxrlab.errors import CXRLabError


class Execution(NamedTuple):
    """What came of one run: the notebook with its outputs, and where and why it stopped early."""

    path: Path
    notebook: nbformat.NotebookNode
    seconds: float
    failure: str = ""  # such as "stopped at code cell 2 of 3: KeyError: 'heart'"

    def __str__(self) -> str:
        minutes, seconds = divmod(round(self.seconds), 60)
        return f"{self.path.stem}  {minutes}:{seconds:02d}  {self.failure or 'done'}"


def execute(path: Path, folder: Path, environment: dict[str, str], **options: Any) -> Execution:
    """Run the notebook at ``path`` with ``folder`` as its working directory.

    ``environment`` is added to this process's variables, ``options`` (such as ``allow_errors``) to
    those of nbclient's ``NotebookClient``. A cell that raises stops the notebook; what had run is
    kept. Raises ``KeyboardInterrupt`` when interrupted, after the kernel has been shut down, and
    :class:`CXRLabError` when no kernel starts.
    """
    print(f"{path.stem}  starting", flush=True)
    notebook, begun, why = nbformat.read(path, as_version=4), time.monotonic(), ""
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        # Its own log, not the notebook's: unencrypted local ports, sockets closed by Ctrl-C.
        extra_arguments=["--log-level=CRITICAL"],
        shutdown_kernel="immediate",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
        **options,
    )
    # No registered kernel: a machine often has one named python3 of some other environment.
    client.create_kernel_manager().kernel_spec_manager = KernelSpecManager(kernel_dirs=[])
    variables = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1", **environment}
    # A backend chosen for scripts (Agg) would leave the notebook without figures.
    variables.pop("MPLBACKEND", None)
    try:
        asyncio.run(_run(client, variables))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except CellExecutionError as error:
        # The end of the message itself, as a person reads it: no colours, no frames.
        said = Text.from_ansi(f"{error.ename}: {error.evalue}").plain.strip().splitlines()
        why = "\n".join(said[-6:])
    except DeadKernelError:
        why = "Python stopped at once. Most often the memory ran out."
    except RuntimeError as error:
        raise CXRLabError(f"No Jupyter kernel started ({error}). Run: cxrlab doctor") from error
    cells = sum(cell.cell_type == "code" and cell.source.strip() != "" for cell in notebook.cells)
    failure = f"stopped at code cell {client.code_cells_executed} of {cells}: {why}" if why else ""
    return Execution(path, notebook, time.monotonic() - begun, failure)


async def _run(client: NotebookClient, environment: dict[str, str]) -> None:
    """Execute, and let Ctrl-C cancel: nbclient by itself would report a dead kernel."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def listen(**_: Any) -> None:
        # On Windows asyncio.run itself turns Ctrl-C into a cancel.
        for number in (signal.SIGINT, signal.SIGTERM) if os.name == "posix" else ():
            loop.add_signal_handler(number, task.cancel)

    client.on_notebook_start = listen  # once the kernel has started, after nbclient's own handlers
    try:
        await client.async_execute(env=environment)
    except DeadKernelError:
        if task.cancelling():
            raise asyncio.CancelledError from None
        raise
