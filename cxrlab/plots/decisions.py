"""People sorted by a test, one mark per person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from cxrlab.plots.style import COVID, NOT_COVID, WIDTH

if TYPE_CHECKING:
    from cxrlab.metrics import Confusion

# Truth by colour and shape, the call by filling: nothing hangs on colour alone.
_PEOPLE = (  # count, marker, colour, called, words
    ("tp", "s", COVID, True, "ill, found"),
    ("fn", "s", COVID, False, "ill, MISSED"),
    ("fp", "o", NOT_COVID, True, "healthy, false alarm"),
    ("tn", "o", NOT_COVID, False, "healthy, correctly cleared"),
)


def plot_people(
    counts: Confusion | Mapping[str, Confusion], columns: int = 10, width: float = WIDTH
) -> np.ndarray:
    """One mark per person: squares are ill, circles healthy; filled means called positive.

    ``counts`` is one confusion matrix or several by title, drawn side by side in rows of
    ``columns``. Returns the array of Axes.
    """
    groups = dict(counts) if isinstance(counts, Mapping) else {"": counts}
    rows = max(-(-group.n // columns) for group in groups.values())
    dpi = plt.rcParams["figure.dpi"]
    # Whole pixels from mark to mark, or marks at unlike fractions of a pixel show as bands.
    pitch = int(min(0.97 * width / len(groups) / columns, 0.3) * dpi)
    across, down, head, foot = pitch * columns, pitch * rows, int(0.3 * dpi), int(1.0 * dpi)
    size = (int(width * dpi), down + head + foot)
    figure = plt.figure(figsize=(size[0] / dpi, size[1] / dpi), layout="none")
    for place, (title, group) in enumerate(groups.items()):
        left = int((place + 0.5) * size[0] / len(groups) - across / 2)
        box = (left / size[0], foot / size[1], across / size[0], down / size[1])
        ax = figure.add_axes(box)
        _draw_people(ax, group, columns, rows, 0.56 * 72 * pitch / dpi)
        ax.set_title(title, loc="center")
    return np.array(figure.axes)


def _draw_people(ax: Axes, counts: Confusion, columns: int, rows: int, size: float) -> None:
    """The marks row by row, the ill first, and a legend below with the four counts."""
    start = 0
    for name, marker, colour, called, words in _PEOPLE:
        count = getattr(counts, name)
        places = np.arange(start, start + count)
        ax.plot(
            places % columns,
            -(places // columns),
            linestyle="none",
            marker=marker,
            markersize=size,
            color=colour,
            markerfacecolor=colour if called else "white",
            markeredgewidth=max(0.8, size / 9),
            label=f"{count:,} {words}",
        )
        start += count
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(0.5 - rows, 0.5))
    ax.axis("off")
    legend = ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=1 if columns <= 10 else 2,
        fontsize=10,
    )
    for handle in legend.legend_handles:
        handle.set_markersize(8)
