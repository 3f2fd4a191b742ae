"""The notebooks as a reader meets them: cells run, exercises answer, widgets react."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from textwrap import dedent

import pytest

pytest.importorskip("playwright")  # an installation without the extra dev
from playwright.sync_api import Locator, expect  # noqa: E402


def reads_ten_xrays(box: Locator) -> None:
    for number in range(1, 11):
        expect(box).to_contain_text(f"X-ray {number} of 10")
        box.get_by_role("button", name="COVID-19", exact=True).click()
    expect(box.get_by_role("table")).to_contain_text("true positives")
    expect(box).to_contain_text("On record:")


def looks_through_the_filters(box: Locator) -> None:
    box.get_by_label("Filter").select_option(index=2)  # posteroanterior
    picture = box.locator("img")
    before = picture.get_attribute("src")
    box.get_by_role("button", name="Next").click()
    expect(box).to_contain_text("Image 2 of")
    expect(picture).not_to_have_attribute("src", before)
    box.locator(".noUi-handle").press("ArrowRight")
    expect(box).to_contain_text("Image 3 of")
    box.get_by_role("button", name="kept").click()
    expect(box).to_contain_text("Image 1 of")


def edits_a_kernel(box: Locator) -> None:
    feature_map = box.locator("img").nth(1)
    before = feature_map.get_attribute("src")
    box.get_by_label("row 2, column 2").fill("9")
    box.get_by_label("row 2, column 2").press("Enter")
    expect(feature_map).not_to_have_attribute("src", before)
    expect(box.get_by_label("Kernel")).to_have_value("your own")
    box.get_by_text("max pooling").click()
    expect(box).to_contain_text("Map of 111 × 111")


def moves_threshold_and_prevalence(box: Locator) -> None:
    expect(box.get_by_role("status")).to_contain_text("Where 50 % of the people")
    box.locator(".noUi-handle").nth(1).press("ArrowLeft")
    expect(box.get_by_role("status")).to_contain_text("Where 30 % of the people")
    for _ in range(3):
        box.locator(".noUi-handle").nth(0).press("Home")
    expect(box.get_by_role("table", name="Confusion matrix")).to_contain_text("healthy")
    expect(box.get_by_role("img", name="Threshold 0.000")).to_be_visible()


def sees_the_search(box: Locator) -> None:
    expect(box).to_contain_text("Best val_loss So Far")
    expect(box).to_contain_text("Default search space size: 3")


def moves_a_letter(box: Locator) -> None:
    picture, said = box.locator("img"), box.get_by_role("status")
    before = picture.get_attribute("src")
    box.locator(".noUi-handle").first.press("ArrowLeft")
    expect(picture).not_to_have_attribute("src", before)
    box.get_by_text("letter on the X-ray").click()
    expect(said).to_contain_text("as the untouched X-ray")
    box.get_by_role("button", name="Back to its place in training").click()
    expect(box.get_by_role("checkbox")).to_be_checked()


# A notebook, the cell of its widget (05: of its search), what a reader does there, an exercise.
READING = [
    ("01", "reader.read_ten(space", reads_ten_xrays, "implied_specificity"),
    ("02", "browse_filters(", looks_through_the_filters, "two_spellings"),
    ("03", "convolution_bench(", edits_a_kernel, "small_network"),
    ("04", "threshold_bench(", moves_threshold_and_prevalence, "ppv"),
    ("05", "tuner.search_space_summary(", sees_the_search, "discordant_cases"),
    ("06", "letter_desk(reader", moves_a_letter, "random_weights"),
    ("07", "threshold_bench(", moves_threshold_and_prevalence, "bayes"),
]


@pytest.mark.parametrize(
    ("number", "cell", "use", "name"), READING, ids=[number for number, *_ in READING]
)
def test_a_reader_goes_through_the_notebook(open_notebook, number, cell, use: Callable, name):
    lab = open_notebook(number)
    assert lab.errors() == []

    use(lab.output(cell))

    exercise = getattr(import_module(f"cxrlab.exercises.nb{number}"), name)
    checked = f"nb{number}.{name}.check"
    expect(lab.output(checked)).to_contain_text("Not attempted yet")
    lab.answer(checked, dedent(exercise.answer).strip())
    expect(lab.output(checked)).to_contain_text("Correct.")

    quiz = lab.output(f"nb{number}.quiz.show()")
    expect(quiz).to_contain_text("Question 1.")
    quiz.get_by_role("button", name="a", exact=True).first.click()
    expect(quiz.get_by_role("status").first).to_contain_text(re.compile("Correct|Not yet"))
    assert lab.errors() == []
