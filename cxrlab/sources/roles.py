"""Who stands for whom: the groups of people that the course compares, and where each comes from."""

from __future__ import annotations

from collections.abc import Collection

from cxrlab.errors import CXRLabError
from cxrlab.sources import actualmed, covid, figure1, kermany, nih

SOURCES = {module.NAME: module for module in (covid, kermany, nih)}
# Hospitals that the course does not learn from. Both lie inside COVIDx, with the COVID-19 source.
EXTERNAL = {module.NAME: module for module in (actualmed, figure1)}

COVID19, CHILDREN, ADULTS = "COVID-19", "children", "adults"

# The sources that can fill a role. The external sets lend their healthy people only where the
# course's own source of adults is not there; otherwise they stay what they are, hospitals apart.
ROLES = {
    COVID19: (covid.NAME,),
    CHILDREN: (kermany.NAME,),
    ADULTS: (nih.NAME, actualmed.NAME, figure1.NAME),
}

# Who the negatives are: children as published, adults, or half and half.
NEGATIVES = {
    "kermany": (CHILDREN,),
    "adult": (ADULTS,),
    "mixed": (CHILDREN, ADULTS),
}


def check_negatives(negatives: str) -> tuple[str, ...]:
    """The roles behind ``kermany``, ``adult`` or ``mixed``. Raises :class:`CXRLabError`."""
    if negatives not in NEGATIVES:
        raise CXRLabError(
            f"There are no negatives called {negatives!r}. Choose kermany (children, as "
            "published), adult, or mixed (half and half)."
        )
    return NEGATIVES[negatives]


def filled_by(role: str, there: Collection[str]) -> tuple[str, ...]:
    """The sources that fill ``role`` where the sources ``there`` are; empty where none can.

    The course's own source where it is there, otherwise all external sets that can lend people.
    """
    able = [name for name in ROLES[role] if name in there]
    own = [name for name in able if name in SOURCES]
    return tuple(own or able)
