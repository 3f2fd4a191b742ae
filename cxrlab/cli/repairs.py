"""``cxrlab repairs``."""

from __future__ import annotations

from typing import Annotated

import typer

from cxrlab.cli.options import (
    BudgetName,
    BudgetOption,
    DataOption,
    RunOption,
    SeedOption,
)


def repairs(
    out: RunOption,
    data: DataOption = None,
    budget: BudgetOption = BudgetName.lesson,
    folds: Annotated[
        int, typer.Option("--folds", min=2, help="Test every patient once, over so many folds.")
    ] = 2,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="A repair by name, several times for several; default: all."),
    ] = None,
    seed: SeedOption = 0,
) -> None:
    """Try every repair of notebook 07 on the same unseen people (takes long)."""
    from rich.console import Console

    from cxrlab.choices import get_budget
    from cxrlab.cli.tables import repairs_table
    from cxrlab.repairs import RepairsPlan, repairs_run
    from cxrlab.sources import data_folder

    plan = RepairsPlan(folds, seed, only or ())
    recording = repairs_run(out, data_folder(data), get_budget(budget.value), plan, typer.echo)
    Console().print(repairs_table(recording.table))
    typer.echo(recording.sentence)
    typer.echo(f"The run is in {out}.")
