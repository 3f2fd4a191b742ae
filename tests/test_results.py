"""docs/results.md holds what was recorded on real X-rays, and what the notebooks quote of it."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from cxrlab import recordings

TOP = Path(__file__).resolve().parent.parent
PAGE = (TOP / "docs" / "results.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((TOP / "notebooks").glob("*.ipynb"))
AUCS = ("auc_children", "auc_adults", "auc_other", "auc_all", "frame_only", "lungs_hidden")
VALUE = re.compile(r"[01]\.\d\d \([01]\.\d\d to [01]\.\d\d\)")


HOME = ("recall", "children", "adults", "other", *AUCS)
ELSEWHERE = ("auc", "recall", "false", "lungs_hidden", "masks_hidden", "frame_only", "auc_alone")
NAMES = {"chest_xray": "children", "nih-no-finding": "NIH", "openist": "OpenIST"}


def values(row: dict, names: list[str]) -> list[str]:
    """The numbers of a recorded row with their intervals; what is undefined is left out."""
    known = [name for name in names if row[name] is not None and row[name] == row[name]]
    return [f"{row[n]:.2f} ({row[f'{n}_low']:.2f} to {row[f'{n}_high']:.2f})" for n in known]


def line_of(start: str) -> list[str]:
    return VALUE.findall(next(line for line in PAGE.splitlines() if line.startswith(start)))


def test_the_tables_of_recipes_are_the_recorded_ones():
    recording, phantoms = (recordings.recorded(f"repairs-{name}") for name in ("real", "phantoms"))
    assert recording.about["command"] in PAGE and phantoms.about["data"] in PAGE
    for row in phantoms.table.to_dict("records"):
        assert line_of(f"| {row['repair']}, phantoms |") == values(row, HOME)
    for row in recording.table.to_dict("records"):
        if row["home"] == "chest_xray, nih-no-finding" and row["left_out"] == "openist":
            assert line_of(f"| {row['repair']} |") == values(row, HOME)
        home = ", ".join(NAMES[name] for name in row["home"].split(", "))
        found = line_of(f"| {NAMES[row['left_out']]} | {home} | {row['repair']} |")
        assert found == values(row, [f"{name}_elsewhere" for name in ELSEWHERE])


def real_sentences(path: Path) -> list[str]:
    """The sentences of a notebook's text that speak of real X-rays."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return [part for part in re.split(r"(?<=[.:])\s|\n", text) if "real X-rays" in part]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_quotes_of_real_x_rays_stands_on_the_page(path):
    for sentence in real_sentences(path):
        for quoted in VALUE.findall(sentence):
            assert quoted in PAGE, sentence
        # Without an interval a number must be one of the page's all the same.
        for number in re.findall(r"(?<![\d.])[01]\.\d\d(?!\d)", VALUE.sub("", sentence)):
            assert number in PAGE, sentence


def test_the_notebooks_do_quote_it():
    quoted = [value for path in NOTEBOOKS for part in real_sentences(path)
              for value in VALUE.findall(part)]  # fmt: skip
    assert len(quoted) >= 2
