"""Look through what each filter dropped and kept: one X-ray at a time, its row beside it."""

from __future__ import annotations

import html
from itertools import pairwise
from typing import Any

import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.images import UnreadableImage, fit, read_image
from cxrlab.widgets import WIDE, as_png, table_html

SIDE = 400  # pixels: the longer side of the picture
COLUMNS = ("finding", "view", "modality", "patient_id", "sex", "age", "license", "image_id")
SENTENCES = {
    "missing": "The table lists this file, but it is not in the folder.",
    "unsafe file name": "The file name leads out of the folder; it was not followed.",
    "no file name": "The table names no file for this row.",
    "not an image": "This file is not an image; volumes of CT slices are not shown here.",
    "truncated": "This file ends too early, so that no picture can be made of it.",
}


def browse_filters(stages: dict[str, pd.DataFrame], simulated: bool = False) -> Any:
    """The image browser: an ipywidgets box for a chain of filters.

    ``stages``: the table at the start, then what each filter left, by name; the index says which
    row is which. ``simulated`` burns that word into every picture. Raises :class:`CXRLabError`
    where a filter has rows that the table before it had not.
    """
    import ipywidgets as widgets

    tables = dropped_and_kept(stages)
    labels = [
        (f"{name}: {len(tables[name, False])} dropped, {len(tables[name, True])} kept", name)
        for name in list(stages)[1:]
    ]
    step = widgets.Dropdown(options=labels, description="Filter", layout=WIDE)
    side = widgets.ToggleButtons(options=[("dropped", False), ("kept", True)], description="Show")
    back, onward = (widgets.Button(description=name) for name in ("Previous", "Next"))
    place = widgets.IntSlider(1, min=1, max=1, description="Image", layout=WIDE)
    picture = widgets.Image(format="png", layout={"object_fit": "contain"})
    missing, card, status = widgets.HTML(), widgets.HTML(), widgets.HTML()

    def draw(_: Any = None) -> None:
        rows = tables[step.value, side.value]
        number = min(place.value, len(rows))
        status.value = status_line(number, len(rows), side.value)
        card.value = card_of(rows.iloc[number - 1]) if number else ""
        seen = picture_of(rows.iloc[number - 1], simulated) if number else ""
        found = isinstance(seen, bytes)
        if found:
            picture.value = seen
        missing.value = "" if found else f"<p><em>{html.escape(seen)}</em></p>"
        picture.layout.display = "" if found else "none"
        back.disabled, onward.disabled = number <= 1, number >= len(rows)

    def restart(_: Any = None) -> None:
        count = max(1, len(tables[step.value, side.value]))
        place.unobserve(draw, names="value")
        place.value, place.max, place.disabled = 1, count, count == 1
        place.observe(draw, names="value")
        draw()

    def move(by: int) -> None:
        place.value = min(max(place.value + by, 1), place.max)

    step.observe(restart, names="value")
    side.observe(restart, names="value")
    back.on_click(lambda _: move(-1))
    onward.on_click(lambda _: move(1))
    restart()
    shown = widgets.HBox([widgets.VBox([picture, missing]), card])
    return widgets.VBox([step, side, widgets.HBox([back, onward, place]), status, shown])


def dropped_and_kept(stages: dict[str, pd.DataFrame]) -> dict[tuple[str, bool], pd.DataFrame]:
    """For each filter what it dropped (name, False) and kept (name, True)."""
    tables = {}
    for (_, before), (name, after) in pairwise(stages.items()):
        if not after.index.isin(before.index).all():
            raise CXRLabError(
                f"The filter {name!r} holds rows that the table before it does not have. Give "
                "the stages in order, each made from the one before, without reset_index."
            )
        tables[name, False] = before[~before.index.isin(after.index)]
        tables[name, True] = after
    return tables


def status_line(number: int, count: int, kept: bool) -> str:
    """Where the reader is, as HTML that a screen reader says when it changes."""
    what = "kept" if kept else "dropped"
    said = f"Image {number} of {count} {what}" if count else f"This filter {what} no image."
    return f'<p role="status">{said}</p>'


def card_of(row: pd.Series) -> str:
    """The row's metadata as an HTML table."""
    said = {column: _said(row.get(column)) for column in COLUMNS}
    return table_html(pd.Series(said).to_frame(), "Metadata", header=False)


def picture_of(row: pd.Series, simulated: bool) -> bytes | str:
    """The row's X-ray as the bytes of a PNG, or a sentence that says why there is none."""
    if pd.isna(row["path"]):
        problem = row.get("problem")
        reason = "unsafe file name" if pd.isna(problem) else str(problem)
        return SENTENCES.get(reason, f"This row has no file that may be read: {reason}.")
    try:
        pixels = read_image(row["path"])
    except UnreadableImage as error:
        plain = f"This file cannot be used as an X-ray: {error.reason}."
        return SENTENCES.get(error.reason, plain)
    return as_png(fit(pixels, SIDE), simulated)


def _said(value: Any) -> str:
    if pd.isna(value):
        return "not stated"
    return f"{value:g}" if isinstance(value, float) else str(value)
