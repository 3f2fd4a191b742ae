"""The command line: ``cxrlab`` and its subcommands, thin skins on the library.

Nothing here imports TensorFlow or pandas at its top: help is instant.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer import Argument, Exit, Option, echo
from typer.core import TyperGroup

from cxrlab import choices, files
from cxrlab.cli import shared
from cxrlab.cli.data import data_app
from cxrlab.cli.shared import Budget, DataOption, Negatives, Out, Recipe, Run, Seed
from cxrlab.errors import CXRLabError, refused

WHO = "Healthy children (as published), healthy adults, or half and half."
RECIPES = "As published; best at home (known), elsewhere (robust); ImageNet's weights (pretrained)."
REPLAY = "Show the recording.json of a finished search again; `course` brings fifty trials along."


class PlainErrors(TyperGroup):
    """Shows a reader's mistake as a sentence. Anything else is ours and keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CXRLabError as error:
            echo(error, err=True)
        except OSError as error:  # what a library of others could not write
            if error.filename is None:
                raise
            echo(refused(error.filename, error, files.workspace_root()), err=True)
        raise Exit(1)


app = typer.Typer(
    cls=PlainErrors,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: quick, and good to listen to
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """What the command ``cxrlab`` calls."""
    for stream in (sys.stdout, sys.stderr):  # a terminal may lack a letter of a file's name
        stream.reconfigure(errors="backslashreplace")
    app(prog_name="cxrlab")


@app.callback()
def cxrlab() -> None:
    """Chest X-rays, a convolutional network and honest numbers: a course you run.

    Without real X-rays it works on phantoms, simulated X-rays that it makes itself.
    The environment variables CXRLAB_DATA (folder of real X-rays), CXRLAB_BUDGET (smoke, class or
    full) and CXRLAB_WORKSPACE (where results are kept) say the same as the options.

    Not for medical use.
    """


app.add_typer(data_app, name="data")


@app.command()
def doctor(data: DataOption = None) -> None:
    """Find out whether the course runs here, and what to do if not.

    Exit code 1 when something stands in the way.
    """
    from cxrlab import doctor

    findings = doctor.examine(data)
    echo(f"Python: {sys.executable}\nWorkspace: {files.workspace_root()}")
    echo(doctor.report(findings))
    raise Exit(any(finding.state == doctor.PROBLEM for finding in findings))


@app.command()
def run(
    notebooks: Annotated[str | None, Option(help="Such as 03, 01-05 or 01,03; else all.")] = None,
    budget: Budget = "class",
    data: DataOption = None,
    out: Annotated[Path, Option(help="Folder for pages and workspace.")] = Path("cxrlab-out"),
) -> None:
    """Run the notebooks without a browser and write a page for each, and an index.

    Results are kept in OUT/workspace; a second run takes up what a first one left.
    Exit code 1 when a notebook stopped early.
    """
    from cxrlab.running.course import run_course

    raise Exit(bool(run_course(notebooks, budget, data, out)))


@app.command()
def lab(
    folder: Annotated[Path | None, Argument(help="Copy the notebooks here first.")] = None,
) -> None:
    """Open JupyterLab at the first notebook, of FOLDER or of a checkout.

    It hands CXRLAB_DATA, CXRLAB_BUDGET and CXRLAB_WORKSPACE on to the notebooks.
    """
    from cxrlab.running.course import copy_notebooks, open_lab

    if folder is not None:
        copy_notebooks(folder)
        echo(f"The notebooks are in {folder}. Those that were there are as you left them.")
    raise Exit(open_lab(folder))


@app.command()
def copies(
    out: Annotated[Path, Argument(help="Folder for student/ and solved/.")],
    run: Annotated[bool, Option("--run", help="Run the solved ones: with outputs.")] = False,
    budget: Budget = "class",
) -> None:
    """Write a student's copy of each notebook, and a solved one, both without outputs."""
    from cxrlab.running.refresh import write_copies

    for path in write_copies(out, budget if run else ""):
        echo(f"kept  {path}: it differs from what would be written. Move it to get a new one.")


@app.command()
def progress() -> None:
    """Show which exercises and quiz questions you have solved, from the workspace."""
    from cxrlab.exercises.quiz import overview

    found = overview()
    shared.show_table(found.notebooks, "Solved so far")
    echo(found.next_step)


@app.command()
def grade(
    folder: Annotated[Path, Argument(help="Of notebooks, or of a folder for each person.")],
    out: Annotated[Path, Option(help="Folder for the table and the page.")] = Path("cxrlab-grades"),
    jobs: Annotated[int, Option(min=1, help="Notebooks at a time.")] = 1,
    budget: Budget = "smoke",
    minutes: Annotated[float, Option(help="For one notebook.")] = 10,
    memory: Annotated[float, Option(help="GB for one notebook (on Linux only).")] = 4,
) -> None:
    """Grade submitted notebooks, exercises and quiz answers, into a CSV and a page.

    Each runs in a process of its own, and its answers are judged again in others. This is no
    security boundary: grade on a machine that may be lost. A second run goes on from the first.
    """
    from cxrlab.grading import apart, grade

    for each in grade.grade(folder, out, jobs, apart.Limits(budget, minutes, memory)):
        row = each.row()
        echo("  ".join(row[name] for name in list(row)[:6] if row[name]))
    echo(f"Written: {out / 'grades.csv'} and {out / 'grades.html'}")


@app.command()
def publish(
    repo: Annotated[str | None, Option(help="Your copy on GitHub: OWNER/NAME.")] = None,
    branch: Annotated[str | None, Option(help="What readers get, by default main.")] = None,
    check: Annotated[bool, Option("--check", help="Change nothing; exit code 1 if due.")] = False,
) -> None:
    """Point every badge, link and install cell of a checkout at your copy of the course.

    Sets Repository in pyproject.toml, and carries it into the README, the docs and the notebooks.
    Without --repo it says again what the setting says now.
    """
    from cxrlab import publish as addresses

    now = addresses.repository()
    branch = branch or ("main" if repo else now.branch)
    to = addresses.Repository(repo or now.path, branch)
    changes = addresses.publish(to, check)
    for change in changes:
        echo(f"{'would change' if check else 'changed'}  {change}")
    if check and changes:
        raise Exit(1)
    echo(f"Everything points at {to.path}, branch {to.branch}.")


@app.command()
def train(
    out: Out,
    data: DataOption = None,
    recipe: Annotated[Recipe, Option(help=RECIPES)] = "published",
    negatives: Annotated[Negatives | None, Option(help=f"{WHO} Default: the recipe's.")] = None,
    budget: Budget = "class",
    folds: Annotated[int, Option(min=0, help="Test everybody once, over so many folds.")] = 0,
    seed: Seed = 0,
) -> None:
    """Train the network of a recipe and test it on patients that it has not seen.

    Recipes but the published one learn from everybody; the same, trained again without each fifth
    of the patients in turn, gives their numbers and a threshold with at most 5 % false positives
    in each source of healthy people (`known` and `robust`: some 25 minutes on two cores).
    """
    from cxrlab import runs, sources

    plan = runs.TrainPlan(recipe, negatives, folds, seed)
    work = choices.get_budget(budget)
    shared.show_metrics(runs.train_run(out, sources.data_folder(data), work, plan))
    echo(f"The run is in {out}.")


@app.command()
def tune(
    out: Annotated[Path | None, Option(help="Folder for the run; it goes on there.")] = None,
    data: DataOption = None,
    negatives: Annotated[Negatives, Option(help=WHO)] = "kermany",
    budget: Budget = "class",
    trials: Annotated[int | None, Option(min=1, help="Default: the budget's.")] = None,
    tuner: Annotated[Literal["random", "bayesian", "grid"], Option()] = "random",
    space: Annotated[Literal["per-layer", "shared"], Option(help="Dropout rates.")] = "per-layer",
    seed: Seed = 0,
    until: Annotated[float | None, Option(metavar="MINUTES", help="Begin no trial later.")] = None,
    replay: Annotated[str | None, Option(metavar="FILE", help=REPLAY)] = None,
) -> None:
    """Search the published space with Keras Tuner, then train and test the best settings.

    Several machines share a search by Keras Tuner's environment variables: docs/many-machines.md.
    """
    from cxrlab import runs, sources, tuning

    if replay is not None:
        recording = tuning.recorded_search(replay)
        echo(recording.sentence)
        trials = recording.table.sort_values("trial")[["trial", "val_loss"]]
        shared.show_table(trials, "The val_loss of each trial")
        return shared.show_leaderboard(recording.table)
    if out is None:
        raise CXRLabError("Say with --out where the run is to be kept: --out my-search.")
    work = choices.get_budget(budget)
    plan = tuning.Plan(tuner, space, trials or work.trials, seed, negatives)
    if done := runs.tune_run(out, sources.data_folder(data), work, plan, until):
        metrics, leaderboard = done  # a worker's chief has them
        shared.show_leaderboard(leaderboard)
        shared.show_metrics(metrics)
        echo(f"The run is in {out}.")


@app.command()
def evaluate(
    run: Run,
    cases: Annotated[Path, Argument(help="A CSV, or a folder of X-rays.")],
    json: Annotated[Path | None, Option(help="Write the numbers here.")] = None,
    budget: Budget = "class",
) -> None:
    """Test a run on cases of your own, at its frozen threshold.

    CASES is a CSV with path, label (0 or 1) and, optionally, patient_id, sex, age, view, source;
    or a folder of X-rays (positive/ and negative/, or the course's layout). Patients from whom the
    run has learned are left out. With --json RUN/external.json the numbers become part of what
    `cxrlab report RUN` says.
    """
    from cxrlab import case_files, elsewhere, runs

    table = case_files.read_cases(cases)
    model, threshold = runs.open_run(run)
    new = runs.unseen(run, table)
    if known := len(table) - len(new):
        echo(f"{known} X-rays of patients that the run has learned from were left out.")
    scored = case_files.score_cases(model, new)
    shared.say_left_out(scored.left_out)
    resamples, name = choices.get_budget(budget).resamples, cases.resolve().name
    metrics = elsewhere.external_report(scored.cases, threshold, name, resamples)
    metrics |= {"left_out": len(scored.left_out), "learned_from": known}
    groups = metrics["subgroups"]
    if {row["group"] for row in groups} - {"all cases", "not stated"}:
        columns = ["by", "group", "cases", "recall", "specificity"]
        shared.show_intervals(groups, columns, "By subgroup, 95 % intervals over patients")
    shared.show_metrics(metrics)
    if json is not None:
        files.write_json(json, metrics)


@app.command()
def predict(run: Run, images: Annotated[list[Path], Argument(help="Image files.")]) -> None:
    """Score single X-rays with a run's network."""
    from cxrlab import case_files, runs

    model, threshold = runs.open_run(run)
    scored = case_files.score_images(model, images)
    shared.say_left_out(scored.left_out)
    for path, score in zip(scored.cases["path"], scored.cases["score"], strict=True):
        call = "COVID-19" if score >= threshold else "not COVID-19"
        echo(f"{path}: score {score:.3f}, called {call} (threshold {threshold:.3f})")
    echo(shared.NOT_MEDICAL)
    raise Exit(len(scored.left_out) > 0)


@app.command()
def repairs(
    out: Out,
    data: DataOption = None,
    budget: Budget = "class",
    recipe: Annotated[list[str] | None, Option(help="Only this one; may come again.")] = None,
    home: Annotated[list[str] | None, Option(help="Only at this one; may come again.")] = None,
    folds: Annotated[int, Option(min=0, help="For the threshold. Default: 5.")] = 0,
    networks: Annotated[int, Option(min=0, help="Per ensemble. Default: the budget's.")] = 0,
    seed: Seed = 0,
) -> None:
    """Leave each source of healthy people out in turn, and test each recipe of notebook 07 there.

    Takes hours for all (some 25 minutes for a recipe and a home). DATA needs external sources:
    `cxrlab data fetch openist`, `cxrlab data fetch cxnet`.
    """
    from cxrlab import runs, sources

    proof = runs.Proof(recipe or (), home or (), folds, networks, seed)
    work = choices.get_budget(budget)
    recording = runs.repairs_run(out, sources.data_folder(data), work, proof)
    names = ["repair", "home", "left_out", "auc_elsewhere", "recall_elsewhere", "false_elsewhere"]
    title = "Left out: AUC, recall and false positives at a threshold that was frozen without it"
    shared.show_intervals(recording.table.to_dict("records"), names, title)
    echo(f"{recording.sentence}\nThe run is in {out}.")


@app.command()
def report(
    run: Run,
    out: Annotated[Path | None, Option(help="Folder for the card. Default: RUN.")] = None,
) -> None:
    """Write the model card of a run: what it is for, how good, for whom, and what is open.

    RUN/external.json, from cxrlab evaluate, and RUN/by_source.csv become part of it.
    """
    from cxrlab import card

    page = files.write_atomically((out or run) / "model-card.md", card.model_card(run))
    echo(f"Written: {page}\nNot for medical use.")
