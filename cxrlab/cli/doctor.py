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
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cxrlab.doctor import PROBLEM, examine, verdict

    findings = examine(data, gpu)
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        seen = Text(finding.seen)
        if finding.advice:
            seen.append(f"\n{finding.advice}", style="dim")
        table.add_row(finding.state, finding.subject, seen)
    console = Console()
    console.print(table)
    console.print(verdict(findings), markup=False, highlight=False)
    if any(finding.state == PROBLEM for finding in findings):
        raise typer.Exit(1)
