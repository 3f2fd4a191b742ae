"""``cxrlab progress``: what a reader has solved."""

from __future__ import annotations


def progress() -> None:
    """Show which exercises and quiz questions you have solved.

    They are kept in the workspace (CXRLAB_WORKSPACE) and nowhere else.
    """
    from rich.console import Console

    from cxrlab.cli.tables import as_table
    from cxrlab.exercises.overview import overview

    found = overview()
    console = Console()
    console.print(as_table(found.notebooks, "Solved so far"))
    console.print(found.next_step, markup=False, highlight=False, soft_wrap=True)
