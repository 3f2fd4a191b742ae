"""A network's score as number, bar and verdict: HTML that a screen reader can say."""

from __future__ import annotations

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID

WIDE = 300  # pixels


def verdict_html(score: float, threshold: float, before: float | None = None) -> str:
    """The score (0...1), what it leads to at the frozen threshold, and its change.

    ``before``: the score that the change is counted from, None for no change.
    """
    called = score >= threshold
    words, colour = ("COVID-19", COVID) if called else ("not COVID-19", NOT_COVID)
    relation = "at or above" if called else "below"
    return (
        f'<div role="status" style="line-height:1.5">Score <b style="font-size:1.4em">{score:.3f}'
        f"</b>{_change(score, before)}<br>{_bar_svg(score, threshold, colour)}<br>"
        f'Called <b style="color:{colour}">{words}</b>: {relation} the frozen threshold of '
        f"{threshold:.3f}.</div>"
    )


def _change(score: float, before: float | None) -> str:
    if before is None:
        return ""
    change = round(score - before, 3) + 0.0  # never "-0.000"
    if change == 0:
        return f", as the untouched X-ray ({before:.3f})"
    verb = "fell" if change < 0 else "rose"
    return f": it {verb} by <b>{abs(change):.3f}</b> from the untouched X-ray's {before:.3f}"


def _bar_svg(score: float, threshold: float, colour: str) -> str:
    """The score as a bar from 0 to 1 with a line at the threshold; the words say the same."""
    at = 1 + threshold * (WIDE - 2)
    return (
        f'<svg aria-hidden="true" width="{WIDE}" height="34" viewBox="0 0 {WIDE} 34" '
        f'font-family="sans-serif" font-size="11">'
        f'<rect x="0.5" y="4.5" width="{WIDE - 1}" height="15" fill="white" stroke="{GREY}"/>'
        f'<rect x="1" y="5" width="{score * (WIDE - 2):.1f}" height="14" fill="{colour}"/>'
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="24" stroke="{INK}" stroke-width="2" '
        f'stroke-dasharray="4 2"/>'
        f'<text x="0" y="32" fill="{INK}">0</text>'
        f'<text x="{WIDE}" y="32" fill="{INK}" text-anchor="end">1</text></svg>'
    )
