"""``cxrlab data``: what X-rays there are, bringing real ones, and choosing between them."""

import os
from pathlib import Path
from typing import Annotated

from typer import Argument, Option, Typer, echo

from cxrlab.cli.shared import DataOption, show_table

SETS = "covid, kermany, nih; external, openist, cxnet, tuberculosis; or all."
INTO = "Folder to fetch into; without it xrays in the workspace."
COPY = "Zip or folder of the normal children on this computer."

data_app = Typer(
    help="Look at the X-rays, fetch real ones, choose which to work on.", no_args_is_help=True
)


@data_app.command()
def status(data: DataOption = None) -> None:
    """Say which X-rays are there, how many are usable, and what is wrong with the others."""
    import pandas as pd

    from cxrlab.errors import CXRLabError
    from cxrlab.filters import fingerprint
    from cxrlab.sources import ALL_SOURCES, SOURCES, covid, data_folder, is_phantom, sources_in
    from cxrlab.sources.tables import is_covid19, is_normal

    folder = data_folder(data)
    there = sources_in(folder)
    advice = [f"There is no folder {name}." for name in SOURCES if name not in there]
    rows, left_out = [], []
    for name in there:
        try:
            catalog = ALL_SOURCES[name].load(folder / name)
        except CXRLabError as error:
            advice.append(str(error))
            continue
        problem = catalog["image_id"].map(fingerprint(catalog)["problem"])
        usable = catalog.loc[problem.isna(), "finding"]
        ill, healthy = is_covid19(usable).sum(), is_normal(usable).sum()
        rows.append([name, len(catalog), len(usable), ill, healthy])
        left_out += [[name, *reason] for reason in problem.value_counts().items()]
        wanted = problem[covid.used(catalog)]
        if gone := (wanted == "missing").sum():
            advice.append(f"{name}: {gone:,} of {len(wanted):,} images that we use are not there.")
    echo(f"{'Phantoms (simulated X-rays)' if is_phantom(folder) else 'X-rays'} in {folder}")
    columns = ["source", "listed", "usable", "covid19", "normal"]
    show_table(pd.DataFrame(rows, columns=columns), "Sources")
    if left_out:
        columns = ["source", "reason", "images"]
        show_table(pd.DataFrame(left_out, columns=columns), "Left out")
    if advice:
        echo("\n".join([*advice, "`cxrlab data fetch` brings what its sources have."]))


@data_app.command()
def fetch(
    what: Annotated[str, Argument(help=SETS)] = "all",
    data: Annotated[Path | None, Option(help=INTO)] = None,
    limit: Annotated[int | None, Option(min=1, help="The most images per source.")] = None,
    archive: Annotated[Path | None, Option(help=COPY)] = None,
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
        echo(f'To work on these X-rays from now on: cxrlab data use "{folder}"')


@data_app.command()
def use(
    data: Annotated[str, Argument(metavar="DIR|phantom", help="A folder of X-rays, or phantom.")],
) -> None:
    """Choose which X-rays every notebook and command of this workspace works on."""
    from cxrlab.choices import PHANTOM, remember

    folder = remember(None if data == PHANTOM else data)
    echo(f"From now on: {folder or 'phantoms (simulated X-rays)'}.")
    if os.environ.get("CXRLAB_DATA") is not None:
        echo("But CXRLAB_DATA is set and goes before this choice. Unset it.")


@data_app.command()
def cite(
    data: Annotated[Path | None, Option(help="Only for the sources in this folder.")] = None,
) -> None:
    """Print what to cite, and what each source allows."""
    from cxrlab.sources import ALL_SOURCES, data_folder, is_phantom, sources_in

    folder = data and data_folder(data)
    names = [] if folder and is_phantom(folder) else sources_in(folder) if folder else ALL_SOURCES
    if not names:
        echo(f"{data} holds no real X-rays: there is nothing to cite but the course.")
    for name in names:
        echo(f"{name}: {ALL_SOURCES[name].allows}")
    for citation in dict.fromkeys(ALL_SOURCES[name].citation for name in names):
        echo(f"Cite {citation}")
