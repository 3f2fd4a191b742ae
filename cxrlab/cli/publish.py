"""``cxrlab publish``: point a copy of the course at itself."""

from __future__ import annotations

from typing import Annotated

import typer


def publish(
    repo: Annotated[
        str | None,
        typer.Option("--repo", help="Your copy on GitHub.", metavar="OWNER/NAME"),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option("--branch", help="The branch that readers get, main by default."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing. Exit code 1 where something would.")
    ] = False,
) -> None:
    """Point every badge, link and install cell of a checkout at your copy of the course.

    Sets Repository in pyproject.toml, the one place that names it, and carries it into the README,
    the pages in docs and the notebooks. Without --repo it says again what the setting says now.
    """
    from cxrlab.publish import publish as publish_to

    to, changes = publish_to(repo, branch, check)
    for change in changes:
        typer.echo(f"{'would change' if check else 'changed'}  {change}")
    where = to.address
    if check and changes:
        typer.echo(f"Not everything points at {where} yet.")
        raise typer.Exit(1)
    typer.echo(f"Everything points at {where}.")
