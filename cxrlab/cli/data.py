"""``cxrlab data``: what X-rays there are."""

from __future__ import annotations

import typer

from cxrlab.cli.options import DataOption

data_app = typer.Typer(help="Look at the X-rays.", no_args_is_help=True)


@data_app.callback()
def data() -> None:
    """Look at the X-rays."""


@data_app.command()
def status(data: DataOption = None) -> None:
    """Say which X-rays are there, how many are usable, and what is wrong with the others."""
    from rich.console import Console

    from cxrlab.cli.tables import as_table
    from cxrlab.data_status import describe
    from cxrlab.sources import data_folder

    console = Console()
    found = describe(data_folder(data))
    console.print(found.headline)
    console.print(as_table(found.sources, "Sources"))
    if len(found.problems):
        console.print(as_table(found.problems, "Left out"))
    for sentence in found.advice:
        console.print(sentence)
