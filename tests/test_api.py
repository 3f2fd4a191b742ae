"""The pages in docs/api: their examples run, and no name that a notebook calls is missing."""

from __future__ import annotations

import ast
import doctest
import re

import nbformat
import pytest

from cxrlab.publish import CHECKOUT

PAGES = sorted(
    set((CHECKOUT / "docs" / "api").glob("*.md")) - {CHECKOUT / "docs" / "api" / "README.md"}
)
# Exercises differ in their names alone, and constants of the exercises stand in one example.
SAME_CALLS = re.compile(r"exercises\.nb0\d\.\w+$")


def names_called() -> set[str]:
    """What the notebooks take from cxrlab: ``course.begin``, ``plots.show``."""
    found = set()
    for path in sorted((CHECKOUT / "notebooks").glob("*.ipynb")):
        modules = {}
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            python = re.sub(r"^(\s*)[!%].*$", r"\1pass", cell.source, flags=re.MULTILINE)
            for node in ast.walk(ast.parse(python)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cxrlab"):
                    rooms = node.module.removeprefix("cxrlab").lstrip(".")
                    for alias in node.names:
                        name = f"{rooms}.{alias.name}".lstrip(".")
                        modules[alias.asname or alias.name] = name
                elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    if room := modules.get(node.value.id):
                        found.add(f"{room}.{node.attr}")
                elif isinstance(node, ast.Name) and node.id in modules:
                    found.add(modules[node.id])
    whole_modules = {name.rpartition(".")[0] for name in found}
    return {name for name in found - whole_modules if not SAME_CALLS.match(name)}


def test_every_name_that_a_notebook_calls_has_its_place():
    """And every place names something that a notebook still calls."""
    told = re.findall(r"^## (.+)$", "\n".join(map(read, PAGES)), re.MULTILINE)
    told = {name for line in told for name in line.split(", ") if "." in name}
    told = {name for name in told if not SAME_CALLS.match(name)}
    assert told == names_called()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_run(page, course_phantoms, house_style, monkeypatch):
    """With the notebooks' own phantoms, and in the course's words."""
    monkeypatch.setenv("CXRLAB_BUDGET", "smoke")
    # Markdown's fences end an example as a blank line does.
    text = re.sub(r"^```.*$", "", read(page), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    report: list[str] = []
    runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


def read(page) -> str:
    return page.read_text(encoding="utf-8")
