"""Threshold and prevalence on two sliders, with everything that follows from them.

The numbers come from :func:`cxrlab.elsewhere.what_if`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxrlab.elsewhere import WhatIf, screening_sentence, what_if
from cxrlab.metrics import Estimate, check_cases
from cxrlab.plots.style import COVID, INK, NOT_COVID, closed_png
from cxrlab.widgets import WIDE, WRAP, matrix_html, table_html

if TYPE_CHECKING:
    import ipywidgets

PREVALENCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
QUESTIONS = {
    "accuracy": "of all, called correctly",
    "precision": "of the alarms in this test set, true",
    "recall": "of the ill, found",
    "specificity": "of the healthy, correctly cleared",
    "f1": "precision and recall in one",
}


def threshold_bench(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float = 0.5,
    patients: ArrayLike | None = None,
) -> ipywidgets.VBox:
    """Sliders for the threshold and the prevalence, and what follows from them.

    Arguments as for :func:`cxrlab.metrics.evaluate`; the threshold slider starts at
    ``threshold``, and a button brings it back there.
    """
    import ipywidgets as widgets

    labels, scores = check_cases(labels, scores)
    # A picture takes a fifth of a second, so it waits until the slider is let go.
    look = {"style": {"description_width": "7em"}, "layout": WIDE, "continuous_update": False}
    cut = widgets.FloatSlider(
        threshold, min=0, max=1, step=0.005, readout_format=".3f", description="Threshold", **look
    )
    shares = [(f"{100 * share:g} %", share) for share in PREVALENCES]
    share = widgets.SelectionSlider(options=shares, value=0.5, description="Prevalence", **look)
    back = widgets.Button(description="Back to the chosen threshold", layout={"width": "20em"})
    picture, matrix, metrics, sentence = (widgets.HTML() for _ in range(4))

    def draw(_: object = None) -> None:
        now = what_if(labels, scores, cut.value, share.value, patients)
        picture.value = histogram_html(labels, scores, now.threshold)
        matrix.value = matrix_html(now.confusion, "healthy", "ill")
        metrics.value = metrics_html(now.metrics)
        sentence.value = prevalence_html(now)

    def reset(_: object) -> None:
        cut.value = threshold

    cut.observe(draw, names="value")
    share.observe(draw, names="value")
    back.on_click(reset)
    draw()
    side_by_side = widgets.HBox([picture, matrix], layout=WRAP)
    return widgets.VBox([cut, back, share, sentence, side_by_side, metrics])


def metrics_html(metrics: Mapping[str, Estimate]) -> str:
    """The metrics as a table: name, question, value and 95 % interval."""
    table = pd.DataFrame({"question": QUESTIONS, "value (95 % interval)": metrics}, list(metrics))
    return table_html(table.rename({"f1": "F1"}), "Metrics with 95 % intervals") + (
        "<p>Intervals: Wilson, with as many separate trials as the X-rays of these patients are "
        "worth. Undefined: there is nothing to divide by.</p>"
    )


def prevalence_html(now: WhatIf) -> str:
    """The precision at the prevalence, and whole people: a line that screen readers announce."""
    at = f"Where {100 * now.prevalence:g} % of the people tested are ill, the precision is"
    found = now.precision
    if found.value is None:
        words = f"{at} <b>undefined</b>: nobody is called ill."
    else:
        words = (
            f"{at} <b>{found.value:.2f}</b> (from {found.low:.2f} to {found.high:.2f} if recall "
            "and specificity lie together at the lower or the upper ends of their intervals)."
        )
    people = "" if now.people is None else f"<br>{screening_sentence(now.people)}"
    return f'<div role="status" style="max-width: 48em">{words}{people}</div>'


def histogram_html(labels: np.ndarray, scores: np.ndarray, threshold: float) -> str:
    """The scores of the ill above the axis and of the healthy below, with the threshold line."""
    figure, ax = plt.subplots(figsize=(4.4, 2.6), layout="constrained")
    bins = np.linspace(0, 1, 26)
    ill, healthy = scores[labels == 1], scores[labels == 0]
    ax.hist(ill, bins, color=COVID, label="ill")
    ax.hist(healthy, bins, weights=-np.ones(healthy.size), color=NOT_COVID, label="healthy")
    ax.axvline(threshold, color=INK, linestyle="--", label=f"threshold {threshold:.3f}")
    ax.set(xlabel="score", xlim=(0, 1))
    ax.yaxis.set_major_formatter(lambda count, _: f"{abs(count):g}")
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    called = int((scores >= threshold).sum())
    alt = (
        f"Histogram of {scores.size} scores, ill above and healthy below the axis. Threshold "
        f"{threshold:.3f}: {called} cases at or right of it are called ill."
    )
    return f'<img alt="{alt}" src="data:image/png;base64,{closed_png(figure, alt)}">'
