"""People as marks: what is drawn is what was given."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from cxrlab.metrics import Confusion
from cxrlab.plots import (
    plot_people,
)

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
