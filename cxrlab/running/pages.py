"""Turn an executed notebook into a page that reads without a network, on a phone as well."""

from __future__ import annotations

import copy
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, PackageLoader, StrictUndefined
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from cxrlab.running.execute import Execution

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_NOTE = "Run this notebook yourself to use the interactive part that stands here."
# [![words](picture)](address): a badge, whose picture comes from the network.
BADGE = re.compile(r"\[!\[([^\]]*)\]\(https?://[^)]*\)\]\(([^)]*)\)")


@cache
def templates() -> Environment:
    """The page templates of this package. An undefined name in one is an error."""
    return Environment(
        loader=PackageLoader("cxrlab.running"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def style() -> str:
    """The style sheet, with the colours of the code cells."""
    sheet = resources.files("cxrlab.running").joinpath("templates/style.css").read_text("utf-8")
    return sheet + HtmlFormatter(style="friendly").get_style_defs(".highlight")


def title_of(notebook: nbformat.NotebookNode, otherwise: str) -> str:
    """The first heading of the notebook, without its markup and its number."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^#\s+(.+)$", cell.source, re.M)):
            return re.sub(r"^\d+\s*[·.:]\s*|[*_`]", "", found[1]).strip()
    return otherwise


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


def render_page(execution: Execution, source: Path, around: dict[str, Any]) -> str:
    """The notebook as one HTML page that fetches nothing: pictures and style are inside.

    ``source`` is the notebook's file, beside which its pictures lie. ``around`` fills the
    page's frame: ``about`` (a line on data and budget), ``previous`` and ``following``
    (``(address, words)`` or None).
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
    return (
        templates()
        .get_template("page.html.j2")
        .render(
            title=title_of(notebook, source.stem),
            style=style(),
            body=body,
            failure=execution.failure,
            **around,
        )
    )
