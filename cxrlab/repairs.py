"""Repairs: what people do about a shortcut, each tried on the same unseen people.

Every repair is trained on its own choice of the training patients and tested, once for each
person, on COVID-19 patients, healthy children and healthy adults that it has not seen. A repair
that lowers the false positives among adults has a price, and the table shows it: recall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlab import recordings
from cxrlab.budgets import Budget
from cxrlab.cases import Prepared
from cxrlab.designs import Design, Say, auc_against, candidates, examine, group_table
from cxrlab.pipeline import Xrays, decode
from cxrlab.recipes import RECIPES
from cxrlab.recordings import Recording
from cxrlab.sources import ADULTS, CHILDREN
from cxrlab.splits import Split, kfold_by_patient, split_by_patient
from cxrlab.training import Settings
from cxrlab.transfer import WeightsUnavailable

#: In the order of the table: first what leaves the choice of patients alone, then what does not.
REPAIRS = (
    RECIPES["published"],
    Design("lung field only", settings=Settings(preparation="lung field")),
    Design("histogram equalisation", settings=Settings(preparation="equalise")),
    Design("CLAHE", settings=Settings(preparation="clahe")),
    Design("augmentation", settings=Settings(augmentation="strong")),
    Design("mixed negatives", "mixed"),
    Design("mixed, augmentation", "mixed", Settings(augmentation="strong")),
    Design("mixed, balanced batches", "mixed", Settings(balance_sources=True), every=True),
    Design("mixed, transfer learning", "mixed", Settings(network="transfer")),
    RECIPES["robust"],
)

COLUMNS = (
    *("repair", "recall", "recall_low", "recall_high"),
    *("children", "children_low", "children_high", "adults", "adults_low", "adults_high"),
    *("auc_children", "auc_adults", "frame_only", "lungs_hidden", "note"),
)


@dataclass(frozen=True)
class Tried:
    """One repair: the scored test people of all folds, or the reason why it was not tried."""

    name: str
    scored: pd.DataFrame | None
    note: str = ""


@dataclass(frozen=True)
class Bench:
    """What all repairs share: the decoded X-rays and the splits on which each is tried."""

    prepared: Prepared
    xrays: Xrays
    splits: tuple[Split, ...]


def bench(data: Path, seed: int = 0, folds: int = 0) -> Bench:
    """Read all usable X-rays in ``data`` and split them by patient.

    With ``folds`` of 2 or more each person is tested once; without, a fifth of them.
    """
    prepared = candidates(data, seed)
    if folds:
        splits = kfold_by_patient(prepared.cases, folds, seed, together=prepared.near)
    else:
        splits = [split_by_patient(prepared.cases, seed, together=prepared.near)]
    return Bench(prepared, decode(prepared.cases), tuple(splits))


def try_repair(
    design: Design, on: Bench, budget: Budget, seed: int = 0, say: Say | None = None
) -> Tried:
    """Train and test a repair on every split of the bench.

    Where the weights that transfer learning starts from cannot be fetched, the row says so.
    """
    parts = []
    for number, split in enumerate(on.splits, start=1):
        try:
            found = examine(design, on.xrays, split, budget, seed, say)
        except WeightsUnavailable as error:
            return Tried(design.name, None, f"skipped: {error}")
        parts.append(found.scored.assign(fold=number))
    return Tried(design.name, pd.concat(parts, ignore_index=True))


def repairs_table(tried: Sequence[Tried], resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """One row a repair, with the columns ``COLUMNS``; all NaN where a repair was skipped.

    ``recall`` of COVID-19 and the share of ``children`` and ``adults`` called positive, at each
    network's frozen threshold, with 95 % intervals over patients. ``auc_children`` and
    ``auc_adults``: ROC AUC of COVID-19 against each. ``frame_only``: the AUC against the children
    of the same network when all but the outer tenth of the X-ray is filled in; ``lungs_hidden``:
    against all healthy people when the lungs are. Both should be near 0.5.
    """
    rows = [_row(one, resamples, seed) for one in tried]
    numbers = [name for name in COLUMNS if name not in ("repair", "note")]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(numbers, float))
    return table.assign(note=table["note"].fillna(""))


def recorded(kind: str = "real") -> Recording:
    """The table as it was recorded for the course, on "real" X-rays or on "phantoms"."""
    return recordings.recorded(f"repairs-{kind}")


def within(table: pd.DataFrame, recall: float = 0.9, false_positives: float = 0.05) -> pd.DataFrame:
    """The repairs that reach ``recall`` with so few false positives among children and adults."""
    worst = table[["children", "adults"]].max(axis=1)
    return table[(table["recall"] >= recall) & (worst <= false_positives)]


def _row(one: Tried, resamples: int, seed: int) -> dict[str, object]:
    row: dict[str, object] = {"repair": one.name, "note": one.note}
    if one.scored is None:
        return row
    groups = group_table(one.scored, resamples, seed).set_index("group")
    for group, name in {"COVID-19": "recall", "children": "children", "adults": "adults"}.items():
        found = groups.loc[group]
        row |= {name: found["called"], f"{name}_low": found["low"], f"{name}_high": found["high"]}
    few = 2  # no interval is shown of these, so the bootstrap may be short
    hidden = {
        "auc_children": (CHILDREN, "score"),
        "auc_adults": (ADULTS, "score"),
        "frame_only": (CHILDREN, "frame_only"),
        "lungs_hidden": (None, "lungs_hidden"),
    }
    for name, (group, column) in hidden.items():
        row[name] = _number(auc_against(one.scored, group, column, few, seed).value)
    return row


def _number(value: float | None) -> float:
    return np.nan if value is None else value
