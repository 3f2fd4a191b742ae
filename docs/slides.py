"""Slides to project: a deck per notebook, written by ``make slides`` into ``build/slides``.

What becomes a slide stands in the metadata of the notebooks' cells, with the points of the
instructor guide for its notes: ``slideshow: {"slide_type": "slide", "points": [...]}``. Of a code
cell, ``slide`` shows the question before it, what it put out, and the first sentences after it;
``subslide`` its code as well. Of a text cell the first section is shown. All else is left out.
No network is needed: reveal.js lies beside the decks, and formulas are MathML.
"""

import importlib.util
import re
import shutil
from pathlib import Path

import nbformat
from docutils.utils.math.latex2mathml import tex2mathml
from jinja2 import FileSystemLoader
from nbconvert import SlidesExporter
from nbformat.v4 import new_markdown_cell, new_notebook

from cxrlab.files import write_atomically
from cxrlab.running.course import find_notebooks
from cxrlab.running.pages import WIDGET_NOTE

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "build" / "slides"
REVEAL = Path(importlib.util.find_spec("sphinx_revealjs").origin).parent / "_static" / "revealjs"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\([^)]*\)")
FORMULA = re.compile(r"\$([^$\n]+)\$")
QUESTION = re.compile(r"\*\*[^*]+\?\*\*")
NO_SLIDE = re.compile(r"^Going on with the course's solution .*\n|^" + WIDGET_NOTE, re.MULTILINE)
MOST_WORDS = 40  # of a question or a takeaway


def points_of(number: str) -> dict[str, str]:
    """What the guide says about notebook ``"04"``: the notes of each point in its table."""
    guide, points = (HERE / "instructor-guide.md").read_text(encoding="utf-8"), {}
    table = guide.split(f"\n### {number}\n")[1].split("\n#")[0].strip()
    for row in table.splitlines()[2:]:
        name, ask, wrong, hoped = (part.strip() for part in row.strip("|").split(" | "))
        notes = f"**{name}**\n\nAsk: {ask}\n\nExpect: {wrong}\n\nHope for: {hoped}"
        points[name.split(" (")[0]] = notes
    return points


def first_section(text: str) -> str:
    """A text from its first heading up to the next one."""
    return re.search(r"^#.*?(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)[0]


def few_sentences(paragraph: str) -> str:
    """The first sentences of a paragraph, up to a question of the notebook's own."""
    kept = ""
    for sentence in re.split(r"(?<=[.!?])\s+(?=[^a-z])", QUESTION.split(paragraph)[0].strip()):
        if kept and (sentence[-1] == ":" or len(f"{kept} {sentence}".split()) > MOST_WORDS):
            break
        kept += "" if " below" in sentence else f" {sentence}"  # what a slide does not show
    return kept.strip()


def make_deck(notebook: nbformat.NotebookNode, points: dict[str, str]) -> nbformat.NotebookNode:
    """Per slide a text, what a cell put out, a takeaway, and notes; the last one has the rest."""
    deck, left, heading, before, takeaway = new_notebook(), dict(points), "", "", ""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            heading = ([heading] + re.findall(r"^##+ (?!Exercise)(.+)$", cell.source, re.M))[-1]
            before = cell.source.split("### Exercise")[0].strip() or before
        slideshow = cell.metadata.get("slideshow", {})
        if (kind := slideshow.get("slide_type")) not in ("slide", "subslide"):
            continue
        notes = "\n\n".join(left.pop(name, "") for name in slideshow.get("points", []))
        if cell.cell_type == "markdown":
            deck.cells += [piece(first_section(cell.source), kind), piece(notes, "notes")]
            continue
        question = (QUESTION.findall(before) or [few_sentences(before.split("\n\n")[-1])])[-1]
        question = "" if question == takeaway else question  # already on the slide before
        after = next(c.source for c in notebook.cells[number:] if c.cell_type == "markdown")
        takeaway = "" if after.startswith("#") else few_sentences(after.split("\n\n")[0])
        deck.cells += [piece(f"## {heading}\n\n{question}", kind), shown(cell, kind)]
        deck.cells += [piece(notes, "notes")]  # before the fragment, or they would wait for it
        deck.cells += [piece(takeaway, "fragment")] if takeaway else []
    deck.cells.append(piece("\n\n".join(left.values()), "notes"))
    return deck


def piece(text: str, slide_type: str) -> nbformat.NotebookNode:
    """A part of a slide, without links, which nobody follows on a wall."""
    text = FORMULA.sub(
        lambda found: "".join(tex2mathml(found[1]).split("\n")), LINK.sub(r"\1", text)
    )
    return new_markdown_cell(text, metadata={"slideshow": {"slide_type": slide_type}})


def shown(cell: nbformat.NotebookNode, kind: str) -> nbformat.NotebookNode:
    """What a cell put out, and its code where that is the point: in a ``subslide``."""
    for output in cell.outputs:
        holder, name = (output, "text") if "text" in output else (output.data, "text/plain")
        holder[name] = NO_SLIDE.sub("", holder.get(name, ""))
    cell.metadata = {"transient": {"remove_source": kind == "slide"}}
    return cell


def main() -> None:
    """Write every deck, and reveal.js beside them."""
    for part in ("dist", "plugin/notes"):
        shutil.copytree(REVEAL / part, OUT / "reveal.js" / part, dirs_exist_ok=True)
    exporter = SlidesExporter(
        extra_loaders=[FileSystemLoader(HERE)],
        template_file="slides.html.j2",
        reveal_url_prefix="reveal.js",
        reveal_theme="white",
    )
    for path in find_notebooks():
        deck = make_deck(nbformat.read(path, as_version=4), points_of(path.stem[:2]))
        page, _ = exporter.from_notebook_node(deck, {"metadata": {"name": path.stem}})
        print(write_atomically(OUT / f"{path.stem}.html", page))


if __name__ == "__main__":
    main()
