"""What commands show at their end."""

from __future__ import annotations

import typer

NOT_MEDICAL = "Not for medical use: this network has learned a teaching data set, not a diagnosis."


def show(metrics: dict) -> None:
    """The metrics of a run as a table, and what they are not for."""
    from rich.console import Console

    from cxrlab.cli.tables import metrics_table

    Console().print(metrics_table(metrics))
    typer.echo(NOT_MEDICAL)
