"""Checks of what is decided and reported at the end: a repair that meets demands, a card's gaps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxrlab.exercises.engine import Wrong, described
from cxrlab.exercises.toy_hospitals import ANSWERED, CARD_ITEMS, DEMANDS, repairs_tried

WORDS = {
    "recall": "of the ill it finds",
    "children": "of the children it alarms",
    "adults": "of the healthy adults it alarms",
    "lungs_hidden": "without the lungs its AUC is still",
}


def unmet(row: Mapping[str, Any]) -> list[str]:
    """The demands that a row of the repairs does not meet, in words."""
    failed = []
    for column, limit in DEMANDS.items():
        enough = row[column] >= limit if column == "recall" else row[column] <= limit
        if not enough:
            wanted = "at least" if column == "recall" else "at most"
            failed.append(f"{WORDS[column]} {row[column]:.2f} ({wanted} {limit:.2f} was asked)")
    return failed


def check_repair(chosen: Any) -> str:
    """The one repair that meets all four demands."""
    table = repairs_tried()
    if isinstance(chosen, pd.Series | pd.DataFrame):
        raise Wrong("`chosen` is a table. Give the name in the column `repair`, as a text.")
    names = table["repair"].tolist()
    if not isinstance(chosen, str) or chosen.strip().lower() not in names:
        raise Wrong(f"`chosen` is {described(chosen)}, but should be one of {', '.join(names)}.")
    row = table.set_index("repair").loc[chosen.strip().lower()]
    if failed := unmet(row):
        raise Wrong(f"`chosen` is “{chosen}”, but {'; '.join(failed)}.")
    return (
        "Its recall is not the highest, and neither are its false alarms the fewest. The one that "
        "is better at both still knows who is ill with the lungs hidden: whatever it looks at, "
        "it is not the disease."
    )


def check_card(missing: Any) -> str:
    """Which items of :data:`CARD_ITEMS` the short card leaves open."""
    if isinstance(missing, str) or not isinstance(missing, list | tuple | set | frozenset):
        raise Wrong(f"`missing` is {described(missing)}, but should be a set of items.")
    if unknown := [item for item in missing if item not in CARD_ITEMS]:
        raise Wrong(
            f"`missing` holds {unknown[0]!r}. Take the items as they are written: "
            f"{', '.join(CARD_ITEMS)}."
        )
    given, open_items = set(missing), set(CARD_ITEMS) - ANSWERED
    places = {
        "intended use": "the first sentence says for whom and for what it is meant",
        "threshold": "it says 0.62, and where the number was chosen",
        "calibration": "it gives a Brier score and a calibration error",
        "limits": "the last sentence names what it was not made for",
    }
    for item in CARD_ITEMS:
        if item in given & ANSWERED:
            raise Wrong(f"`missing` holds “{item}”, but {places[item]}.")
    if not given:
        raise Wrong("`missing` is empty, but the card leaves several items open. Read it again.")
    asks = {
        "who was tested": "How many people were tested, from where, of which age?",
        "intervals": "How sure are 0.98 and 0.97? They come without a word on that.",
        "another hospital": "“On our test set”: and elsewhere?",
        "subgroups": "Is it as good for women as for men, for the old as for the young?",
    }
    for item in CARD_ITEMS:
        if item in open_items - given:
            raise Wrong(f"`missing` has {len(given)} right, but not all. {asks[item]}")
    return "A card with gaps is not a lie. It becomes one when nobody asks."
