"""``cxrlab train``, ``evaluate`` and ``predict``."""

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
    RunOption,
    SeedOption,
)
from cxrlab.cli.shown import NOT_MEDICAL, show


class RecipeName(StrEnum):
    """How to train: see cxrlab.designs."""

    published = "published"
    robust = "robust"


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
) -> None:
    """Train the network of a recipe and test it on patients it has not seen."""
    from cxrlab.choices import get_budget
    from cxrlab.runs import TrainPlan, train_run
    from cxrlab.sources import data_folder

    plan = TrainPlan(recipe.value, negatives and negatives.value, folds, seed)
    metrics = train_run(out, data_folder(data), get_budget(budget.value), plan, typer.echo)
    show(metrics)
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
    from cxrlab.case_files import read_cases, score_cases
    from cxrlab.choices import get_budget
    from cxrlab.elsewhere import external_report
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
    name = cases.resolve().name
    report = external_report(scored.cases, threshold, name, resamples=resamples, seed=seed)
    metrics = {**report.to_json(), "left_out": len(scored.left_out), "learned_from": known}
    if json is not None:
        write_json(json, metrics)
    _show_subgroups(report.subgroups)
    show(metrics)


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


def _show_subgroups(subgroups) -> None:
    """The subgroups, if the cases say of anybody which one they are in."""
    from rich.console import Console

    from cxrlab.cli.tables import subgroups_table
    from cxrlab.sources.tables import NOT_STATED

    groups = subgroups[(subgroups["by"] != "all") & (subgroups["group"] != NOT_STATED)]
    if len(groups):
        Console().print(subgroups_table(subgroups))


def _say_left_out(left_out) -> None:
    if len(left_out):
        typer.echo(f"{len(left_out)} images were left out:", err=True)
    for path, reason in left_out.itertuples(index=False):
        typer.echo(f"  {path}: {reason}", err=True)
