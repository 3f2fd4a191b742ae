"""The reader against ten X-rays: a desk with two buttons, the calls, and what they amount to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd

from cxrlab.course import Workspace
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_json
from cxrlab.images import fit, picture_html, read_image
from cxrlab.metrics import confusion, shares
from cxrlab.plots import CLASS_NAMES
from cxrlab.widgets import WRAP, Bench, as_png, matrix_html

FILE = "reader.json"
SIDE = 450  # pixels: the side of an X-ray on the screen
# (truth, call) in words
OUTCOMES = {(1, 1): "found", (1, 0): "missed", (0, 1): "a false alarm", (0, 0): "correctly cleared"}


def picture(path: str | Path, side: int, square: bool = False) -> np.ndarray:
    """An X-ray's file for human eyes: see :func:`cxrlab.images.fit`."""
    return fit(read_image(path), side, square)


def keep_calls(space: Workspace, calls: Mapping[str, int]) -> None:
    """Keep the reader's calls (image_id to 1, COVID-19, or 0, not) in the workspace."""
    for call in calls.values():
        if call not in (0, 1):
            raise CXRLabError(f"A call is {call!r}. Write 1 for COVID-19 and 0 for not COVID-19.")
    write_json(space.folder / FILE, {name: int(call) for name, call in calls.items()})


def get_calls(space: Workspace) -> dict[str, int]:
    """The calls kept so far, perhaps of some X-rays only; empty where none can be read."""
    try:
        return read_json(space.folder / FILE)
    except (OSError, ValueError):  # none yet, or a damaged file
        return {}


def still_open(cases: pd.DataFrame, calls: Mapping[str, int]) -> list[int]:
    """The positions of the cases that have no call yet."""
    return np.flatnonzero(~cases["image_id"].isin(calls)).tolist()


def reading(
    space: Workspace, ten: pd.DataFrame, others: pd.DataFrame, written: Any = None
) -> pd.DataFrame:
    """Truth and call side by side once **all** ten are called; until then, an imaginary reader's.

    One row per X-ray, numbered from 1; columns ``truth`` and ``you``, each 0 or 1, and the
    ``path`` of the file. Calls ``written`` as a list, in the order of the ten, are kept; dots or
    ``None`` count as not written. The imaginary reader reads some of ``others``, so that no truth
    shows too early. Raises :class:`CXRLabError` without one call of 0 or 1 for each case.
    Example: ``reader.reading(space, ten, split.validation, [1, 0, 1, 1, 0, 0, 1, 0, 1, 0])``
    """
    if written is not None and written is not ...:
        if len(written) != len(ten):
            many = f"There are {len(written)} calls for {len(ten)} X-rays."
            raise CXRLabError(f"{many} Write one call for each, in the order of their numbers.")
        keep_calls(space, dict(zip(ten["image_id"], written, strict=True)))
    calls = get_calls(space)
    if left := len(still_open(ten, calls)):
        print(f"Calls still to make: {left}. Until then: an imaginary reader, on other X-rays.")
        return example_reading(others)
    print("Your own calls.")
    return _side_by_side(ten, ten["image_id"].map(calls))


def example_reading(cases: pd.DataFrame) -> pd.DataFrame:
    """An imaginary reader on ten of the cases, one per patient, in the form of :func:`reading`.

    Misses one of five positive cases and raises two false alarms on five negative ones.
    """
    one_each = cases.sort_values("image_id").drop_duplicates("patient_id")
    drawn = []
    for label, calls in ((1, (1, 0, 1, 1, 1)), (0, (0, 1, 0, 0, 1))):
        of_class = one_each[one_each["label"] == label].head(len(calls))
        drawn.append(of_class.assign(call=calls[: len(of_class)]))
    mixed = pd.concat(drawn).sample(frac=1, random_state=0)
    return _side_by_side(mixed, mixed["call"])


def _side_by_side(cases: pd.DataFrame, calls: pd.Series) -> pd.DataFrame:
    table = pd.DataFrame({"truth": cases["label"].astype(int), "you": calls, "path": cases["path"]})
    return table.set_axis(pd.RangeIndex(1, len(table) + 1, name="X-ray"))


def read_ten(space: Workspace, cases: pd.DataFrame) -> Bench:
    """The reading desk; ``cases`` as from :func:`cxrlab.course.get_ten`.

    Goes on with the calls kept in the workspace. The last call closes the reading: it shows the
    truth, and no call can be changed until a new start.
    Example: ``reader.read_ten(space, course.get_ten(space))``
    """
    names = "◀ Back", "Next ▶", "Start over"
    back, onward, again = (widgets.Button(description=name) for name in names)
    verdicts = [widgets.Button(description=n, button_style="primary") for n in CLASS_NAMES]
    line, xray, result = (widgets.HTML() for _ in range(3))
    place = next(iter(still_open(cases, get_calls(space))), 0)

    def draw() -> None:
        calls = get_calls(space)
        # On a black square, so that the buttons below never move.
        png = as_png(picture(cases["path"].iloc[place], SIDE, square=True), space.simulated)
        xray.value = picture_html(png, f"X-ray {place + 1}: what it shows is for you to call.")
        line.value = _line_html(cases, calls, place)
        result.value = _result_html(cases, calls)
        back.disabled, onward.disabled = place == 0, place == len(cases) - 1
        for verdict in verdicts:
            verdict.disabled = not still_open(cases, calls)

    def go_to(number: int) -> None:
        nonlocal place
        place = min(max(number, 0), len(cases) - 1)
        draw()

    def call(pressed: widgets.Button) -> None:
        calls = get_calls(space)
        if still_open(cases, calls):  # else the reading is closed
            keep_calls(space, calls | {cases["image_id"].iloc[place]: verdicts.index(pressed)})
            left = still_open(cases, get_calls(space))  # the next one, or else the first one
            go_to(next((number for number in left if number > place), [*left, place][0]))

    def start_over(_: Any) -> None:
        keep_calls(space, {})
        go_to(0)

    back.on_click(lambda _: go_to(place - 1))
    onward.on_click(lambda _: go_to(place + 1))
    for verdict in verdicts:
        verdict.on_click(call)
    again.on_click(start_over)
    draw()
    controls = widgets.HBox([back, *verdicts[::-1], onward, again], layout=WRAP)
    return Bench([line, xray, controls, result])


def _line_html(cases: pd.DataFrame, calls: Mapping[str, int], place: int) -> str:
    """Where the reader is, and the call on this X-ray; the truth only after the last call."""
    case, left = cases.iloc[place], still_open(cases, calls)
    words = f"<b>X-ray {place + 1} of {len(cases)}</b> · {len(cases) - len(left)} called. "
    call = calls.get(case["image_id"])
    words += "Not called yet." if call is None else f"Your call here: <b>{CLASS_NAMES[call]}</b>."
    if not left:
        truth = int(case["label"])
        words += f" On record: <b>{CLASS_NAMES[truth]}</b>, so this was {OUTCOMES[truth, call]}."
    return f'<div role="status">{words}</div>'


def _result_html(cases: pd.DataFrame, calls: Mapping[str, int]) -> str:
    """The reader's matrix and what it is worth; empty until every case is called."""
    if still_open(cases, calls):
        return ""
    truth, called = cases["label"], cases["image_id"].map(calls)
    found = shares(truth, called, 0.5)  # ten patients
    table = matrix_html(confusion(truth, called, 0.5), *CLASS_NAMES)
    return (
        f'<div role="status">{table}<p style="max-width: 40em">Your recall is {found["recall"]}, '
        f"your specificity {found['specificity']}. A reader whose true values lie anywhere in "
        "these 95 % intervals could easily score this: ten X-rays say little.</p></div>"
    )
