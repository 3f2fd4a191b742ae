"""Who is in the two classes, and the figures of notebook 02 that show it."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from cxrlab import plots
from cxrlab.cases import prepare
from cxrlab.catalog.makeup import makeup, told_apart

mpl.use("Agg")


@pytest.fixture
def cases():
    return pd.DataFrame(
        {
            "view": pd.array(["PA", "PA", "AP", "AP", "L"], dtype="string"),
            "age": [50.0, 17.0, np.nan, 3.0, 80.0],
            "sex": pd.array(["F", pd.NA, pd.NA, pd.NA, "M"], dtype="string"),
            "label": pd.array([1, 1, 0, 0, 1], dtype="Int64"),
        }
    )


def test_values_are_counted_per_label(cases):
    tables = makeup(cases)
    assert tables["view"].to_dict("index") == {
        "PA": {0: 0, 1: 2},
        "AP": {0: 2, 1: 0},
        "L": {0: 0, 1: 1},
    }
    assert list(tables["age"].index) == ["0-5", "6-17", "40-59", "80 and over", "not stated"]
    assert tables["sex"].loc["not stated"].tolist() == [2, 1]
    assert all(table.to_numpy().sum() == len(cases) for table in tables.values())


def test_one_class_alone_keeps_both_columns(cases):
    assert list(makeup(cases[cases["label"] == 1])["view"]) == [0, 1]


def test_a_rule_on_one_column(cases):
    assert told_apart(cases, "view") == (5, 5)
    assert told_apart(cases, "sex") == (4, 5)


def test_the_view_tells_the_courses_classes_apart(phantom_data):
    cases = prepare(phantom_data).cases
    right, every = told_apart(cases, "view")
    assert right == every == len(cases)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_the_makeup_figure_names_values_and_counts(cases):
    ax = plots.plot_makeup(makeup(cases))
    assert {"view", "age (years)", "sex"} <= set(texts(ax))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[:3] == ["PA", "AP", "L"]
    assert ax.get_title("right") == plots.CLASS_NAMES[1]
    widths = [patch.get_width() for patch in ax.patches]
    assert (min(widths), max(widths)) == (-2, 2)


def test_pairs_have_titles_and_captions():
    image = np.zeros((40, 30), np.uint8)
    axes = plots.plot_pairs([(image, image)], ["4 of 256"], [("one", "two")], simulated=True)
    assert axes.shape == (1, 2)
    assert axes[0, 0].get_title("left") == "4 of 256"
    assert "two" in texts(axes[0, 1])
    assert "simulated" in texts(axes[0, 1])


def test_no_pairs_are_said():
    axes = plots.plot_pairs([], [], [])
    assert "No two pictures" in axes[0, 0].get_title("left")


def test_the_workflow_shows_every_count(phantom_data):
    log = prepare(phantom_data).log
    parts = {"train": 20, "validation": 4, "test": 6}
    ax = plots.plot_workflow(log.table(), parts)
    shown = texts(ax)
    for step in log.steps:
        assert step.name in shown
        assert str(step.after) in shown
    assert {"train", "validation", "test", "split by patient"} <= set(shown)
    widths = [p.get_width() for p in ax.patches if type(p).__name__ == "Rectangle"]
    assert max(widths) <= 2.8 + 1e-9
