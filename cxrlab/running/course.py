"""Run the course: every notebook headless, a page for each, and an index with the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from rich.console import Console

from cxrlab.budgets import get_budget
from cxrlab.chosen import choose
from cxrlab.errors import CXRLabError
from cxrlab.files import write_atomically
from cxrlab.running.execute import Execution, execute
from cxrlab.running.notebooks import find_notebooks, number, select_notebooks
from cxrlab.running.pages import render_page, title_of
from cxrlab.running.progress import progress_for
from cxrlab.running.record import (
    NotebookRecord,
    RunRecord,
    forget_headlines,
    open_record,
    save_record,
    write_index,
)

DEFAULT_OUT = Path("cxrlab-out")
PHANTOMS = "Data: phantoms (simulated X-rays)"


@dataclass(frozen=True)
class CourseRun:
    """Where a run's results lie. ``failed`` names the notebooks that stopped early."""

    index: Path
    pages: list[Path]
    failed: list[str]


@dataclass(frozen=True)
class Plan:
    """The choices of one run, settled before anything is executed."""

    out: Path
    workspace: Path
    budget: str
    data: Path | None

    @property
    def data_in_words(self) -> str:
        if self.data is None:
            return PHANTOMS
        from cxrlab.sources import is_phantom

        return PHANTOMS if is_phantom(self.data) else f"Data: real X-rays in {self.data.name}"

    @property
    def environment(self) -> dict[str, str]:
        """What the notebooks read. An empty CXRLAB_DATA means phantoms."""
        return {
            "CXRLAB_BUDGET": self.budget,
            "CXRLAB_DATA": str(self.data or ""),
            "CXRLAB_WORKSPACE": str(self.workspace),
        }


def make_plan(
    budget: str | None = None, data: str | Path | None = None, out: str | Path = DEFAULT_OUT
) -> Plan:
    """Settle budget, data and folders. ``data`` defaults to the reader's choice.

    Raises :class:`CXRLabError` where there is no such data folder or ``out`` cannot be written.
    """
    from cxrlab.sources import data_folder

    folder = data_folder(data) if choose(data).folder else None
    out = Path(out).expanduser().resolve()
    try:
        (out / "notebooks").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CXRLabError(
            f"Cannot write to {out} ({error.strerror}). Choose another folder (--out)."
        ) from error
    return Plan(out, out / "workspace", get_budget(budget).name, folder)


def run_course(
    notebooks: str | None = None,
    budget: str | None = None,
    data: str | Path | None = None,
    out: str | Path = DEFAULT_OUT,
    console: Console | None = None,
    folder: Path | None = None,
) -> CourseRun:
    """Execute the chosen notebooks one after the other and write their pages into ``out``.

    ``notebooks`` is ``03``, ``01-05`` or ``01,03`` (all where None), ``folder`` where they lie.
    ``out/workspace`` is the notebooks' workspace: a second run takes up what a first one left.
    A notebook whose cell fails stops there; the next ones still run. Each page replaces the one
    of an earlier run only when its notebook ran to the end; a partial page has a name of its own.
    Raises :class:`CXRLabError` for choices that cannot be run.
    """
    console = console or Console()
    found = find_notebooks(folder)
    chosen = select_notebooks(found, notebooks)
    plan = make_plan(budget, data, out)
    record = open_record(plan.out, plan.data_in_words, plan.budget)
    forget_headlines(plan.workspace, {number(path) for path in chosen})
    _say(console, f"{plan.data_in_words} · budget: {plan.budget}")

    paged = [path for path in found if path in chosen or (plan.out / f"{path.stem}.html").exists()]
    pages, failed = [], []
    with progress_for(console) as progress:
        for path in chosen:
            progress.start(path.stem)
            try:
                execution = execute(path, plan.out / "notebooks", plan.environment, progress.cell)
            except KeyboardInterrupt:
                _say(console, "Interrupted. The same command goes on from what is finished.")
                raise
            # First the page and then the word: what is called done is there, whatever happens next.
            pages.append(_keep(execution, path, paged, plan, record))
            progress.end(path.stem, execution)
            if execution.failure is not None:
                failed.append(path.stem)
                _explain(console, path.stem, execution)
    index = plan.out / "index.html"
    _say(console, f"Pages: {index}")
    if failed:
        _say(console, f"Stopped early: {', '.join(failed)}")
    return CourseRun(index, pages, failed)


def _keep(
    execution: Execution, path: Path, paged: Sequence[Path], plan: Plan, record: RunRecord
) -> Path:
    """Write the executed notebook, its page, and the index as it now stands.

    ``paged`` are the notebooks that have a page, or will have one: those to link to.
    """
    partial = plan.out / f"{path.stem}.partial.html"
    page = plan.out / f"{path.stem}.html" if execution.failure is None else partial
    copy = plan.out / "notebooks" / page.with_suffix(".ipynb").name
    write_atomically(page, render_page(execution, path, _frame(path, paged, plan)))
    write_atomically(copy, nbformat.writes(execution.notebook) + "\n")
    if execution.failure is None:
        partial.unlink(missing_ok=True)
        (copy.parent / f"{path.stem}.partial.ipynb").unlink(missing_ok=True)
    stopped = execution.failure and (
        f"stopped at cell {execution.failure.cell}: {' '.join(execution.failure.lines)}"
    )
    title = title_of(execution.notebook, path.stem)
    record.add(NotebookRecord(path.stem, title, page.name, round(execution.seconds, 1), stopped))
    save_record(plan.out, record)
    write_index(plan.out, record, plan.workspace)
    return page


def _frame(path: Path, paged: Sequence[Path], plan: Plan) -> dict[str, Any]:
    """The line and the links around a page."""
    position = paged.index(path)
    before = paged[position - 1] if position else None
    after = paged[position + 1] if position + 1 < len(paged) else None
    return {
        "about": f"{plan.data_in_words} · budget: {plan.budget}",
        "previous": before and (f"{before.stem}.html", _words(before)),
        "following": after and (f"{after.stem}.html", _words(after)),
    }


def _words(path: Path) -> str:
    return path.stem.replace("_", " ")


def _explain(console: Console, name: str, execution: Execution) -> None:
    failure = execution.failure
    _say(console, f"{name} stopped at code cell {failure.cell} of {execution.cells}:")
    for line in failure.lines:
        _say(console, f"    {line}")


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
