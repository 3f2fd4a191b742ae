"""The marker slider: its controls move the marker, and the score follows."""

from __future__ import annotations

import io

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from cxrlab.errors import CXRLabError
from cxrlab.explain import scores_now
from cxrlab.model import published_network
from cxrlab.pipeline import Xrays
from cxrlab.shortcuts import Planted, plant_marker
from cxrlab.shortcuts.planted import AT, SIZE
from cxrlab.widgets.cases import SIDE, enlarged_png, named_xrays
from cxrlab.widgets.marker import marker_slider, with_marker
from cxrlab.widgets.verdict import verdict_html

XRAYS = {
    name: np.random.default_rng(seed).integers(0, 200, (224, 224, 1), np.uint8)
    for seed, name in enumerate(("first", "second"))
}


@pytest.fixture(scope="module")
def planted():
    """An untrained network: its scores differ with the marker, and that is all we need."""
    pixels = np.stack([*XRAYS.values()])
    test = Xrays(pixels, np.array([1, 0]), pd.DataFrame({"patient_id": ["a", "b"]}))
    marked = np.array([True, False])
    return Planted(published_network(), 0.5, pd.DataFrame(), test, test, marked, AT, SIZE)


def within(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from within(child)


def words(html):
    return " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())


class Bench:
    def __init__(self, planted, xrays=XRAYS, simulated=False):
        self.box = marker_slider(planted, xrays, simulated)
        parts = [*within(self.box)]
        self.xray = next(p for p in parts if isinstance(p, widgets.Dropdown))
        self.across, self.down = [p for p in parts if isinstance(p, widgets.IntSlider)]
        self.shown = next(p for p in parts if isinstance(p, widgets.Checkbox))
        self.back = next(p for p in parts if isinstance(p, widgets.Button))
        self.picture = next(p for p in parts if isinstance(p, widgets.Image))
        self.said = [p for p in parts if isinstance(p, widgets.HTML)][-1]


@pytest.fixture
def bench(planted):
    return Bench(planted)


def score_of(planted, pixels):
    return f"Score {scores_now(planted.model, pixels)[0]:.3f}"


def test_it_opens_with_the_marker_as_trained(bench, planted):
    assert isinstance(bench.box, widgets.Box)
    assert (bench.down.value, bench.across.value, bench.shown.value) == (5, 8, True)
    marked = plant_marker(XRAYS["first"])
    assert bench.picture.value == enlarged_png(marked)
    assert score_of(planted, marked) in words(bench.said.value)
    assert "threshold of 0.500" in words(bench.said.value)


def test_the_sliders_move_the_marker_and_the_score_follows(bench, planted):
    bench.across.value = 60
    bench.down.value = 80
    moved = plant_marker(XRAYS["first"], (0.8, 0.6))
    assert bench.picture.value == enlarged_png(moved)
    assert score_of(planted, moved) in words(bench.said.value)
    bench.back.click()
    assert bench.picture.value == enlarged_png(plant_marker(XRAYS["first"]))


def test_the_marker_can_be_taken_away(bench, planted):
    bench.shown.value = False
    assert bench.picture.value == enlarged_png(XRAYS["first"])
    assert score_of(planted, XRAYS["first"]) in words(bench.said.value)
    assert "as the untouched X-ray" in words(bench.said.value)
    bench.back.click()
    assert bench.shown.value


def test_another_x_ray_is_shown_and_scored(bench, planted):
    bench.xray.value = "second"
    marked = plant_marker(XRAYS["second"])
    assert bench.picture.value == enlarged_png(marked)
    assert score_of(planted, marked) in words(bench.said.value)


def test_decoded_x_rays_are_numbered_and_named_by_their_class(planted):
    assert [*Bench(planted, planted.plain).xray.options] == ["1: COVID-19", "2: not COVID-19"]
    flat = {"flat": XRAYS["first"][..., 0]}
    assert named_xrays(flat)["flat"].shape == (224, 224, 1)
    with pytest.raises(CXRLabError, match="at least one"):
        named_xrays({})


def test_simulated_pictures_say_so_in_the_picture(planted):
    plain, stamped = (
        np.asarray(Image.open(io.BytesIO(Bench(planted, simulated=s).picture.value)))
        for s in (False, True)
    )
    assert plain.shape == (SIDE, SIDE)
    differs = plain != stamped
    assert differs[-30:, -90:].any() and not differs[:-30].any()


def test_every_control_has_a_name_of_its_own(bench):
    controls = (bench.xray, bench.across, bench.down, bench.shown, bench.back)
    names = [control.description for control in controls]
    assert all(names) and len(set(names)) == len(names)


def test_the_sliders_reach_every_edge_without_an_error(bench):
    for down, across in ((0, 0), (100, 0), (0, 100), (100, 100)):
        bench.down.value, bench.across.value = down, across
    at_the_end = with_marker(XRAYS["first"], 100, 100, SIZE)
    assert bench.picture.value == enlarged_png(at_the_end)
    assert at_the_end[-1, -1] == 255


@pytest.mark.parametrize(
    ("score", "before", "telling"),
    [
        (0.9, 0.5, "rose by 0.400"),
        (0.2, 0.5, "fell by 0.300"),
        (0.5, 0.50001, "as the untouched X-ray"),
        (0.7, None, "Called COVID-19 : at or above"),
        (0.69, None, "Called not COVID-19 : below"),
    ],
)
def test_the_verdict_says_score_change_and_call(score, before, telling):
    said = verdict_html(score, 0.7, before)
    assert telling in words(said) and 'role="status"' in said
    assert ("untouched" in said) == (before is not None)
