"""Values with intervals, maps over X-rays, places of a letter: the text says what is drawn."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from cxrlab import plots
from cxrlab.metrics import Estimate

pytestmark = pytest.mark.usefixtures("house_style")


@pytest.fixture
def shown(monkeypatch, capsys):
    """Call a plot; give its text alternative and its axes, which would be closed otherwise."""
    monkeypatch.setattr(plt, "close", lambda figure: None)

    def call(plot, *given, **named):
        plot(*given, **named)
        text = capsys.readouterr().out
        return " ".join(text.split()), plt.gcf().axes

    yield call
    monkeypatch.undo()


# Intervals

TABLE = pd.DataFrame(
    {
        "dial down": {"whole image": Estimate(0.55, 0.48, 0.62), "frame": Estimate(0.51, 0.4, 0.6)},
        "dial up": {"whole image": Estimate(1.0, 0.97, 1.0), "frame": Estimate(0.93)},
    }
)


def test_the_text_holds_each_value_with_its_interval(shown):
    text, _ = shown(plots.plot_intervals, TABLE, "ROC AUC", chance=0.5, ours="Two networks.")
    for said in (
        "ROC AUC, dots with 95 % intervals.",
        "whole image, dial down: 0.55 (0.48 to 0.62)",
        "frame, dial down: 0.51 (0.40 to 0.60)",
        "whole image, dial up: 1.00 (0.97 to 1.00)",
        "frame, dial up: 0.93.",  # without an interval
    ):
        assert said in text
    assert text.endswith("Two networks.")


def test_each_value_is_drawn_on_its_interval_and_one_column_needs_no_name(shown):
    one = TABLE[["dial down"]]
    text, (ax,) = shown(plots.plot_intervals, one, "ROC AUC")
    assert "whole image: 0.55 (0.48 to 0.62); frame: 0.51" in text and "dial down" not in text
    dots = [line.get_xydata()[0] for line in ax.lines]
    spans = [lines.get_segments()[0] for lines in ax.collections]
    ends = np.array([[low, high] for (low, _), (high, _) in spans])
    np.testing.assert_allclose([x for x, _ in dots], [0.55, 0.51])
    np.testing.assert_allclose(ends, [[0.48, 0.62], [0.4, 0.6]])
    assert [y for _, y in dots] == [span[0][1] for span in spans] == [0, 1]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["whole image", "frame"]
    bottom, top = ax.get_ylim()
    assert bottom > top  # the first row of the table comes first
    assert ax.figure.legends == []


def test_columns_differ_in_colour_and_marker_and_have_a_legend(shown):
    _, (ax,) = shown(plots.plot_intervals, TABLE, "ROC AUC", chance=0.5)
    dots = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert len({(dot.get_color(), dot.get_marker()) for dot in dots}) == 2
    assert len({dot.get_marker() for dot in dots}) == 2
    places = [tuple(dot.get_xydata()[0]) for dot in dots]
    assert len({y for _, y in places}) == 4
    (legend,) = ax.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(TABLE)
    (chance,) = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert set(chance.get_xdata()) == {0.5} and [text.get_text() for text in ax.texts] == ["chance"]


@pytest.mark.parametrize("gap", [Estimate(None), np.nan, None])
def test_what_is_undefined_leaves_a_gap(shown, gap):
    table = TABLE.copy().astype(object)
    table.loc["whole image", "dial down"] = gap
    text, (ax,) = shown(plots.plot_intervals, table, "ROC AUC")
    assert len(ax.lines) == 3 and "whole image, dial down" not in text and "nan" not in text
    (legend,) = ax.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(TABLE)
    shown(plots.plot_intervals, pd.DataFrame({"a": [gap], "b": [gap]}), "ROC AUC")


# Maps

FILM = np.full((224, 224, 1), 90, np.uint8)


def one_place(row: int, column: int, size: int = 28) -> np.ndarray:
    heat = np.zeros((1, size, size))
    heat[0, row, column] = 3.7
    return heat


@pytest.mark.parametrize(
    ("heat", "where"),
    [
        (one_place(0, 0), (0.02, 0.02)),
        (one_place(21, 7), (0.77, 0.27)),
        (one_place(7, 21), (0.27, 0.77)),
        (one_place(3, 5, size=7), (0.5, 0.79)),
        (one_place(100, 50, size=224), (0.45, 0.22)),
        (one_place(21, 7) - 2, (0.77, 0.27)),  # evidence against is not painted
    ],
)
def test_the_text_names_the_brightest_place(shown, heat, where):
    text, axes = shown(plots.plot_heat, [FILM], {"made up": heat}, ["an X-ray"], simulated=True)
    assert "X-ray 1, made up: brightest" in text and "an X-ray" in text
    down, across = (int(each.rstrip("%")) / 100 for each in text.split() if each.endswith("%"))
    assert (down, across) == pytest.approx(where, abs=0.08)
    painted = axes[1].images[-1].get_array()[..., 3]
    rows, columns = np.nonzero(painted)
    assert rows.mean() / 224 == pytest.approx(where[0], abs=0.04)
    assert columns.mean() / 224 == pytest.approx(where[1], abs=0.04)
    stamps = [text.get_text() for ax in axes[:2] for text in ax.texts]
    assert stamps.count("simulated") == 2


def test_each_kind_of_map_of_each_x_ray_is_shown_under_its_name(shown):
    maps = {
        "first": np.concatenate([one_place(1, 1), one_place(26, 26)]),
        "second": np.ones((2, 7, 7)),
    }
    text, axes = shown(plots.plot_heat, [FILM, FILM], maps, ["score 0.9", "score 0.1"])
    assert [ax.get_title() for ax in axes[:3]] == ["X-ray", "first", "second"]
    said = [f"X-ray {number}, {name}: brightest" for number in (1, 2) for name in maps]
    assert [text.find(each) for each in said] == sorted(text.find(each) for each in said)
    assert all(each in text for each in said)
    assert "Maps over 2 X-rays (score 0.9, score 0.1)" in text


@pytest.mark.parametrize("heat", [np.zeros((1, 7, 7)), np.full((1, 7, 7), -0.5)])
def test_a_map_that_shows_nothing_is_said_to_be_empty(shown, heat):
    text, axes = shown(plots.plot_heat, [FILM], {"made up": heat}, ["an X-ray"])
    assert "made up: empty" in text and "brightest" not in text
    assert "empty" in [text.get_text() for text in axes[1].texts]
    assert len(axes[1].images) == 1  # the X-ray alone


def test_a_mask_is_outlined_and_the_text_says_whether_the_map_hits_it(shown):
    mask = np.zeros((1, 224, 224), bool)
    mask[0, 150:200, 40:80] = True
    maps = {"hit": one_place(21, 7), "miss": one_place(7, 21)}
    text, axes = shown(plots.plot_heat, [FILM], maps, ["an X-ray"], mask)
    assert text.count("on an opacity") == 1 and text.count("not on one") == 1
    assert text.find("hit:") < text.find(", on an opacity") < text.find("miss:")
    for ax in axes[1:3]:
        (outline,) = ax.collections
        (line,) = outline.get_paths()
        assert line.vertices.min(0) == pytest.approx([40, 150], abs=1)
        assert line.vertices.max(0) == pytest.approx([80, 200], abs=1)
    assert len(axes[0].collections) == 0
    text, axes = shown(plots.plot_heat, [FILM], maps, ["an X-ray"], np.zeros_like(mask))
    assert text.count("not on one") == 2 and len(axes[1].collections) == 0


# The letter

SCORES = np.array([[0.10, 0.20, 0.30], [0.40, 0.95, 0.50]])


def test_the_places_of_a_letter_are_a_grid_of_scores(shown):
    text, axes = shown(plots.plot_letter_places, FILM, SCORES, 0.5, 0.07, simulated=True)
    for said in (
        "score 0.07 without the letter",
        "at 6 places, 0.10 to 0.95",
        "highest in row 2 of 2, column 2 of 3",
        "2 places reach 0.50",
    ):
        assert said in text
    found = {text.get_text(): text for text in axes[1].texts}
    assert list(found) == ["0.10", "0.20", "0.30", "0.40", "0.95", "0.50"]
    assert found["0.95"].get_position() == (1, 1) and found["0.30"].get_position() == (2, 0)
    bold = {name for name, text in found.items() if text.get_weight() == "bold"}
    assert bold == {"0.95", "0.50"}
    np.testing.assert_array_equal(axes[1].images[0].get_array(), SCORES)
    assert "without a letter: 0.07" in axes[1].get_xlabel()
    assert [text.get_text() for text in axes[0].texts] == ["simulated"]
