"""``cxrlab data``: what X-rays there are, bringing real ones, and choosing between them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cxrlab.cli.shared import DataOption, show_table

if TYPE_CHECKING:
    import pandas as pd

data_app = typer.Typer(help="Look at the X-rays, fetch real ones.", no_args_is_help=True)

WHAT = typer.Argument(
    "all", help="covid, kermany, nih; external, openist, cxnet, tuberculosis; or all."
)
INTO = typer.Option(None, "--data", help="Folder to fetch into; without it xrays in the workspace.")
LIMIT = typer.Option(None, min=1, help="The most images per source.")
ARCHIVE = typer.Option(None, help="Zip or folder of the normal children on this computer.")
CHOICE = typer.Argument(metavar="DIR|phantom", help="A folder of X-rays, or phantom.")
ONLY = typer.Option(None, "--data", help="Only for the sources in this folder; else for all.")


@data_app.callback()
def data() -> None:
    """Look at the X-rays, fetch real ones, choose which to work on."""


@data_app.command()
def status(data: DataOption = None) -> None:
    """Say which X-rays are there, how many are usable, and what is wrong with the others."""
    from cxrlab.sources import data_folder, is_phantom

    folder = data_folder(data)
    found, left_out, advice = describe(folder)
    kind = "Phantoms (simulated X-rays)" if is_phantom(folder) else "X-rays"
    typer.echo(f"{kind} in {folder}")
    show_table(found, "Sources")
    if len(left_out):
        show_table(left_out, "Left out")
    for sentence in advice:
        typer.echo(sentence)


def describe(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Read every image in ``folder`` once: a row per source, files left out by reason, advice.

    Never raises for what is missing or damaged inside it: that is what it reports.
    """
    import pandas as pd

    from cxrlab.errors import CXRLabError
    from cxrlab.filters import fingerprint, is_covid19, is_normal
    from cxrlab.sources import ALL_SOURCES, SOURCES, covid, kermany, nih, sources_in

    rows, problems, advice, there = [], [], [], sources_in(folder)
    for name in dict.fromkeys([*SOURCES, *there]):
        rows.append({"source": name, "listed": 0, "usable": 0, "covid19": 0, "normal": 0})
        try:
            catalog = ALL_SOURCES[name].load(folder / name) if name in there else None
        except CXRLabError as error:
            advice.append(str(error))
            continue
        if catalog is None:
            advice.append(f"There is no folder {name}. `cxrlab data fetch` brings it.")
            continue
        problem = catalog["image_id"].map(fingerprint(catalog)["problem"])
        usable = catalog.loc[problem.isna(), "finding"]
        rows[-1] |= {"listed": len(catalog), "usable": len(usable)}
        rows[-1] |= {"covid19": is_covid19(usable).sum(), "normal": is_normal(usable).sum()}
        counts = problem.value_counts().items()
        problems += [{"source": name, "reason": why, "images": count} for why, count in counts]
        if name not in (kermany.NAME, nih.NAME):  # of a repository only a part is fetched
            wanted = problem[covid.used(catalog)]
            if gone := (wanted == "missing").sum():
                advice.append(
                    f"{name}: {gone:,} of {len(wanted):,} images that the course uses are not "
                    "there. `cxrlab data fetch` brings those that its repository has."
                )
    left_out = pd.DataFrame(problems, columns=["source", "reason", "images"])
    return pd.DataFrame(rows), left_out, advice


@data_app.command()
def fetch(
    what: str = WHAT,
    data: Path | None = INTO,
    limit: int | None = LIMIT,
    archive: Path | None = ARCHIVE,
) -> None:
    """Bring real X-rays without an account, at the most some 2 GB.

    The course learns from covid, kermany (children) and nih (adults): half a GB. The others are
    from elsewhere, for tests; tuberculosis (montgomery and shenzhen) has 1 GB. What is there
    already is not fetched again, and an interrupted fetch goes on where it stopped.
    """
    from cxrlab.choices import choose
    from cxrlab.sources import fetch

    folder = fetch(what, data, limit, archive)
    if choose().folder != folder:
        typer.echo(f'To work on these X-rays from now on: cxrlab data use "{folder}"')


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
    from cxrlab.sources import ALL_SOURCES, data_folder, is_phantom, sources_in

    folder = data and data_folder(data)
    names = [] if folder and is_phantom(folder) else sources_in(folder) if folder else ALL_SOURCES
    if not names:
        typer.echo(f"{data} holds no real X-rays: there is nothing to cite but the course.")
    for name in names:
        typer.echo(f"{name}: {ALL_SOURCES[name].allows}")
    for citation in dict.fromkeys(ALL_SOURCES[name].citation for name in names):
        typer.echo(f"Cite {citation}")
