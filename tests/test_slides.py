"""Slides: what the notebooks' metadata says, and the decks that are made from it."""

from __future__ import annotations

import re

import nbformat
import pytest
from test_docs import section, table_rows

from cxrlab.running.course import find_notebooks

FETCHED = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?!data:)([^"]*)"')


@pytest.fixture
def slides(slides_script, tmp_path, monkeypatch):
    """The script, writing elsewhere."""
    monkeypatch.setattr(slides_script, "OUT", tmp_path)
    return slides_script


def of_slides(notebook) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if "slideshow" in cell.metadata]


def test_a_notebook_gives_12_to_20_slides_and_the_guides_points_have_theirs(path, notebook):
    cells = of_slides(notebook)
    assert 12 <= len(cells) <= 20
    assert {cell.metadata.slideshow.slide_type for cell in cells} <= {"slide", "subslide"}
    assert cells[0] is notebook.cells[0]
    assert "not for medical use" in cells[0].source.lower()
    rows = table_rows(section(f"### {path.stem[:2]}\n"))
    known = {point.split(" (")[0] for point, *_ in rows}
    named = [point for cell in cells for point in cell.metadata.slideshow.get("points", [])]
    assert len(set(named)) == len(named)
    assert set(named) <= known, "the guide's table no longer has these points"


def test_a_deck_shows_questions_figures_and_takeaways(slides, path, notebook):
    tagged = of_slides(notebook)
    with_code = {c.source for c in tagged if c.metadata.slideshow.slide_type == "subslide"}
    points = slides.points_of(path.stem[:2])
    deck = slides.make_deck(notebook, points)
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in deck.cells]
    assert kinds.count("slide") + kinds.count("subslide") == len(tagged)
    assert kinds.count("fragment") >= len(tagged) // 2
    notes = "".join(c.source for c, kind in zip(deck.cells, kinds, strict=True) if kind == "notes")
    assert all(slides.LINK.sub(r"\1", text) in notes for text in points.values())
    code = [cell for cell in deck.cells if cell.cell_type == "code"]
    assert with_code == {c.source for c in code if not c.metadata["transient"]["remove_source"]}
    assert "Going on with the course" not in str([cell.outputs for cell in code])


def test_a_takeaway_is_short_and_stops_at_the_next_question(slides):
    assert slides.few_sentences("It rose. **By how much?** Guess.") == "It rose."
    assert slides.few_sentences("It rose by 0.03 (Fig. 2). Press the button below.").count(".") == 3
    assert len(slides.few_sentences("Seven words are in this sentence here. " * 20).split()) <= 40


def test_decks_open_without_a_network(slides, tmp_path):
    slides.main()
    pages = sorted(tmp_path.glob("*.html"))
    assert [page.stem for page in pages] == [path.stem for path in find_notebooks()]
    for page in pages:
        for address in FETCHED.findall(page.read_text(encoding="utf-8")):
            assert (tmp_path / address).is_file(), address
    for style in (tmp_path / "reveal.js" / "dist").glob("*.css"):
        assert "url(http" not in style.read_text(encoding="utf-8")
