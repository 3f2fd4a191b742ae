"""A part of a card, to show in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from cxrlab.cards.blocks import Card
from cxrlab.errors import CXRLabError


def excerpt(card: Card, headings: Sequence[str]) -> str:
    """The sections under these headings as Markdown, in the order of the card.

    Headings are set smaller, so that they do not mix with those of a notebook. Raises
    :class:`CXRLabError` where the card has no such section.
    """
    sections = {text.partition("\n")[0].strip(): text for text in card.markdown.split("\n## ")[1:]}
    if missing := [heading for heading in headings if heading not in sections]:
        raise CXRLabError(f"The card has no section {missing[0]!r}. It has {', '.join(sections)}.")
    shown = [text for heading, text in sections.items() if heading in headings]
    return "\n".join(f"#### {text.strip()}\n" for text in shown)
