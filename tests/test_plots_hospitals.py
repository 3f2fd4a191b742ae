"""The figure of notebook 07: predictive values."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cxrlab.evaluation import evaluate, predictive_values
from cxrlab.plots import plot_predictive_values


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
