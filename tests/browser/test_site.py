"""The site as a reader meets it, from the disk: quizzes, hints, solutions, benches, links."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import nbformat
import numpy as np
import pytest

for needed in ("playwright", "bs4", "myst_nb"):  # the extras dev and site
    pytest.importorskip(needed)
from bs4 import BeautifulSoup  # noqa: E402
from playwright.sync_api import expect  # noqa: E402

from cxrlab.convolution import KERNELS, convolve, max_pool, relu  # noqa: E402
from cxrlab.elsewhere import people_tested, screening_sentence  # noqa: E402
from cxrlab.exercises.quiz import Question, exercises_by_notebook  # noqa: E402
from cxrlab.images import decode_bytes  # noqa: E402
from cxrlab.plots import in_words  # noqa: E402
from cxrlab.publish import CHECKOUT, repository  # noqa: E402

expect.set_options(timeout=60_000)
SITE = CHECKOUT / "build" / "site"
NOTEBOOKS = sorted(path.stem for path in (CHECKOUT / "notebooks").glob("*.ipynb"))
LOOKS = [(1400, "light"), (1400, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture(scope="module")
def site() -> Path:
    """The folder of the site, built now: two minutes the first time."""
    done = subprocess.run(["make", "site"], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "build/site/index.html" in done.stdout
    return SITE


@pytest.fixture(scope="module")
def staging(site):
    """The module that stages the pages."""
    sys.path.insert(0, str(CHECKOUT / "docs" / "site"))
    import pages

    return pages


@pytest.fixture(scope="module")
def pages(site) -> dict[str, BeautifulSoup]:
    """Every page by its path."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    }


@pytest.fixture
def opened(site, browser):
    """Opens a page of the site, in a width and a theme, with no network but the disk."""
    contexts = []

    def open_page(name: str, width: int = 1400, theme: str = "light"):
        look = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
        context = browser.new_context(**look, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(300_000)
        page.asked, page.broken = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.broken.append(str(error)))
        page.goto(f"{site.as_uri()}/{name}", wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_every_link_within_the_site_leads_somewhere(pages, site):
    for name, page in pages.items():
        for link in page.select("a[href], img[src], script[src], link[href]"):
            address = urlsplit(link.get("href") or link.get("src"))
            if address.scheme or address.netloc:
                # A link may lead outside; nothing may be fetched from there.
                assert link.name == "a" or address.scheme == "data", f"{name} fetches {link}"
                continue
            target = (site / name).parent / unquote(address.path) if address.path else site / name
            assert target.resolve().exists(), f"{name} links {link}"
            other = pages.get(target.resolve().relative_to(site).as_posix())
            if address.fragment and other is not None and link.name == "a":
                anchor = unquote(address.fragment)
                assert other.find(id=anchor), f"{name} links {link}"


def test_every_figure_says_what_it_shows(pages):
    shown = {name: page.select("article img") for name, page in pages.items()}
    for name, pictures in shown.items():
        for picture in pictures:
            assert picture.get("alt", "").strip(), f"{name}: {picture}"
    for notebook in NOTEBOOKS:
        assert len(shown[f"notebooks/{notebook}.html"]) >= 5


DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="


@pytest.mark.parametrize("kind", ["image/png", "text/html"])
def test_a_figure_without_a_text_alternative_stops_the_build(staging, tmp_path, kind):
    def output(alt: str):
        html = f'<img alt="{alt}" src="data:image/png;base64,{DOT}">'
        about = {} if kind == "text/html" or not alt else {"image/png": {"alt": alt}}
        data = {kind: html if kind == "text/html" else DOT}
        return nbformat.v4.new_output("display_data", data, metadata=about)

    shown = staging.with_files(output("A dot: 3 < 4"), tmp_path, "cell 1").data["text/html"]
    assert BeautifulSoup(shown, "html.parser").img["alt"] == "A dot: 3 < 4"
    with pytest.raises(staging.SiteError, match="cell 1 shows a figure without a text alternative"):
        staging.with_files(output(""), tmp_path, "cell 1")


def test_a_link_that_leads_nowhere_stops_the_build(staging):
    page, repo = CHECKOUT / "docs" / "data.md", repository()
    ours = f"https://github.com/{repo.path}/blob/{repo.branch}"
    assert staging.relink("[x](glossary.md#recall)", page) == "[x](glossary.md#recall)"
    assert staging.relink(f"[x]({ours}/docs/glossary.md#f1)", page) == "[x](glossary.md#f1)"
    assert staging.relink("[x](../LICENSE)", page) == f"[x]({ours}/LICENSE)"
    with pytest.raises(staging.SiteError, match="data.md links no-such-page.md"):
        staging.relink("[x](no-such-page.md)", page)


def test_all_scripts_together_stay_readable(site):
    ours = sorted((CHECKOUT / "docs" / "site").glob("static/*.js"))
    assert sum(len(path.read_text("utf-8").splitlines()) for path in ours) <= 600
    python = sorted((CHECKOUT / "docs" / "site").glob("*.py"))
    assert sum(len(path.read_text("utf-8").splitlines()) for path in python) <= 350


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_each_launch_button_opens_a_committed_notebook(pages, notebook):
    repo, page = repository(), pages[f"notebooks/{notebook}.html"]
    links = {link.get_text(strip=True): link["href"] for link in page.select(".dropdown-menu a")}
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    hub = settings["tool"]["cxrlab"]["hub"]
    wanted = {"Colab", "Binder", *(["JupyterHub"] if hub else [])}
    assert wanted <= links.keys()
    for host in wanted:
        address = urlsplit(links[host])
        asked = parse_qs(address.query)
        if host == "Colab":
            start = f"/github/{repo.path}/blob/{repo.branch}/"
            assert (address.netloc, address.path[: len(start)]) == (
                "colab.research.google.com",
                start,
            )
            path = address.path.removeprefix(start)
        elif host == "Binder":
            assert address.path == f"/v2/gh/{repo.path}/{repo.branch}"
            path = asked["urlpath"][0].removeprefix("lab/tree/")
        else:
            assert links[host].startswith(f"{hub}/hub/user-redirect/git-pull?")
            path = asked["urlpath"][0].removeprefix(f"lab/tree/{repo.path.split('/')[1]}/")
        listed = subprocess.run(["git", "ls-files", path], cwd=CHECKOUT, capture_output=True)
        assert listed.stdout.decode().strip() == path == f"notebooks/{notebook}.ipynb"


def test_the_welcome_page_has_a_picture_and_a_card_for_each_notebook(pages):
    page = pages["index.html"]
    assert page.select_one("article img")["alt"]
    cards = [card.get_text(" ", strip=True) for card in page.select(".sd-card")]
    assert len(cards) == len(NOTEBOOKS)
    for card in cards:
        assert re.search(r"\?.* about \d+ minutes", card)


def test_terms_explain_themselves_on_hover(pages):
    for notebook in NOTEBOOKS:
        terms = pages[f"notebooks/{notebook}.html"].select('article a[href*="glossary.html#"]')
        assert terms
        assert all(len(term.get("title", "")) > 20 for term in terms), notebook


def test_no_page_shows_a_dead_widget(pages):
    shown = [page for name, page in pages.items() if name.startswith("notebooks/")]
    text = " ".join(page.get_text(" ") for page in shown)
    assert "Run this notebook yourself" not in text
    assert "Not attempted yet" not in text


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_exercises_have_folded_hints_and_a_solution(pages, notebook):
    exercises = exercises_by_notebook()[notebook[:2]]
    own = [each for each in exercises if not isinstance(each, Question)]
    boxes = pages[f"notebooks/{notebook}.html"].select(".help")
    assert {box["aria-label"] for box in boxes} == {
        f"Help with: {each.texts['title']}" for each in own
    }
    for box in boxes:
        assert not box.select("details[open]")
        (exercise,) = [each for each in own if each.texts["title"] in box["aria-label"]]
        assert len(box.select("details")) == len(exercise.texts["hints"]) + 1
        assert box.select("pre")[0].get_text().strip() == exercise.answer


def test_a_reader_unfolds_a_hint_and_a_solution(opened):
    page = opened("notebooks/04_accuracy_precision_recall.html")
    box = page.get_by_role("group", name="Help with: The specificity as a function")
    hint, solution = box.locator("details").first, box.locator("details").last
    expect(hint.locator("p")).to_be_hidden()
    hint.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(hint.locator("p")).to_contain_text("Two ways lead there")
    solution.locator("summary").click()
    expect(solution).to_contain_text("recall_score(labels, calls, pos_label=0")
    assert not page.broken
    assert all(address.startswith(("file:", "data:")) for address in page.asked)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_the_quiz_replies_to_every_choice(opened, notebook):
    page = opened(f"notebooks/{notebook}.html")
    questions = exercises_by_notebook()[notebook[:2]]
    questions = [each for each in questions if isinstance(each, Question)]
    fields = page.locator(".quiz fieldset")
    expect(fields).to_have_count(len(questions))
    for place, question in enumerate(questions):
        field = fields.nth(place)
        for letter, option in zip(question.letters, question.options, strict=True):
            button = field.locator(f"button[data-letter={letter}]")
            button.focus()
            page.keyboard.press("Enter")
            said = "✓ Correct." if letter == question.right else "✗ Not yet."
            expect(field.get_by_role("status")).to_contain_text(said)
            start = re.split(r"[`*]", option["reply"])[0].strip()
            expect(field.get_by_role("status")).to_contain_text(start)
            expect(button).to_have_attribute("aria-pressed", "true")


def test_ten_xrays_are_read_and_judged(opened):
    page = opened("notebooks/01_motivation.html")
    bench = page.get_by_role("region", name="Read ten X-rays")
    truths = [each["truth"] for each in json.loads(bench.locator("script").inner_text())["cases"]]
    line = bench.locator(".line")
    for number in range(1, 11):
        expect(line).to_contain_text(f"X-ray {number} of 10")
        expect(line).not_to_contain_text("On record")
        bench.get_by_role("button", name="COVID-19", exact=True).press("Enter")
    expect(line).to_contain_text("On record:")
    table = bench.get_by_role("table", name="Confusion matrix")
    expect(table).to_contain_text(f"{sum(truths)} true positives")
    expect(table).to_contain_text(f"{10 - sum(truths)} false positives")
    expect(bench).to_contain_text("Your recall is 1.00")
    expect(bench).to_contain_text("The course's network on the same ten")
    bench.get_by_role("button", name="Start over").click()
    expect(line).to_contain_text("X-ray 1 of 10")
    expect(line).to_contain_text("0 called")
    assert not page.broken


def test_the_convolution_is_that_of_the_course(opened):
    page = opened("notebooks/03_building_the_cnn.html")
    bench = page.get_by_role("region", name="A bench for convolution")
    picture = json.loads(bench.locator("script").inner_text())["pictures"][1]
    _, pixels = decode_bytes(base64.b64decode(picture.partition(",")[2]), "x.png")
    bench.get_by_label("X-ray", exact=True).select_option(index=1)
    bench.get_by_label("Kernel", exact=True).select_option("Laplacian")
    values = convolve(pixels / 255, KERNELS["Laplacian"])
    line = bench.get_by_role("status")
    expect(line).to_have_text(in_words(values))
    bench.get_by_label("row 2, column 2").fill("-3")
    expect(bench.get_by_label("Kernel", exact=True)).to_have_value("your own")
    kernel = KERNELS["Laplacian"].copy()
    kernel[1, 1] = -3
    expect(line).to_have_text(in_words(convolve(pixels / 255, kernel)))
    bench.get_by_label("ReLU").press(" ")
    bench.get_by_label("max pooling").press(" ")
    expect(line).to_have_text(in_words(max_pool(relu(convolve(pixels / 255, kernel)))))
    assert not page.broken


@pytest.mark.parametrize("notebook", [NOTEBOOKS[3], NOTEBOOKS[6]])
def test_threshold_and_prevalence_move_the_numbers(opened, notebook):
    page = opened(f"notebooks/{notebook}.html")
    bench = page.get_by_role("region", name="Threshold and prevalence")
    data = json.loads(bench.locator("script").inner_text())
    line, slider = bench.get_by_role("status"), bench.get_by_role("slider", name="Threshold")
    expect(line).to_contain_text("Where 50 % of the people tested are ill")
    bench.get_by_role("slider", name="Prevalence").press("Home")
    for step in ("", "ArrowRight", "PageDown", "Home", "End"):
        if step:
            slider.press(step)
        counts, ends = data["rows"][int(slider.input_value())]
        recall, specificity = ends[2][0], ends[3][0]
        sentence = screening_sentence(people_tested(recall, specificity, 0.001))
        expect(line).to_contain_text(sentence)
        expect(bench.get_by_role("table", name="Confusion matrix")).to_contain_text(
            f"{counts[0]} true positives"
        )
        recall = f"{ends[2][0]:.2f} ({ends[2][1]:.2f} to {ends[2][2]:.2f})"
        expect(bench.get_by_role("table", name="Metrics")).to_contain_text(recall)
    expect(line).to_contain_text("undefined")
    bench.get_by_role("button", name="Back to the chosen threshold").click()
    assert int(slider.input_value()) == data["chosen"]
    assert np.all(np.diff(data["cuts"]) > 0)
    assert not page.broken


def test_the_search_finds_a_word_without_a_network(opened):
    page = opened("search.html?q=specificity")
    expect(page.locator("#search-results li").first).to_be_visible()


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_every_page_fits_the_screen_and_axe_finds_nothing_serious(opened, pages, width, theme):
    serious = pytest.importorskip("accessible").serious
    page = opened("index.html", width, theme)
    for name in pages:
        page.goto((SITE / name).as_uri(), wait_until="load")
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{name} is {wider} pixels wider than a screen of {width}"
        assert page.locator("html").get_attribute("data-theme") == theme
        assert serious(page) == [], f"{name} in {theme}"
