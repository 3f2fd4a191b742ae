"""A trained network asked again with parts hidden."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxrlab.errors import CXRLabError
from cxrlab.explain import ask_again, asked_again, far_from, region
from cxrlab.pipeline import Xrays

SIDE = 40


@pytest.mark.parametrize("name", ["frame", "corners"])
def test_elsewhere_has_the_same_area_and_no_pixel_in_common(name):
    mask = region(name, 0.1, (SIDE, SIDE))
    other = far_from(mask)
    assert other.sum() == mask.sum()
    assert not (mask & other).any()


def test_as_far_from_the_frame_as_can_be_is_the_middle():
    other = far_from(region("frame", 0.1, (SIDE, SIDE)))
    assert other[SIDE // 2, SIDE // 2]
    rows = np.flatnonzero(other.any(axis=1))
    assert rows.min() == pytest.approx(SIDE - 1 - rows.max(), abs=1)


def test_beside_more_than_half_of_the_image_all_the_rest_is_taken():
    lungs = region("lungs", shape=(SIDE, SIDE))
    assert lungs.mean() > 0.5
    assert np.array_equal(far_from(lungs), ~lungs)


@pytest.mark.parametrize("mask", [np.zeros((4, 4), bool), np.ones((4, 4), bool)])
def test_there_must_be_something_to_hide_and_something_to_leave(mask):
    with pytest.raises(CXRLabError, match="of 16 pixels"):
        far_from(mask)


def reads(mask):
    """Stands for ``predict`` of a network that reads the mean grey of one region."""
    return lambda model, xrays: xrays.pixels[:, mask, 0].mean(axis=1) / 255


@pytest.fixture
def xrays():
    """The ill are brighter in the corners, and nowhere else."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    pixels = rng.integers(90, 110, (40, SIDE, SIDE, 1)).astype(np.uint8)
    corners = region("corners", 0.1, (SIDE, SIDE))
    pixels[labels == 1] += (100 * corners[None, :, :, None]).astype(np.uint8)
    cases = pd.DataFrame({"patient_id": [f"P{n}" for n in range(40)]})
    return Xrays(pixels, labels, cases)


def test_hiding_what_the_network_reads_takes_its_score_and_hiding_elsewhere_does_not(
    xrays, monkeypatch
):
    corners = region("corners", 0.1, (SIDE, SIDE))
    monkeypatch.setattr(asked_again, "predict", reads(corners))
    table = ask_again(None, xrays, 0.5, regions=("corners",), resamples=50)
    auc = table.set_index(["shown", "hidden"])["auc"]
    assert auc["nothing hidden", "here"] == 1
    assert auc["corners hidden", "elsewhere"] == 1
    assert abs(auc["corners hidden", "here"] - 0.5) < 0.3
    whole = table.iloc[0]
    assert (whole["recall"], whole["specificity"], whole["share"]) == (1, 1, 0)
    shares = table["share"].iloc[1:]
    assert shares.to_list() == pytest.approx([corners.mean()] * 2)
