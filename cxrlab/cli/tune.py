"""``cxrlab tune``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cxrlab.cli.options import (
    BudgetName,
    BudgetOption,
    DataOption,
    Negatives,
    NegativesOption,
    SeedOption,
)
from cxrlab.cli.shown import show
from cxrlab.errors import CXRLabError


class Tuner(StrEnum):
    """How the search proposes settings."""

    random = "random"
    bayesian = "bayesian"
    grid = "grid"


class Space(StrEnum):
    """The published space: a dropout rate for each layer, or one for all."""

    per_layer = "per-layer"
    shared = "shared"


class Objective(StrEnum):
    """What the search optimises on the validation part."""

    val_loss = "val_loss"
    recall_at_specificity = "recall_at_specificity"


def tune(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for the run; an interrupted run goes on.", show_default=False
        ),
    ] = None,
    data: DataOption = None,
    negatives: NegativesOption = Negatives.kermany,
    budget: BudgetOption = BudgetName.lesson,
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="Settings to try. Default: the budget's.", show_default=False),
    ] = None,
    tuner: Annotated[Tuner, typer.Option(help="How settings are proposed.")] = Tuner.random,
    space: Annotated[
        Space, typer.Option(help="A dropout rate for each layer, or one for all.")
    ] = Space.per_layer,
    objective: Annotated[
        Objective, typer.Option(help="What is optimised on validation.")
    ] = Objective.val_loss,
    seed: SeedOption = 0,
    until: Annotated[
        float | None,
        typer.Option(
            "--until",
            metavar="MINUTES",
            help="Begin no new trial after so many minutes; the same command goes on later.",
            show_default=False,
        ),
    ] = None,
    replay: Annotated[
        str | None,
        typer.Option(
            "--replay",
            metavar="FILE",
            help="Search nothing: show the recording.json of a finished search again, or with "
            "`course` the fifty trials that come with the course.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Search the published space with Keras Tuner, then train and test the best settings.

    Several machines share a search by Keras Tuner's environment variables: docs/many-machines.md.
    """
    if replay is not None:
        return _replay(replay)
    if out is None:
        raise CXRLabError(
            "Say with --out where the run is to be kept, for example --out my-search."
        )
    from rich.console import Console

    from cxrlab.choices import get_budget
    from cxrlab.cli.tables import leaderboard_table
    from cxrlab.runs import tune_run
    from cxrlab.sources import data_folder
    from cxrlab.tuning import Plan

    work = get_budget(budget.value)
    plan = Plan(
        tuner.value,
        space.value,
        objective.value,
        work.trials if trials is None else trials,
        seed,
    )
    done = tune_run(
        out,
        data_folder(data),
        work,
        plan,
        negatives=negatives.value,
        until=until,
        say=typer.echo,
    )
    if done is None:
        return
    metrics, leaderboard = done
    Console().print(leaderboard_table(leaderboard.head(10)))
    show(metrics)
    typer.echo(f"The run is in {out}.")


def _replay(source: str) -> None:
    """Print what each trial of a recorded search found, and the leaderboard at its end."""
    from rich.console import Console

    from cxrlab.cli.tables import leaderboard_table
    from cxrlab.tuning import OBJECTIVES, recorded_search

    recording, objective = recorded_search(source)
    typer.echo(recording.sentence)
    typer.echo(f"The {objective} of each trial:")
    board = recording.table.sort_values("trial")
    better = board[objective].cummin if OBJECTIVES[objective] == "min" else board[objective].cummax
    steps = zip(board["trial"], board[objective], better(), strict=True)
    for trial, value, best in steps:
        typer.echo(
            f"Trial {trial} of {len(board)}: {objective} {value:.3f}, best so far {best:.3f}"
        )
    Console().print(leaderboard_table(recording.table.head(10)))
