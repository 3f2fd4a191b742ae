"""The pages of the site, staged for Sphinx from the notebooks and ``docs/``.

Notebooks keep their text, code and stored outputs. What needs a kernel is replaced: below an
exercise stand its hints and a solution, folded; quizzes answer; three widgets become benches.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import io
import os
import re
import shutil
from html import escape
from pathlib import Path
from typing import NamedTuple

import nbformat
from benches import make_benches
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from cxrlab.exercises.engine import State
from cxrlab.publish import CHECKOUT, repository
from cxrlab.running.pages import WIDGET_NOTE

HERE = Path(__file__).resolve().parent
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"), trim_blocks=True, lstrip_blocks=True
)
TEMPLATES.filters["inline"] = MarkdownIt().renderInline
TEMPLATES.filters["coloured"] = lambda code: highlight(code, PythonLexer(), HtmlFormatter())
BADGE = re.compile(r"\[!\[([^\]]*)\]\([^)]*\)\]\(([^)]*)\)")
LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
# The pages that the contents list names first; all others follow.
FIRST = ["README", "docs/instructor-guide", "docs/glossary", "docs/results", "docs/api/README"]


class SiteError(Exception):
    """The site cannot be built. The message says where, what was seen, and what to do."""


class Opening(NamedTuple):
    """What a notebook's opening cell says: its question, and the minutes it takes."""

    number: str
    name: str
    question: str
    minutes: int


def read_opening(path: Path) -> Opening:
    """A notebook's opening. Raises :class:`SiteError` where a line of it is missing."""
    text = nbformat.read(path, as_version=4).cells[0].source
    title = re.search(r"^# (\d\d) · (.+)$", text, re.MULTILINE)
    minutes = re.search(r"^\*\*Time:\*\* about (\d+) minutes", text, re.MULTILINE)
    if not (title and minutes):
        raise SiteError(
            f"the first cell of {path.name} needs a line '# 01 · Question?' and a line "
            "'**Time:** about 70 minutes'."
        )
    return Opening(title[1], path.stem, title[2], int(minutes[1]))


def notebooks() -> list[Path]:
    return sorted((CHECKOUT / "notebooks").glob("*.ipynb"))


def markdown_pages() -> list[Path]:
    """The Markdown pages of the site: those at the top, in docs and in docs/api."""
    return sorted(
        path
        for folder in ("", "docs", "docs/api")
        for path in CHECKOUT.glob(f"{folder or '.'}/*.md")
    )


def first_sentences() -> dict[str, str]:
    """The glossary's entries by anchor: the first sentence of each, without Markdown."""
    text = (CHECKOUT / "docs" / "glossary.md").read_text(encoding="utf-8")
    found = {}
    for entry in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = entry.partition("\n")
        anchor = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[*`]", r"\1", body.strip().split("\n\n")[0])
        found[anchor] = re.split(r"(?<=[a-z)][.?!])\s+(?=[A-Z])", " ".join(plain.split()))[0]
    return found


def relink(text: str, page: Path) -> str:
    """``text`` of a page with links that lead within the site where the site has the target.

    Badges become words, as their pictures would come from elsewhere. What is no page of the site
    is linked on GitHub.
    """
    repo, staged = repository(), {*notebooks(), *markdown_pages()}
    ours = f"https://github.com/{repo.path}/blob/{repo.branch}/"

    def moved(match: re.Match[str]) -> str:
        name, hash_, anchor = match[1].partition("#")
        if name.startswith(ours):
            target = CHECKOUT / name.removeprefix(ours)
        elif not name or re.match(r"[a-z]+:", name):
            return match[1]
        else:
            target = (page.parent / name).resolve()
        if target == page:  # "Read on GitHub"
            return match[1]
        if target in staged:
            return Path(os.path.relpath(target, page.parent)).as_posix() + hash_ + anchor
        if target.is_relative_to(CHECKOUT) and target.exists():
            return ours + target.relative_to(CHECKOUT).as_posix() + hash_ + anchor
        raise SiteError(f"{page.name} links {match[1]}, which is nowhere. Correct the link.")

    return LINK.sub(moved, BADGE.sub(r"[\1](\2)", text))


class Figures:
    """Pictures taken out of the stored outputs, in a folder of the site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    def keep(self, picture: str, kind: str = "png") -> str:
        """Write a picture, given in Base64; returns its address as seen from a notebook's page."""
        data = base64.b64decode(picture)
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.{kind}"
        (self.folder / name).write_bytes(data)
        return f"../figures/{name}"

    def shown(self, output: nbformat.NotebookNode, where: str) -> nbformat.NotebookNode:
        """The output with its pictures as files; each must say in words what it shows."""
        data = output.get("data", {})
        kinds = [kind for kind in ("image/png", "image/jpeg") if kind in data]
        page = BeautifulSoup(data.get("text/html", ""), "html.parser")
        if kinds and not page.find("img"):
            alt = output.metadata.get(kinds[0], {}).get("alt") or ""
            address = f"data:{kinds[0]};base64,{data[kinds[0]]}"
            page = BeautifulSoup(f'<img alt="{escape(alt)}" src="{address}">', "html.parser")
        for picture in page.find_all("img"):
            if not picture.get("alt", "").strip():
                raise SiteError(
                    f"{where} shows a figure without a text alternative. End the cell with "
                    "plots.show(figure, alt) and run the notebook again."
                )
            if found := re.match(r"data:image/(png|jpeg);base64,", picture["src"]):
                encoded = picture["src"][found.end() :]
                size = Image.open(io.BytesIO(base64.b64decode(encoded))).size
                picture["src"], picture["loading"] = self.keep(encoded, found[1]), "lazy"
                picture["width"], picture["height"] = size
                picture["class"] = ["figure"]
        return html_output(str(page)) if page.find("img") else output


def html_output(html: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", {"text/html": html})


def part(macro: str, **content: object) -> nbformat.NotebookNode:
    """A piece of HTML from the templates, as a cell's output."""
    return html_output(getattr(TEMPLATES.get_template("parts.html").module, macro)(**content))


def stage_notebook(path: Path, figures: Figures, benches: dict[str, dict]) -> nbformat.NotebookNode:
    """The notebook as the site shows it: see the top of this file."""
    notebook, number = nbformat.read(path, as_version=4), path.name[:2]
    exercises = vars(importlib.import_module(f"cxrlab.exercises.nb{number}"))
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"]["pygments_lexer"] = "ipython3"
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            cell.source = relink(cell.source, path)
            continue
        where = f"cell {place + 1} of {path.name}"
        shown = [figures.shown(output, where) for output in cell.get("outputs", [])]
        if "google.colab" in cell.source:
            cell.metadata["tags"] = ["hide-input"]
        if found := re.search(rf"^nb{number}\.(\w+)\.check\(", cell.source, re.MULTILINE):
            shown = [output for output in shown if not says_untouched(output)]
            shown.append(part("exercise", exercise=exercises[found[1]]))
        elif re.search(rf"^nb{number}\.quiz\.show\(", cell.source, re.MULTILINE):
            shown = [part("quiz", questions=exercises["quiz"])]
        elif found := re.search(r"\b(read_ten|convolution_bench|threshold_bench)\(", cell.source):
            name = f"{found[1]}_{number}"
            shown = [part(found[1], **benches[name], name=name)]
        elif any(WIDGET_NOTE in output.get("data", {}).get("text/plain", "") for output in shown):
            shown = [part("needs_kernel", page=path.stem)]
        cell.outputs = shown
    return notebook


def says_untouched(output: nbformat.NotebookNode) -> bool:
    """Whether it is the message that an exercise gives while its dots are in place."""
    return output.get("data", {}).get("text/plain", "").startswith(State.UNTOUCHED.value[0])


def stage(out: Path) -> None:
    """Write everything that Sphinx reads into the empty folder ``out``."""
    shutil.rmtree(out, ignore_errors=True)
    figures = Figures(out / "extra" / "figures")
    benches = make_benches(figures.folder)
    for page in markdown_pages():
        text = relink(page.read_text(encoding="utf-8"), page)
        if page.relative_to(CHECKOUT).as_posix() == "docs/api/README.md":
            text += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
        write(out / page.relative_to(CHECKOUT), text)
    for path in notebooks():
        staged = stage_notebook(path, figures, benches)
        write(out / "notebooks" / path.name, nbformat.writes(staged))
    openings = [read_opening(path) for path in notebooks()]
    names = [page.relative_to(CHECKOUT).with_suffix("").as_posix() for page in markdown_pages()]
    others = [name for name in names if not name.startswith("docs/api/") and name not in FIRST]
    content = {"notebooks": openings, "pages": [*FIRST, *others]} | benches["welcome"]
    write(out / "index.md", TEMPLATES.get_template("index.md").render(content))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
