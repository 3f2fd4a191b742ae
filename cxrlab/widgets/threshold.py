"""Threshold and prevalence on two sliders, with everything that follows from them.

:func:`threshold_bench` is the widget of notebook 04. The numbers come from
:func:`cxrlab.elsewhere.what_if`; the functions here put them into HTML and SVG, which a browser
draws faster than Matplotlib makes a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from cxrlab.elsewhere import WhatIf, screening_sentence, what_if
from cxrlab.metrics import Confusion, Estimate, check_cases
from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, PALE

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
BINS = 25
_CELL = "padding:4px 10px;text-align:center;border:2px solid white;"


def threshold_bench(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float = 0.5,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> ipywidgets.VBox:
    """Sliders for the threshold and the prevalence, and what follows from them.

    Arguments as for :func:`cxrlab.metrics.evaluate`; the threshold slider starts at
    ``threshold``, and a button brings it back there. (``resamples`` and ``seed`` do nothing any
    more: no interval shown is a bootstrap. They go when notebook 04 no longer passes them.)
    """
    import ipywidgets as widgets

    labels, scores = check_cases(labels, scores)
    cut, share, back = controls(threshold, 0.5, "Back to the chosen threshold")
    picture, matrix, metrics, sentence = (widgets.HTML() for _ in range(4))

    def draw(_: object = None) -> None:
        now = what_if(labels, scores, cut.value, share.value, patients)
        picture.value = histogram_svg(labels, scores, now.threshold)
        matrix.value = matrix_html(now.confusion)
        metrics.value = metrics_html(now.metrics)
        sentence.value = prevalence_html(now)

    cut.observe(draw, names="value")
    share.observe(draw, names="value")
    draw()
    side_by_side = widgets.HBox([picture, matrix], layout={"flex_flow": "row wrap"})
    return widgets.VBox([cut, back, share, sentence, side_by_side, metrics])


def controls(
    threshold: float, prevalence: float, back_words: str
) -> tuple[ipywidgets.FloatSlider, ipywidgets.SelectionSlider, ipywidgets.Button]:
    """Sliders for threshold and prevalence, and a button that brings the threshold back."""
    import ipywidgets as widgets

    wide = {"description_width": "7em"}
    cut = widgets.FloatSlider(
        value=threshold,
        min=0,
        max=1,
        step=0.005,
        readout_format=".3f",
        description="Threshold",
        style=wide,
        layout={"width": "32em"},
    )
    share = widgets.SelectionSlider(
        options=[(f"{100 * p:g} %", p) for p in PREVALENCES],
        value=prevalence,
        description="Prevalence",
        style=wide,
        layout={"width": "32em"},
    )
    back = widgets.Button(
        description=back_words,
        layout={"width": "20em", "margin": "2px 7.5em", "align_self": "flex-start"},
    )

    def reset(_: object) -> None:
        cut.value = threshold

    back.on_click(reset)
    return cut, share, back


def matrix_html(counts: Confusion) -> str:
    """The confusion matrix as a table whose cells say what they are."""

    def cell(count: int, words: str, colour: str) -> str:
        look = f"{_CELL}background:{colour};color:{INK}"
        return f'<td style="{look}"><b style="font-size:1.3em">{count:,}</b><br>{words}</td>'

    def row(name: str, cases: int, cells: str) -> str:
        return f'<tr><th scope="row" style="{_CELL}">{name} ({cases:,})</th>{cells}</tr>'

    head = "".join(
        f'<th scope="col" style="{_CELL}">called {name}</th>' for name in ("healthy", "ill")
    )
    healthy = cell(counts.tn, "true negatives", "#E3EBF3")
    healthy += cell(counts.fp, "false positives", "#FFFFFF")
    ill = cell(counts.fn, "false negatives", "#FFFFFF")
    ill += cell(counts.tp, "true positives", "#FBE6D9")
    return (
        '<table style="line-height:1.3;border-collapse:collapse" aria-label="Confusion matrix">'
        f"<tr><td></td>{head}</tr>"
        f"{row('healthy', counts.tn + counts.fp, healthy)}"
        f"{row('ill', counts.fn + counts.tp, ill)}</table>"
    )


def metrics_html(metrics: Mapping[str, Estimate]) -> str:
    """The metrics as a table: name, question, value, 95 % interval and the interval drawn."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;padding:3px 8px">'
        f"{'F1' if name == 'f1' else name}</th>"
        f'<td style="padding:3px 8px">{QUESTIONS[name]}</td>{_value_cells(estimate)}</tr>'
        for name, estimate in metrics.items()
    )
    return (
        '<table style="line-height:1.5" aria-label="Metrics with 95 % intervals">'
        f'<tr><th></th><th></th><th scope="col">value (95 % interval)</th>'
        f"<td>0 … 1</td></tr>{rows}</table>"
        f'<div style="color:{GREY};max-width:34em;line-height:1.3">Intervals: Wilson, with as '
        "many separate trials as the X-rays of these patients are worth.</div>"
    )


def prevalence_html(now: WhatIf) -> str:
    """The precision at the prevalence, and whole people: a line that screen readers announce."""
    at = f"Where {100 * now.prevalence:g} % of the people tested are ill, the precision is"
    e = now.precision
    if e.value is None:
        words = f"{at} <b>undefined</b>: nobody is called ill."
    else:
        words = (
            f"{at} <b>{e.value:.2f}</b> (from {e.low:.2f} to {e.high:.2f} if recall and "
            "specificity lie together at the lower or the upper ends of their intervals)."
        )
    people = "" if now.people is None else f"<br>{screening_sentence(now.people)}"
    look = f"border-left:4px solid {COVID};padding:2px 10px;line-height:1.5;max-width:48em"
    return f'<div role="status" style="{look}">{words}{people}</div>'


def histogram_svg(labels: np.ndarray, scores: np.ndarray, threshold: float) -> str:
    """The scores of the ill above the axis and of the healthy below, with the threshold line."""
    edges = np.linspace(0, 1, BINS + 1)
    ill = np.histogram(scores[labels == 1], edges)[0]
    healthy = np.histogram(scores[labels == 0], edges)[0]
    width, half, pad = 400, 70, 12  # pixels: all, each side of the axis, left and right margin
    unit = half / max(1, ill.max(initial=0), healthy.max(initial=0))
    step = (width - 2 * pad) / BINS
    bars = []
    for i, (up, down) in enumerate(zip(ill, healthy, strict=True)):
        x, wide = pad + i * step + 0.5, step - 1
        bars.append(_bar(x, 20 + half - up * unit, wide, up * unit, COVID))
        bars.append(_bar(x, 20 + half, wide, down * unit, NOT_COVID))
    at = pad + threshold * (width - 2 * pad)
    height = 2 * half + 56
    called = int((scores >= threshold).sum())
    alt = (
        f"Histogram of {scores.size} scores, ill above and healthy below the axis. Threshold "
        f"{threshold:.3f}: {called} cases at or right of it are called ill."
    )
    anchor = "end" if at > width / 2 else "start"
    shift = -5 if at > width / 2 else 5
    return (
        f'<svg role="img" aria-label="{alt}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="white"/>'
        f"{''.join(bars)}"
        f'<line x1="{pad}" x2="{width - pad}" y1="{20 + half}" y2="{20 + half}" stroke="{GREY}"/>'
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="4" y2="{height - 34}" stroke="{INK}" '
        f'stroke-width="2" stroke-dasharray="5 3"/>'
        f'<text x="{at + shift:.1f}" y="14" fill="{INK}" text-anchor="{anchor}">'
        f"called ill from {threshold:.3f} on →</text>"
        f'<text x="{pad}" y="{height - 22}" fill="{INK}">0</text>'
        f'<text x="{width / 2}" y="{height - 22}" fill="{INK}" text-anchor="middle">score</text>'
        f'<text x="{width - pad}" y="{height - 22}" fill="{INK}" text-anchor="end">1</text>'
        f'<text x="{pad}" y="{height - 6}" fill="{COVID}">▲ ill</text>'
        f'<text x="{pad + 50}" y="{height - 6}" fill="{NOT_COVID}">▼ healthy</text></svg>'
    )


def _value_cells(estimate: Estimate) -> str:
    """Value, interval, and a dot with a whisker on a scale from 0 to 1."""
    if estimate.value is None:
        return '<td colspan="2" style="padding:3px 8px"><i>undefined: nothing to divide by</i></td>'
    low, high, value = (120 * part for part in (estimate.low, estimate.high, estimate.value))
    drawn = (
        '<svg aria-hidden="true" width="128" height="14"><g transform="translate(4 7)">'
        f'<line x1="0" x2="120" y1="0" y2="0" stroke="{PALE}"/>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="0" y2="0" stroke="{INK}" stroke-width="3"/>'
        f'<circle cx="{value:.1f}" cy="0" r="4" fill="{INK}"/></g></svg>'
    )
    return f"<td>{estimate:.2f}</td><td>{drawn}</td>"


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
    )
