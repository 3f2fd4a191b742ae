"""What a filter did, looked at again: its sum in words, the rows behind it, an image to show."""

from __future__ import annotations

import pandas as pd

from cxrlab.catalog.filters import BOTH, NEGATIVES, POSITIVES, FilterLog, Step
from cxrlab.errors import CXRLabError
from cxrlab.images import UnreadableImage, read_image
from cxrlab.sources import covid


def tally(step: Step) -> str:
    """One step as a sum: ``X-ray: 538 - 80 = 458 rows. Why: another modality (CT)``."""
    why = f". Why: {step.why}" if step.dropped else ""
    return f"{step.name}: {step.before} - {step.dropped} = {step.after} rows{why}"


def rows_at(catalog: pd.DataFrame, log: FilterLog, number: int, kept: bool) -> pd.DataFrame:
    """The rows of ``catalog`` that step ``number`` of the log (from 0) kept, or dropped.

    A branch begins with the rows of its own source(s); a step on both begins with what the
    branches left. In the order of the catalog. Raises :class:`CXRLabError` where the log was
    not made from this catalog.
    """
    if not 0 <= number < len(log.steps):
        raise CXRLabError(
            f"There is no step {number}: the log has the steps 0 to {len(log.steps) - 1}."
        )
    step = log.steps[number]
    ids = catalog["image_id"]
    if not kept:
        rows = catalog[ids.isin(step.dropped_ids)]
    else:
        gone = {
            name
            for earlier in log.steps[: number + 1]
            if step.branch in (earlier.branch, BOTH)
            for name in earlier.dropped_ids
        }
        rows = catalog[_in_branch(catalog, step.branch) & ~ids.isin(gone)]
    expected = step.after if kept else step.dropped
    if len(rows) != expected:
        raise CXRLabError(
            f"The step {step.name!r} {'kept' if kept else 'dropped'} {expected} rows, but this "
            f"catalog holds {len(rows)} of them. Give the catalog that the log was made from."
        )
    return rows


def first_readable(rows: pd.DataFrame) -> pd.Series | None:
    """The first row whose file can be decoded, or None where none can."""
    for _, row in rows[rows["path"].notna()].iterrows():
        try:
            read_image(row["path"])
        except UnreadableImage:
            continue
        return row
    return None


def dropped_examples(catalog: pd.DataFrame, log: FilterLog) -> list[tuple[Step, pd.Series]]:
    """For each step that dropped an image that can be shown: the step and the first such row."""
    found = [
        (step, first_readable(rows_at(catalog, log, number, kept=False)))
        for number, step in enumerate(log.steps)
    ]
    return [(step, row) for step, row in found if row is not None]


def _in_branch(catalog: pd.DataFrame, branch: str) -> pd.Series:
    positive = catalog["source"] == covid.NAME
    sides = {POSITIVES: positive, NEGATIVES: ~positive}
    return sides.get(branch, pd.Series(True, index=catalog.index))
