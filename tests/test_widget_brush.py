"""The occlusion brush: squares are moved, kept and removed, and the score follows."""

from __future__ import annotations

import io

import ipywidgets as widgets
import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from cxrlab.explain import scores_now
from cxrlab.model import published_network
from cxrlab.widgets.brush import Square, covered, occlusion_brush, outlined, squares_mask
from cxrlab.widgets.cases import enlarged_png

XRAYS = {
    name: np.random.default_rng(seed).integers(0, 200, (224, 224, 1), np.uint8)
    for seed, name in enumerate(("first", "second"))
}
START = Square(10, 10, 20)


@pytest.fixture(scope="module")
def network():
    return published_network()


def within(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from within(child)


def words(html):
    return " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())


class Bench:
    def __init__(self, network, simulated=False):
        self.box = occlusion_brush(network, XRAYS, 0.5, simulated)
        parts = [*within(self.box)]
        self.xray = next(p for p in parts if isinstance(p, widgets.Dropdown))
        self.across, self.down, self.size = [p for p in parts if isinstance(p, widgets.IntSlider)]
        self.stamp, self.reset = [p for p in parts if isinstance(p, widgets.Button)]
        self.picture = next(p for p in parts if isinstance(p, widgets.Image))
        self.said, self.count = [p for p in parts if isinstance(p, widgets.HTML)][-2:]


@pytest.fixture
def bench(network):
    return Bench(network)


def is_shown(bench, network, xray, squares):
    """The picture and the score are those of these squares, of which the last one moves."""
    now = covered(XRAYS[xray], squares)
    score, before = (scores_now(network, pixels)[0] for pixels in (now, XRAYS[xray]))
    said = words(bench.said.value)
    return (
        bench.picture.value == enlarged_png(outlined(now, squares[-1]))
        and f"Score {score:.3f}" in said
        and f"{before:.3f}" in said
    )


def test_it_opens_with_a_square_on_the_first_x_ray(bench, network):
    assert isinstance(bench.box, widgets.Box)
    assert is_shown(bench, network, "first", [START])
    assert "0 kept" in bench.count.value and "4% of the image" in bench.count.value


def test_the_sliders_move_and_size_the_square(bench, network):
    bench.down.value, bench.across.value, bench.size.value = 60, 40, 35
    assert is_shown(bench, network, "first", [Square(60, 40, 35)])


def test_kept_squares_add_up_until_they_are_removed(bench, network):
    bench.stamp.click()
    bench.down.value, bench.across.value = 50, 60
    bench.stamp.click()
    bench.down.value = 80
    squares = [START, Square(50, 60, 20), Square(80, 60, 20)]
    assert is_shown(bench, network, "first", squares)
    assert "2 kept" in bench.count.value and "12% of the image" in bench.count.value
    bench.reset.click()
    assert is_shown(bench, network, "first", squares[-1:])


def test_another_x_ray_starts_without_kept_squares(bench, network):
    bench.stamp.click()
    bench.xray.value = "second"
    assert is_shown(bench, network, "second", [START])
    bench.xray.value = "first"
    assert "0 kept" in bench.count.value


def test_a_square_is_mean_grey_and_leaves_the_rest_alone():
    xray = XRAYS["first"]
    hidden = covered(xray, [START])
    mask = squares_mask([START], (224, 224))
    assert (hidden[mask] == round(xray.mean())).all()
    assert np.array_equal(hidden[~mask], xray[~mask])


def test_everything_may_be_hidden():
    squares = [Square(down, across, 50) for down in (0, 50) for across in (0, 50)]
    assert squares_mask(squares, (224, 224)).all()
    assert np.unique(covered(XRAYS["first"], squares)).size == 1


@pytest.mark.parametrize("corner", [(0, 0), (100, 100), (0, 100), (95, 3)])
def test_a_square_is_pushed_back_inside(corner):
    assert squares_mask([Square(*corner, 25)], (224, 224)).sum() == 56**2


def test_the_outline_runs_within_the_square_and_the_network_never_sees_it():
    xray = XRAYS["first"]
    drawn = outlined(xray, START) != xray
    mask = squares_mask([START], (224, 224))
    assert drawn.any() and not (drawn[..., 0] & ~mask).any()
    assert (outlined(covered(xray, [START]), START) == 255).sum() == 4 * (45 - 1)


def test_simulated_pictures_say_so_in_the_picture(network):
    plain, stamped = (
        np.asarray(Image.open(io.BytesIO(Bench(network, simulated).picture.value)))
        for simulated in (False, True)
    )
    differs = plain != stamped
    assert differs[-30:, -90:].any() and not differs[:-30].any()


def test_every_control_has_a_name_of_its_own(bench):
    controls = (bench.xray, bench.across, bench.down, bench.size, bench.stamp, bench.reset)
    names = [control.description for control in controls]
    assert all(names) and len(set(names)) == len(names)
