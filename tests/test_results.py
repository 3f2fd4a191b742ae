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
AUCS = ("auc_children", "frame_only", "auc_adults", "auc_all", "lungs_hidden")
VALUE = re.compile(r"[01]\.\d\d \([01]\.\d\d to [01]\.\d\d\)")


def test_the_table_of_repairs_is_the_recorded_one():
    recording = recordings.recorded("repairs-real")
    assert recording.about["command"] in PAGE
    for row in recording.table.to_dict("records"):
        found = next(line for line in PAGE.splitlines() if line.startswith(f"| {row['repair']} |"))
        wanted = [
            f"{row[name]:.2f} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})"
            for name in ("recall", "children", "adults", *AUCS)
        ]
        assert VALUE.findall(found) == wanted


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
