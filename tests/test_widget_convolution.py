"""The convolution bench: its controls change the picture, as they would under a hand."""

from __future__ import annotations

import io

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from cxrlab.convolution import KERNELS, convolve, to_picture
from cxrlab.widgets.convolution import OWN, SIDE, convolution_bench, feature_map, to_png

XRAYS = {
    name: np.random.default_rng(seed).integers(0, 256, (224, 224, 1), np.uint8)
    for seed, name in enumerate(("first", "second"))
}


def within(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from within(child)


class Bench:
    def __init__(self, simulated=False):
        self.box = convolution_bench(XRAYS, simulated)
        parts = [*within(self.box)]
        self.xray, self.preset = [p for p in parts if isinstance(p, widgets.Dropdown)]
        self.weights = [p for p in parts if isinstance(p, widgets.BoundedFloatText)]
        self.relu, self.pooling = [p for p in parts if isinstance(p, widgets.Checkbox)]
        self.before, self.after = [p for p in parts if isinstance(p, widgets.Image)]
        self.words = [p for p in parts if isinstance(p, widgets.HTML)][-1]


@pytest.fixture
def bench():
    return Bench()


def shown(image):
    return np.asarray(Image.open(io.BytesIO(image.value)))


def expected(name, kernel, **switches):
    values = feature_map(XRAYS[name], kernel, switches.get("relu"), switches.get("pooling"))
    return to_png(to_picture(values))


def test_it_opens_with_the_first_x_ray_and_a_preset(bench):
    assert isinstance(bench.box, widgets.Box)
    assert bench.after.value == expected("first", KERNELS["vertical edges"])
    assert shown(bench.before).shape == shown(bench.after).shape == (SIDE, SIDE)
    assert "222 × 222" in bench.words.value


def test_another_x_ray_gets_another_map(bench):
    bench.xray.value = "second"
    assert bench.before.value == to_png(XRAYS["second"][:, :, 0])
    assert bench.after.value == expected("second", KERNELS["vertical edges"])


@pytest.mark.parametrize("name", KERNELS)
def test_a_preset_fills_the_nine_weights(bench, name):
    bench.preset.value = name
    assert [field.value for field in bench.weights] == KERNELS[name].ravel().tolist()
    assert bench.after.value == expected("first", KERNELS[name])
    assert bench.preset.value == name


def test_an_edited_weight_makes_the_kernel_the_readers_own(bench):
    bench.weights[4].value = 2.5
    kernel = KERNELS["vertical edges"].copy()
    kernel[1, 1] = 2.5
    assert bench.preset.value == OWN
    assert bench.after.value == expected("first", kernel)
    bench.preset.value = "vertical edges"
    assert bench.after.value == expected("first", KERNELS["vertical edges"])


def test_relu_and_pooling_can_be_switched(bench):
    kernel = KERNELS["vertical edges"]
    bench.relu.value = True
    assert bench.after.value == expected("first", kernel, relu=True)
    assert "0% below zero" in bench.words.value
    bench.pooling.value = True
    assert bench.after.value == expected("first", kernel, relu=True, pooling=True)
    assert "111 × 111" in bench.words.value


def test_all_weights_zero_is_a_black_map_and_no_error(bench):
    for field in bench.weights:
        field.value = 0
    assert shown(bench.after).max() == 0
    assert "100% exactly zero" in bench.words.value


def test_simulated_pictures_say_so_in_the_picture():
    plain, stamped = Bench(), Bench(simulated=True)
    for one, other in ((plain.before, stamped.before), (plain.after, stamped.after)):
        differs = shown(one) != shown(other)
        assert differs[-30:, -90:].any()
        assert not differs[:-30].any()


def test_every_control_has_a_name_of_its_own(bench):
    controls = [bench.xray, bench.preset, *bench.weights, bench.relu, bench.pooling]
    names = [control.description for control in controls]
    assert all(names) and len(set(names)) == len(names)
    assert bench.weights[5].description == "row 2, column 3"


def test_the_map_is_that_of_grey_values_from_0_to_1():
    values = feature_map(XRAYS["first"], KERNELS["blur"], False, False)
    assert np.allclose(values, convolve(XRAYS["first"][:, :, 0] / 255, KERNELS["blur"]))
