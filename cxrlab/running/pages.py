"""Pages that read without a network, on a phone as well: one per notebook, and an index."""

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
from cxrlab.publish import to_text
from cxrlab.recordings import versions
from cxrlab.running.execute import Execution

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_NOTE = "Run this notebook yourself to use the interactive part that stands here."
# [![words](picture)](address): a badge, whose picture comes from the network.
BADGE = re.compile(r"\[!\[([^\]]*)\]\(https?://[^)]*\)\]\(([^)]*)\)")
OTHER_NOTEBOOK = re.compile(r"\]\((\d\d_\w+)\.ipynb")  # a link to another notebook of the course
HEADING = re.compile(r'<h([23]) id="([^"]*)">(.*?)<a class="anchor-link"', re.DOTALL)


class Pages:
    """The pages of a run in the folder ``out``, with copies of the executed notebooks.

    ``run.json`` holds what the index says. A later run of some of the notebooks (``names``) keeps
    the rows of the others where ``choices`` (data, budget) and versions are the same.
    """

    def __init__(self, out: Path, choices: dict[str, str], names: list[str]) -> None:
        self.out = out
        self.record = {**choices, "seed": 0, "versions": versions()}  # the notebooks' own seed
        kept = read_json(out / "run.json") if (out / "run.json").exists() else {}
        same = self.record.items() <= kept.items()
        self.record["notebooks"] = kept["notebooks"] if same else []
        self.names = sorted({*names, *(row["name"] for row in self.record["notebooks"])})
        # A notebook that stops early must not stand beside numbers of its last run.
        if earlier := self.headlines():
            again = {name[:2] for name in names}
            others = [row for row in earlier if row["notebook"][:2] not in again]
            write_json(out / "workspace" / "headlines.json", others)

    def headlines(self) -> list[dict[str, str]]:
        """The numbers that the notebooks left in their workspace."""
        path = self.out / "workspace" / "headlines.json"
        return read_json(path) if path.exists() else []

    def add(self, execution: Execution) -> None:
        """Write the page of an executed notebook, its copy, and the index as it now stands."""
        name, notebook = execution.path.stem, execution.notebook
        write_atomically(self.out / "notebooks" / f"{name}.ipynb", to_text(notebook))
        title = re.search(r"^# (?:\d\d · )?(.+)$", notebook.cells[0].source, re.MULTILINE)
        row = {"name": name, "page": f"{name}.html", "failure": execution.failure}
        row |= {"title": re.sub("[*_`]", "", title[1]), "seconds": round(execution.seconds, 1)}
        write_atomically(self.out / row["page"], self.page(execution, row["title"]))
        others = [kept for kept in self.record["notebooks"] if kept["name"] != name]
        self.record["notebooks"] = sorted([*others, row], key=lambda kept: kept["name"])
        self.record["date"] = date.today().isoformat()
        write_json(self.out / "run.json", self.record)
        content = {"record": self.record, "headlines": self.headlines()}
        index = render("index.html.j2", title="Overview", **content)
        write_atomically(self.out / "index.html", index)

    def page(self, execution: Execution, title: str) -> str:
        """The notebook as one HTML page that fetches nothing: pictures and style are inside."""
        notebook = copy.deepcopy(execution.notebook)
        without_widgets(notebook)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = BADGE.sub(r"[\1](\2)", cell.source)
                cell.source = OTHER_NOTEBOOK.sub(r"](\1.html", cell.source)
        exporter = HTMLExporter(template_name="basic", embed_images=True)
        exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
        beside = {"metadata": {"path": str(execution.path.parent)}}  # where its pictures lie
        body, _ = exporter.from_notebook_node(notebook, beside)
        # A wide table scrolls by itself; with a tabindex the arrow keys scroll it, too.
        body = body.replace("<table", '<div class="wide" tabindex="0"><table')
        body = body.replace("</table>", "</table></div>")
        body = body.replace(
            '<pre style="white-space:pre', '<pre tabindex="0" style="white-space:pre'
        )
        place = self.names.index(execution.path.stem)
        return render(
            "page.html.j2",
            title=title,
            body=body,
            contents=HEADING.findall(body),
            failure=execution.failure,
            about=f"{self.record['data']} · budget: {self.record['budget']}",
            before=self.names[place - 1] if place else "",
            after="".join(self.names[place + 1 : place + 2]),
        )


def without_widgets(notebook: nbformat.NotebookNode) -> None:
    """Take out widgets, in place: a stored one shows nothing without a kernel.

    The still of a bench stands in for it, else a note; beside a quiz's questions nothing does.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        widgets = [output for output in outputs if WIDGET_VIEW in output.get("data", {})]
        alone = len(widgets) == len(outputs)
        for output in widgets:
            still = output.data.get("text/html")
            if still or alone:
                shown = {"text/html": still} if still else {}
                output.data = nbformat.from_dict({**shown, "text/plain": WIDGET_NOTE})
            else:
                outputs.remove(output)


def render(template: str, **content: Any) -> str:
    """A page of this package's templates, its style sheet and code colours inside."""
    pages = Environment(
        loader=PackageLoader("cxrlab.running"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,  # no empty lines where a template has commands
        lstrip_blocks=True,
    )
    for name, style in {"light": "default", "dark": "github-dark"}.items():
        formatter = HtmlFormatter(style=style, nobackground=True)
        pages.globals[name] = formatter.get_style_defs(".highlight")
    return pages.get_template(template).render(content)
