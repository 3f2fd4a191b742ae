"""The figures of notebook 04: what they draw is what they were given."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from cxrlab.evaluation import Confusion, interval_table, threshold_table, what_if_table
from cxrlab.plots import (
    COVID,
    plot_hits,
    plot_interval_sizes,
    plot_people,
    plot_resamples,
    plot_threshold_and_prevalence,
    plot_threshold_choice,
)


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    return labels, np.clip(0.35 + 0.3 * labels + rng.normal(0, 0.15, 60), 0.01, 0.95)


pytestmark = pytest.mark.usefixtures("house_style")


def test_every_person_is_drawn_once_and_filled_when_called():
    counts = Confusion(tp=9, fp=18, fn=1, tn=72)
    (ax,) = plot_people(counts)
    drawn = [line.get_xdata().size for line in ax.lines]
    assert drawn == [9, 1, 18, 72]
    places = {(x, y) for line in ax.lines for x, y in line.get_xydata()}
    assert len(places) == 100
    filled = [to_rgb(line.get_markerfacecolor()) != (1, 1, 1) for line in ax.lines]
    assert filled == [True, False, True, False]
    assert len({line.get_marker() for line in ax.lines}) == 2  # ill and healthy without colour
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[1] == "1 ill, MISSED"


def test_groups_of_people_stand_side_by_side_with_their_titles():
    axes = plot_people({"one": Confusion(0, 0, 10, 90), "two": Confusion(9, 18, 1, 72)})
    assert [ax.get_title() for ax in axes] == ["one", "two"]


def test_a_thousand_people_fit():
    (ax,) = plot_people(Confusion(9, 132, 1, 858), columns=40)
    assert ax.figure.get_figwidth() == 7


def test_marks_are_whole_pixels_apart():
    groups = {"one": Confusion(0, 0, 10, 90), "two": Confusion(9, 18, 1, 72)}
    for axes in (plot_people(Confusion(98, 396, 2, 504), columns=50), plot_people(groups)):
        for ax in axes:
            places = [
                ax.transData.transform(line.get_xydata())
                for line in ax.lines
                if len(line.get_xydata())
            ]
            steps = np.vstack(places) - places[0][0]
            np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)


def test_the_threshold_is_marked_among_the_metrics(cases):
    ax = plot_threshold_choice(threshold_table(*cases), 0.5)
    labels = [line.get_label() for line in ax.lines]
    assert labels == ["recall", "specificity", "precision", "F1", "chosen: 0.50"]
    assert len({line.get_linestyle() for line in ax.lines[:4]}) == 4


@pytest.mark.parametrize("draws", [np.linspace(0.8, 1, 50), np.ones(20), [0.9, np.nan, 1.0]])
def test_resamples_are_counted(draws):
    ax = plot_resamples(draws, 0.95, 0.9, 1.0, "recall")
    assert sum(bar.get_height() for bar in ax.patches[:23]) == np.sum(~np.isnan(draws))


def test_hits_are_per_cent_of_test_sets():
    ax = plot_hits(40)
    heights = [bar.get_height() for bar in ax.patches]
    assert sum(heights) == pytest.approx(200)
    assert ax.get_xlabel().endswith("of 40")


def test_intervals_stand_by_size():
    ax = plot_interval_sizes(interval_table((0.93, 0.98), (40, 1000)))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["40", "1,000"]
    assert len(ax.containers) == 2


def test_thresholds_and_prevalences_in_print(cases):
    table = what_if_table(*cases, [0.4, 0.5, 1.0], (0.5, 0.01), resamples=50)
    left, right = plot_threshold_and_prevalence(*cases, table, 0.5)
    assert len(left.lines) == 3
    assert [text.get_text() for text in right.get_xticklabels()] == ["50 %", "1 %"]
    names = [text.get_text() for text in right.figure.legends[0].get_texts()]
    assert names == ["0.40", "0.50 (chosen)", "1.00"]
    assert to_rgb(COVID) not in {to_rgb(line.get_color()) for line in left.lines}
