"""The course's notebooks: which there are, running all of them, and opening them in JupyterLab."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import cxrlab
from cxrlab.choices import choose
from cxrlab.errors import CXRLabError
from cxrlab.files import make_folder, workspace_root, write_atomically
from cxrlab.publish import CHECKOUT
from cxrlab.running.execute import execute
from cxrlab.running.pages import Pages
from cxrlab.sources import data_folder, is_phantom

SHIPPED = Path(cxrlab.__file__).parent / "_notebooks"  # there where cxrlab is no checkout


def find_notebooks(folder: Path | None = None) -> list[Path]:
    """The numbered notebooks of ``folder`` in their order; else of the package or the checkout."""
    folder = folder or (SHIPPED if SHIPPED.is_dir() else CHECKOUT / "notebooks")
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def select_notebooks(found: list[Path], wanted: str | None) -> list[Path]:
    """Choose from ``found`` by number: ``03``, ``01-05``, ``01,03`` or ``1-2,06``; all for None.

    Raises :class:`CXRLabError` for what names no notebook.
    """
    if wanted is None:
        return found
    known = {notebook.stem[:2]: notebook for notebook in found}
    numbers: set[str] = set()
    for part in wanted.split(","):
        ends = re.fullmatch(r"\s*(\d\d?)(?:\s*-\s*(\d\d?))?\s*", part)
        span = range(int(ends[1]), int(ends[2] or ends[1]) + 1) if ends else ()
        numbers |= {f"{number:02d}" for number in span} or {repr(part)}
    if missing := numbers - known.keys():
        raise CXRLabError(
            f"There is no notebook {', '.join(sorted(missing))}. There are {', '.join(known)}. "
            "Write one (03), a range (01-05) or several (01,03)."
        )
    return [known[number] for number in sorted(numbers)]


def environment_for(budget: str, data: Path | None, workspace: Path) -> dict[str, str]:
    """The variables that the notebooks read. ``data``: a folder of X-rays, None for phantoms."""
    chosen = {"CXRLAB_BUDGET": budget, "CXRLAB_DATA": str(data or "")}
    return chosen | {"CXRLAB_WORKSPACE": str(workspace)}


def run_course(
    wanted: str | None, budget: str, data: Path | None, out: Path, folder: Path | None = None
) -> list[str]:
    """Execute the chosen notebooks one after the other and write their pages into ``out``.

    ``data`` defaults to the reader's choice. A second run takes up what a first one left in
    ``out/workspace``. Returns the names of the notebooks that a failing cell stopped; the others
    still run. Raises :class:`CXRLabError` for choices that cannot be run.
    """
    chosen = select_notebooks(find_notebooks(folder), wanted)
    xrays = data_folder(data) if choose(data).folder else None
    about = "Data: phantoms (simulated X-rays)"
    if xrays is not None and not is_phantom(xrays):
        about = f"Data: real X-rays in {xrays.name}"  # no path of this machine: pages are shared
    out = out.resolve()
    make_folder(out / "notebooks")
    pages = Pages(out, {"data": about, "budget": budget}, [path.stem for path in chosen])
    print(f"{about} · budget: {budget}")

    stopped, environment = [], environment_for(budget, xrays, out / "workspace")
    for path in chosen:
        try:
            execution = execute(path, out / "notebooks", environment)
        except KeyboardInterrupt:
            print("Interrupted. The same command goes on from what is finished.")
            raise
        # First the page and then the word: what is called done is there, whatever happens next.
        pages.add(execution)
        print(execution, flush=True)
        stopped += [path.stem] if execution.failure else []
    print(f"Pages: {out / 'index.html'}")
    return stopped


def copy_notebooks(folder: Path) -> None:
    """Copy the course's notebooks into ``folder``; those that are there are kept."""
    for notebook in find_notebooks():
        if not (folder / notebook.name).exists():
            write_atomically(folder / notebook.name, notebook.read_bytes())


def open_lab(folder: Path | None = None) -> int:
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
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container
        command.append("--allow-root")
    # A kernel of the same name that belongs to another Python must not win. And a folder named
    # relative to here would be looked for beside the notebook.
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}
    environment["CXRLAB_WORKSPACE"] = str(workspace_root())
    if os.environ.get("CXRLAB_DATA") and (data := choose().folder):
        environment["CXRLAB_DATA"] = str(data)
    try:
        return subprocess.call(command, env=environment)
    except KeyboardInterrupt:
        return 0
