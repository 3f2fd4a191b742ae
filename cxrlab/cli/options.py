"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Folder of real X-rays, or phantom; without it what `cxrlab data use` chose.",
        envvar="CXRLAB_DATA",
        show_default=False,
    ),
]
BudgetOption = Annotated[
    Literal["smoke", "class", "full"],
    typer.Option("--budget", help="How much work to do.", envvar="CXRLAB_BUDGET"),
]
NegativesOption = Annotated[
    Literal["kermany", "adult", "mixed"] | None,
    typer.Option(
        "--negatives",
        help="Healthy children (as published), healthy adults, or half and half.",
        show_default=False,
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of split and training.")]
OutOption = Annotated[
    Path, typer.Option("--out", help="Folder for the run; an interrupted run goes on.")
]
RunArgument = Annotated[Path, typer.Argument(help="Folder that train or tune wrote.")]
