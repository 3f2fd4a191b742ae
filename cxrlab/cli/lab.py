"""``cxrlab lab``: JupyterLab at notebook 01."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def lab(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Copy the notebooks here first. A file that is there already is kept.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option(help="Open a browser, or only print the address.")
    ] = True,
) -> None:
    """Open JupyterLab at the first notebook.

    Without DIR it opens the notebooks of a checkout. JupyterLab hands CXRLAB_DATA, CXRLAB_BUDGET
    and CXRLAB_WORKSPACE on to the notebooks.
    """
    from cxrlab.running.notebooks import copy_notebooks, open_lab

    if folder is not None:
        typer.echo(copy_notebooks(folder))
    raise typer.Exit(open_lab(folder, browser))
