"""What a fetch is going to bring, settled before any image travels, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cxrlab.fetching.files import Fetched
from cxrlab.images import UnreadableImage, read_image

T = TypeVar("T")


@dataclass
class Plan:
    """The images of one source that are to be there in the end, and how they come."""

    source: str  # the name of its folder
    address: str
    way: str  # for the manifest: repository, remote archive, local archive, ...
    images: list[Path]
    coming: int  # images that are not there yet
    bytes: int  # of those; an estimate unless exact
    bring: Callable[[], Fetched]
    exact: bool = True
    commit: str | None = None
    asked: int | None = None  # how many images were wished for; the source may have fewer
    travelled: int = 0  # for the lists that the plan was made from
    notes: list[str] = field(default_factory=list)
    damaged: Damaged = field(default_factory=lambda: Damaged())


def in_stable_order(items: Iterable[T], name: Callable[[T], str]) -> list[T]:
    """The items in an order that looks random and is always the same.

    A limit takes the first of them. File names run along time, machine and part of a source, so
    the first in the alphabet would be no fair sample of it; the order of a digest of the name is.
    Unlike a seeded shuffle it does not depend on what else there is: a larger limit keeps all
    that a smaller one took, and a copy with other files around gives the same choice.
    """
    return sorted(
        items, key=lambda item: (hashlib.sha256(name(item).encode()).digest(), name(item))
    )


class Damaged:
    """Collects images that are the source's own, byte for byte, and still cannot be decoded.

    Fetching such a file again would not mend it. It stays, and the audit of notebook 02 tells what
    is wrong with it. Made for several threads: adding to a set is one step.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()

    def note(self, path: Path, name: str) -> None:
        """Remember ``name`` if the file at ``path`` cannot be decoded."""
        try:
            decodes(path)
        except UnreadableImage:
            self.names.add(name)


def decodes(path: Path) -> None:
    """Raise :class:`cxrlab.images.UnreadableImage` unless ``path`` holds a usable image."""
    read_image(path)
