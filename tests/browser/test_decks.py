"""Every slide of every deck in a browser without a network: nothing is cut off, nothing fails."""

from __future__ import annotations

import pytest

SIZE = {"width": 1280, "height": 720}
CUT_OFF = """number => {
    const at = Reveal.getIndices(Reveal.getSlides()[number]);
    Reveal.slide(at.h, at.v, 99);
    const inside = box => box.top >= -1 && box.left >= -1 && box.right <= 1281 && box.bottom <= 721;
    return [...Reveal.getCurrentSlide().querySelectorAll("*")]
        .filter(part => !part.closest("aside") && part.getBoundingClientRect().width)
        .filter(part => !inside(part.getBoundingClientRect()))
        .map(part => part.tagName + " " + part.textContent.slice(0, 60));
}"""


@pytest.fixture(scope="module")
def decks(slides_script, tmp_path_factory):
    out = tmp_path_factory.mktemp("slides")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(slides_script, "OUT", out)
        slides_script.main()
    return sorted(out.glob("*.html"))


def test_no_slide_is_cut_off(browser, decks):
    for deck in decks:
        context = browser.new_context(viewport=SIZE, offline=True)
        page, failed = context.new_page(), []
        page.on("pageerror", lambda error, failed=failed: failed.append(str(error)))
        page.on("requestfailed", lambda request, failed=failed: failed.append(request.url))
        page.goto(deck.as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        for number in range(page.evaluate("Reveal.getTotalSlides()")):
            assert page.evaluate(CUT_OFF, number) == [], f"{deck.stem}, slide {number + 1}"
        assert failed == []
        context.close()
