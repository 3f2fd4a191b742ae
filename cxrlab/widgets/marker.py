"""Move a planted marker over an X-ray, and watch the score of the network that learned from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from cxrlab.explain import scores_now
from cxrlab.pipeline import Xrays
from cxrlab.shortcuts import Planted, plant_marker
from cxrlab.widgets.cases import SIDE, enlarged_png, named_xrays, per_cent_slider
from cxrlab.widgets.verdict import verdict_html

if TYPE_CHECKING:
    import ipywidgets


def with_marker(
    xray: np.ndarray, down: float, across: float, size: float, shown: bool = True
) -> np.ndarray:
    """The X-ray (uint8) with a marker at these per cents (0...100) of height and width, or not."""
    return plant_marker(xray, (down / 100, across / 100), size) if shown else xray


def marker_slider(
    planted: Planted, xrays: Xrays | Mapping[str, np.ndarray], simulated: bool = False
) -> ipywidgets.VBox:
    """An X-ray, a marker to move and to take away, and what ``planted.model`` makes of it.

    ``xrays``: X-rays without a marker, by name or decoded, such as some of ``planted.plain``;
    the marker starts where it was in training. ``simulated`` writes the word on the X-ray.
    """
    import ipywidgets as widgets

    xrays = named_xrays(xrays)
    untouched = {}  # the score without a marker, asked once for each X-ray
    down, across = (100 * share for share in planted.at)
    chosen = widgets.Dropdown(
        options=[*xrays],
        description="X-ray",
        style={"description_width": "9em"},
        layout={"width": "30em", "max_width": "100%"},
    )
    shown = widgets.Checkbox(value=True, description="marker on the X-ray", indent=False)
    sideways = per_cent_slider("Marker across, %", across)
    downwards = per_cent_slider("Marker down, %", down)
    back = widgets.Button(description="Back to its place in training", layout={"width": "18em"})
    picture = widgets.Image(format="png", width=SIDE, height=SIDE, layout={"margin": "4px"})
    said = widgets.HTML()
    moving = False  # the button moves two sliders: one answer is enough

    def draw(_: object = None) -> None:
        if moving:
            return
        xray = xrays[chosen.value]
        now = with_marker(xray, downwards.value, sideways.value, planted.size, shown.value)
        if chosen.value not in untouched:
            untouched[chosen.value] = float(scores_now(planted.model, xray)[0])
        score = float(scores_now(planted.model, now)[0])
        picture.value = enlarged_png(now, simulated)
        said.value = verdict_html(score, planted.threshold, untouched[chosen.value])

    def reset(_: object) -> None:
        nonlocal moving
        moving = True
        sideways.value, downwards.value, shown.value = round(across), round(down), True
        moving = False
        draw()

    for control in (chosen, shown, sideways, downwards):
        control.observe(draw, names="value")
    back.on_click(reset)
    draw()
    # An Image of ipywidgets has no alternative text: its heading says what it shows.
    headed = widgets.VBox([widgets.HTML("<b>what the network is shown</b>"), picture])
    both = widgets.HBox([headed, said], layout={"flex_flow": "row wrap"})
    return widgets.VBox([chosen, sideways, downwards, widgets.HBox([shown, back]), both])
