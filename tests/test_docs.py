"""The pages in docs/: the glossary that the notebooks link, and the guide for instructors."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from cxrlab import hosts
from cxrlab.exercises.quiz import overview

TOP = Path(__file__).resolve().parent.parent
DOCS = TOP / "docs"
NOTEBOOKS = sorted((TOP / "notebooks").glob("*.ipynb"))
GUIDE = (DOCS / "instructor-guide.md").read_text(encoding="utf-8")
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")

COMPUTING = re.compile(r"(?:about |less than |under )?(\d+) (seconds?|minutes?)")


def slug_of(heading: str) -> str:
    """The anchor that GitHub gives a heading: ``McNemar's test`` becomes ``mcnemars-test``."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def entries() -> dict[str, str]:
    """``{slug: text of the entry}`` of the glossary, in its order."""
    _, *parts = re.split(r"^## ", GLOSSARY, flags=re.MULTILINE)
    found = {}
    for part in parts:
        heading, _, text = part.partition("\n")
        assert slug_of(heading) not in found, f"two entries for {heading}"
        found[slug_of(heading)] = on_one_line(text)
    return found


def linked_slugs(path: Path) -> list[str]:
    """The glossary's anchors that a notebook links, in its order."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.findall(r"/docs/glossary\.md#([^)\s]*)\)", text)


def time_line(path: Path) -> tuple[str, int]:
    """What a notebook's header says: computing (``about 2 minutes``), and minutes in all."""
    header = nbformat.read(path, as_version=4).cells[0].source
    found = re.search(
        r"^\*\*Time:\*\* about (\d+) minutes: (.+?) compute on two CPU cores, "
        r"the rest is reading and doing\.",
        header,
        flags=re.MULTILINE,
    )
    assert found, f"{path.name} has no line **Time:** as agreed"
    return f"about {found[2]}", int(found[1])


def table_rows(text: str) -> list[list[str]]:
    """The cells of every row of every table, heads and rules left out."""
    lines = text.splitlines()
    rules = {i for i, line in enumerate(lines) if re.fullmatch(r"\|(?:\s*:?-+:?\s*\|)+", line)}
    heads = {i - 1 for i in rules}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for i, line in enumerate(lines)
        if line.startswith("|") and i not in rules | heads
    ]


def section(heading: str) -> str:
    """A section of the guide, up to the next heading of the same or a higher level."""
    level = len(heading) - len(heading.lstrip("#"))
    start = GUIDE.index(f"\n{heading}") + 1
    following = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE).search(GUIDE, start + len(heading))
    return GUIDE[start : following.start() if following else None]


def minutes_rows() -> dict[str, list[str]]:
    """``{notebook's file name: [computing, reading, exercises, quiz]}`` as the guide says."""
    found = {}
    for first, *rest in table_rows(section("## How long it takes")):
        if link := re.search(r"\]\(\.\./notebooks/([\w.]+)\)", first):
            found[link[1]] = rest
    return found


def test_every_glossary_link_has_its_entry():
    known = entries()
    for path in NOTEBOOKS:
        missing = sorted(set(linked_slugs(path)) - known.keys())
        assert not missing, f"{path.name} links terms that the glossary lacks: {missing}"


def test_every_entry_is_linked_in_its_place_and_says_something():
    linked = {slug for path in NOTEBOOKS for slug in linked_slugs(path)}
    assert not sorted(entries().keys() - linked)
    assert list(entries()) == sorted(entries())
    for slug, text in entries().items():
        assert 8 <= len(text.partition("Introduced in")[0].split()) <= 110, slug


def test_an_entry_names_the_notebook_that_links_it_first():
    first = {}
    for path in NOTEBOOKS:
        for slug in linked_slugs(path):
            first.setdefault(slug, path.name)
    for slug, text in entries().items():
        named = re.findall(r"Introduced in \[notebook (\d\d)\]\(\.\./notebooks/([\w.]+)\)", text)
        assert named == [(first[slug][:2], first[slug])], slug


def pages() -> list[Path]:
    return [*sorted(TOP.glob("*.md")), *sorted(DOCS.glob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        assert other.exists(), f"{page.name} links {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), flags=re.M)
            assert anchor in map(slug_of, headings), f"{page.name} links {target}"


def test_the_guides_minutes_are_the_notebooks():
    assert list(minutes_rows()) == [path.name for path in NOTEBOOKS]
    for path in NOTEBOOKS:
        computing, minutes = time_line(path)
        assert COMPUTING.fullmatch(computing), f"{path.name}: '2 minutes', not '{computing}'"
        assert minutes_rows()[path.name][:2] == [computing, f"{minutes} minutes"]


def test_the_sums_in_the_guide_are_right():
    total = next(row for row in table_rows(section("## How long it takes")) if row[0] == "together")
    rows = minutes_rows().values()
    for column, unit in ((2, " minutes"), (3, ""), (4, "")):
        assert total[column] == f"{sum(int(row[column - 1].split()[0]) for row in rows)}{unit}"
    limit = int(COMPUTING.match(total[1])[1])
    seconds = 0
    for computing, *_ in rows:
        if measured := COMPUTING.fullmatch(computing):
            seconds += int(measured[1]) * (60 if measured[2].startswith("minute") else 1)
    assert seconds <= 60 * limit


def test_the_guide_counts_exercises_and_questions_rightly(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path))
    table = overview().notebooks.set_index("notebook")
    for name, row in minutes_rows().items():
        counts = [table.loc[name[:2], kind].split(" of ")[1] for kind in ("exercises", "quiz")]
        assert row[2:] == counts, name


@pytest.mark.parametrize(
    ("heading", "minutes"),
    [("### 90 minutes", 90), ("### Half a day (240", 240), ("### Two days (2 × 360", 720)],
)
def test_a_schedule_adds_up(heading, minutes):
    assert sum(int(row[0]) for row in table_rows(section(heading))) == minutes


def test_the_budgets_in_the_guide_are_those_of_the_code():
    from cxrlab.choices import BUDGETS

    rows = table_rows(section("## Budgets, and when a run is late"))
    shown = {row[0].strip("`"): row[1:4] for row in rows}
    assert shown == {
        name: [str(budget.images or "all"), str(budget.epochs), str(budget.trials)]
        for name, budget in BUDGETS.items()
    }


def test_the_guide_says_of_every_host_what_was_not_tried():
    """A host that the course knows, or that has a file here, and what only a real one shows."""
    rows = {row[0]: row for row in table_rows(section("### What was run where"))}
    said = " ".join(rows)
    for name in ("Linux", "macOS", "Windows", "JupyterHub", "GPU", "Codespaces", *hosts.SIGNS):
        assert name in said, name
    assert all(len(row) == 3 and row[2] for row in rows.values())


@pytest.mark.parametrize("page", [GUIDE, GLOSSARY], ids=["guide", "glossary"])
def test_a_page_says_that_it_is_not_for_medical_use(page):
    assert "not for medical use" in on_one_line(page).lower()
