"""``cxrlab data``: what X-rays there are, bringing real ones, and choosing between them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import typer

from cxrlab.cli.shared import DataOption

data_app = typer.Typer(help="Look at the X-rays, fetch real ones.", no_args_is_help=True)

WHAT = typer.Argument(
    "all",
    help="covid (positives), kermany (normal children), external (two sets from elsewhere), or "
    "all of them.",
)
INTO = typer.Option(None, "--data", help="Folder to fetch into; without it xrays in the workspace.")
LIMIT = typer.Option(None, min=1, help="The most images per source.")
COMMIT = typer.Option(None, help="Another commit or branch of the COVID-19 source.")
ARCHIVE = typer.Option(None, help="Zip or folder of the normal children on this computer.")
CHOICE = typer.Argument(metavar="DIR|phantom", help="A folder of X-rays, or phantom.")
ONLY = typer.Option(None, "--data", help="Only for the sources in this folder; else for all.")


@data_app.callback()
def data() -> None:
    """Look at the X-rays, fetch real ones, choose which to work on."""


@data_app.command()
def status(data: DataOption = None) -> None:
    """Say which X-rays are there, how many are usable, and what is wrong with the others."""
    from rich.console import Console

    from cxrlab.cli.tables import as_table
    from cxrlab.data_status import describe
    from cxrlab.sources import data_folder

    console = Console(markup=False)  # a folder's name may hold square brackets
    found = describe(data_folder(data))
    console.print(found.headline)
    console.print(as_table(found.sources, "Sources"))
    if len(found.problems):
        console.print(as_table(found.problems, "Left out"))
    for sentence in (*found.fetched, *found.advice):
        console.print(sentence)


@data_app.command()
def fetch(
    what: Literal["covid", "kermany", "external", "all"] = WHAT,
    data: Path | None = INTO,
    limit: int | None = LIMIT,
    commit: str | None = COMMIT,
    archive: Path | None = ARCHIVE,
) -> None:
    """Bring real X-rays: only the images that the course uses, some hundred megabytes.

    What is there already is not fetched again, and an interrupted fetch goes on where it stopped.
    """
    from cxrlab.choices import choose
    from cxrlab.sources.fetching import fetch_sources

    report = fetch_sources(what, data, limit, commit, archive, say=typer.echo)
    typer.echo(str(report))
    if not report.complete:
        raise typer.Exit(1)
    if choose().folder != report.folder:
        typer.echo(f'To work on these X-rays from now on: cxrlab data use "{report.folder}"')


@data_app.command()
def use(data: str = CHOICE) -> None:
    """Choose which X-rays every notebook and command of this workspace works on."""
    from cxrlab.choices import PHANTOM, remember

    folder = remember(None if data == PHANTOM else data)
    typer.echo(f"From now on: {folder or 'phantoms (simulated X-rays)'}.")
    if os.environ.get("CXRLAB_DATA") is not None:
        typer.echo("But CXRLAB_DATA is set and goes before this choice. Unset it.")


@data_app.command()
def cite(data: Path | None = ONLY) -> None:
    """Print what to cite, and what each source allows."""
    from cxrlab.errors import CXRLabError
    from cxrlab.sources import is_phantom, sources_in
    from cxrlab.sources.licences import TERMS

    if data is not None and not data.expanduser().is_dir():
        raise CXRLabError(f"{data} is not a folder. Leave --data out for all sources.")
    names = list(TERMS) if data is None else sources_in(data.expanduser())
    if not names or (data is not None and is_phantom(data.expanduser())):
        typer.echo(f"{data} holds no real X-rays: there is nothing to cite but the course.")
        return
    for name in names:
        typer.echo(f"{name}: {TERMS[name].allows}")
    for citation in dict.fromkeys(TERMS[name].citation for name in names):
        typer.echo(f"Cite {citation}")
