"""The flow chart of notebook 02: a map without counts, and every count where they are given."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import pytest

from cxrlab import plots
from cxrlab.plots import workflow

pytestmark = pytest.mark.usefixtures("house_style")
NAMES = [*workflow.POSITIVES, *workflow.NEGATIVES, *workflow.BOTH, *workflow.PARTS]
COUNTS = dict(zip(NAMES, range(150, 0, -10), strict=True))


def texts(ax):
    return [text.get_text() for text in ax.texts]


def shades(ax):
    return [p.get_width() for p in ax.patches if type(p).__name__ == "Rectangle"]


def test_without_counts_it_is_a_map():
    ax = plots.plot_workflow()
    assert set(NAMES) <= set(texts(ax))
    assert shades(ax) == []
    assert "drops: another\nfinding" in texts(ax)
    assert plots.workflow_text().count(",") == len(NAMES) - 4


def test_every_count_stands_in_its_box_and_fits():
    ax = plots.plot_workflow(COUNTS)
    assert {str(count) for count in COUNTS.values()} <= set(texts(ax))
    assert "−10: another finding" in texts(ax)
    assert max(shades(ax)) == pytest.approx(workflow.BOX)
    assert all(f"{name} {count}" in plots.workflow_text(COUNTS) for name, count in COUNTS.items())


def test_a_step_that_is_not_counted_yet_stays_empty():
    ax = plots.plot_workflow({"metadata.csv": 300, "COVID-19": 200})
    assert len(shades(ax)) == 2
    assert "−100: another finding" in texts(ax)
