"""A bench for convolution: choose an X-ray and a kernel, change its weights, see the map."""

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import numpy as np
from PIL import Image

from cxrlab.convolution import KERNELS, convolve, max_pool, relu, to_picture
from cxrlab.images import picture_html
from cxrlab.plots import in_words
from cxrlab.widgets import WRAP, Bench, as_png

OWN = "your own"
SIDE = 300  # pixels on the screen, for X-ray and map alike


def to_png(picture: np.ndarray, simulated: bool = False) -> bytes:
    """Grey values (uint8, square) as a PNG of ``SIDE`` pixels, each to be seen."""
    image = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.NEAREST)
    return as_png(np.asarray(image), simulated)


def convolution_bench(xrays: Mapping[str, np.ndarray], simulated: bool = False) -> Bench:
    """The bench for X-rays by name: uint8, shape (224, 224) or (224, 224, 1); at least one.

    Example: ``convolution_bench({"ill": xrays.training.pixels[0]}, space.simulated)``
    """
    chosen = widgets.Dropdown(options=[*xrays], description="X-ray")
    preset = widgets.Dropdown(options=[*KERNELS, OWN], value="vertical edges", description="Kernel")
    look = {"style": {"description_width": "120px"}, "layout": {"width": "205px"}}
    look |= {"min": -100, "max": 100, "step": 0.1}  # no typing error gives an overflow
    names = [f"row {row}, column {column}" for row in (1, 2, 3) for column in (1, 2, 3)]
    weights = [widgets.BoundedFloatText(description=name, **look) for name in names]
    with_relu = widgets.Checkbox(description="ReLU: negative numbers become 0", indent=False)
    with_pooling = widgets.Checkbox(description="max pooling, 2 × 2", indent=False)
    before, after, words = (widgets.HTML() for _ in range(3))
    filling = False  # nine fields change at once: one drawing is enough

    def draw(_: Any = None) -> None:
        xray, numbers = np.squeeze(xrays[chosen.value]), [field.value for field in weights]
        values = convolve(xray / 255.0, np.reshape(numbers, (3, 3)))
        values = relu(values) if with_relu.value else values
        values = max_pool(values) if with_pooling.value else values
        before.value = picture_html(to_png(xray, simulated), f"X-ray: {chosen.value}")
        shown = to_png(to_picture(values), simulated)
        after.value = picture_html(shown, "Its feature map; the line below has the numbers.")
        words.value = f'<p role="status">{in_words(values)}</p>'

    def fill(_: Any = None) -> None:
        nonlocal filling
        if preset.value != OWN:
            filling = True
            for field, value in zip(weights, KERNELS[preset.value].flat, strict=True):
                field.value = float(value)
            filling = False
            draw()

    def edited(_: dict) -> None:
        if not filling:
            preset.value = OWN
            draw()

    preset.observe(fill, names="value")
    for field in weights:
        field.observe(edited, names="value")
    for control in (chosen, with_relu, with_pooling):
        control.observe(draw, names="value")
    fill()
    columns = {"grid_template_columns": "repeat(3, 210px)", "overflow": "auto"}
    shown = [
        widgets.VBox([widgets.HTML(f"<b>{heading}</b>"), picture])
        for heading, picture in (("X-ray", before), ("feature map", after))
    ]
    rows = [[chosen, preset], [with_relu, with_pooling], shown]
    choices, switches, pictures = (widgets.HBox(row, layout=WRAP) for row in rows)
    grid = widgets.GridBox(weights, layout=columns)
    return Bench([choices, grid, switches, pictures, words])
