"""Swapped negatives: train against one kind of healthy people, and meet another.

The published design learns adult COVID-19 patients from healthy children, and is tested on the
same mixture. Here it meets healthy adults; then the designs are tried that should have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxrlab.budgets import Budget
from cxrlab.designs import Design, Say, candidates, examine, group_table
from cxrlab.pipeline import decode
from cxrlab.splits import split_by_patient

NAMES = {
    "kermany": "children (as published)",
    "adult": "adults",
    "mixed": "half and half",
}


@dataclass(frozen=True)
class Swapped:
    """``table``: :func:`cxrlab.designs.group_table` of each design, with the column ``design``.

    ``scored``: all test X-rays with the score of each design.
    """

    table: pd.DataFrame
    scored: pd.DataFrame


def swapped_negatives(
    data: Path,
    budget: Budget,
    seed: int = 0,
    designs: Sequence[str] = tuple(NAMES),
    say: Say | None = None,
) -> Swapped:
    """Train the published network against each kind of negatives; test all on the same people.

    ``designs`` are ``kermany`` (healthy children, as published), ``adult`` and ``mixed``. One
    split by patient of all usable X-rays in ``data``; a training for each design.
    """
    prepared = candidates(data, seed)
    split = split_by_patient(prepared.cases, seed, together=prepared.near)
    xrays = decode(prepared.cases)
    tables, scored = [], []
    for negatives in designs:
        design = Design(NAMES.get(negatives, negatives), negatives)
        found = examine(design, xrays, split, budget, seed, say).scored
        table = group_table(found, budget.resamples, seed)
        table.insert(0, "design", design.name)
        tables.append(table)
        scored.append(found.assign(design=design.name))
    return Swapped(pd.concat(tables, ignore_index=True), pd.concat(scored, ignore_index=True))
