"""Move a planted letter over an X-ray, and watch the score of the network that learned from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlab.pipeline import Xrays
from cxrlab.shortcuts import AT, plant_letter
from cxrlab.widgets.cases import SIDE, enlarged_png, named_xrays, per_cent_slider
from cxrlab.widgets.verdict import verdict_html

if TYPE_CHECKING:
    import ipywidgets
    import keras


def letter_desk(
    model: keras.Model, xrays: Xrays, threshold: float, simulated: bool = False
) -> ipywidgets.VBox:
    """An X-ray, a letter to move and to take away, and what ``model`` makes of it.

    ``xrays``: decoded, without a letter. The letter starts where it was in training.
    ``simulated`` writes the word on the X-ray.
    """
    import ipywidgets as widgets

    def score(xray: np.ndarray) -> float:
        # A call is quicker than ``model.predict`` for one X-ray, while a slider moves.
        batch = np.repeat(xray[None].astype(np.float32) / 255, 3, axis=-1)
        return float(model(batch, training=False)[0, 0])

    named = named_xrays(xrays)
    untouched = {}  # the score without a letter, asked once for each X-ray
    down, across = (100 * share for share in AT)
    chosen = widgets.Dropdown(
        options=[*named],
        description="X-ray",
        style={"description_width": "9em"},
        layout={"width": "30em", "max_width": "100%"},
    )
    shown = widgets.Checkbox(value=True, description="letter on the X-ray", indent=False)
    sideways = per_cent_slider("Letter across, %", across)
    downwards = per_cent_slider("Letter down, %", down)
    back = widgets.Button(description="Back to its place in training", layout={"width": "18em"})
    picture = widgets.Image(format="png", width=SIDE, height=SIDE, layout={"margin": "4px"})
    said = widgets.HTML()
    moving = False  # the button moves two sliders: one answer is enough

    def draw(_: object = None) -> None:
        if moving:
            return
        xray = named[chosen.value]
        place = downwards.value / 100, sideways.value / 100
        now = plant_letter(xray[None], place)[0] if shown.value else xray
        if chosen.value not in untouched:
            untouched[chosen.value] = score(xray)
        value = score(now)
        picture.value = enlarged_png(now, simulated)
        said.value = verdict_html(value, threshold, untouched[chosen.value])

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
