"""Interactive parts of the notebooks: each a thin skin of ipywidgets on plain functions."""

import html
import io
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from cxrlab.metrics import Confusion

# Pictures are HTML (``images.picture_html``) and numbers fields that take arrow keys: the Image of
# ipywidgets has no text alternative, and its slider's handle no name for a screen reader.
WIDE, WRAP = {"width": "32em", "max_width": "100%"}, {"flex_flow": "row wrap"}


class Bench(widgets.VBox):
    """The parts of a widget in a column; where no kernel answers, a still stands in for them."""

    def _repr_mimebundle_(self, **about: Any) -> dict:
        note = "<p><em>This is how it opens. Run the notebook yourself to use it.</em></p>"
        return {**super()._repr_mimebundle_(**about), "text/html": still_html(self) + note}


def still_html(part: widgets.Widget) -> str:
    """A widget as HTML that needs no kernel: its pictures and tables, its controls in words."""
    if isinstance(part, widgets.HTML):
        return f"<div>{part.value}</div>" if part.value else ""
    if isinstance(part, widgets.Box):
        row = isinstance(part, widgets.HBox | widgets.GridBox)
        look = ' style="display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: start"'
        return f"<div{look if row else ''}>{''.join(map(still_html, part.children))}</div>"
    said = getattr(part, "label", None) or getattr(part, "value", "")
    if isinstance(said, bool | float):
        said = f"{said:.3g}" if isinstance(said, float) else ("no", "yes")[said]
    words = f"{part.description}: {said}".removesuffix(": ")  # a button has no value
    frame = "border: 1px solid; border-radius: 4px; padding: 0 8px"
    return f'<div><span style="{frame}">{html.escape(words)}</span></div>'


def as_png(pixels: np.ndarray, simulated: bool = False) -> bytes:
    """Grey values, uint8 (height, width), as a PNG; the word burnt in where they are simulated."""
    image, buffer = Image.fromarray(pixels), io.BytesIO()
    if simulated:
        draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=15)
        corner = image.width - 7, image.height - 7
        left, top, right, bottom = draw.textbbox(corner, "simulated", font=font, anchor="rs")
        draw.rectangle((left - 4, top - 4, right + 4, bottom + 4), fill=30)
        draw.text(corner, "simulated", fill=255, font=font, anchor="rs")
    image.save(buffer, "PNG", compress_level=1)  # quick enough to follow a held key
    return buffer.getvalue()


def table_html(table: pd.DataFrame, label: str, header: bool = True) -> str:
    """A table as HTML that a screen reader can name and walk through; every value is escaped."""
    with pd.option_context("display.max_colwidth", None):  # long words stay whole
        head, body = table.to_html(border=0, header=header).split("<tbody>")
    head = head.replace("<th></th>", "<td></td>")  # a corner heads nothing
    head = head.replace("<th>", '<th scope="col" style="padding: 4px 12px">')
    head = head.replace("<table", f'<table aria-label="{label}" style="line-height: 1.5"')
    body = body.replace("<th>", '<th scope="row" style="text-align: left; padding: 4px 12px">')
    return f"{head}<tbody>{body}".replace("<td>", '<td style="padding: 4px 12px">')


def matrix_html(counts: Confusion, negative: str, positive: str) -> str:
    """A confusion matrix, truth in rows and calls in columns, whose cells say what they are."""
    healthy = f"{counts.tn:,} true negatives", f"{counts.fp:,} false positives: false alarms"
    ill = f"{counts.fn:,} false negatives: misses", f"{counts.tp:,} true positives"
    rows = f"{negative} ({counts.tn + counts.fp:,})", f"{positive} ({counts.fn + counts.tp:,})"
    columns = f"called {negative}", f"called {positive}"
    return table_html(pd.DataFrame([healthy, ill], rows, columns), "Confusion matrix")
