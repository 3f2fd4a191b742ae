"""The notebooks as a reader meets them: cells run, exercises answer, widgets react."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

pytest.importorskip("playwright")  # an installation without the extra dev
from accessible import serious  # noqa: E402
from playwright.sync_api import Locator, expect  # noqa: E402

from cxrlab.exercises.quiz import module_of  # noqa: E402
from cxrlab.running.course import find_notebooks, select_notebooks  # noqa: E402
from cxrlab.running.execute import Execution  # noqa: E402
from cxrlab.running.pages import Pages  # noqa: E402

expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong


def reads_ten_xrays(box: Locator) -> None:
    for number in range(1, 11):
        expect(box).to_contain_text(f"X-ray {number} of 10")
        box.get_by_role("button", name="COVID-19", exact=True).click()
    expect(box.get_by_role("table")).to_contain_text("true positives")
    expect(box).to_contain_text("On record:")


def looks_through_the_filters(box: Locator) -> None:
    box.get_by_label("Filter").select_option(index=2)  # posteroanterior
    picture = box.get_by_role("img", name="Chest image")
    before = picture.get_attribute("src")
    box.get_by_role("button", name="Next").press("Enter")
    expect(box).to_contain_text("Image 2 of")
    expect(picture).not_to_have_attribute("src", before)
    box.get_by_label("Image", exact=True).press("ArrowUp")
    expect(box).to_contain_text("Image 3 of")
    box.get_by_role("button", name="kept").click()
    expect(box).to_contain_text("Image 1 of")


def edits_a_kernel(box: Locator) -> None:
    feature_map = box.get_by_role("img", name="feature map")
    before = feature_map.get_attribute("src")
    box.get_by_label("row 2, column 2").fill("9")
    box.get_by_label("row 2, column 2").press("Enter")
    expect(feature_map).not_to_have_attribute("src", before)
    expect(box.get_by_label("Kernel")).to_have_value("your own")
    box.get_by_text("max pooling").click()
    expect(box).to_contain_text("Map of 111 × 111")


def moves_threshold_and_prevalence(box: Locator) -> None:
    expect(box.get_by_role("status")).to_contain_text("Where 50 % of the people")
    box.get_by_label("Prevalence").select_option("30 %")
    expect(box.get_by_role("status")).to_contain_text("Where 30 % of the people")
    box.get_by_label("Threshold").fill("0")
    box.get_by_label("Threshold").press("Enter")
    expect(box.get_by_role("table", name="Confusion matrix")).to_contain_text("healthy")
    expect(box.get_by_role("img", name="Threshold 0.000")).to_be_visible()


def sees_the_search(box: Locator) -> None:
    expect(box).to_contain_text("Best val_loss So Far")
    expect(box).to_contain_text("Default search space size: 3")


def moves_a_letter(box: Locator) -> None:
    picture, said = box.get_by_role("img", name="X-ray"), box.get_by_role("status")
    before = picture.get_attribute("src")
    box.get_by_label("Letter across").press("ArrowUp")
    expect(picture).not_to_have_attribute("src", before)
    box.get_by_label("letter on the X-ray").press("Space")
    expect(said).to_contain_text("as the untouched X-ray")
    expect(box.get_by_role("img", name="no letter")).to_be_visible()
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
def test_a_reader_goes_through_the_notebook(open_notebook, tmp_path, number, cell, use, name):
    """By keyboard where that is not how buttons work anyway; at its end axe finds nothing serious.

    Neither in JupyterLab, in both themes, nor on the page of ``cxrlab run``.
    """
    lab = open_notebook(number)
    assert lab.errors() == []

    use(lab.output(cell))

    exercise = getattr(module_of(number), name)
    checked = f"nb{number}.{name}.check"
    expect(lab.output(checked)).to_contain_text("Not attempted yet")
    lab.answer(checked, dedent(exercise.answer).strip())
    expect(lab.output(checked)).to_contain_text("Correct.")

    quiz = lab.output(f"nb{number}.quiz.show()")
    expect(quiz).to_contain_text("Question 1.")
    quiz.get_by_role("button", name="a", exact=True).first.click()
    expect(quiz.get_by_role("status").first).to_contain_text(re.compile("Correct|Not yet"))
    assert lab.errors() == []

    assert {theme: lab.violations(theme) for theme in ("Light", "Dark")} == CLEAN
    assert on_pages(lab.page.context.browser, lab.notebook(), number, tmp_path) == CLEAN


CLEAN = {"Light": [], "Dark": []}


def on_pages(browser, notebook, number: str, out: Path) -> dict[str, list[str]]:
    """What axe finds serious on a notebook's page and the index, by colour scheme, on a phone."""
    (path,) = select_notebooks(find_notebooks(), number)
    (out / "notebooks").mkdir()
    about = {"data": "Data: phantoms (simulated X-rays)", "budget": "smoke"}
    Pages(out, about, [path.stem]).add(Execution(path, notebook, 1.0))
    found = {}
    for scheme in CLEAN:
        look = {"color_scheme": scheme.lower(), "viewport": {"width": 390, "height": 844}}
        page = browser.new_page(**look)
        found[scheme] = []
        for name in (path.stem, "index"):
            page.goto((out / f"{name}.html").as_uri())
            found[scheme] += serious(page)
            wide = page.evaluate("document.documentElement.scrollWidth")
            found[scheme] += [f"{name} is {wide} pixels wide"] if wide > 390 else []
        page.close()
    return found
