"""The course's notebooks: where they lie, which are meant by ``01-05``, and handing them out."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import cxrlab
from cxrlab.errors import CXRLabError, cannot_write
from cxrlab.files import write_atomically

PACKAGE = Path(cxrlab.__file__).resolve().parent
CHECKOUT = PACKAGE.parent


def in_checkout() -> bool:
    """Whether this package runs from a checkout of the repository rather than installed."""
    return (CHECKOUT / "pyproject.toml").is_file() and (CHECKOUT / "notebooks").is_dir()


def find_notebooks(folder: Path | None = None) -> list[Path]:
    """The numbered notebooks (``01_motivation.ipynb``, ...) of ``folder``, in their order.

    Without a folder: those of the checkout, else those shipped with the package. Raises
    :class:`CXRLabError` where there are none.
    """
    folder = folder or (CHECKOUT / "notebooks" if in_checkout() else PACKAGE / "_notebooks")
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
        match = re.fullmatch(r"\s*(\d{1,2})(?:\s*-\s*(\d{1,2}))?\s*", part)
        if not match:
            raise CXRLabError(
                f"Cannot read {wanted!r} as notebook numbers. "
                "Write one (03), a range (01-05) or several (01,03)."
            )
        first, last = sorted((int(match[1]), int(match[2] or match[1])))
        numbers.update(range(first, last + 1))
    if missing := sorted(numbers - known.keys()):
        raise CXRLabError(
            f"There is no notebook {', '.join(f'{n:02d}' for n in missing)}. "
            f"There are {', '.join(f'{n:02d}' for n in sorted(known))}."
        )
    return [known[number] for number in sorted(numbers)]


def copy_notebooks(folder: Path, source: Path | None = None) -> str:
    """Copy the course's notebooks into ``folder`` and say so. Nothing there is overwritten.

    Raises :class:`CXRLabError` where ``folder`` cannot be written.
    """
    copied, kept = [], []
    for notebook in find_notebooks(source):
        content, target = notebook.read_bytes(), folder / notebook.name
        if not target.exists():
            try:
                write_atomically(target, content)
            except OSError as error:
                raise cannot_write(target, error) from error
            copied.append(notebook.name)
        elif not target.is_file() or target.read_bytes() != content:
            kept.append(notebook.name)
    said = [f"Copied {len(copied)} notebooks into {folder}."] if copied else []
    if kept:
        said.append(
            f"Kept your own {', '.join(kept)}. "
            "For the course's version, rename yours and run this again."
        )
    return "\n".join(said) or f"The notebooks in {folder} are as the course has them."


def open_lab(folder: Path | None = None, browser: bool = True) -> int:
    """Start this environment's JupyterLab at the first notebook of ``folder``; its exit code.

    Without a folder: at the checkout's. Raises :class:`CXRLabError` where JupyterLab is not
    installed, and outside a checkout, where the shipped notebooks are not to be edited.
    """
    if folder is None and not in_checkout():
        raise CXRLabError(
            "This installation is no checkout of the repository. "
            "Name a folder for your copies of the notebooks: cxrlab lab my-cxrlab"
        )
    if importlib.util.find_spec("jupyterlab") is None:
        raise CXRLabError(
            'JupyterLab is not installed here. Install it with: pip install "cxrlab[lab]"'
        )
    command = [sys.executable, "-m", "jupyterlab", str(find_notebooks(folder)[0])]
    if not browser:
        command.append("--no-browser")
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


def id_for(source: str, taken: set[str]) -> str:
    """A cell's id, made from what the cell says: only a changed cell changes its id."""
    stem = hashlib.sha256(source.encode()).hexdigest()[:8]
    cell_id, copies = stem, 1
    while cell_id in taken:
        copies += 1
        cell_id = f"{stem}-{copies}"
    taken.add(cell_id)
    return cell_id
