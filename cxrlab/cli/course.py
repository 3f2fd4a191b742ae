"""``cxrlab doctor``, ``run``, ``lab``, ``progress`` and ``publish``: the course on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from cxrlab.cli.shared import BUDGET, BudgetName, DataOption


def doctor(
    data: DataOption = None,
    gpu: bool = typer.Option(False, "--gpu", help="Ask TensorFlow whether it sees one (slow)."),
) -> None:
    """Find out whether the course runs here, and what to do if not.

    Looks at the host (a computer of your own, Colab, Kaggle, Binder), Python, the libraries and
    whether they go together, GPU, memory, disk, processor, data, the workspace (CXRLAB_WORKSPACE)
    and the Jupyter kernel. Exit code 1 when something stands in the way.
    """
    from rich.console import Console
    from rich.table import Table

    from cxrlab.doctor import PROBLEM, examine, verdict
    from cxrlab.files import workspace_root

    findings = examine(data, gpu)
    table = Table(box=None, show_header=False, pad_edge=False)
    for subject, state, seen, advice in findings:
        table.add_row(state, subject, seen)
        if advice:
            table.add_row("", "", advice, style="dim")
    Console(markup=False).print(table)
    typer.echo(f"Python: {sys.executable}\nWorkspace: {workspace_root()}\n{verdict(findings)}")
    if any(finding.state == PROBLEM for finding in findings):
        raise typer.Exit(1)


def run(
    notebooks: str | None = typer.Option(
        None, help="Which ones: 03, 01-05 or 01,03. All by default.", metavar="NUMBERS"
    ),
    budget: BudgetName = BUDGET,
    data: DataOption = None,
    out: Path = typer.Option("cxrlab-out", help="Where pages and workspace go.", metavar="DIR"),
) -> None:
    """Run the notebooks without a browser and write a page for each, and an index.

    Results are kept in OUT/workspace; a second run takes up what a first one left.
    Exit code 1 when a notebook stopped early.
    """
    from cxrlab.running.course import run_course

    if run_course(notebooks, budget, data, out):
        raise typer.Exit(1)


def lab(
    folder: Path | None = typer.Argument(
        None, metavar="DIR", help="Copy the notebooks here first; a file that is there is kept."
    ),
    browser: bool = typer.Option(True, help="Open a browser, or only print the address."),
) -> None:
    """Open JupyterLab at the first notebook.

    Without DIR it opens the notebooks of a checkout. JupyterLab hands CXRLAB_DATA, CXRLAB_BUDGET
    and CXRLAB_WORKSPACE on to the notebooks.
    """
    from cxrlab.running.notebooks import copy_notebooks, open_lab

    if folder is not None:
        typer.echo(copy_notebooks(folder))
    raise typer.Exit(open_lab(folder, browser))


def progress() -> None:
    """Show which exercises and quiz questions you have solved.

    They are kept in the workspace (CXRLAB_WORKSPACE) and nowhere else.
    """
    from rich.console import Console

    from cxrlab.cli.tables import as_table
    from cxrlab.exercises.overview import overview

    found = overview()
    Console().print(as_table(found.notebooks, "Solved so far"))
    typer.echo(found.next_step)


def publish(
    repo: str | None = typer.Option(None, help="Your copy on GitHub.", metavar="OWNER/NAME"),
    branch: str | None = typer.Option(None, help="The branch that readers get, main by default."),
    check: bool = typer.Option(False, "--check", help="Change nothing; exit code 1 if it would."),
) -> None:
    """Point every badge, link and install cell of a checkout at your copy of the course.

    Sets Repository in pyproject.toml, the one place that names it, and carries it into the README,
    the pages in docs and the notebooks. Without --repo it says again what the setting says now.
    """
    from cxrlab.publish import publish as publish_to

    to, changes = publish_to(repo, branch, check)
    for change in changes:
        typer.echo(f"{'would change' if check else 'changed'}  {change}")
    if check and changes:
        typer.echo(f"Not everything points at {to.address} yet.")
        raise typer.Exit(1)
    typer.echo(f"Everything points at {to.address}.")
