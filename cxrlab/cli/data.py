"""``cxrlab data``: what X-rays there are, bringing real ones, and choosing between them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cxrlab.cli.options import DataOption

data_app = typer.Typer(help="Look at the X-rays, fetch real ones.", no_args_is_help=True)


class What(StrEnum):
    """What can be fetched."""

    covid = "covid"
    kermany = "kermany"
    external = "external"
    all = "all"


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

    console = Console()
    found = describe(data_folder(data))
    console.print(found.headline)
    console.print(as_table(found.sources, "Sources"))
    if len(found.problems):
        console.print(as_table(found.problems, "Left out"))
    for sentence in (*found.fetched, *found.advice):
        console.print(sentence)


@data_app.command()
def fetch(
    what: Annotated[
        What,
        typer.Argument(
            help="covid (positives), kermany (normal children), external (two sets from "
            "elsewhere), or all of them."
        ),
    ] = What.all,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder to fetch into; without it xrays in the workspace."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="The most images per source.")
    ] = None,
    commit: Annotated[
        str | None,
        typer.Option("--commit", help="Another commit or branch of the COVID-19 source."),
    ] = None,
    archive: Annotated[
        Path | None,
        typer.Option("--archive", help="Zip or folder of the normal children on this computer."),
    ] = None,
) -> None:
    """Bring real X-rays: only the images that the course uses, some hundred megabytes.

    What is there already is not fetched again, and an interrupted fetch goes on where it stopped.
    """
    from cxrlab.choices import choose
    from cxrlab.sources.fetching import fetch_sources

    report = fetch_sources(what.value, data, limit, commit, archive, say=typer.echo)
    typer.echo(str(report))
    if not report.complete:
        raise typer.Exit(1)
    if choose().folder != report.folder:
        typer.echo(f'To work on these X-rays from now on: cxrlab data use "{report.folder}"')


@data_app.command()
def use(
    data: Annotated[
        str, typer.Argument(metavar="DIR|phantom", help="A folder of X-rays, or phantom.")
    ],
) -> None:
    """Choose which X-rays every notebook and command of this workspace works on."""
    import os

    from cxrlab.choices import PHANTOM, remember

    folder = remember(None if data == PHANTOM else data)
    typer.echo(f"From now on: {folder or 'phantoms (simulated X-rays)'}.")
    if os.environ.get("CXRLAB_DATA") is not None:
        typer.echo("But CXRLAB_DATA is set and goes before this choice. Unset it.")


@data_app.command()
def cite(
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Only for the sources in this folder; without it for all."),
    ] = None,
) -> None:
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
