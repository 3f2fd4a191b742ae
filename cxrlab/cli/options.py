"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

BudgetName = Literal["smoke", "class", "full"]
Negatives = Literal["kermany", "adult", "mixed"]

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Folder of real X-rays, or phantom; without it what `cxrlab data use` chose.",
        envvar="CXRLAB_DATA",
        show_default=False,
    ),
]
BUDGET = typer.Option("class", help="How much work to do.", envvar="CXRLAB_BUDGET")
SEED = typer.Option(0, min=0, help="Seed of split and training.")
OUT = typer.Option(..., help="Folder for the run; an interrupted run goes on.")
RUN = typer.Argument(help="Folder that train or tune wrote.")
WHO = "Healthy children (as published), healthy adults, or half and half."
