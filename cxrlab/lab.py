"""Hand the notebooks to a reader: copy them into a folder, open JupyterLab there."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cxrlab.chosen import PHANTOM
from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically
from cxrlab.running.notebooks import find_notebooks


@dataclass(frozen=True)
class Copies:
    """File names: newly ``copied``, ``same`` as the course's, and ``kept`` as the reader's own."""

    copied: list[str]
    same: list[str]
    kept: list[str]

    def in_words(self, folder: Path) -> str:
        """What happened, for the reader."""
        lines = []
        if self.copied:
            lines.append(f"Copied {len(self.copied)} notebooks into {folder}.")
        if self.kept:
            lines.append(
                f"Kept your own {', '.join(self.kept)}. "
                "For the course's version, rename yours and run this again."
            )
        return "\n".join(lines) or f"The notebooks in {folder} are as the course has them."


def copy_notebooks(folder: Path, source: Path | None = None) -> Copies:
    """Copy the course's notebooks into ``folder``. What is there already is never overwritten.

    Raises :class:`CXRLabError` where ``folder`` cannot be written.
    """
    copies = Copies([], [], [])
    for notebook in find_notebooks(source):
        content, target = notebook.read_bytes(), folder / notebook.name
        if target.exists():
            same = target.is_file() and target.read_bytes() == content
            (copies.same if same else copies.kept).append(notebook.name)
            continue
        try:
            write_atomically(target, content)
        except OSError as error:
            raise CXRLabError(
                f"Cannot write {target} ({error.strerror}). Choose another folder."
            ) from error
        copies.copied.append(notebook.name)
    return copies


def open_lab(folder: Path, browser: bool = True) -> int:
    """Start this environment's JupyterLab in ``folder`` at the first notebook; its exit code.

    Raises :class:`CXRLabError` where JupyterLab is not installed.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise CXRLabError(
            'JupyterLab is not installed here. Install it with: pip install "cxrlab[lab]"'
        )
    first = find_notebooks(folder)[0]
    command = [sys.executable, "-m", "jupyterlab", str(first)]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # as in a container
        command.append("--allow-root")
    # A kernel of the same name that belongs to another Python must not win. And a folder named
    # relative to here would be looked for beside the notebook.
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}
    for name in ("CXRLAB_DATA", "CXRLAB_WORKSPACE"):
        if (named := environment.get(name)) and named != PHANTOM:
            environment[name] = str(Path(named).expanduser().absolute())
    try:
        return subprocess.call(command, env=environment)
    except KeyboardInterrupt:
        return 0
