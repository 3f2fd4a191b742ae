"""The image browser: which rows a filter dropped and kept, and what is shown of one of them."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from PIL import Image

from cxrlab.cases import prepare
from cxrlab.catalog import steps
from cxrlab.errors import CXRLabError
from cxrlab.sources import load_catalog
from cxrlab.widgets import browser


@pytest.fixture(scope="module")
def catalog(phantom_data):
    return load_catalog(phantom_data)


@pytest.fixture(scope="module")
def prepared(phantom_data):
    return prepare(phantom_data)


@pytest.fixture(scope="module")
def log(prepared):
    return prepared.log


@pytest.fixture
def parts(catalog, log):
    """The browser and its controls by what they are called."""
    box = browser.browse_filters(catalog, log, simulated=True)
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


def number_of(log, name):
    return next(n for n, step in enumerate(log.steps) if step.name == name)


def test_every_step_gives_back_the_rows_that_it_dropped_and_kept(catalog, log):
    for number, step in enumerate(log.steps):
        dropped = steps.rows_at(catalog, log, number, kept=False)
        kept = steps.rows_at(catalog, log, number, kept=True)
        assert set(dropped["image_id"]) == set(step.dropped_ids)
        assert len(kept) == step.after
        assert not set(dropped["image_id"]) & set(kept["image_id"])


def test_the_last_step_keeps_the_cases_and_a_branch_keeps_to_its_source(catalog, log, prepared):
    last = steps.rows_at(catalog, log, len(log.steps) - 1, kept=True)
    assert set(last["image_id"]) == set(prepared.cases["image_id"])
    normal = steps.rows_at(catalog, log, number_of(log, "normal"), kept=True)
    assert set(normal["source"]) == {"chest_xray"}
    views = steps.rows_at(catalog, log, number_of(log, "posteroanterior (PA)"), kept=True)
    assert set(views["view"]) == {"PA"}
    assert set(views["source"]) == {"covid-chestxray-dataset"}


def test_a_log_of_another_catalog_is_refused(catalog, log):
    with pytest.raises(CXRLabError, match="catalog that the log was made from"):
        steps.rows_at(catalog.iloc[40:], log, 0, kept=True)
    with pytest.raises(CXRLabError, match="no step 99"):
        steps.rows_at(catalog, log, 99, kept=True)
    with pytest.raises(CXRLabError):
        browser.browse_filters(catalog.iloc[40:], log)


def test_the_tally_is_a_sum(log):
    step = log.steps[0]
    assert steps.tally(step).startswith(
        f"COVID-19: {step.before} - {step.dropped} = {step.after} rows. Why: another finding"
    )


def test_examples_can_be_shown(catalog, log):
    found = steps.dropped_examples(catalog, log)
    assert {"COVID-19", "X-ray", "posteroanterior (PA)"} <= {step.name for step, _ in found}
    for step, row in found:
        assert row["image_id"] in step.dropped_ids
        assert isinstance(browser.picture_of(row, True), bytes)
    assert "readable" not in {step.name for step, _ in found}


def test_no_readable_row_is_none(catalog):
    assert steps.first_readable(catalog.assign(path=pd.NA)) is None


def test_it_begins_with_the_first_image_of_the_first_step(parts, catalog, log):
    first = steps.rows_at(catalog, log, 0, kept=False).iloc[0]
    assert first["image_id"] in parts["card"].value
    assert parts["picture"].value == browser.picture_of(first, True)
    assert f"Image 1 of {log.steps[0].dropped} dropped" in parts["status"].value
    assert parts["back"].disabled
    assert not parts["onward"].disabled


def test_buttons_and_slider_move(parts, catalog, log):
    rows = steps.rows_at(catalog, log, 0, kept=False)
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


def test_another_step_or_side_begins_anew(parts, log):
    parts["onward"].click()
    parts["side"].value = True
    assert parts["place"].value == 1
    assert parts["place"].max == log.steps[0].after
    assert "kept" in parts["status"].value
    parts["step"].value = number_of(log, "normal")
    assert "chest_xray/" in parts["card"].value


def test_a_missing_file_is_said_in_a_sentence(parts, log):
    parts["step"].value = number_of(log, "file is there")
    assert "not in the folder" in parts["missing"].value
    assert parts["picture"].layout.display == "none"
    parts["side"].value = True
    assert parts["missing"].value == ""
    assert parts["picture"].layout.display != "none"


def test_an_unreadable_file_is_said_in_a_sentence(parts, log):
    parts["step"].value = number_of(log, "readable")
    assert "ends too early" in parts["missing"].value


def test_a_step_that_dropped_nothing_says_so(parts, log):
    empty = next(n for n, step in enumerate(log.steps) if not step.dropped)
    parts["step"].value = empty
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


def test_the_steps_say_their_counts(log):
    step = log.steps[0]
    label = browser.step_label(log, 0)
    assert label == f"1. COVID-19, COVID-19: {step.dropped} dropped, {step.after} kept"


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
    row["path"] = pd.NA
    row["problem"] = pd.NA
    assert "no file" in browser.picture_of(row, True)
    row["problem"] = "unsafe file name"
    assert "not followed" in browser.picture_of(row, True)


def test_simulated_is_burnt_in_and_only_where_it_is_true(catalog):
    row = catalog[catalog["view"] == "PA"].iloc[0]
    stamped = Image.open(io.BytesIO(browser.picture_of(row, True)))
    plain = Image.open(io.BytesIO(browser.picture_of(row, False)))
    assert max(stamped.size) == browser.SIDE
    corner = (plain.width - 90, plain.height - 26, plain.width, plain.height)
    assert stamped.crop(corner).tobytes() != plain.crop(corner).tobytes()
    top = (0, 0, plain.width, plain.height - 40)
    assert stamped.crop(top).tobytes() == plain.crop(top).tobytes()
