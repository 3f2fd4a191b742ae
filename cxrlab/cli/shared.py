"""What several commands share: options that mean the same everywhere, and how mistakes are told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from cxrlab.errors import CXRLabError

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


class PlainErrors(TyperGroup):
    """Shows a reader's mistake as a sentence. Anything else is ours and keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CXRLabError as error:
            print(error, file=sys.stderr)
            raise typer.Exit(1) from None
