"""The course's notebooks: which there are, running all of them, and opening them in JupyterLab."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console

import cxrlab
from cxrlab.choices import choose, get_budget
from cxrlab.errors import CXRLabError
from cxrlab.files import make_folder, write_atomically, writing
from cxrlab.publish import CHECKOUT
from cxrlab.running.execute import execute
from cxrlab.running.pages import Pages
from cxrlab.sources import data_folder, is_phantom

SHIPPED = Path(cxrlab.__file__).parent / "_notebooks"  # there where cxrlab is no checkout


def find_notebooks(folder: Path | None = None) -> list[Path]:
    """The numbered notebooks (``01_motivation.ipynb``, ...) of ``folder``, in their order.

    Without a folder: those shipped with the package, else those of the checkout. Raises
    :class:`CXRLabError` where there are none.
    """
    folder = folder or (SHIPPED if SHIPPED.is_dir() else CHECKOUT / "notebooks")
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise CXRLabError(
            f"No numbered notebook (such as 01_motivation.ipynb) is in {folder}. "
            "Install cxrlab again, or work in a checkout of its repository."
        )
    return found


def select_notebooks(found: list[Path], wanted: str | None) -> list[Path]:
    """Choose from ``found`` by number: ``03``, ``01-05``, ``01,03`` or ``1-2,06``; all for None.

    Raises :class:`CXRLabError` for words it cannot read and for numbers that no notebook has.
    """
    if wanted is None:
        return found
    known = {int(notebook.stem[:2]): notebook for notebook in found}
    numbers: set[int] = set()
    for part in wanted.split(","):
        ends = re.fullmatch(r"\s*(\d\d?)(?:\s*-\s*(\d\d?))?\s*", part)
        if not ends:
            raise CXRLabError(
                f"Cannot read {wanted!r} as notebook numbers. "
                "Write one (03), a range (01-05) or several (01,03)."
            )
        numbers.update(range(int(ends[1]), int(ends[2] or ends[1]) + 1))
    if not numbers or numbers - known.keys():
        missing = ", ".join(f"{n:02d}" for n in sorted(numbers - known.keys())) or wanted
        there = ", ".join(f"{n:02d}" for n in sorted(known))
        raise CXRLabError(f"There is no notebook {missing}. There are {there}.")
    return [known[number] for number in sorted(numbers)]


def environment_for(budget: str, data: Path | None, workspace: Path) -> dict[str, str]:
    """The variables that the notebooks read. ``data``: a folder of X-rays, None for phantoms."""
    chosen = {"CXRLAB_BUDGET": budget, "CXRLAB_DATA": str(data or "")}
    return chosen | {"CXRLAB_WORKSPACE": str(workspace)}


def run_course(
    notebooks: str | None = None,
    budget: str | None = None,
    data: str | Path | None = None,
    out: str | Path = "cxrlab-out",
    folder: Path | None = None,
    console: Console | None = None,
) -> list[str]:
    """Execute the chosen notebooks one after the other and write their pages into ``out``.

    ``notebooks`` is ``03``, ``01-05`` or ``01,03`` (all where None), ``folder`` where they lie;
    ``data`` and ``budget`` default to the reader's choice. A second run takes up what a first one
    left in ``out/workspace``. Returns the names of the notebooks that a failing cell stopped; the
    others still run. Raises :class:`CXRLabError` for choices that cannot be run.
    """
    console = console or Console()
    chosen = select_notebooks(find_notebooks(folder), notebooks)
    xrays, budget = data_folder(data) if choose(data).folder else None, get_budget(budget).name
    about = "Data: phantoms (simulated X-rays)"
    if xrays is not None and not is_phantom(xrays):
        about = f"Data: real X-rays in {xrays.name}"  # no path of this machine: pages are shared
    out = Path(os.path.expanduser(out)).resolve()
    make_folder(out / "notebooks")
    pages = Pages(out, {"data": about, "budget": budget}, [path.stem for path in chosen])
    console.out(f"{about} · budget: {budget}", highlight=False)

    stopped, environment = [], environment_for(budget, xrays, out / "workspace")
    for path in chosen:
        try:
            execution = execute(path, out / "notebooks", environment, console)
        except KeyboardInterrupt:
            console.out("Interrupted. The same command goes on from what is finished.")
            raise
        # First the page and then the word: what is called done is there, whatever happens next.
        pages.add(execution, path.parent)
        console.out(execution, highlight=False)
        stopped += [path.stem] if execution.failure else []
    console.out(f"Pages: {out / 'index.html'}", highlight=False)
    return stopped


def copy_notebooks(folder: Path, source: Path | None = None) -> None:
    """Copy the course's notebooks into ``folder``; what is there is kept.

    Raises :class:`CXRLabError` where ``folder`` cannot be written.
    """
    for notebook in find_notebooks(source):
        with writing(folder):
            if not (folder / notebook.name).exists():
                write_atomically(folder / notebook.name, notebook.read_bytes())


def open_lab(folder: Path | None = None, browser: bool = True) -> int:
    """Open JupyterLab at the first notebook of ``folder`` and wait until it ends: its exit code.

    Without a folder: at the checkout's, else :class:`CXRLabError`, as where JupyterLab is missing.
    """
    if folder is None and SHIPPED.is_dir():
        raise CXRLabError(
            "This installation is no checkout of the repository. "
            "Name a folder for your copies of the notebooks: cxrlab lab my-cxrlab"
        )
    if importlib.util.find_spec("jupyterlab") is None:
        raise CXRLabError('JupyterLab is missing. Install it with: pip install "cxrlab[lab]"')
    command = [sys.executable, "-m", "jupyterlab", str(find_notebooks(folder)[0])]
    command += [] if browser else ["--no-browser"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container
        command.append("--allow-root")
    # A kernel of the same name that belongs to another Python must not win. And a folder named
    # relative to here would be looked for beside the notebook.
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}
    for name in ("CXRLAB_DATA", "CXRLAB_WORKSPACE"):
        if environment.get(name, "phantom") not in ("", "phantom"):
            environment[name] = str(Path(environment[name]).expanduser().absolute())
    try:
        return subprocess.call(command, env=environment)
    except KeyboardInterrupt:
        return 0
