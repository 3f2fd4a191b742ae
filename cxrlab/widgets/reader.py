"""Ten X-rays, one at a time, two buttons, and at the end the reader's own confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxrlab.course import Workspace
from cxrlab.metrics import Confusion
from cxrlab.plots.style import CLASS_NAMES, COVID, GREY, INK, NOT_COVID
from cxrlab.reader import (
    get_calls,
    in_a_sentence,
    keep_calls,
    missing_calls,
    picture,
    reader_confusion,
)
from cxrlab.widgets.pictures import as_png

SIDE = 450  # pixels: the longer side of an X-ray on the screen
OUTCOMES = {  # (truth, call) in words
    (1, 1): "found",
    (1, 0): "missed",
    (0, 1): "a false alarm",
    (0, 0): "correctly cleared",
}


def xray_png(path: str, simulated: bool) -> bytes:
    """An X-ray as a square PNG of ``SIDE`` pixels, the word burnt in where it is simulated.

    Its proportions are kept on a black square, so that the buttons below never move.
    """
    return as_png(picture(path, SIDE, square=True), simulated)


def confusion_html(counts: Confusion) -> str:
    """A confusion matrix as an HTML table: truth in rows, calls in columns."""
    cells = {
        (0, 0): (counts.tn, "true negatives"),
        (0, 1): (counts.fp, "false positives: false alarms"),
        (1, 0): (counts.fn, "false negatives: misses"),
        (1, 1): (counts.tp, "true positives"),
    }
    head = "".join(
        f'<th scope="col" style="padding: 6px 14px; border-bottom: 4px solid {colour}">'
        f"called {name}</th>"
        for name, colour in zip(CLASS_NAMES, (NOT_COVID, COVID), strict=True)
    )
    rows = ""
    for truth, name in enumerate(CLASS_NAMES):
        rows += (
            f'<tr><th scope="row" style="padding: 6px 14px; text-align: right; '
            f'border-right: 4px solid {(NOT_COVID, COVID)[truth]}">truly {name}</th>'
        )
        for call in (0, 1):
            count, words = cells[truth, call]
            right = truth == call
            edge = f"2px solid {INK}" if right else f"2px dashed {GREY}"
            rows += (
                f'<td style="border: {edge}; padding: 6px 14px; text-align: center">'
                f'<span style="font-size: 22px">{count}</span><br>{words}</td>'
            )
        rows += "</tr>"
    return (
        f'<table style="border-collapse: separate; border-spacing: 6px; line-height: 1.4">'
        f'<caption style="text-align: left">Your {counts.n} calls. Solid: right. Dashed: wrong.'
        f"</caption><tr><td></td>{head}</tr>{rows}</table>"
    )


def result_html(cases: pd.DataFrame, calls: Mapping[str, int]) -> str:
    """The reader's matrix and what it is worth; empty until every case is called."""
    if missing_calls(cases, calls):
        return ""
    counts = reader_confusion(cases, calls)
    return (
        f'<div role="status">{confusion_html(counts)}'
        f'<p style="line-height: 1.5; max-width: 640px">{in_a_sentence(counts)}</p></div>'
    )


def line_html(cases: pd.DataFrame, calls: Mapping[str, int], place: int) -> str:
    """Where the reader is, and the call on this X-ray; the truth only after the last call."""
    case = cases.iloc[place]
    left = missing_calls(cases, calls)
    words = f"<b>X-ray {place + 1} of {len(cases)}</b> · {len(cases) - left} called."
    call = calls.get(case["image_id"])
    if call is None:
        words += " Not called yet."
    elif left:
        words += f" Your call here: <b>{CLASS_NAMES[call]}</b>."
    else:
        truth = int(case["label"])
        words += (
            f" Your call here: <b>{CLASS_NAMES[call]}</b>. "
            f"On record: <b>{CLASS_NAMES[truth]}</b>, so this one was {OUTCOMES[truth, call]}."
        )
    return f'<div role="status" style="line-height: 1.5">{words}</div>'


def next_open(cases: pd.DataFrame, calls: Mapping[str, int], place: int) -> int:
    """The next X-ray without a call, going round; ``place`` itself where all are called."""
    names = cases["image_id"].to_list()
    round_trip = [(place + step) % len(names) for step in range(1, len(names) + 1)]
    return next((number for number in round_trip if names[number] not in calls), place)


def read_ten(space: Workspace, cases: pd.DataFrame) -> Any:
    """The reading desk as an ipywidgets Box; ``cases`` as from :func:`cxrlab.course.get_ten`.

    Goes on with the calls kept in the workspace, and keeps each new one there. The last call
    closes the reading: it shows the truth, and no call can be changed until a new start.
    """
    import ipywidgets as widgets

    def button(words: str, width: str, look: str = "") -> Any:
        return widgets.Button(description=words, layout={"width": width}, button_style=look)

    back, onward = button("◀ Back", "90px"), button("Next ▶", "90px")
    verdicts = {call: button(CLASS_NAMES[call], "130px", "primary") for call in (1, 0)}
    again = button("Start over", "110px")
    # A VBox would stretch the picture to the notebook's width.
    xray = widgets.Image(
        format="png", layout={"align_self": "flex-start", "width": f"{SIDE}px", "max_width": "100%"}
    )
    line, result = widgets.HTML(), widgets.HTML()
    pictures: dict[int, bytes] = {}
    place = max(0, next_open(cases, get_calls(space), -1))

    def draw() -> None:
        calls = get_calls(space)
        if place not in pictures:
            pictures[place] = xray_png(cases.iloc[place]["path"], space.simulated)
        xray.value = pictures[place]
        line.value = line_html(cases, calls, place)
        result.value = result_html(cases, calls)
        back.disabled, onward.disabled = place == 0, place == len(cases) - 1
        for verdict in verdicts.values():
            verdict.disabled = not missing_calls(cases, calls)

    def go(step: int) -> None:
        nonlocal place
        place = min(max(place + step, 0), len(cases) - 1)
        draw()

    def call(verdict: int) -> None:
        nonlocal place
        calls = get_calls(space)
        if missing_calls(cases, calls):  # else the reading is closed
            calls[cases.iloc[place]["image_id"]] = verdict
            keep_calls(space, calls)
            place = next_open(cases, calls, place)
        draw()

    def start_over(_: Any) -> None:
        nonlocal place
        keep_calls(space, {})
        place = 0
        draw()

    back.on_click(lambda _: go(-1))
    onward.on_click(lambda _: go(1))
    for verdict, pressed in verdicts.items():
        pressed.on_click(lambda _, verdict=verdict: call(verdict))
    again.on_click(start_over)
    draw()
    controls = widgets.HBox(
        [back, *verdicts.values(), onward, again], layout={"flex_flow": "row wrap"}
    )
    return widgets.VBox([line, xray, controls, result])
