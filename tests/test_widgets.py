"""The widgets, used from Python as under a hand, and the plain functions they stand on."""

import base64
import io
from pathlib import Path
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from ipywidgets import Button
from ipywidgets.widgets.widget_description import DescriptionWidget
from PIL import Image

from cxrlab.convolution import KERNELS, convolve, max_pool, relu, to_picture
from cxrlab.errors import CXRLabError
from cxrlab.metrics import Confusion, confusion, shares
from cxrlab.pipeline import Xrays
from cxrlab.shortcuts import plant_letter
from cxrlab.sources import load_catalog
from cxrlab.sources.tables import is_covid19
from cxrlab.widgets import as_png, browser, letter, matrix_html, threshold
from cxrlab.widgets import convolution as bench


def within(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from within(child)


def parts(widget, kind):
    return [part for part in within(widget) if isinstance(part, kind)]


def words(html):
    return " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())


def pixels(png):
    """The grey values of a PNG, or of the picture in a widget's HTML."""
    if isinstance(png, str):
        png = base64.b64decode(BeautifulSoup(png, "html.parser").img["src"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(png)))


def test_simulated_is_burnt_into_the_lower_right_corner_and_only_where_it_is_true():
    film = np.full((200, 300), 90, np.uint8)
    plain, stamped = pixels(as_png(film)), pixels(as_png(film, simulated=True))
    differs = plain != stamped
    assert (plain == film).all() and stamped.max() == 255
    assert differs[-30:, -90:].any() and not differs[:-30].any() and not differs[:, :-100].any()


def test_a_matrix_names_itself_its_rows_its_columns_and_its_cells():
    html = matrix_html(Confusion(tp=9, fp=18, fn=1, tn=72), "healthy", "ill")
    assert html.count('scope="row"') == 2 and html.count('scope="col"') == 2
    assert 'aria-label="Confusion matrix"' in html
    assert words(html) == (
        "called healthy called ill healthy (90) 72 true negatives 18 false positives: false "
        "alarms ill (10) 1 false negatives: misses 9 true positives"
    )


# The image browser


@pytest.fixture(scope="module")
def stages(phantom_data):
    catalog = load_catalog(phantom_data)
    catalog = catalog[catalog["source"] == "covid-chestxray-dataset"]
    covid = catalog[is_covid19(catalog["finding"])]
    there = covid[[pd.notna(path) and Path(path).is_file() for path in covid["path"]]]
    stages = {"metadata.csv": catalog, "COVID-19": covid, "file is there": there}
    return stages | {"nothing more": there}


@pytest.fixture
def shown(stages):
    """The browser's parts by name."""
    step, side, moves, status, row = browser.browse_filters(stages, simulated=True).children
    back, onward, place = moves.children
    picture, card = row.children
    return SimpleNamespace(**locals())


def test_every_filter_says_how_many_rows_it_dropped_and_kept(stages, shown):
    sizes = [len(rows) for rows in stages.values()]
    for (label, name), before, left in zip(shown.step.options, sizes, sizes[1:], strict=False):
        assert label == f"{name}: {before - left} dropped, {left} kept"
    with pytest.raises(CXRLabError, match="'COVID-19' holds rows"):
        browser.browse_filters({"there": stages["file is there"], "COVID-19": stages["COVID-19"]})


def test_the_browser_begins_with_the_first_image_and_buttons_and_number_move(shown, stages):
    rows = stages["metadata.csv"].drop(stages["COVID-19"].index)
    assert shown.picture.value == browser.picture_of(rows.iloc[0], True)
    assert rows["image_id"].iloc[0] in shown.card.value
    assert f'<p role="status">Image 1 of {len(rows)} dropped' in shown.status.value
    assert shown.back.disabled and not shown.onward.disabled
    shown.onward.click()
    assert shown.place.value == 2 and rows["image_id"].iloc[1] in shown.card.value
    shown.place.value = len(rows)
    shown.onward.click()
    assert shown.onward.disabled and shown.place.value == len(rows)
    shown.back.click()
    assert shown.place.value == len(rows) - 1
    shown.side.value = True  # another side begins anew
    assert (shown.place.value, shown.place.max) == (1, len(stages["COVID-19"]))
    assert "kept" in shown.status.value


def test_what_cannot_be_shown_is_said_in_a_sentence(shown, stages, tmp_path):
    shown.step.value = "file is there"
    assert "The reason: missing." in shown.picture.value and "<img" not in shown.picture.value
    shown.side.value = True
    assert "<img" in shown.picture.value and "The reason" not in shown.picture.value
    shown.side.value, shown.step.value = False, "nothing more"
    assert "dropped no image" in shown.status.value and shown.card.value == ""
    assert shown.place.disabled and shown.back.disabled and shown.onward.disabled
    row = stages["metadata.csv"].iloc[0].copy()
    (tmp_path / "cut.png").write_bytes(Path(row["path"]).read_bytes()[:3000])
    for path, problem, reason in (
        (tmp_path / "cut.png", pd.NA, "truncated"),
        (None, "unsafe file name", "unsafe file name"),
        (None, pd.NA, "no file"),
    ):
        row["path"], row["problem"] = path, problem
        assert browser.picture_of(row, True).endswith(f"The reason: {reason}.</em></p>")


def test_what_strangers_typed_is_escaped(stages):
    row = stages["metadata.csv"].iloc[0].copy()
    row["finding"], row["license"], row["view"] = "<script>alert(1)</script>", pd.NA, "long" * 30
    card = browser.card_of(row)
    assert "long" * 30 in card
    assert "<script>" not in card and "&lt;script&gt;" in card
    assert "not stated" in card and card.count('scope="row"') == len(browser.COLUMNS)


# The convolution bench

XRAYS = {
    name: np.random.default_rng(seed).integers(0, 256, (224, 224, 1), np.uint8)
    for seed, name in enumerate(("first", "second"))
}


@pytest.fixture
def kit():
    """The bench; and a question: does it show this X-ray and this kernel's map of it?"""
    box = bench.convolution_bench(XRAYS)
    before, after = (part for part in parts(box, widgets.HTML) if "<img" in part.value)

    def shows(name, kernel, positive=False, pooling=False):
        xray = XRAYS[name][..., 0]
        values = convolve(xray / 255, kernel)
        values = relu(values) if positive else values
        values = max_pool(values) if pooling else values
        pictures = bench.to_png(xray), bench.to_png(to_picture(values))
        same = zip((before.value, after.value), pictures, strict=True)
        return all((pixels(shown) == pixels(png)).all() for shown, png in same)

    return box, shows


def test_x_ray_and_preset_can_be_chosen_and_an_edited_weight_makes_the_kernel_ones_own(kit):
    (box, shows), edges = kit, KERNELS["vertical edges"]
    xray, preset = parts(box, widgets.Dropdown)
    weights, said = parts(box, widgets.BoundedFloatText), parts(box, widgets.HTML)[-1]
    assert shows("first", edges)
    assert "222 × 222" in said.value and 'role="status"' in said.value
    xray.value = "second"
    for name, kernel in KERNELS.items():
        preset.value = name
        assert [field.value for field in weights] == kernel.ravel().tolist()
        assert shows("second", kernel) and preset.value == name
    for field in weights:
        field.value = 0
    assert preset.value == bench.OWN and shows("second", np.zeros((3, 3)))
    assert "100% exactly zero" in said.value
    preset.value = "vertical edges"
    assert shows("second", edges)


def test_relu_and_pooling_can_be_switched(kit):
    (box, shows), kernel = kit, KERNELS["vertical edges"]
    positive, pooling = parts(box, widgets.Checkbox)
    positive.value = True
    assert shows("first", kernel, positive=True)
    pooling.value = True
    assert shows("first", kernel, positive=True, pooling=True)
    said = parts(box, widgets.HTML)[-1].value
    assert "111 × 111" in said and "0% below zero" in said


# The letter desk

PIXELS = np.random.default_rng(0).integers(0, 200, (2, 224, 224, 1)).astype(np.uint8)
TWO = Xrays(PIXELS, np.array([1, 0]), pd.DataFrame({"patient_id": ["a", "b"]}))


class Network:
    """It looks at where the letter stands in training; ``predict`` is not asked."""

    def __call__(self, batch, training):
        assert batch.shape[1:] == (224, 224, 3) and batch.max() <= 1 and not training
        return np.asarray(batch)[:, 11:34, 17:34].mean(axis=(1, 2, 3))[:, None]


@pytest.fixture
def desk():
    """The desk's parts by name; and a question: are picture, score and bar those of an X-ray?"""
    box = letter.letter_desk(Network(), TWO, 0.5)
    xray, across, down, row, both = box.children
    shown, back = row.children
    picture, said, bar = both.children[0].children[1], *both.children[1].children

    def shows(xray):
        score = xray[11:34, 17:34].mean() / 255
        small = Image.fromarray(xray[..., 0]).resize((300, 300), Image.Resampling.BILINEAR)
        same = (pixels(picture.value) == np.asarray(small)).all()
        return same and f"Score {score:.3f}" in words(said.value) and abs(bar.value - score) < 1e-6

    return SimpleNamespace(**locals())


def test_the_numbers_move_the_letter_the_score_follows_and_the_button_resets(desk):
    opened = desk.said.value
    assert (desk.down.value, desk.across.value, desk.shown.value) == (5, 8, True)
    assert desk.shows(plant_letter(PIXELS)[0]) and "threshold of 0.500" in opened
    desk.across.value, desk.down.value = 60, 80
    assert desk.shows(plant_letter(PIXELS, (0.8, 0.6))[0]) and desk.said.value != opened
    desk.shown.value = False
    assert desk.shows(PIXELS[0]) and "as the untouched X-ray" in desk.said.value
    desk.back.click()
    assert (desk.down.value, desk.across.value, desk.shown.value) == (5, 8, True)
    assert desk.said.value == opened


def test_another_x_ray_is_shown_and_scored(desk):
    assert [name for name, _ in desk.xray.options] == ["1: COVID-19", "2: not COVID-19"]
    desk.xray.label = "2: not COVID-19"
    assert desk.shows(plant_letter(PIXELS)[1])


def test_the_verdict_says_score_change_and_call():
    rose, fell = (words(letter.verdict_html(score, 0.7, 0.699)) for score in (0.7, 0.2))
    assert "rose by 0.001" in rose and "Called COVID-19 : at or above" in rose
    assert "fell by 0.499" in fell and "Called not COVID-19 : below" in fell
    assert 'role="status"' in letter.verdict_html(0.7, 0.7, 0.1)


# The threshold bench


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    scores = np.clip(0.35 + 0.3 * labels + rng.normal(0, 0.15, 80), 0.01, 0.95)
    return labels, scores, rng.integers(0, 50, 80)


@pytest.fixture
def thresholds(cases):
    """The bench's parts by name; ``said`` is what the threshold alone moves."""
    box = threshold.threshold_bench(*cases[:2], 0.4321, cases[2])
    cut, back, share, sentence, both, metrics = box.children
    picture, matrix = both.children

    def said():
        return [each.value for each in (picture, matrix, metrics)]

    return SimpleNamespace(**locals())


def test_the_threshold_moves_everything_and_the_prevalence_its_sentence_only(cases, thresholds):
    shown, report = thresholds, shares(*cases[:2], 0.4321, cases[2])
    for name in ("accuracy", "precision", "recall", "specificity"):
        assert str(report[name]) in words(shown.metrics.value)
    assert f"{confusion(*cases[:2], 0.4321).tp} true pos" in words(shown.matrix.value)
    before, sentence = shown.said(), shown.sentence.value
    shown.cut.value = 0.7
    assert all(now != then for now, then in zip(shown.said(), before, strict=True))
    assert shown.sentence.value != sentence
    shown.back.click()
    assert shown.said() == before and shown.sentence.value == sentence
    shown.share.value = 0.01
    assert shown.said() == before and 'role="status"' in shown.sentence.value
    assert "Where 1 % of the people tested are ill" in words(shown.sentence.value)
    assert "Of 1,000 people tested, 10 have COVID-19" in words(shown.sentence.value)


def test_undefined_is_said_and_is_not_zero(thresholds):
    shown = thresholds
    shown.cut.value = 1.0  # above every score: nobody is called ill
    assert words(shown.metrics.value).count("undefined") == 1  # the precision
    assert "undefined" in words(shown.sentence.value)
    now = shares([1, 1, 1], [0.2, 0.8, 0.9], 0.5)  # one class only
    assert "undefined" in words(threshold.prevalence_html(now, 0.01))


def test_the_histogram_is_a_picture_with_words(cases):
    labels, scores, _ = cases
    (image,) = BeautifulSoup(threshold.histogram_html(labels, scores, 0.25), "html.parser")
    called = int((scores >= 0.25).sum())
    assert f"Threshold 0.250: {called} cases at or right of it" in image["alt"]
    assert image["src"].startswith("data:image/png;base64,")


def test_every_control_has_a_name_of_its_own(stages, kit, desk, thresholds):
    for box in (browser.browse_filters(stages), kit[0], desk.box, thresholds.box):
        controls = [each for each in within(box) if isinstance(each, DescriptionWidget | Button)]
        names = [each.description for each in controls if not isinstance(each, widgets.HTML)]
        assert all(names) and len(set(names)) == len(names) >= 3
        still = BeautifulSoup(box._repr_mimebundle_()["text/html"], "html.parser")
        assert all(image["alt"] for image in still.find_all("img")) and still.img
        assert all(name in still.get_text() for name in names)
