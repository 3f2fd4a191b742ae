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
    Precision,
    PrecisionOption,
    SeedOption,
)
from cxrlab.cli.shown import show
from cxrlab.errors import CXRLabError


class Tuner(StrEnum):
    """How the search proposes settings."""

    random = "random"
    bayesian = "bayesian"
    hyperband = "hyperband"
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
    precision: PrecisionOption = Precision.auto,
    until: Annotated[
        float | None,
        typer.Option(
            "--until",
            metavar="MINUTES",
            help="Begin no new trial after so many minutes; the same command goes on later.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Train trials in so many processes of this machine.")
    ] = 0,
    chief: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Hand out trials to workers on other machines; they see the same --out. Only "
            "in a trusted network: nothing is encrypted. Without HOST, this machine only.",
            show_default=False,
        ),
    ] = None,
    worker: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Train trials for the chief there, with the options that it has.",
            show_default=False,
        ),
    ] = None,
    worker_id: Annotated[
        str | None,
        typer.Option(
            envvar="CXRLAB_WORKER_ID",
            help="A name of its own for this worker. Default: host and process.",
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
    """Search the published space, then train and test the best settings."""
    if replay is not None:
        return _replay(replay)
    if out is None:
        raise CXRLabError(
            "Say with --out where the run is to be kept, for example --out my-search."
        )
    from rich.console import Console

    from cxrlab.budgets import get_budget
    from cxrlab.cli.tables import leaderboard_table
    from cxrlab.sources import data_folder
    from cxrlab.tuned_runs import tune_run, tune_worker

    asked = {
        "negatives": negatives.value,
        "tuner": tuner.value,
        "space": space.value,
        "objective": objective.value,
        "seed": seed,
        "precision": precision.value,
    }
    where = (out, data_folder(data), get_budget(budget.value))
    if worker is not None:
        return tune_worker(*where, worker, worker_id, **asked)
    metrics, leaderboard = tune_run(
        *where,
        trials=trials,
        until=until,
        workers=workers,
        chief=chief,
        say=typer.echo,
        **asked,
    )
    Console().print(leaderboard_table(leaderboard.head(10)))
    show(metrics)
    typer.echo(f"The run is in {out}.")


def _replay(source: str) -> None:
    """Print what each trial of a recorded search found, and the leaderboard at its end."""
    from rich.console import Console

    from cxrlab.cli.tables import leaderboard_table
    from cxrlab.tuning import OBJECTIVE_NAMES
    from cxrlab.tuning.replay import replay as read

    found = read(source)
    typer.echo(found.recording.sentence)
    total, name = len(found.leaderboard), OBJECTIVE_NAMES[found.objective]
    for trial, board in enumerate(found.boards(), start=1):
        value = board.loc[board["trial"] == trial, found.objective].iloc[0]
        best = board[found.objective].iloc[0]
        typer.echo(f"Trial {trial} of {total}: {name} {value:.3f}, best so far {best:.3f}")
    Console().print(leaderboard_table(found.leaderboard.head(10)))
