"""Threshold and prevalence to choose, with everything that follows from them."""

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxrlab.elsewhere import people_tested, precision_range, screening_sentence
from cxrlab.images import picture_html
from cxrlab.metrics import Estimate, check_cases, confusion, shares
from cxrlab.plots import COVID, INK, NOT_COVID, closed_png
from cxrlab.widgets import WRAP, Bench, matrix_html, table_html

PREVALENCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
QUESTIONS = {
    "accuracy": "of all, called correctly",
    "precision": "of the alarms in this test set, true",
    "recall": "of the ill, found",
    "specificity": "of the healthy, correctly cleared",
    "f1": "precision and recall in one",
}


def threshold_bench(
    labels: ArrayLike, scores: ArrayLike, threshold: float = 0.5, patients: ArrayLike | None = None
) -> Bench:
    """A threshold and a prevalence to choose, and what follows from them.

    Arguments and :class:`CXRLabError` as for :func:`cxrlab.metrics.evaluate`.
    Example: ``threshold_bench(test.labels, scores, threshold, test.patients)``
    """
    labels, scores, patients = check_cases(labels, scores, patients)
    cut = widgets.BoundedFloatText(threshold, max=1, step=0.01, description="Threshold")
    ill = [(f"{100 * share:g} %", share) for share in PREVALENCES]
    share = widgets.Dropdown(options=ill, value=0.5, description="Prevalence")
    back = widgets.Button(description="Back to the chosen threshold", layout={"width": "20em"})
    picture, matrix, metrics, sentence = (widgets.HTML() for _ in range(4))

    def draw(_: Any = None) -> None:
        found = shares(labels, scores, cut.value, patients)
        picture.value = histogram_html(labels, scores, cut.value)
        matrix.value = matrix_html(confusion(labels, scores, cut.value), "healthy", "ill")
        metrics.value = metrics_html(found)
        sentence.value = prevalence_html(found, share.value)

    cut.observe(draw, names="value")
    share.observe(draw, names="value")
    back.on_click(lambda _: cut.set_trait("value", threshold))
    draw()
    side_by_side = widgets.HBox([picture, matrix], layout=WRAP)
    return Bench([cut, back, share, sentence, side_by_side, metrics])


def metrics_html(metrics: Mapping[str, Estimate]) -> str:
    """The metrics as a table: name, question, value and 95 % interval."""
    table = pd.DataFrame({"question": QUESTIONS, "value (95 % interval)": metrics}, list(metrics))
    return table_html(table.rename({"f1": "F1"}), "Metrics with 95 % intervals") + (
        "<p>Intervals: Wilson, with as many separate trials as the X-rays of these patients are "
        "worth. Undefined: there is nothing to divide by.</p>"
    )


def prevalence_html(metrics: Mapping[str, Estimate], prevalence: float) -> str:
    """The precision at the prevalence, and whole people: a line that screen readers announce."""
    recall, specificity = metrics["recall"], metrics["specificity"]
    found, people = precision_range(recall, specificity, prevalence), ""
    words = f"Where {100 * prevalence:g} % of the people tested are ill, the precision is "
    if found.value is None:
        words += "<b>undefined</b>: nobody is called ill."
    else:
        words += f"<b>{found.value:.2f}</b> (from {found.low:.2f} to {found.high:.2f} if recall "
        words += "and specificity lie together at the lower or the upper ends of their intervals)."
    if None not in (recall.value, specificity.value):
        tested = people_tested(recall.value, specificity.value, prevalence)
        people = f"<br>{screening_sentence(tested)}"
    return f'<div role="status" style="max-width: 48em">{words}{people}</div>'


def histogram_html(labels: np.ndarray, scores: np.ndarray, threshold: float) -> str:
    """The scores of the ill above the axis and of the healthy below, with the threshold line."""
    figure, ax = plt.subplots(figsize=(4.4, 2.6), layout="constrained")
    bins, healthy = np.linspace(0, 1, 26), scores[labels == 0]
    ax.hist(scores[labels == 1], bins, color=COVID, label="ill")
    ax.hist(healthy, bins, weights=-np.ones(healthy.size), color=NOT_COVID, label="healthy")
    ax.axvline(threshold, color=INK, linestyle="--", label=f"threshold {threshold:.3f}")
    ax.set(xlabel="score", xlim=(0, 1))
    ax.yaxis.set_major_formatter(lambda count, _: f"{abs(count):g}")
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    alt = f"Histogram of {scores.size} scores, ill above and healthy below the axis. Threshold "
    alt += f"{threshold:.3f}: {(scores >= threshold).sum()} cases at or right of it are called ill."
    return picture_html(closed_png(figure, alt), alt)
