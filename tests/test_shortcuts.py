"""What notebooks 06 and 07 stand on: everybody in a folder, regions, a planted letter, masks."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab import shortcuts
from cxrlab.errors import CXRLabError

SIDE = 224
REGIONS = ("frame", "centre", "lungs")
SOURCES = {
    "COVID-19": "covid-chestxray-dataset",
    "children": "chest_xray",
    "adults": "nih-no-finding",
    "other findings": "covid-chestxray-dataset",
}


@pytest.fixture(scope="module")
def people(phantom_data):
    return shortcuts.everyone(phantom_data)


def noise(count: int = 2, side: int = SIDE) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 200, (count, side, side, 1))
    return pixels.astype(np.uint8)


# Everybody


def test_everyone_is_of_the_source_and_the_finding_that_who_says(people):
    assert set(people["who"]) == set(SOURCES)
    for who, source in SOURCES.items():
        ours = people[people["who"] == who]
        covid = ours["finding"].str.startswith("COVID-19")
        assert set(ours["source"]) == {source}
        assert covid.all() if who == "COVID-19" else not covid.any()
        assert set(ours["label"]) == {int(who == "COVID-19")}
    assert set(people.loc[people["who"] != "children", "view"].dropna()) <= {"PA", ""}
    assert "No Finding" not in set(people.loc[people["who"] == "other findings", "finding"])


@pytest.mark.parametrize("missing", ["COVID-19", "children", "adults"])
def test_without_a_kind_of_people_a_sentence_says_which(missing, phantom_data, monkeypatch):
    load, source = shortcuts.load_catalog, SOURCES[missing]

    def lacking(*given):
        catalog = load(*given)
        return catalog[catalog["source"] != source]

    monkeypatch.setattr(shortcuts, "load_catalog", lacking)
    with pytest.raises(CXRLabError, match=f"no usable X-rays of {missing}.*data status"):
        shortcuts.everyone(phantom_data)


# Regions


@pytest.mark.parametrize("name", REGIONS)
def test_hiding_changes_nothing_outside_and_leaves_the_x_rays_alone(name):
    pixels = noise()
    before, mask = pixels.copy(), shortcuts.region(name)
    hidden = shortcuts.hide(pixels, name)
    np.testing.assert_array_equal(pixels, before)
    assert hidden.dtype == np.uint8 and hidden.shape == pixels.shape
    np.testing.assert_array_equal(hidden[:, ~mask], pixels[:, ~mask])
    for one, was in zip(hidden, pixels, strict=True):  # even, and the mean of what is left
        assert set(one[mask].ravel()) == {round(was[~mask].mean())}


def test_regions_lie_where_they_say():
    frame, centre, lungs = (shortcuts.region(name) for name in ("frame", "centre", "lungs"))
    assert (frame ^ centre).all() and frame[:22].all() and not frame[22:-22, 22:-22].any()
    assert shortcuts.region("frame", (32, 40)).sum() == 32 * 40 - 26 * 32
    assert not lungs[:, SIDE // 2].any() and lungs[SIDE // 2, [60, 160]].all()
    with pytest.raises(CXRLabError, match="no region 'heart'.*frame, centre, lungs"):
        shortcuts.region("heart")


# The letter


def white(pixels: np.ndarray) -> np.ndarray:
    """Rows and columns of the letter in the first X-ray: (n, 2)."""
    return np.argwhere(pixels[0, :, :, 0] == shortcuts.LEAD)


@pytest.mark.parametrize("at", [(0.5, 0.5), (0.85, 0.08), (0, 0)])
def test_the_letter_stands_where_it_was_put_and_nothing_else_changes(at):
    pixels = noise()
    before = pixels.copy()
    marked = shortcuts.plant_letter(pixels, at)
    np.testing.assert_array_equal(pixels, before)
    mask = (marked == shortcuts.LEAD)[0, :, :, 0]
    assert (marked[:, mask] == shortcuts.LEAD).all()
    np.testing.assert_array_equal(marked[:, ~mask], pixels[:, ~mask])
    assert white(marked).min(0) == pytest.approx(np.array(at) * SIDE, abs=1)
    assert np.ptp(white(marked)[:, 0]) + 1 == round(0.1 * SIDE)
    for edge in [(1, 1), (1, 0), (0, 1), (0.97, 0.5)]:  # pushed back inside, whole
        assert len(white(shortcuts.plant_letter(pixels, edge))) == len(white(marked))


def test_an_r_and_not_its_mirror_image():
    marked = shortcuts.plant_letter(noise(1, side=8), (0, 0))[0, :7, :5, 0] == shortcuts.LEAD
    rows = ["".join(" #"[int(pixel)] for pixel in row).rstrip() for row in marked]
    assert rows == ["####", "#   #", "#   #", "####", "# #", "#  #", "#   #"]


def test_an_impossible_letter_is_refused_in_words():
    for pixels, at in [(noise(), (0.5, 1.2)), (noise() / 255, (0, 0)), (noise()[0], (0, 0))]:
        with pytest.raises(CXRLabError, match="two shares from 0 to 1, and uint8 of shape"):
            shortcuts.plant_letter(pixels, at)


# Masks


def test_every_phantom_with_covid_19_has_a_mask_that_lies_in_the_boxes_of_the_lungs(
    people, phantom_data
):
    ill = people[people["who"] == "COVID-19"]
    masks = shortcuts.opacity_masks(ill, phantom_data)
    assert masks.dtype == bool and masks.shape == (len(ill), SIDE, SIDE)
    shares = masks.mean((1, 2))
    assert (shares > 0).all() and (shares < 0.5).all()
    assert masks[:, shortcuts.region("lungs")].sum() > 0.9 * masks.sum()
    last = shortcuts.opacity_masks(ill.iloc[::-1], phantom_data)
    np.testing.assert_array_equal(last, masks[::-1])
    healthy = people[people["who"] != "COVID-19"]
    with pytest.raises(CXRLabError, match=f"{len(healthy)} of {len(healthy)} X-rays.*no mask"):
        shortcuts.opacity_masks(healthy, phantom_data)
