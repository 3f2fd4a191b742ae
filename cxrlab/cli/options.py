"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Negatives(StrEnum):
    """Which X-rays stand for "not COVID-19"."""

    kermany = "kermany"
    adult = "adult"
    mixed = "mixed"


class BudgetName(StrEnum):
    """How much work a command may do."""

    smoke = "smoke"
    lesson = "class"
    full = "full"


class Precision(StrEnum):
    """The number format of the training."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


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
    BudgetName,
    typer.Option("--budget", help="How much work to do.", envvar="CXRLAB_BUDGET"),
]
NegativesOption = Annotated[
    Negatives,
    typer.Option(
        "--negatives", help="Healthy children (as published), healthy adults, or half and half."
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of split and training.")]
PrecisionOption = Annotated[
    Precision, typer.Option("--precision", help="Number format; auto asks the device.")
]
RunOption = Annotated[
    Path, typer.Option("--out", help="Folder for the run; an interrupted run goes on.")
]
