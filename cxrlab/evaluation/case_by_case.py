"""The same cases called by two: a reader and a network, case by case and in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxrlab.evaluation.metrics import Confusion, check_cases, check_threshold


def side_by_side(
    cases: pd.DataFrame, scores: ArrayLike, threshold: float, calls: Mapping[str, int]
) -> pd.DataFrame:
    """One row a case: ``image_id``, ``label``, ``score``, ``network``, ``reader``.

    ``cases`` has ``image_id`` and ``label`` (0 or 1), n rows; ``scores`` (n,) within 0...1 are
    the network's; ``network`` is its call (0 or 1) at ``threshold``. ``calls`` are the reader's
    by ``image_id``; a case without one has a missing ``reader`` (pandas' Int64).
    """
    labels, scores = check_cases(cases["label"], scores)
    called = scores >= check_threshold(threshold)
    reader = [calls.get(image) for image in cases["image_id"]]
    return pd.DataFrame(
        {
            "image_id": cases["image_id"].to_numpy(),
            "label": labels,
            "score": scores,
            "network": called.astype(np.int64),
            "reader": pd.array(reader, dtype="Int64"),
        }
    )


def result_sentence(who: str, counts: Confusion) -> str:
    """``"The network: right on 9 of 10 X-rays, 1 missed, no false alarm."``"""
    if not counts.n:
        return f"{who}: no calls yet."
    missed = f"{counts.fn} missed" if counts.fn else "none missed"
    alarms = {0: "no false alarm", 1: "1 false alarm"}.get(counts.fp, f"{counts.fp} false alarms")
    right = counts.tp + counts.tn
    return f"{who}: right on {right} of {counts.n} X-rays, {missed}, {alarms}."


def case_words(row: pd.Series) -> str:
    """The title of a case's picture: the truth, then who called it what, each on a line."""
    truth = "COVID-19" if row["label"] == 1 else "not COVID-19"
    lines = [truth, f"network {_verdict(row, 'network')}", f"(score {row['score']:.2f})"]
    if not pd.isna(row["reader"]):
        lines.append(f"you {_verdict(row, 'reader')}")
    return "\n".join(lines)


def _verdict(row: pd.Series, who: str) -> str:
    """Right or wrong, as a sign that needs no colour."""
    return "right" if row[who] == row["label"] else "WRONG"
