"""A card as data, and its two forms: Markdown, and one HTML page that fetches nothing.

A card holds text from files (names of patients' sources, settings, notes). Both forms escape it:
what looks like markup in a file is shown as it stands there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Link:
    """Words that lead to an address."""

    words: str
    address: str


Inline = str | Link | tuple["str | Link", ...]


@dataclass(frozen=True)
class Text:
    """A paragraph; ``loud`` ones are warnings that nobody should overlook."""

    words: Inline
    loud: bool = False
    kind = "text"


@dataclass(frozen=True)
class Bullets:
    """A list without an order."""

    items: Sequence[Inline]
    kind = "bullets"


@dataclass(frozen=True)
class Rows:
    """A table. ``figures`` names the columns that hold numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Inline]]
    figures: Sequence[str] = ()
    kind = "rows"


Block = Text | Bullets | Rows


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    heading: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Card:
    """The same card twice: ``markdown`` and ``html`` (a whole page)."""

    markdown: str
    html: str


def make_card(title: str, opening: Sequence[Block], sections: Sequence[Section]) -> Card:
    """The card in both forms. ``opening`` stands before the first heading."""
    return Card(to_markdown(title, opening, sections), to_html(title, opening, sections))


def parts(words: Inline) -> tuple[str | Link, ...]:
    """Inline words as a tuple of text and links."""
    return words if isinstance(words, tuple) else (words,)


def to_markdown(
    title: str, opening: Sequence[Block], sections: Sequence[Section], level: int = 1
) -> str:
    """GitHub's Markdown, the title at heading ``level``."""
    lines = [f"{'#' * level} {escaped(title)}", *map(_block, opening)]
    for section in sections:
        lines += [f"{'#' * (level + 1)} {escaped(section.heading)}", *map(_block, section.blocks)]
    return "\n\n".join(lines) + "\n"


def to_html(title: str, opening: Sequence[Block], sections: Sequence[Section]) -> str:
    """One page with its style inside."""
    style = resources.files("cxrlab.cards").joinpath("templates/card.css").read_text("utf-8")
    page = _templates().get_template("card.html.j2")
    return page.render(
        title=title, style=style, opening=opening, sections=sections, parts=parts, is_link=is_link
    )


def is_link(part: object) -> bool:
    """Whether a part of inline words is a link."""
    return isinstance(part, Link)


def escaped(text: object) -> str:
    """The text so that Markdown shows it as it is, on one line."""
    one_line = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|#~$])", r"\\\1", one_line)


def _inline(words: Inline) -> str:
    return "".join(
        f"[{escaped(part.words)}]({part.address})" if isinstance(part, Link) else _spaced(part)
        for part in parts(words)
    )


def _spaced(text: str) -> str:
    """Escaped text that keeps the blank before or after a link."""
    before, after = text[:1].isspace(), len(text) > 1 and text[-1:].isspace()
    return " " * before + escaped(text) + " " * after


def _block(block: Block) -> str:
    if isinstance(block, Text):
        return f"> **{_inline(block.words)}**" if block.loud else _inline(block.words)
    if isinstance(block, Bullets):
        return "\n".join(f"- {_inline(item)}" for item in block.items)
    rules = ["--:" if column in block.figures else ":--" for column in block.columns]
    rows = [map(escaped, block.columns), rules, *(map(_inline, row) for row in block.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


@cache
def _templates():
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("cxrlab.cards"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
