"""Pages that read without a network, on a phone as well: one per notebook, and an index."""

from __future__ import annotations

import copy
import re
from datetime import date
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
OTHER_NOTEBOOK = re.compile(r"\]\((\d\d_\w+)\.ipynb")  # a link to another notebook of the course
HEADING = re.compile(r'<h([23]) id="([^"]*)">(.*?)<a class="anchor-link"', re.DOTALL)
COURSE_SEED = 0  # with which the notebooks open their workspace
TIDY = {"trim_blocks": True, "lstrip_blocks": True}  # no empty lines where a template has commands


class Pages:
    """The pages of a run in the folder ``out``, with copies of the executed notebooks.

    ``run.json`` holds what the index says. A later run of some of the notebooks keeps the rows of
    the others where ``choices`` (data, budget) and versions are the same. ``names``: the notebooks
    that this run executes, whose earlier numbers are forgotten.
    """

    def __init__(self, out: Path, choices: dict[str, str], names: list[str]) -> None:
        self.out = out
        self.record = {**choices, "seed": COURSE_SEED, "versions": versions()}
        kept = read_json(out / "run.json") if (out / "run.json").exists() else {}
        same = self.record.items() <= kept.items()
        self.record["notebooks"] = kept["notebooks"] if same else []
        self.names = sorted({*names, *(row["name"] for row in self.record["notebooks"])})
        numbers = out / "workspace" / "headlines.json"
        if earlier := headlines(numbers.parent):
            again = {name[:2] for name in names}
            write_json(numbers, [row for row in earlier if row["notebook"][:2] not in again])

    def add(self, execution: Execution, beside: Path) -> None:
        """Write the page of an executed notebook, its copy, and the index as it now stands."""
        name = execution.name
        text = nbformat.writes(execution.notebook) + "\n"
        write_atomically(self.out / "notebooks" / f"{name}.ipynb", text)
        about = f"{self.record['data']} · budget: {self.record['budget']}"
        page = render_page(execution, beside, about, self.names)
        write_atomically(self.out / f"{name}.html", page)
        row = {"name": name, "title": title_of(execution.notebook, name), "page": f"{name}.html"}
        row |= {"seconds": round(execution.seconds, 1), "failure": execution.failure}
        others = [kept for kept in self.record["notebooks"] if kept["name"] != name]
        self.record["notebooks"] = sorted([*others, row], key=lambda kept: kept["name"])
        self.record["date"] = date.today().isoformat()
        write_json(self.out / "run.json", self.record)
        numbers = headlines(self.out / "workspace")
        index = render("index.html.j2", title="Overview", record=self.record, headlines=numbers)
        write_atomically(self.out / "index.html", index)


def render_page(execution: Execution, beside: Path, about: str, names: list[str]) -> str:
    """The notebook as one HTML page that fetches nothing: pictures and style are inside.

    ``beside`` is the folder where the notebook's pictures lie, ``about`` the page's first line,
    ``names`` those of all pages, in their order.
    """
    notebook = copy.deepcopy(execution.notebook)
    without_widgets(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = BADGE.sub(r"[\1](\2)", cell.source)
            cell.source = OTHER_NOTEBOOK.sub(r"](\1.html", cell.source)
    exporter = HTMLExporter(template_name="basic", embed_images=True)
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    where = {"metadata": {"path": str(beside)}}
    body, _ = exporter.from_notebook_node(notebook, resources=where)
    # A wide table scrolls by itself; with a tabindex the arrow keys scroll it, too.
    body = body.replace("<table", '<div class="wide" tabindex="0"><table')
    body = body.replace('<pre style="white-space:pre', '<pre tabindex="0" style="white-space:pre')
    place = names.index(execution.name)
    return render(
        "page.html.j2",
        title=title_of(notebook, execution.name),
        body=body.replace("</table>", "</table></div>"),
        contents=HEADING.findall(body),
        failure=execution.failure,
        about=about,
        before=names[place - 1] if place else "",
        after=names[place + 1] if place + 1 < len(names) else "",
    )


def without_widgets(notebook: nbformat.NotebookNode) -> None:
    """Take out widgets, in place: they need a running kernel, and a stored one shows nothing.

    The still that a bench of the course brings stands in for it. For other widgets a note does,
    but not where the cell shows more than widgets, as a quiz does.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        for still in (output.data for output in outputs if "text/html" in output.get("data", {})):
            if still.pop(WIDGET_VIEW, None):
                still["text/plain"] = WIDGET_NOTE
        widgets = [output for output in outputs if WIDGET_VIEW in output.get("data", {})]
        if widgets and len(widgets) < len(outputs):
            cell.outputs = [output for output in outputs if output not in widgets]
        else:
            for widget in widgets:
                widget.data = nbformat.from_dict({"text/plain": WIDGET_NOTE})


def title_of(notebook: nbformat.NotebookNode, otherwise: str) -> str:
    """The first heading of the notebook, without its markup and its number."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^#\s+(.+)$", cell.source, re.M)):
            return re.sub(r"^\d+\s*[·.:]\s*|[*_`]", "", found[1]).strip()
    return otherwise


def headlines(workspace: Path) -> list[dict[str, str]]:
    """The numbers that the notebooks left in their workspace; none where they left none."""
    path = workspace / "headlines.json"
    return read_json(path) if path.exists() else []


def render(template: str, **content: Any) -> str:
    """A page of this package's templates, its style sheet and code colours inside."""
    loader = PackageLoader("cxrlab.running")
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, **TIDY)
    light, dark = (
        HtmlFormatter(style=style, nobackground=True).get_style_defs(".highlight")
        for style in ("default", "github-dark")
    )
    return pages.get_template(template).render(light=light, dark=dark, **content)
