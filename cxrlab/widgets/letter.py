"""Move a planted letter over an X-ray, and watch the score of the network that learned from it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from cxrlab.errors import CXRLabError
from cxrlab.images import fit
from cxrlab.pipeline import Xrays
from cxrlab.plots.style import CLASS_NAMES
from cxrlab.shortcuts import AT, plant_letter
from cxrlab.widgets import WIDE, WRAP, as_png

if TYPE_CHECKING:
    import ipywidgets
    import keras

SIDE = 300  # pixels on the screen


def letter_desk(
    model: keras.Model, xrays: Xrays, threshold: float, simulated: bool = False
) -> ipywidgets.VBox:
    """An X-ray, a letter to move and to take away, and what ``model`` makes of it.

    ``xrays``: decoded, without a letter; :class:`CXRLabError` for none. The letter starts where it
    was in training. ``simulated`` writes the word on the X-ray.
    """
    import ipywidgets as widgets

    if not len(xrays):
        raise CXRLabError("There is no X-ray to choose from. Give at least one.")

    def score(xray: np.ndarray) -> float:
        # A call is quicker than ``model.predict`` for one X-ray, while a slider moves.
        batch = np.repeat(xray[None].astype(np.float32) / 255, 3, axis=-1)
        return float(model(batch, training=False)[0, 0])

    @cache
    def score_without(number: int) -> float:
        return score(xrays.pixels[number])

    names = [(f"{n}: {CLASS_NAMES[label]}", n - 1) for n, label in enumerate(xrays.labels, start=1)]
    down, across = (round(100 * share) for share in AT)
    look = {"style": {"description_width": "9em"}, "layout": WIDE}
    chosen = widgets.Dropdown(options=names, description="X-ray", **look)
    sideways = widgets.IntSlider(across, 0, 100, description="Letter across, %", **look)
    downwards = widgets.IntSlider(down, 0, 100, description="Letter down, %", **look)
    shown = widgets.Checkbox(value=True, description="letter on the X-ray", indent=False)
    back = widgets.Button(description="Back to its place in training", layout={"width": "18em"})
    picture = widgets.Image(format="png", width=SIDE, height=SIDE)
    bar = widgets.FloatProgress(min=0, max=1)
    said = widgets.HTML()
    moving = False  # the button moves two sliders: one answer is enough

    def draw(_: object = None) -> None:
        if moving:
            return
        xray = xrays.pixels[chosen.value]
        place = downwards.value / 100, sideways.value / 100
        now = plant_letter(xray[None], place)[0] if shown.value else xray
        bar.value = score(now)
        picture.value = as_png(fit(now[..., 0], SIDE), simulated)
        said.value = verdict_html(bar.value, threshold, score_without(chosen.value))

    def reset(_: object) -> None:
        nonlocal moving
        moving = True
        sideways.value, downwards.value, shown.value = across, down, True
        moving = False
        draw()

    for control in (chosen, shown, sideways, downwards):
        control.observe(draw, names="value")
    back.on_click(reset)
    draw()
    headed = widgets.VBox([widgets.HTML("<b>what the network is shown</b>"), picture])
    both = widgets.HBox([headed, widgets.VBox([said, bar])], layout=WRAP)
    return widgets.VBox([chosen, sideways, downwards, widgets.HBox([shown, back]), both])


def verdict_html(score: float, threshold: float, before: float) -> str:
    """The score (0...1), its change from ``before``, the score without a letter, and the call.

    As HTML that a screen reader says when it changes.
    """
    change = round(score - before, 3)
    if change == 0:
        moved = f", as the untouched X-ray ({before:.3f})"
    else:
        verb = "fell" if change < 0 else "rose"
        moved = f": it {verb} by <b>{abs(change):.3f}</b> from the untouched X-ray's {before:.3f}"
    called = score >= threshold
    relation = "at or above" if called else "below"
    return (
        f'<div role="status">Score <b>{score:.3f}</b>{moved}.<br>Called <b>{CLASS_NAMES[called]}'
        f"</b>: {relation} the frozen threshold of {threshold:.3f}.</div>"
    )
