"""Move a planted letter over an X-ray, and watch the score of the network that learned from it."""

from typing import Any

import ipywidgets as widgets
import numpy as np

from cxrlab.images import fit, picture_html
from cxrlab.pipeline import Xrays
from cxrlab.plots import CLASS_NAMES
from cxrlab.shortcuts import AT, plant_letter
from cxrlab.widgets import WIDE, WRAP, Bench, as_png

SIDE = 300  # pixels on the screen


def letter_desk(model: Any, xrays: Xrays, threshold: float, simulated: bool = False) -> Bench:
    """An X-ray, a letter to move and to take away, and what ``model``, of Keras, makes of it.

    ``xrays``: decoded, without a letter, at least one. The letter starts where it was in training.
    Example: ``letter_desk(reader, xrays, 0.5, simulated=space.simulated)``
    """

    def score(pixels: np.ndarray) -> np.ndarray:
        # A call is quicker than ``model.predict`` for one X-ray, while a key is held.
        batch = np.repeat(pixels.astype(np.float32) / 255, 3, axis=-1)
        return np.asarray(model(batch, training=False))[:, 0]

    untouched = [score(xray[None])[0] for xray in xrays.pixels]
    names = [(f"{n}: {CLASS_NAMES[label]}", n - 1) for n, label in enumerate(xrays.labels, start=1)]
    down, across = (round(100 * share) for share in AT)
    look = {"style": {"description_width": "9em"}, "layout": WIDE}
    chosen = widgets.Dropdown(options=names, description="X-ray", **look)
    look |= {"max": 100, "step": 4}
    sideways = widgets.BoundedIntText(across, description="Letter across, %", **look)
    downwards = widgets.BoundedIntText(down, description="Letter down, %", **look)
    shown = widgets.Checkbox(value=True, description="letter on the X-ray", indent=False)
    back = widgets.Button(description="Back to its place in training", layout={"width": "18em"})
    bar = widgets.FloatProgress(max=1, description="Score")
    picture, said = widgets.HTML(), widgets.HTML()

    def draw(_: Any = None) -> None:
        xray = xrays.pixels[chosen.value][None]
        place = downwards.value / 100, sideways.value / 100
        now = plant_letter(xray, place) if shown.value else xray
        bar.value = float(score(now)[0])
        where = f"letter {place[1]:.0%} across, {place[0]:.0%} down" if shown.value else "no letter"
        png = as_png(fit(now[0, ..., 0], SIDE), simulated)
        picture.value = picture_html(png, f"X-ray {chosen.label}, {where}.")
        said.value = verdict_html(bar.value, threshold, float(untouched[chosen.value]))

    def reset(_: Any) -> None:
        sideways.value, downwards.value, shown.value = across, down, True

    for control in (chosen, shown, sideways, downwards):
        control.observe(draw, names="value")
    back.on_click(reset)
    draw()
    headed = widgets.VBox([widgets.HTML("<b>what the network is shown</b>"), picture])
    both = widgets.HBox([headed, widgets.VBox([said, bar])], layout=WRAP)
    return Bench([chosen, sideways, downwards, widgets.HBox([shown, back]), both])


def verdict_html(score: float, threshold: float, before: float) -> str:
    """The score (0...1), its change from ``before``, without a letter, and the call, as HTML."""
    change, verb = round(score - before, 3), "fell" if score < before else "rose"
    moved = f": it {verb} by <b>{abs(change):.3f}</b> from the untouched X-ray's {before:.3f}"
    if change == 0:
        moved = f", as the untouched X-ray ({before:.3f})"
    called = score >= threshold
    relation = "at or above" if called else "below"
    return (  # with a role: a screen reader says it when it changes
        f'<div role="status">Score <b>{score:.3f}</b>{moved}.<br>Called <b>{CLASS_NAMES[called]}'
        f"</b>: {relation} the frozen threshold of {threshold:.3f}.</div>"
    )
