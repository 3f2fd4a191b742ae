"""The image browser: which rows a filter dropped and kept, and what is shown of one of them."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from cxrlab.errors import CXRLabError
from cxrlab.filters import is_covid19
from cxrlab.sources import load_catalog
from cxrlab.widgets import browser


@pytest.fixture(scope="module")
def catalog(phantom_data):
    catalog = load_catalog(phantom_data)
    return catalog[catalog["source"] == "covid-chestxray-dataset"]


@pytest.fixture(scope="module")
def stages(catalog):
    covid = catalog[is_covid19(catalog["finding"])]
    there = covid[[pd.notna(path) and Path(path).is_file() for path in covid["path"]]]
    stages = {"metadata.csv": catalog, "COVID-19": covid, "file is there": there}
    return stages | {"nothing more": there}


@pytest.fixture(scope="module")
def tables(stages):
    return browser.dropped_and_kept(stages)


@pytest.fixture
def parts(stages):
    """The browser and its controls by what they are called."""
    box = browser.browse_filters(stages, simulated=True)
    step, side, moves, status, shown = box.children
    back, onward, place = moves.children
    left, card = shown.children
    picture, missing = left.children
    return {
        "step": step,
        "side": side,
        "back": back,
        "onward": onward,
        "place": place,
        "status": status,
        "picture": picture,
        "missing": missing,
        "card": card,
    }


def test_every_filter_gives_back_the_rows_that_it_dropped_and_kept(stages, tables):
    before = stages["metadata.csv"]
    for name in ("COVID-19", "file is there", "nothing more"):
        dropped, kept = tables[name, False], tables[name, True]
        pd.testing.assert_frame_equal(kept, stages[name])
        assert sorted([*dropped.index, *kept.index]) == sorted(before.index)
        before = kept


def test_stages_in_another_order_are_refused(stages):
    with pytest.raises(CXRLabError, match="'COVID-19' holds rows"):
        browser.browse_filters({"there": stages["file is there"], "COVID-19": stages["COVID-19"]})


def test_it_begins_with_the_first_image_of_the_first_filter(parts, tables):
    first = tables["COVID-19", False].iloc[0]
    assert first["image_id"] in parts["card"].value
    assert parts["picture"].value == browser.picture_of(first, True)
    assert f"Image 1 of {len(tables['COVID-19', False])} dropped" in parts["status"].value
    assert parts["back"].disabled
    assert not parts["onward"].disabled


def test_buttons_and_slider_move(parts, tables):
    rows = tables["COVID-19", False]
    before = parts["picture"].value
    parts["onward"].click()
    assert parts["place"].value == 2
    assert parts["picture"].value != before
    assert rows["image_id"].iloc[1] in parts["card"].value
    parts["place"].value = len(rows)
    assert parts["onward"].disabled
    parts["onward"].click()
    assert parts["place"].value == len(rows)
    parts["back"].click()
    assert parts["place"].value == len(rows) - 1


def test_another_filter_or_side_begins_anew(parts, tables):
    parts["onward"].click()
    parts["side"].value = True
    assert parts["place"].value == 1
    assert parts["place"].max == len(tables["COVID-19", True])
    assert "kept" in parts["status"].value


def test_a_missing_file_is_said_in_a_sentence(parts):
    parts["step"].value = "file is there"
    assert "not in the folder" in parts["missing"].value
    assert parts["picture"].layout.display == "none"
    parts["side"].value = True
    assert parts["missing"].value == ""
    assert parts["picture"].layout.display != "none"


def test_a_damaged_file_is_said_in_a_sentence(catalog, tmp_path):
    (tmp_path / "cut.png").write_bytes(Path(catalog["path"].iloc[0]).read_bytes()[:3000])
    row = catalog.iloc[0].copy()
    row["path"] = tmp_path / "cut.png"
    assert "ends too early" in browser.picture_of(row, True)


def test_a_filter_that_dropped_nothing_says_so(parts):
    parts["step"].value = "nothing more"
    assert "dropped no image" in parts["status"].value
    assert parts["card"].value == ""
    assert parts["place"].disabled
    assert parts["back"].disabled
    assert parts["onward"].disabled


def test_controls_can_be_said(parts):
    assert parts["step"].description == "Filter"
    assert parts["side"].description == "Show"
    assert parts["place"].description == "Image"
    assert (parts["back"].description, parts["onward"].description) == ("Previous", "Next")


def test_the_filters_say_their_counts(parts, tables):
    dropped, kept = (len(tables["COVID-19", side]) for side in (False, True))
    label, name = parts["step"].options[0]
    assert (label, name) == (f"COVID-19: {dropped} dropped, {kept} kept", "COVID-19")


def test_what_strangers_typed_is_escaped(catalog):
    row = catalog.iloc[0].copy()
    row["finding"] = "<script>alert(1)</script>"
    row["license"] = pd.NA
    card = browser.card_of(row)
    assert "<script>" not in card
    assert "&lt;script&gt;" in card
    assert "not stated" in card


def test_a_row_without_a_safe_file_name_says_so(catalog):
    row = catalog.iloc[0].copy()
    row["path"], row["problem"] = None, pd.NA
    assert "not followed" in browser.picture_of(row, True)
    row["problem"] = "no file name"
    assert "names no file" in browser.picture_of(row, True)


def test_simulated_is_burnt_in_and_only_where_it_is_true(catalog):
    row = catalog[catalog["view"] == "PA"].iloc[0]
    stamped = Image.open(io.BytesIO(browser.picture_of(row, True)))
    plain = Image.open(io.BytesIO(browser.picture_of(row, False)))
    assert max(stamped.size) == browser.SIDE
    corner = (plain.width - 90, plain.height - 26, plain.width, plain.height)
    assert stamped.crop(corner).tobytes() != plain.crop(corner).tobytes()
    top = (0, 0, plain.width, plain.height - 40)
    assert stamped.crop(top).tobytes() == plain.crop(top).tobytes()
