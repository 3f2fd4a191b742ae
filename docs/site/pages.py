"""The pages of the site, staged for Sphinx from the notebooks and ``docs/``.

Notebooks keep their text, code and stored outputs. What needs a kernel is replaced: below an
exercise stand its hints and a solution, folded; quizzes answer; three widgets become benches.
"""

import base64
import hashlib
import io
import os
import re
import shutil
from pathlib import Path

import nbformat
from benches import make_benches
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from nbformat import NotebookNode
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.errors import SphinxError

from cxrlab.exercises.engine import State
from cxrlab.exercises.quiz import module_of
from cxrlab.publish import CHECKOUT, repository
from cxrlab.running.pages import BADGE, WIDGET_NOTE

HERE = Path(__file__).resolve().parent
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"), trim_blocks=True, lstrip_blocks=True
)
TEMPLATES.filters["inline"] = MarkdownIt().renderInline
TEMPLATES.filters["coloured"] = lambda code: highlight(code, PythonLexer(), HtmlFormatter())
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
MARKDOWN = sorted(page for at in (".", "docs", "docs/api") for page in CHECKOUT.glob(f"{at}/*.md"))
# First in the contents list; all others follow.
FIRST = ["README", "docs/instructor-guide", "docs/glossary", "docs/results", "docs/api/README"]


class SiteError(SphinxError):
    """The site cannot be built. The message says where, what was seen, and what to do."""

    category = "The site cannot be built"


def read_opening(path: Path) -> dict[str, str]:
    """Number, name, question and minutes of a notebook, as its opening cell says them."""
    text = nbformat.read(path, as_version=4).cells[0].source
    title = re.search(r"^# (\d\d) · (.+)$", text, re.MULTILINE)
    time = re.search(r"^\*\*Time:\*\* about (\d+) minutes", text, re.MULTILINE)
    if not (title and time):
        agreed = "'# 01 · Question?' and '**Time:** about 70 minutes'"
        raise SiteError(f"the first cell of {path.name} lacks one of the lines {agreed}. Add it.")
    return {"number": title[1], "name": path.stem, "question": title[2], "minutes": time[1]}


def first_sentences() -> dict[str, str]:
    """The first sentence of each glossary entry, by the letters of its heading alone."""
    text = (CHECKOUT / "docs" / "glossary.md").read_text(encoding="utf-8")
    found = {}
    for heading, body in re.findall(r"^## (.+)\n\n((?:.+\n)+)", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[*`]", r"\1", " ".join(body.split()))
        found[letters(heading)] = re.split(r"(?<=[a-z)][.?!]) (?=[A-Z])", plain)[0]
    return found


def letters(words: str) -> str:
    return re.sub(r"[^a-z0-9]", "", words.lower())


def relink(text: str, page: Path) -> str:
    """``text`` of a page; its links stay within the site or lead to GitHub. Badges become words."""
    repo = repository()
    ours = f"https://github.com/{repo.path}/blob/{repo.branch}/"

    def moved(match: re.Match[str]) -> str:
        name, hash_, anchor = match[1].partition("#")
        target = CHECKOUT / name.removeprefix(ours)
        if not name.startswith(ours):
            if not name or re.match(r"[a-z]+:", name):
                return match[1]
            target = (page.parent / name).resolve()
        if target != page and target in (*NOTEBOOKS, *MARKDOWN):
            return Path(os.path.relpath(target, page.parent)).as_posix() + hash_ + anchor
        if target.is_relative_to(CHECKOUT) and target.exists():
            return ours + target.relative_to(CHECKOUT).as_posix() + hash_ + anchor
        raise SiteError(f"{page.name} links {match[1]}, which is nowhere. Correct the link.")

    return re.sub(r"(?<=\]\()([^)\s]+)(?=\))", moved, BADGE.sub(r"[\1](\2)", text))


def html_output(html: str) -> NotebookNode:
    return nbformat.v4.new_output("display_data", {"text/html": html})


def part(macro: str, **content: object) -> NotebookNode:
    """A piece of HTML from the templates, as a cell's output."""
    return html_output(getattr(TEMPLATES.get_template("parts.html").module, macro)(**content))


def with_files(output: NotebookNode, folder: Path, where: str) -> NotebookNode:
    """The output with its pictures as files in ``folder``; each must say what it shows."""
    data = output.get("data", {})
    page = BeautifulSoup(data.get("text/html", ""), "html.parser")
    for kind in ("image/png", "image/jpeg"):
        if kind in data and not page.find("img"):
            page.append(page.new_tag("img", src=f"data:{kind};base64,{data[kind]}"))
            page.img["alt"] = output.metadata.get(kind, {}).get("alt", "")
    for picture in page.find_all("img"):
        if not picture.get("alt", "").strip():
            to_do = "End the cell with plots.show(figure, alt) and run the notebook again."
            raise SiteError(f"{where} shows a figure without a text alternative. {to_do}")
        kind, _, encoded = picture["src"].partition(";base64,")
        content = base64.b64decode(encoded)
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{kind.rpartition('/')[2]}"
        (folder / name).write_bytes(content)
        picture["width"], picture["height"] = Image.open(io.BytesIO(content)).size
        picture["src"], picture["loading"] = f"../figures/{name}", "lazy"
        picture["class"] = "figure dark-light"
    return html_output(str(page)) if page.find("img") else output


def stage_notebook(path: Path, folder: Path, benches: dict[str, dict]) -> NotebookNode:
    """The notebook as the site shows it; its figures go into ``folder``."""
    notebook, number = nbformat.read(path, as_version=4), path.name[:2]
    exercises = vars(module_of(number))
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"]["pygments_lexer"] = "ipython3"
    for place, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            cell.source = relink(cell.source, path)
            continue
        where = f"cell {place} of {path.name}"
        shown = [with_files(output, folder, where) for output in cell.outputs]
        said = [output.get("data", {}).get("text/plain", "") for output in shown]
        if "google.colab" in cell.source:
            cell.metadata["tags"] = ["hide-input"]
        if found := re.search(rf"^nb{number}\.(\w+)\.check\(", cell.source, re.MULTILINE):
            untouched = [text.startswith(State.UNTOUCHED.value[0]) for text in said]
            shown = [each for each, so in zip(shown, untouched, strict=True) if not so]
            shown.append(part("exercise", exercise=exercises[found[1]]))
        elif f"nb{number}.quiz.show(" in cell.source:
            shown = [part("quiz", questions=exercises["quiz"])]
        elif found := re.search(r"\b(read_ten|convolution_bench|threshold_bench)\(", cell.source):
            name = f"{found[1]}_{number}"
            shown = [part(found[1], name=name, **benches[name])]
        elif WIDGET_NOTE in said:
            shown = [part("needs_kernel")]
        cell.outputs = shown
    return notebook


def stage(out: Path) -> None:
    """Write everything that Sphinx reads into ``out``, afresh."""
    shutil.rmtree(out, ignore_errors=True)
    figures = out / "extra" / "figures"
    for folder in (figures, out / "notebooks", out / "docs" / "api"):
        folder.mkdir(parents=True)
    benches = make_benches(figures)
    for page in MARKDOWN:
        text = relink(page.read_text(encoding="utf-8"), page)
        if page.parent.name == "api" and page.name == "README.md":
            text += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
        (out / page.relative_to(CHECKOUT)).write_text(text, encoding="utf-8")
    for path in NOTEBOOKS:
        staged = nbformat.writes(stage_notebook(path, figures, benches))
        (out / "notebooks" / path.name).write_text(staged, encoding="utf-8")
    names = [page.relative_to(CHECKOUT).with_suffix("").as_posix() for page in MARKDOWN]
    others = [name for name in names if name not in FIRST and not name.startswith("docs/api/")]
    content = {"notebooks": map(read_opening, NOTEBOOKS), "pages": FIRST + others}
    welcome = TEMPLATES.get_template("index.md").render(content | benches["welcome"])
    (out / "index.md").write_text(welcome, encoding="utf-8")
