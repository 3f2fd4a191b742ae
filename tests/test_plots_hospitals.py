"""The figures of notebook 07: predictive values, and more data beside a wider search."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from cxrlab.evaluation import evaluate, predictive_values
from cxrlab.plots import plot_predictive_values, plot_two_ways


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_predictive_values_have_a_line_for_each_hospital():
    report = evaluate([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1], 0.5)
    nobody = evaluate([1, 1, 0, 0], [0.1, 0.2, 0.1, 0.1], 0.5)  # the PPV is undefined
    tables = {"home": predictive_values(report), "B": predictive_values(nobody)}
    ppv, npv = plot_predictive_values(tables)
    assert [len(line.get_xdata()) for line in ppv.lines] == [3, 0]
    assert [len(line.get_xdata()) for line in npv.lines] == [3, 3]
    np.testing.assert_allclose(ppv.lines[0].get_ydata(), tables["home"]["ppv"])
    assert [text.get_text() for text in ppv.figure.legends[0].get_texts()] == ["home", "B"]


def test_more_data_and_a_wider_search_share_one_scale():
    sizes = pd.DataFrame({"images": [48, 96, 192], "val_loss": [0.6, 0.5, 0.4]})
    trials = pd.DataFrame({"val_loss": [0.35, 0.5, 3.9, 0.45]})
    left, right = plot_two_ways(sizes, trials)
    assert left.get_ylim() == right.get_ylim()
    assert left.get_ylim()[1] > 3.9  # a failed trial is shown, not cut off
    np.testing.assert_array_equal(left.lines[0].get_xdata(), [48, 96, 192])
    np.testing.assert_array_equal(right.lines[0].get_ydata(), trials["val_loss"])
    assert "4 trials" in right.get_xlabel()


def test_a_single_trial_is_enough():
    sizes = pd.DataFrame({"images": [12, 24], "val_loss": [0.7, 0.69]})
    _, right = plot_two_ways(sizes, pd.DataFrame({"val_loss": [0.7]}))
    assert len(right.lines[0].get_xdata()) == 1
