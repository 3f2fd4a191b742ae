"""Hide places of an X-ray with a grey square, and watch the network's score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cxrlab.explain import hide, scores_now
from cxrlab.pipeline import Xrays
from cxrlab.widgets.cases import SIDE, enlarged_png, named_xrays, per_cent_slider
from cxrlab.widgets.verdict import verdict_html

if TYPE_CHECKING:
    import ipywidgets
    import keras

SMALLEST, LARGEST = 5, 50  # per cent of the image's side


class Square(NamedTuple):
    """A square's upper left corner and side, in per cent (0...100) of the image's side."""

    down: float
    across: float
    size: float


def squares_mask(squares: Iterable[Square], shape: tuple[int, int]) -> np.ndarray:
    """The pixels below these squares: bool, ``shape``. A square is pushed back inside."""
    mask = np.zeros(shape, bool)
    for square in squares:
        side = max(1, round(square.size / 100 * min(shape)))
        top = min(round(square.down / 100 * shape[0]), shape[0] - side)
        left = min(round(square.across / 100 * shape[1]), shape[1] - side)
        mask[top : top + side, left : left + side] = True
    return mask


def covered(xray: np.ndarray, squares: Iterable[Square]) -> np.ndarray:
    """The X-ray (uint8, (height, width, 1)) with the squares in its own mean grey.

    The grey stays the same however much is hidden, so that only the hidden place changes.
    """
    return hide(xray, squares_mask(squares, xray.shape[:2]), fill=float(xray.mean()))


def outlined(pixels: np.ndarray, square: Square) -> np.ndarray:
    """A copy with a white line around the square: for the eye, never for the network."""
    inside = squares_mask([square], pixels.shape[:2])
    inner = np.zeros_like(inside)
    inner[1:-1, 1:-1] = (
        inside[1:-1, 1:-1] & inside[:-2, 1:-1] & inside[2:, 1:-1]
        & inside[1:-1, :-2] & inside[1:-1, 2:]
    )  # fmt: skip
    drawn = pixels.copy()
    drawn[inside & ~inner] = 255
    return drawn


def occlusion_brush(
    model: keras.Model,
    xrays: Xrays | Mapping[str, np.ndarray],
    threshold: float,
    simulated: bool = False,
) -> ipywidgets.VBox:
    """A grey square to move over an X-ray and to stamp on it, and the score that is left.

    ``xrays``: by name, or decoded ones. ``threshold``: the frozen one of this network.
    ``simulated`` writes the word on the X-ray.
    """
    import ipywidgets as widgets

    xrays = named_xrays(xrays)
    untouched = {}  # asked once for each X-ray
    chosen = widgets.Dropdown(
        options=[*xrays],
        description="X-ray",
        style={"description_width": "9em"},
        layout={"width": "30em", "max_width": "100%"},
    )
    sideways = per_cent_slider("Square across, %", 10)
    downwards = per_cent_slider("Square down, %", 10)
    size = per_cent_slider("Size of square, %", 20, SMALLEST, LARGEST)
    stamp = widgets.Button(description="Keep this square")
    reset = widgets.Button(description="Remove kept squares", layout={"width": "13em"})
    picture = widgets.Image(format="png", width=SIDE, height=SIDE, layout={"margin": "4px"})
    said, count = widgets.HTML(), widgets.HTML()
    kept: list[Square] = []

    def draw(_: object = None) -> None:
        xray = xrays[chosen.value]
        if chosen.value not in untouched:
            untouched[chosen.value] = float(scores_now(model, xray)[0])
        square = Square(downwards.value, sideways.value, size.value)
        now = covered(xray, [*kept, square])
        score = float(scores_now(model, now)[0])
        picture.value = enlarged_png(outlined(now, square), simulated)
        said.value = verdict_html(score, threshold, untouched[chosen.value])
        hidden = squares_mask([*kept, square], xray.shape[:2]).mean()
        count.value = f"{len(kept)} kept, and the one that moves: {hidden:.0%} of the image hidden."

    def keep(_: object) -> None:
        kept.append(Square(downwards.value, sideways.value, size.value))
        draw()

    def remove(_: object = None) -> None:
        kept.clear()
        draw()

    chosen.observe(remove, names="value")
    for control in (sideways, downwards, size):
        control.observe(draw, names="value")
    stamp.on_click(keep)
    reset.on_click(remove)
    draw()
    # An Image of ipywidgets has no alternative text: its heading says what it shows.
    heading = "<b>what the network is shown</b> (without the white line)"
    headed = widgets.VBox([widgets.HTML(heading), picture])
    both = widgets.HBox([headed, widgets.VBox([said, count])], layout={"flex_flow": "row wrap"})
    return widgets.VBox([chosen, sideways, downwards, size, widgets.HBox([stamp, reset]), both])
