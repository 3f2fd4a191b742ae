"""Where to cut the score: chosen on validation cases, then frozen."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.metrics import check_cases

RULES = ("f1", "youden", "recall")


def choose_threshold(
    labels: ArrayLike, scores: ArrayLike, rule: str = "f1", target: float = 0.95
) -> float:
    """The best threshold on these (validation!) cases, a number within 0...1.

    ``rule``: ``"f1"`` for the highest F1; ``"youden"`` for the highest recall + specificity
    (Youden 1950); ``"recall"`` for the highest specificity among the thresholds with a recall
    of at least ``target``.

    Candidates lie halfway between neighbouring scores, so that rounding flips no case. Of
    several equally good ones the lowest is taken: it misses the fewest.
    Raises :class:`CXRLabError` on an unknown rule, a target outside 0...1, or a single class.
    """
    if rule not in RULES:
        raise CXRLabError(f"There is no rule called {rule!r}. Choose one of {', '.join(RULES)}.")
    _check_target("target", target)
    thresholds, tp, fp, positives, negatives = every_threshold(labels, scores)
    if rule == "f1":
        gain = 2 * tp / (tp + fp + positives)
    elif rule == "youden":
        # recall + specificity times both class sizes: whole numbers, so that ties are exact.
        gain = tp * negatives + (negatives - fp) * positives
    else:
        gain = np.where(tp / positives >= target, negatives - fp, -1)
    return float(thresholds[np.argmax(gain)])


def recall_at_specificity(labels: ArrayLike, scores: ArrayLike, specificity: float) -> float:
    """The highest recall of any threshold with at least this ``specificity`` (within 0...1).

    0 when only calling nothing positive is specific enough.
    Raises :class:`CXRLabError` on a single class.
    """
    _check_target("specificity", specificity)
    _, tp, fp, positives, negatives = every_threshold(labels, scores)
    specific_enough = (negatives - fp) / negatives >= specificity
    return float(np.max(tp[specific_enough] / positives, initial=0.0))


def every_threshold(
    labels: ArrayLike, scores: ArrayLike
) -> tuple[NDArray, NDArray, NDArray, int, int]:
    """Thresholds in rising order with true and false positives at each; both class sizes."""
    labels, scores = check_cases(labels, scores)
    positive, negative = np.sort(scores[labels == 1]), np.sort(scores[labels == 0])
    if not (positive.size and negative.size):
        raise CXRLabError(
            f"All {labels.size} cases have the label {labels[0]}. A threshold separates two "
            "classes: give cases of both."
        )
    levels = np.unique(scores)
    halfway = (levels[:-1] + levels[1:]) / 2
    # Between two scores one rounding step apart there is no number: then take the upper one.
    halfway = np.where(halfway > levels[:-1], halfway, levels[1:])
    # Below all scores and, where there is room, above them all.
    above = [(levels[-1] + 1) / 2] if levels[-1] < 1 else []
    thresholds = np.concatenate([[levels[0] / 2], halfway, above])
    tp = positive.size - np.searchsorted(positive, thresholds)
    fp = negative.size - np.searchsorted(negative, thresholds)
    return thresholds, tp, fp, positive.size, negative.size


def _check_target(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise CXRLabError(f"The {name} is {value}. Choose a number from 0 to 1.")
