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

    ``stages``: the table at the start, then what each filter left, by name; the index says which
    row is which. ``simulated`` burns that word into every picture. Raises :class:`CXRLabError`
    where a filter has rows that the table before it had not.
    Example: ``browse_filters({"metadata.csv": catalog, "COVID-19": covid}, space.simulated)``
    """
    tables = dropped_and_kept(stages)
    labels = [
        (f"{name}: {len(tables[name, False])} dropped, {len(tables[name, True])} kept", name)
        for name in list(stages)[1:]
    ]
    step = widgets.Dropdown(options=labels, description="Filter", layout=WIDE)
    side = widgets.ToggleButtons(options=[("dropped", False), ("kept", True)], description="Show")
    back, onward = (widgets.Button(description=name) for name in ("Previous", "Next"))
    place = widgets.BoundedIntText(1, min=1, max=1, description="Image")
    picture, card, status = widgets.HTML(), widgets.HTML(), widgets.HTML()

    def draw(_: Any = None) -> None:
        rows = tables[step.value, side.value]
        number, what = min(place.value, len(rows)), "kept" if side.value else "dropped"
        said = (
            f"Image {number} of {len(rows)} {what}" if number else f"This filter {what} no image."
        )
        status.value = f'<p role="status">{said}</p>'  # a screen reader says it when it changes
        card.value = card_of(rows.iloc[number - 1]) if number else ""
        picture.value = picture_of(rows.iloc[number - 1], simulated) if number else ""
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


def dropped_and_kept(stages: dict[str, pd.DataFrame]) -> dict[tuple[str, bool], pd.DataFrame]:
    """For each filter what it dropped (name, False) and kept (name, True)."""
    tables = {}
    for (_, before), (name, after) in pairwise(stages.items()):
        if not after.index.isin(before.index).all():
            raise CXRLabError(
                f"The filter {name!r} holds rows that the table before it does not have. Give "
                "the stages in order, each made from the one before, without reset_index."
            )
        tables[name, False], tables[name, True] = before.drop(after.index), after
    return tables


def card_of(row: pd.Series) -> str:
    """The row's metadata as an HTML table."""
    said = row.reindex(COLUMNS).map(
        lambda value: f"{value:g}" if isinstance(value, float) else str(value), na_action="ignore"
    )
    return table_html(said.fillna("not stated").to_frame(), "Metadata", header=False)


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
