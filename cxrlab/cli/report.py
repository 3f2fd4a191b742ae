"""``cxrlab report``: the model card of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="Folder that train or tune wrote.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the card. Default: RUN.", show_default=False),
    ] = None,
) -> None:
    """Write the model card of a run, model-card.md.

    It says what the network is for and not for, which X-rays it learned from, how it was
    trained, how good it is and for whom, and what careful reporting asks that this run leaves
    open. RUN/external.json, from cxrlab evaluate, and RUN/by_source.csv become part of it.
    """
    from cxrlab.card import write_model_card

    typer.echo(f"Written: {write_model_card(run, out)}")
    typer.echo("Not for medical use.")
