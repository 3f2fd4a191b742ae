"""One frozen threshold in two hospitals, side by side.

:func:`two_hospitals` is the widget of notebook 07. The numbers come from
:func:`cxrlab.evaluation.what_if`; the functions here put them into HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from cxrlab.evaluation import Estimate, WhatIf, npv_range, screening_sentence, what_if
from cxrlab.evaluation.subgroups import scored_columns
from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, PALE
from cxrlab.widgets.threshold import controls

if TYPE_CHECKING:
    import ipywidgets

QUESTIONS = {
    "recall": "of the ill, found",
    "specificity": "of the healthy, correctly cleared",
    "PPV": "of those called ill, ill",
    "NPV": "of those called healthy, healthy",
}
COLOURS = (NOT_COVID, COVID)


def two_hospitals(
    hospitals: Mapping[str, pd.DataFrame],
    threshold: float,
    prevalence: float = 0.1,
    resamples: int = 1000,
    seed: int = 0,
) -> ipywidgets.VBox:
    """Sliders for the threshold and the prevalence, and what follows in each of two hospitals.

    ``hospitals``: a name and its scored cases (``label``, ``score`` and, where known,
    ``patient_id``). The threshold starts frozen; who moves it is told so, and a button brings it
    back. ``prevalence`` is one of :data:`cxrlab.widgets.threshold.PREVALENCES`.
    """
    import ipywidgets as widgets

    cases = {
        name: (*scored_columns(table), table.get("patient_id")) for name, table in hospitals.items()
    }
    cut, share, back = controls(threshold, prevalence, "Back to the frozen threshold")
    table, sentences = widgets.HTML(), widgets.HTML()

    def draw(_: object = None) -> None:
        now = {
            name: what_if(labels, scores, cut.value, share.value, patients, resamples, seed)
            for name, (labels, scores, patients) in cases.items()
        }
        table.value = hospitals_html(now)
        sentences.value = sentences_html(now, threshold)

    cut.observe(draw, names="value")
    share.observe(draw, names="value")
    draw()
    return widgets.VBox([cut, back, share, sentences, table])


def values_of(now: WhatIf) -> dict[str, Estimate]:
    """Recall, specificity, PPV and NPV of one hospital, the last two at its prevalence."""
    recall, specificity = now.metrics["recall"], now.metrics["specificity"]
    npv = Estimate(None)
    if None not in (recall.value, specificity.value):
        npv = npv_range(recall, specificity, now.prevalence)
    return {"recall": recall, "specificity": specificity, "PPV": now.precision, "NPV": npv}


def hospitals_html(now: Mapping[str, WhatIf]) -> str:
    """A table: a row a question, and for each hospital the value, its interval, and both drawn."""
    values = {name: values_of(state) for name, state in now.items()}
    head = "".join(
        f'<th scope="col" colspan="3" style="padding:3px 12px;text-align:left;'
        f'border-bottom:3px solid {colour}">{escape(name)} ({state.confusion.n:,} X-rays)</th>'
        for (name, state), colour in zip(now.items(), COLOURS, strict=True)
    )
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;padding:3px 8px">{metric}</th>'
        f'<td style="padding:3px 8px">{question}</td>'
        + "".join(
            _cells(values[name][metric], colour) for name, colour in zip(now, COLOURS, strict=True)
        )
        + "</tr>"
        for metric, question in QUESTIONS.items()
    )
    return (
        '<table style="line-height:1.5" aria-label="Two hospitals at the same threshold">'
        f"<tr><td></td><td></td>{head}</tr>{rows}</table>"
        f'<div style="color:{GREY};max-width:44em;line-height:1.3">Recall and specificity: 95 % '
        "intervals over patients. PPV and NPV: from the lower and the upper ends of both "
        "together, which is more cautious.</div>"
    )


def sentences_html(now: Mapping[str, WhatIf], frozen: float) -> str:
    """What became of the threshold, and 1,000 people in each hospital; announced when it moves."""
    state = next(iter(now.values()))
    if abs(state.threshold - frozen) < 1e-9:
        first = f"The frozen threshold, <b>{frozen:.3f}</b>, as it came along."
    else:
        first = (
            f"The threshold is <b>{state.threshold:.3f}</b>, no longer the frozen {frozen:.3f}. "
            "What you see has been looked for, and would need new people to be tested on."
        )
    lines = [first] + [
        f"<b>{escape(name)}.</b> "
        + ("Undefined: a class is missing." if s.people is None else screening_sentence(s.people))
        for name, s in now.items()
    ]
    look = f"border-left:4px solid {INK};padding:2px 10px;line-height:1.5;max-width:52em"
    return f'<div role="status" style="{look}">{"<br>".join(lines)}</div>'


def _cells(estimate: Estimate, colour: str) -> str:
    """Value, interval, and a dot with a whisker on a scale from 0 to 1."""
    if estimate.value is None:
        return '<td colspan="3" style="padding:3px 12px"><i>undefined</i></td>'
    value = f'<td style="padding:3px 6px 3px 12px"><b>{estimate.value:.2f}</b></td>'
    if estimate.low is None or estimate.high is None:
        return f"{value}<td></td><td></td>"
    low, high, at = (80 * part for part in (estimate.low, estimate.high, estimate.value))
    return (
        f'{value}<td style="white-space:nowrap">{estimate.low:.2f} to {estimate.high:.2f}</td>'
        '<td><svg aria-hidden="true" width="88" height="14"><g transform="translate(4 7)">'
        f'<line x1="0" x2="80" y1="0" y2="0" stroke="{PALE}"/>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="0" y2="0" stroke="{colour}" stroke-width="3"/>'
        f'<circle cx="{at:.1f}" cy="0" r="4" fill="{colour}"/></g></svg></td>'
    )
