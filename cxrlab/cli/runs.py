"""The commands that make or use a RUN folder: train, tune, evaluate, predict, repairs, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from cxrlab.cli.shared import BUDGET, OUT, RUN, SEED, WHO, BudgetName, DataOption, Negatives
from cxrlab.errors import CXRLabError

if TYPE_CHECKING:
    import pandas as pd


def train(
    out: Path = OUT,
    data: DataOption = None,
    recipe: Literal["published", "robust"] = typer.Option(
        "published", help="The published project's network, or our best trade-off."
    ),
    negatives: Negatives | None = typer.Option(None, help=f"{WHO} Default: the recipe's."),
    budget: BudgetName = BUDGET,
    folds: int = typer.Option(0, min=0, help="Test every patient once, over so many folds."),
    seed: int = SEED,
) -> None:
    """Train the network of a recipe and test it on patients it has not seen."""
    from cxrlab.choices import get_budget
    from cxrlab.cli.tables import show_metrics
    from cxrlab.runs import TrainPlan, train_run
    from cxrlab.sources import data_folder

    plan = TrainPlan(recipe, negatives, folds, seed)
    show_metrics(train_run(out, data_folder(data), get_budget(budget), plan, typer.echo))
    typer.echo(f"The run is in {out}.")


def tune(
    out: Path | None = typer.Option(None, help="Folder for the run; an interrupted run goes on."),
    data: DataOption = None,
    negatives: Negatives = typer.Option("kermany", help=WHO),
    budget: BudgetName = BUDGET,
    trials: int | None = typer.Option(None, min=1, help="Settings to try. Default: the budget's."),
    tuner: Literal["random", "bayesian", "grid"] = typer.Option(
        "random", help="How settings are proposed."
    ),
    space: Literal["per-layer", "shared"] = typer.Option(
        "per-layer", help="A dropout rate for each layer, or one for all."
    ),
    objective: Literal["val_loss", "recall_at_specificity"] = typer.Option(
        "val_loss", help="What is optimised on validation."
    ),
    seed: int = SEED,
    until: float | None = typer.Option(
        None,
        metavar="MINUTES",
        help="Begin no new trial after so many minutes; the same command goes on later.",
    ),
    replay: str | None = typer.Option(
        None,
        metavar="FILE",
        help="Search nothing: show the recording.json of a finished search again, or with "
        "`course` the fifty trials that come with the course.",
    ),
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
    from cxrlab.choices import get_budget
    from cxrlab.cli.tables import show_leaderboard, show_metrics
    from cxrlab.runs import tune_run
    from cxrlab.sources import data_folder
    from cxrlab.tuning import Plan

    work = get_budget(budget)
    wanted = work.trials if trials is None else trials
    plan = Plan(tuner, space, objective, wanted, seed, negatives)
    done = tune_run(out, data_folder(data), work, plan, until, typer.echo)
    if done is not None:  # a worker's chief has the results
        metrics, leaderboard = done
        show_leaderboard(leaderboard)
        show_metrics(metrics)
        typer.echo(f"The run is in {out}.")


def _replay(source: str) -> None:
    """Print what each trial of a recorded search found, and the leaderboard at its end."""
    from cxrlab.cli.tables import show_leaderboard
    from cxrlab.tuning import OBJECTIVES, recorded_search

    recording, objective = recorded_search(source)
    typer.echo(recording.sentence)
    typer.echo(f"The {objective} of each trial:")
    board = recording.table.sort_values("trial")
    better = board[objective].cummin if OBJECTIVES[objective] == "min" else board[objective].cummax
    for trial, value, best in zip(board["trial"], board[objective], better(), strict=True):
        typer.echo(
            f"Trial {trial} of {len(board)}: {objective} {value:.3f}, best so far {best:.3f}"
        )
    show_leaderboard(recording.table)


def evaluate(
    run: Path = RUN,
    cases: Path = typer.Argument(
        help="CSV with path, label (0 or 1) and, optionally, patient_id, sex, age, view, source; "
        "or a folder of X-rays (positive/ and negative/, or the course's layout)."
    ),
    json: Path | None = typer.Option(None, help="Write the numbers here."),
    budget: BudgetName = BUDGET,
    seed: int = SEED,
) -> None:
    """Test a run on cases of your own, at its frozen threshold.

    Patients from whom the run has learned are left out. With --json RUN/external.json the
    numbers become part of what `cxrlab report RUN` says.
    """
    from cxrlab.case_files import read_cases, score_cases
    from cxrlab.choices import get_budget
    from cxrlab.cli.tables import show_metrics, show_subgroups
    from cxrlab.elsewhere import external_report
    from cxrlab.files import write_json
    from cxrlab.runs import open_run, unseen

    table = read_cases(cases)
    model, threshold = open_run(run)
    new = unseen(run, table)
    if known := len(table) - len(new):
        typer.echo(f"{known} X-rays of patients that the run has learned from were left out.")
    scored = score_cases(model, new)
    _say_left_out(scored.left_out)
    resamples, name = get_budget(budget).resamples, cases.resolve().name
    report = external_report(scored.cases, threshold, name, resamples=resamples, seed=seed)
    metrics = {**report.to_json(), "left_out": len(scored.left_out), "learned_from": known}
    if json is not None:
        write_json(json, metrics)
    show_subgroups(report.subgroups)
    show_metrics(metrics)


def predict(run: Path = RUN, images: list[Path] = typer.Argument(help="Image files.")) -> None:
    """Score single X-rays with a run's network."""
    from cxrlab.case_files import score_images
    from cxrlab.cli.tables import NOT_MEDICAL
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


def _say_left_out(left_out: pd.DataFrame) -> None:
    if len(left_out):
        typer.echo(f"{len(left_out)} images were left out:", err=True)
    for path, reason in left_out.itertuples(index=False):
        typer.echo(f"  {path}: {reason}", err=True)


def repairs(
    out: Path = OUT,
    data: DataOption = None,
    budget: BudgetName = BUDGET,
    folds: int = typer.Option(2, min=2, help="Test every patient once, over so many folds."),
    only: list[str] | None = typer.Option(
        None, help="A repair by name, several times for several; default: all."
    ),
    seed: int = SEED,
) -> None:
    """Try every repair of notebook 07 on the same unseen people (takes long)."""
    from cxrlab.choices import get_budget
    from cxrlab.cli.tables import show_repairs
    from cxrlab.repairs import RepairsPlan, repairs_run
    from cxrlab.sources import data_folder

    plan = RepairsPlan(folds, seed, only or ())
    recording = repairs_run(out, data_folder(data), get_budget(budget), plan, typer.echo)
    show_repairs(recording.table)
    typer.echo(f"{recording.sentence}\nThe run is in {out}.")


def report(
    run: Path = RUN,
    out: Path | None = typer.Option(None, help="Folder for the card. Default: RUN."),
) -> None:
    """Write the model card of a run, model-card.md.

    It says what the network is for and not for, which X-rays it learned from, how it was
    trained, how good it is and for whom, and what careful reporting asks that this run leaves
    open. RUN/external.json, from cxrlab evaluate, and RUN/by_source.csv become part of it.
    """
    from cxrlab.card import write_model_card

    typer.echo(f"Written: {write_model_card(run, out)}\nNot for medical use.")
