"""``cxrlab train``, ``tune``, ``evaluate`` and ``predict``."""

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
    RunOption,
    SeedOption,
)

NOT_MEDICAL = "Not for medical use: this network has learned a teaching data set, not a diagnosis."


class Tuner(StrEnum):
    """How the search proposes settings."""

    random = "random"
    bayesian = "bayesian"
    hyperband = "hyperband"
    grid = "grid"


class RecipeName(StrEnum):
    """How to train: see cxrlab.recipes."""

    published = "published"
    robust = "robust"


class Space(StrEnum):
    """The published space: a dropout rate for each layer, or one for all."""

    per_layer = "per-layer"
    shared = "shared"


class Objective(StrEnum):
    """What the search optimises on the validation part."""

    val_loss = "val_loss"
    recall_at_specificity = "recall_at_specificity"


RunArgument = Annotated[Path, typer.Argument(help="Folder that train or tune wrote.")]


def train(
    out: RunOption,
    data: DataOption = None,
    recipe: Annotated[
        RecipeName, typer.Option(help="The published project's network, or our best trade-off.")
    ] = RecipeName.published,
    negatives: Annotated[
        Negatives | None,
        typer.Option(
            help="Healthy children, healthy adults, or half and half. Default: the recipe's.",
            show_default=False,
        ),
    ] = None,
    budget: BudgetOption = BudgetName.lesson,
    folds: Annotated[
        int, typer.Option("--folds", min=0, help="Test every patient once, over so many folds.")
    ] = 0,
    seed: SeedOption = 0,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Score from which a case is called positive. Default: chosen on validation, "
            "or 0.5 with --folds.",
            show_default=False,
        ),
    ] = None,
    precision: PrecisionOption = Precision.auto,
) -> None:
    """Train the network of a recipe and test it on patients it has not seen."""
    from cxrlab.budgets import get_budget
    from cxrlab.runs import train_run
    from cxrlab.sources import data_folder

    metrics = train_run(
        out,
        data_folder(data),
        get_budget(budget.value),
        recipe=recipe.value,
        negatives=negatives and negatives.value,
        folds=folds,
        seed=seed,
        threshold=threshold,
        precision=precision.value,
        say=typer.echo,
    )
    _show(metrics)
    typer.echo(f"The run is in {out}.")


def tune(
    out: RunOption,
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
) -> None:
    """Search the published space, then train and test the best settings."""
    from rich.console import Console

    from cxrlab.budgets import get_budget
    from cxrlab.cli.tables import leaderboard_table
    from cxrlab.sources import data_folder
    from cxrlab.tuned_runs import tune_run

    metrics, leaderboard = tune_run(
        out,
        data_folder(data),
        get_budget(budget.value),
        negatives=negatives.value,
        trials=trials,
        tuner=tuner.value,
        space=space.value,
        objective=objective.value,
        seed=seed,
        precision=precision.value,
        say=typer.echo,
    )
    Console().print(leaderboard_table(leaderboard.head(10)))
    _show(metrics)
    typer.echo(f"The run is in {out}.")


def evaluate(
    run: RunArgument,
    cases: Annotated[
        Path,
        typer.Argument(
            help="CSV with path, label (0 or 1) and, optionally, patient_id, sex, age, view, "
            "source; or a folder of X-rays (positive/ and negative/, or the course's layout)."
        ),
    ],
    json: Annotated[Path | None, typer.Option("--json", help="Write the numbers here.")] = None,
    budget: BudgetOption = BudgetName.lesson,
    seed: SeedOption = 0,
) -> None:
    """Test a run on cases of your own, at its frozen threshold.

    Patients from whom the run has learned are left out. With --json RUN/external.json the
    numbers become part of what `cxrlab report RUN` says.
    """
    from cxrlab.budgets import get_budget
    from cxrlab.case_files import read_cases, score_cases
    from cxrlab.evaluation import external_report
    from cxrlab.files import write_json
    from cxrlab.runs import open_run, unseen

    table = read_cases(cases)
    model, threshold = open_run(run)
    strangers = unseen(run, table)
    if known := len(table) - len(strangers):
        typer.echo(f"{known} X-rays of patients that the run has learned from were left out.")
    scored = score_cases(model, strangers)
    _say_left_out(scored.left_out)
    resamples = get_budget(budget.value).resamples
    report = external_report(
        scored.cases, threshold, name=cases.resolve().name, resamples=resamples, seed=seed
    )
    metrics = {**report.to_json(), "left_out": len(scored.left_out), "learned_from": known}
    if json is not None:
        write_json(json, metrics)
    _show_subgroups(report.subgroups)
    _show(metrics)


def predict(
    run: RunArgument,
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
) -> None:
    """Score single X-rays with a run's network."""
    from cxrlab.case_files import score_images
    from cxrlab.runs import open_run

    model, threshold = open_run(run)
    scored = score_images(model, images)
    _say_left_out(scored.left_out)
    for path, score in zip(scored.cases["path"], scored.cases["score"], strict=True):
        call = "COVID-19" if score >= threshold else "not COVID-19"
        typer.echo(f"{path}: score {score:.3f}, called {call} (threshold {threshold:.3f})")
    typer.echo(NOT_MEDICAL)
    if len(scored.left_out):
        raise typer.Exit(1)


def _show(metrics: dict) -> None:
    from rich.console import Console

    from cxrlab.cli.tables import metrics_table

    Console().print(metrics_table(metrics))
    typer.echo(NOT_MEDICAL)


def _show_subgroups(subgroups) -> None:
    """The subgroups, if the cases say of anybody which one they are in."""
    from rich.console import Console

    from cxrlab.catalog.audit import NOT_STATED
    from cxrlab.cli.tables import subgroups_table

    groups = subgroups[(subgroups["by"] != "all") & (subgroups["group"] != NOT_STATED)]
    if len(groups):
        Console().print(subgroups_table(subgroups))


def _say_left_out(left_out) -> None:
    if len(left_out):
        typer.echo(f"{len(left_out)} images were left out:", err=True)
    for path, reason in left_out.itertuples(index=False):
        typer.echo(f"  {path}: {reason}", err=True)
