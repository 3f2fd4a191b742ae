"""Preparing X-rays before training: what is removed, what is kept, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.errors import CXRLabError
from cxrlab.images import load_square
from cxrlab.preparation import (
    FRAME,
    LUNG_BOXES,
    PREPARATIONS,
    lung_field_box,
    prepare_pixels,
)
from cxrlab.shortcuts import region

SIDE = 224


@pytest.fixture(scope="module")
def xrays(phantom_data):
    """Three phantoms: uint8 (3, 224, 224, 1)."""
    files = sorted((phantom_data / "chest_xray").rglob("*.jp*g"))[:3]
    return np.stack([load_square(path) for path in files])[..., None]


def textured(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)


@pytest.mark.parametrize("how", PREPARATIONS)
def test_type_and_shape_stay_and_the_original_is_left_alone(xrays, how):
    before = xrays.copy()
    prepared = prepare_pixels(xrays, how)
    assert prepared.dtype == np.uint8 and prepared.shape == xrays.shape
    np.testing.assert_array_equal(xrays, before)
    assert not np.shares_memory(prepared, xrays)
    assert (how == "none") == np.array_equal(prepared, xrays)


@pytest.mark.parametrize("how", PREPARATIONS)
def test_each_xray_is_prepared_by_itself(xrays, how):
    together = prepare_pixels(xrays, how)
    np.testing.assert_array_equal(together[1], prepare_pixels(xrays[1], how))
    np.testing.assert_array_equal(together[1, :, :, 0], prepare_pixels(xrays[1, :, :, 0], how))
    np.testing.assert_array_equal(together[::-1], prepare_pixels(xrays[::-1], how))


@pytest.mark.parametrize("how", PREPARATIONS)
def test_no_xrays_and_even_ones_do_no_harm(how):
    assert prepare_pixels(np.empty((0, SIDE, SIDE, 1), np.uint8), how).shape == (0, SIDE, SIDE, 1)
    for grey in (0, 7, 255):
        even = np.full((1, SIDE, SIDE, 1), grey, np.uint8)
        np.testing.assert_array_equal(prepare_pixels(even, how), even)


@pytest.mark.parametrize(("how", "left"), [("equalise", 0.2), ("clahe", 0.4)])
def test_little_of_the_exposure_is_left(xrays, how, left):
    """A brighter, flatter exposure of the same chest comes out much as the first did."""
    flat = (60 + 0.4 * xrays.astype(float)).astype(np.uint8)
    first, second = prepare_pixels(xrays, how), prepare_pixels(flat, how)
    apart = np.abs(xrays.astype(float) - flat).mean()
    assert np.abs(first.astype(float) - second).mean() < left * apart


def test_equalising_makes_grey_values_equally_frequent(xrays):
    prepared = prepare_pixels(xrays, "equalise")
    quarters = np.quantile(prepared[0], (0.25, 0.5, 0.75))
    np.testing.assert_allclose(quarters, (64, 128, 192), atol=12)


def test_clahe_raises_contrast_in_the_dark_part_only_locally():
    """A faint stripe at the dark end of a ramp becomes visible, and order along the ramp stays."""
    ramp = np.tile(np.linspace(20, 220, SIDE), (SIDE, 1))
    ramp[100:108, 28:84] += 6
    ramp = ramp.astype(np.uint8)
    prepared = prepare_pixels(ramp, "clahe").astype(int)
    stripe = (prepared[102:106, 40:72] - prepared[120:124, 40:72]).mean()
    assert stripe > 6
    means = prepared[:90].mean(axis=0).reshape(8, -1).mean(axis=1)
    assert means[-1] - means[0] > 100


def test_the_lung_field_sees_nothing_of_the_frame():
    image = textured()
    other = image.copy()
    frame = region("frame")
    other[frame] = textured(1)[frame]
    np.testing.assert_array_equal(
        prepare_pixels(image, "lung field"), prepare_pixels(other, "lung field")
    )
    # The others do see it.
    for how in ("none", "equalise", "clahe"):
        assert not np.array_equal(prepare_pixels(image, how), prepare_pixels(other, how))


def test_the_lung_field_holds_the_boxes_of_the_lungs_but_for_the_frame():
    top, bottom, left, right = lung_field_box()
    for box_top, box_bottom, box_left, box_right in LUNG_BOXES:
        assert top <= max(box_top, FRAME) and bottom >= min(box_bottom, 1 - FRAME)
        assert left <= max(box_left, FRAME) and right >= min(box_right, 1 - FRAME)
    # Enlarged by much the same in both directions, so that a heart keeps its form.
    assert (bottom - top) / (right - left) == pytest.approx(1, abs=0.05)


def test_the_lung_field_fills_the_image():
    image = np.zeros((SIDE, SIDE), np.uint8)
    top, bottom, left, right = (round(edge * SIDE) for edge in lung_field_box())
    image[top:bottom, left:right] = 200
    np.testing.assert_array_equal(prepare_pixels(image, "lung field"), 200)


def test_what_cannot_be_prepared_is_refused(xrays):
    with pytest.raises(CXRLabError, match="no preparation 'sharpen'.*lung field"):
        prepare_pixels(xrays, "sharpen")
    with pytest.raises(CXRLabError, match="float64.*expected uint8"):
        prepare_pixels(xrays / 255.0, "clahe")
    with pytest.raises(CXRLabError, match="expected uint8"):
        prepare_pixels(np.zeros((2, SIDE, SIDE, 3), np.uint8), "none")
    with pytest.raises(CXRLabError, match="square.*100 × 224"):
        prepare_pixels(np.zeros((224, 100), np.uint8), "lung field")
