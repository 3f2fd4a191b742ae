"""The figures of the source-bias experiments."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from cxrlab import plots, shortcuts

pytestmark = pytest.mark.usefixtures("house_style")


def table(aucs) -> pd.DataFrame:
    rows = [
        (region.name, auc, auc - 0.05, min(1, auc + 0.05), 90, 60, 45, 10)
        for region, auc in zip(shortcuts.REGIONS, aucs, strict=False)
    ]
    return pd.DataFrame(rows, columns=list(shortcuts.COLUMNS))


def assert_nothing_is_cut_off(figure):
    figure.canvas.draw()
    drawn = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert drawn.x0 >= -0.05 and drawn.y0 >= -0.05
    assert drawn.x1 <= width + 0.05 and drawn.y1 <= height + 0.05


def test_nothing_is_cut_off():
    one, two = table(np.linspace(1, 0.4, 8)), table(np.linspace(0.9, 0.2, 8))
    pictures = {name: np.full((64, 64), 90, np.uint8) for name in plots.CLASS_NAMES}
    for axes in (
        plots.plot_probe_aucs(one),
        plots.plot_probe_aucs({"children": one, "adults": two, "same source": two}),
        plots.plot_shown(pictures, shortcuts.REGIONS, simulated=True),
    ):
        assert_nothing_is_cut_off(np.ravel(np.asarray(axes, dtype=object))[0].figure)


def test_undefined_scores_are_left_out_and_keep_their_row():
    ax = plots.plot_probe_aucs(table([0.9, np.nan, 0.6]))
    dots = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in dots] == [2]
    assert len(ax.get_yticklabels()) == 3


def test_the_strip_shows_exactly_what_the_probe_sees():
    picture = np.arange(64 * 64).reshape(64, 64).astype(np.uint8)
    axes = plots.plot_shown({"one": picture}, shortcuts.REGIONS)
    for ax, region in zip(axes[0], shortcuts.REGIONS, strict=True):
        drawn = ax.images[0].get_array()
        hidden = np.broadcast_to(np.ma.getmaskarray(drawn), drawn.shape)
        assert np.array_equal(~hidden, region.mask(64))
        back = [patch for patch in ax.patches if patch.get_hatch()]
        assert back[0].get_zorder() < ax.images[0].get_zorder()
