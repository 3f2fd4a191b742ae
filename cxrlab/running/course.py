"""Run the course: every notebook headless, a page for each, and an index with the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from cxrlab.choices import choose, get_budget
from cxrlab.errors import cannot_write
from cxrlab.running.execute import execute
from cxrlab.running.notebooks import find_notebooks, select_notebooks
from cxrlab.running.pages import Pages, forget_headlines
from cxrlab.sources import data_folder, is_phantom

DEFAULT_OUT = Path("cxrlab-out")


@dataclass(frozen=True)
class Plan:
    """The choices of one run, settled before anything is executed. ``data``: None for phantoms."""

    out: Path
    budget: str
    data: Path | None

    @property
    def data_in_words(self) -> str:
        """What the pages say of the X-rays: no path of this machine."""
        if self.data is None or is_phantom(self.data):
            return "Data: phantoms (simulated X-rays)"
        return f"Data: real X-rays in {self.data.name}"

    @property
    def environment(self) -> dict[str, str]:
        """What the notebooks read. An empty CXRLAB_DATA means phantoms."""
        return {
            "CXRLAB_BUDGET": self.budget,
            "CXRLAB_DATA": str(self.data or ""),
            "CXRLAB_WORKSPACE": str(self.out / "workspace"),
        }


def make_plan(
    budget: str | None = None, data: str | Path | None = None, out: str | Path = DEFAULT_OUT
) -> Plan:
    """Settle budget, data and folder. ``data`` defaults to the reader's choice.

    Raises :class:`CXRLabError` where there is no such data folder or ``out`` cannot be written.
    """
    folder = data_folder(data) if choose(data).folder else None
    out = Path(out).expanduser().resolve()
    try:
        (out / "notebooks").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from error
    return Plan(out, get_budget(budget).name, folder)


def run_course(
    notebooks: str | None = None,
    budget: str | None = None,
    data: str | Path | None = None,
    out: str | Path = DEFAULT_OUT,
    console: Console | None = None,
    folder: Path | None = None,
) -> list[str]:
    """Execute the chosen notebooks one after the other and write their pages into ``out``.

    ``notebooks`` is ``03``, ``01-05`` or ``01,03`` (all where None), ``folder`` where they lie.
    ``out/workspace`` is the notebooks' workspace: a second run takes up what a first one left.
    A notebook whose cell fails stops there; the next ones still run. Returns the names of those
    that stopped early. Raises :class:`CXRLabError` for choices that cannot be run.
    """
    console = console or Console()
    found = find_notebooks(folder)
    chosen = select_notebooks(found, notebooks)
    plan = make_plan(budget, data, out)
    pages = Pages(plan.out, plan.data_in_words, plan.budget)
    forget_headlines(plan.out / "workspace", {path.stem[:2] for path in chosen})
    console.out(f"{plan.data_in_words} · budget: {plan.budget}", highlight=False)

    paged = [path for path in found if path in chosen or (plan.out / f"{path.stem}.html").exists()]
    stopped = []
    for path in chosen:
        try:
            execution = execute(path, plan.out / "notebooks", plan.environment, console)
        except KeyboardInterrupt:
            console.out("Interrupted. The same command goes on from what is finished.")
            raise
        # First the page and then the word: what is called done is there, whatever happens next.
        pages.add(execution, path, paged)
        console.out(execution, highlight=False)
        if execution.failure:
            stopped.append(path.stem)
    console.out(f"Pages: {plan.out / 'index.html'}", highlight=False)
    if stopped:
        console.out(f"Stopped early: {', '.join(stopped)}", highlight=False)
    return stopped
