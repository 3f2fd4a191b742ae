"""The letter desk: its controls move the letter, and the score follows."""

from __future__ import annotations

import io

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from cxrlab.errors import CXRLabError
from cxrlab.model import published_network
from cxrlab.pipeline import Xrays
from cxrlab.shortcuts import plant_letter
from cxrlab.widgets.cases import SIDE, enlarged_png, named_xrays
from cxrlab.widgets.letter import letter_desk
from cxrlab.widgets.verdict import verdict_html

PIXELS = np.random.default_rng(0).integers(0, 200, (2, 224, 224, 1)).astype(np.uint8)
XRAYS = Xrays(PIXELS, np.array([1, 0]), pd.DataFrame({"patient_id": ["a", "b"]}))


@pytest.fixture(scope="module")
def network():
    """Untrained: its scores differ with the letter, and that is all we need."""
    return published_network()


def within(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from within(child)


class Desk:
    def __init__(self, network, simulated=False):
        parts = [*within(letter_desk(network, XRAYS, 0.5, simulated))]
        self.xray = next(p for p in parts if isinstance(p, widgets.Dropdown))
        self.across, self.down = [p for p in parts if isinstance(p, widgets.IntSlider)]
        self.letter = next(p for p in parts if isinstance(p, widgets.Checkbox))
        self.back = next(p for p in parts if isinstance(p, widgets.Button))
        self.picture = next(p for p in parts if isinstance(p, widgets.Image))
        self.said = [p for p in parts if isinstance(p, widgets.HTML)][-1]

    @property
    def words(self):
        return words(self.said.value)


def words(html):
    return " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())


@pytest.fixture
def desk(network):
    return Desk(network)


def score_of(network, pixels):
    batch = np.repeat(pixels[None].astype("float32") / 255, 3, axis=-1)
    return f"Score {network.predict(batch, verbose=0)[0, 0]:.3f}"


def shows(desk, network, pixels):
    """Picture and score are those of these pixels."""
    return desk.picture.value == enlarged_png(pixels) and score_of(network, pixels) in desk.words


def test_it_opens_with_the_letter_as_trained(desk, network):
    assert (desk.down.value, desk.across.value, desk.letter.value) == (5, 8, True)
    assert shows(desk, network, plant_letter(PIXELS)[0])
    assert "threshold of 0.500" in desk.words and "untouched X-ray" in desk.words


def test_the_sliders_move_the_letter_the_score_follows_and_the_button_resets(desk, network):
    opened = desk.said.value
    desk.across.value = 60
    desk.down.value = 80
    assert shows(desk, network, plant_letter(PIXELS, (0.8, 0.6))[0])
    assert desk.said.value != opened
    desk.letter.value = False
    desk.back.click()
    assert (desk.down.value, desk.across.value, desk.letter.value) == (5, 8, True)
    assert shows(desk, network, plant_letter(PIXELS)[0]) and desk.said.value == opened


def test_the_letter_can_be_taken_away(desk, network):
    desk.letter.value = False
    assert shows(desk, network, PIXELS[0])
    assert "as the untouched X-ray" in desk.words


def test_another_x_ray_is_shown_and_scored(desk, network):
    assert [*desk.xray.options] == ["1: COVID-19", "2: not COVID-19"]
    desk.xray.value = "2: not COVID-19"
    assert shows(desk, network, plant_letter(PIXELS)[1])
    desk.letter.value = False
    assert shows(desk, network, PIXELS[1])


def test_the_sliders_reach_every_edge_and_the_letter_stays_inside(desk, network):
    for down, across in ((0, 0), (100, 0), (0, 100), (100, 100)):
        desk.down.value, desk.across.value = down, across
    assert shows(desk, network, plant_letter(PIXELS, (1, 1))[0])


def test_simulated_pictures_say_so_in_the_picture(network):
    plain, stamped = (
        np.asarray(Image.open(io.BytesIO(Desk(network, simulated).picture.value)))
        for simulated in (False, True)
    )
    assert plain.shape == (SIDE, SIDE)
    differs = plain != stamped
    assert differs[-30:, -90:].any() and not differs[:-30].any()


def test_every_control_has_a_name_of_its_own(desk):
    controls = (desk.xray, desk.across, desk.down, desk.letter, desk.back)
    names = [control.description for control in controls]
    assert all(names) and len(set(names)) == len(names)
    assert not any(control.disabled for control in controls)


def test_without_an_x_ray_there_is_no_desk(network):
    with pytest.raises(CXRLabError, match="at least one"):
        letter_desk(network, XRAYS.take(np.array([], int)), 0.5)
    flat = {"flat": PIXELS[0, ..., 0]}
    assert named_xrays(flat)["flat"].shape == (224, 224, 1)


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
