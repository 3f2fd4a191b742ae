"""Pages that read without a network, on a phone as well: one per notebook, and an index."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, PackageLoader, StrictUndefined
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from cxrlab.files import read_json, write_atomically, write_json
from cxrlab.recordings import versions
from cxrlab.running.execute import Execution

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_NOTE = "Run this notebook yourself to use the interactive part that stands here."
# [![words](picture)](address): a badge, whose picture comes from the network.
BADGE = re.compile(r"\[!\[([^\]]*)\]\(https?://[^)]*\)\]\(([^)]*)\)")
# The notebooks open their workspace with this seed.
COURSE_SEED = 0


class Pages:
    """The pages of a run in the folder ``out``.

    ``run.json`` holds what the index says. A later run of some of the notebooks keeps the rows of
    the others where data, budget and versions are the same.
    """

    def __init__(self, out: Path, data: str, budget: str) -> None:
        self.out = out
        self.record = {"data": data, "budget": budget, "seed": COURSE_SEED, "versions": versions()}
        kept = _read(out / "run.json")
        same = isinstance(kept, dict) and all(
            kept.get(name) == value for name, value in self.record.items()
        )
        self.record["notebooks"] = kept.get("notebooks", []) if same else []

    def add(self, execution: Execution, source: Path, paged: Sequence[Path]) -> None:
        """Write the page of an executed notebook, its copy, and the index as it now stands.

        A notebook that stopped early gets a partial page, and the one of an earlier run stays.
        ``source`` is the notebook's file, beside which its pictures lie. ``paged`` are the
        notebooks that have a page, or will have one: those to link to.
        """
        partial = self.out / f"{source.stem}.partial.html"
        failure = execution.failure
        page = partial if failure else partial.with_name(f"{source.stem}.html")
        copies = self.out / "notebooks"
        position = paged.index(source)
        html = render_page(
            execution,
            source,
            about=f"{self.record['data']} · budget: {self.record['budget']}",
            previous=_link(paged[position - 1 : position]),
            following=_link(paged[position + 1 : position + 2]),
        )
        write_atomically(page, html)
        text = nbformat.writes(execution.notebook) + "\n"
        write_atomically(copies / page.with_suffix(".ipynb").name, text)
        if not failure:
            partial.unlink(missing_ok=True)
            (copies / partial.with_suffix(".ipynb").name).unlink(missing_ok=True)
        row = {
            "name": source.stem,
            "title": title_of(execution.notebook, source.stem),
            "page": page.name,
            "seconds": round(execution.seconds, 1),
            "failure": failure and f"stopped at cell {failure.cell}: {' '.join(failure.lines)}",
        }
        others = [kept for kept in self.record["notebooks"] if kept["name"] != source.stem]
        self.record["notebooks"] = sorted([*others, row], key=lambda kept: kept["name"])
        self.record["date"] = date.today().isoformat()
        write_json(self.out / "run.json", self.record)
        numbers = headlines(self.out / "workspace")
        index = _render("index.html.j2", title="Overview", record=self.record, headlines=numbers)
        write_atomically(self.out / "index.html", index)


def render_page(execution: Execution, source: Path, **around: Any) -> str:
    """The notebook as one HTML page that fetches nothing: pictures and style are inside.

    ``around`` fills the page's frame: ``about`` (a line on data and budget), ``previous`` and
    ``following`` (``(address, words)`` or None).
    """
    notebook = copy.deepcopy(execution.notebook)
    without_widgets(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = BADGE.sub(r"[\1](\2)", cell.source)
    exporter = HTMLExporter(
        template_name="basic",
        embed_images=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    body, _ = exporter.from_notebook_node(
        notebook, resources={"metadata": {"path": str(source.parent)}}
    )
    title = title_of(notebook, source.stem)
    return _render("page.html.j2", title=title, body=body, failure=execution.failure, **around)


def without_widgets(notebook: nbformat.NotebookNode) -> None:
    """Take out widgets, in place: they need a running kernel, and a stored one shows nothing.

    A note stands in for them, but not where the cell shows more than widgets, as a quiz does.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        others = [output for output in outputs if WIDGET_VIEW not in output.get("data", {})]
        if others and len(others) < len(outputs):
            cell.outputs = others
            continue
        for output in outputs:
            if WIDGET_VIEW in output.get("data", {}):
                output.data = nbformat.from_dict({"text/plain": WIDGET_NOTE})


def title_of(notebook: nbformat.NotebookNode, otherwise: str) -> str:
    """The first heading of the notebook, without its markup and its number."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^#\s+(.+)$", cell.source, re.M)):
            return re.sub(r"^\d+\s*[·.:]\s*|[*_`]", "", found[1]).strip()
    return otherwise


def headlines(workspace: Path) -> list[dict[str, Any]]:
    """The numbers that the notebooks left in their workspace; none where they left none."""
    stored = _read(workspace / "headlines.json")
    if not isinstance(stored, list):
        return []
    wanted = {"notebook", "label", "value"}
    lines = [line for line in stored if isinstance(line, dict) and wanted <= line.keys()]
    return [{"interval": "", "note": "", **line} for line in lines]


def forget_headlines(workspace: Path, numbers: set[str]) -> None:
    """Drop what earlier runs of these notebooks left, so that the index shows none of it."""
    if (path := workspace / "headlines.json").exists():
        kept = [line for line in headlines(workspace) if str(line["notebook"])[:2] not in numbers]
        write_json(path, kept)


def _render(template: str, **content: Any) -> str:
    """A page of this package's templates, its style sheet and code colours inside."""
    pages = Environment(
        loader=PackageLoader("cxrlab.running"),
        autoescape=True,
        undefined=StrictUndefined,  # an undefined name in a template is an error
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sheet = resources.files("cxrlab.running").joinpath("templates/style.css").read_text("utf-8")
    style = sheet + HtmlFormatter(style="friendly").get_style_defs(".highlight")
    return pages.get_template(template).render(style=style, **content)


def _link(notebooks: Sequence[Path]) -> tuple[str, str] | None:
    """Address and words of the link to the page of a notebook, where there is one."""
    return (f"{notebooks[0].stem}.html", notebooks[0].stem.replace("_", " ")) if notebooks else None


def _read(path: Path) -> Any:
    """What a JSON file holds, None where it cannot be read."""
    try:
        return read_json(path)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return None
