"""Figures of convolution: they show the numbers that they are given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cxrlab import plots
from cxrlab.convolution import KERNELS, convolve, max_pool

XRAY = np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_a_convolution_step_shows_all_its_numbers():
    patch, kernel = XRAY[20:25, 30:35], KERNELS["vertical edges"]
    outputs = convolve(patch, kernel)
    axes = plots.plot_convolution_step(XRAY, (20, 30), patch, kernel, outputs, simulated=True)
    assert "simulated" in texts(axes[0])
    assert texts(axes[1]) == [f"{value}" for value in patch.ravel()]
    assert texts(axes[2]) == [f"{value:.4g}" for value in kernel.ravel()]
    assert texts(axes[3]) == [f"{value:.4g}" for value in outputs.ravel()]
    frame = axes[0].patches[0]
    assert frame.get_xy() == (29.5, 19.5) and frame.get_width() == 5


def test_maps_share_their_colours_and_count_their_pixels():
    maps = [convolve(XRAY, KERNELS["Laplacian"]), np.zeros((10, 12))]
    axes = plots.plot_maps(maps, ["one", "two"])
    limits = {ax.images[0].get_clim() for ax in axes.flat}
    assert len(limits) == 1 and sum(limits.pop()) == 0
    assert [label.get_text() for label in axes[0, 1].get_xticklabels()] == ["1", "12"]


def test_maps_that_are_all_zero_are_drawn_too():
    assert plots.plot_maps([np.zeros((5, 5))], ["nothing"], columns=1).shape == (1, 1)


def test_dropout_paints_what_it_silenced_and_not_what_was_zero():
    before = np.array([[0.0, 1.0], [2.0, 3.0]])
    axes = plots.plot_dropout(before, [np.array([[0.0, 0.0], [4.0, 0.0]])], ["all", "one"])
    assert axes.flat[0].images[0].get_clim()[0] == 0  # no blue half without negative values
    painted = axes.flat[1].images[1].get_array()
    assert np.ma.getmaskarray(painted).tolist() == [[True, False], [True, False]]


def test_pooling_shows_the_same_corner_before_and_after():
    before = np.round(convolve(XRAY, KERNELS["horizontal edges"]))
    after = max_pool(before)
    axes = plots.plot_pooling(before, after, (4, 6))
    assert texts(axes[1, 0]) == [f"{value:.4g}" for value in before[8:14, 12:18].ravel()]
    assert texts(axes[1, 1]) == [f"{value:.4g}" for value in after[4:7, 6:9].ravel()]
