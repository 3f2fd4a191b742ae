"""``cxrlab run``: the notebooks headless, a page for each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cxrlab.cli.options import BudgetName, BudgetOption, DataOption


def run(
    notebooks: Annotated[
        str | None,
        typer.Option(help="Which ones: 03, 01-05 or 01,03. All by default.", metavar="NUMBERS"),
    ] = None,
    budget: BudgetOption = BudgetName.lesson,
    data: DataOption = None,
    out: Annotated[
        Path, typer.Option(help="Where the pages and the workspace go.", metavar="DIR")
    ] = Path("cxrlab-out"),
) -> None:
    """Run the notebooks without a browser and write a page for each, and an index.

    Results are kept in OUT/workspace; a second run takes up what a first one left.
    Exit code 1 when a notebook stopped early.
    """
    from cxrlab.running.course import run_course

    if run_course(notebooks, budget.value, data, out):
        raise typer.Exit(1)
