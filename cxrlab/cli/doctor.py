"""``cxrlab doctor``: what this machine offers the course."""

from __future__ import annotations

from typing import Annotated

import typer

from cxrlab.cli.options import DataOption


def doctor(
    data: DataOption = None,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Ask TensorFlow whether it sees a GPU (some seconds).")
    ] = False,
) -> None:
    """Find out whether the course runs here, and what to do if not.

    Looks at the host (a computer of your own, Colab, Kaggle, Binder), Python, the libraries and
    whether they go together, GPU, memory, disk, processor, data, the workspace (CXRLAB_WORKSPACE)
    and the Jupyter kernel. Exit code 1 when something stands in the way.
    """
    import sys

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
