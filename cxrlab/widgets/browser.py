"""Look through what each filter dropped and kept: one X-ray at a time, its row beside it."""

import html
from itertools import pairwise
from typing import Any

import ipywidgets as widgets
import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.images import UnreadableImage, fit, picture_html, read_image
from cxrlab.widgets import WIDE, WRAP, Bench, as_png, table_html

SIDE = 400  # pixels: the longer side of the picture
COLUMNS = ("finding", "view", "modality", "patient_id", "sex", "age", "license", "image_id")


def browse_filters(stages: dict[str, pd.DataFrame], simulated: bool = False) -> Bench:
    """The image browser for a chain of filters.

    ``stages``: the table at the start, then what each filter left, by name and with its index.
    Raises :class:`CXRLabError` where a filter has rows that the table before it had not.
    Example: ``browse_filters({"metadata.csv": catalog, "COVID-19": covid}, space.simulated)``
    """
    tables, labels = {}, []  # rows by filter and by whether they are kept
    for (_, before), (name, after) in pairwise(stages.items()):
        if not after.index.isin(before.index).all():
            raise CXRLabError(
                f"The filter {name!r} holds rows that the table before it does not have. Give "
                "the stages in order, each made from the one before, without reset_index."
            )
        tables[name, False], tables[name, True] = before.drop(after.index), after
        labels.append((f"{name}: {len(before) - len(after)} dropped, {len(after)} kept", name))
    step = widgets.Dropdown(options=labels, description="Filter", layout=WIDE)
    side = widgets.ToggleButtons(options=[("dropped", False), ("kept", True)], description="Show")
    back, onward = (widgets.Button(description=name) for name in ("Previous", "Next"))
    place = widgets.BoundedIntText(1, min=1, max=1, description="Image")
    picture, card, status = widgets.HTML(), widgets.HTML(), widgets.HTML()

    def draw(_: Any = None) -> None:
        rows = tables[step.value, side.value]
        number, what = min(place.value, len(rows)), "kept" if side.value else "dropped"
        said, card.value, picture.value = f"This filter {what} no image.", "", ""
        if number:
            row, said = rows.iloc[number - 1], f"Image {number} of {len(rows)} {what}"
            card.value, picture.value = card_of(row), picture_of(row, simulated)
        status.value = f'<p role="status">{said}</p>'  # a screen reader says it when it changes
        back.disabled, onward.disabled = number <= 1, number >= len(rows)

    def restart(_: Any = None) -> None:
        count = max(1, len(tables[step.value, side.value]))
        place.value, place.max, place.disabled = 1, count, count == 1
        draw()

    for control, then in ((step, restart), (side, restart), (place, draw)):
        control.observe(then, names="value")
    back.on_click(lambda _: place.set_trait("value", place.value - 1))  # it keeps to its ends
    onward.on_click(lambda _: place.set_trait("value", place.value + 1))
    restart()
    moves, shown = widgets.HBox([back, onward, place]), widgets.HBox([picture, card], layout=WRAP)
    return Bench([step, side, moves, status, shown])


def card_of(row: pd.Series) -> str:
    """The row's metadata as an HTML table."""
    said = row.reindex(COLUMNS).dropna().map(lambda v: f"{v:g}" if isinstance(v, float) else v)
    said = said.reindex(COLUMNS, fill_value="not stated")
    return table_html(said.to_frame(), "Metadata", header=False)


def picture_of(row: pd.Series, simulated: bool) -> str:
    """The row's X-ray as HTML, or a sentence that says why there is none."""
    reason = row.get("problem")
    if pd.notna(row["path"]):
        try:
            png = as_png(fit(read_image(row["path"]), SIDE), simulated)
            return picture_html(png, f"Chest image {row['image_id']}; the table describes it.")
        except UnreadableImage as error:
            reason = error.reason
    why = "no file" if pd.isna(reason) else html.escape(reason)
    return f"<p><em>This row has no picture. The reason: {why}.</em></p>"
