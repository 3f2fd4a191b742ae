"""Sensitivity at a fixed specificity: chosen on one set of cases, and frozen for another."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.report import Report, evaluate
from cxrlab.evaluation.thresholds import every_threshold


@dataclass(frozen=True)
class FrozenPoint:
    """A threshold chosen for one specificity, and what became of it on other cases.

    The specificity that was asked for held where the threshold was chosen; ``report`` says what
    sensitivity (recall) and specificity it has where it was applied.
    """

    asked: float
    threshold: float
    report: Report

    @property
    def sentence(self) -> str:
        """What was promised and what was kept, in plain words."""
        recall, specificity = (self.report[name] for name in ("recall", "specificity"))
        return (
            f"Chosen for a specificity of {self.asked:g}, the threshold {self.threshold:.2f} "
            f"reaches a specificity of {_words(specificity)} and a sensitivity of "
            f"{_words(recall)} here."
        )


def threshold_at_specificity(labels: ArrayLike, scores: ArrayLike, specificity: float) -> float:
    """The lowest threshold with at least this ``specificity`` (0...1) on these cases.

    It is the one with the highest recall among them. Raises :class:`CXRLabError` on a single
    class, and where even the highest threshold calls too many negatives positive.
    """
    if not 0 <= specificity <= 1:
        raise CXRLabError(f"The specificity is {specificity}. Choose a number from 0 to 1.")
    thresholds, _, fp, _, negatives = every_threshold(labels, scores)
    specific = (negatives - fp) / negatives >= specificity
    if not specific.any():
        raise CXRLabError(
            f"No threshold up to 1 reaches a specificity of {specificity:g}: of {negatives} "
            f"negative cases, {fp[-1]} have a score of 1. Ask for less."
        )
    return float(thresholds[specific][0])


def sensitivity_at_specificity(
    chosen_on: tuple[ArrayLike, ArrayLike],
    applied_to: tuple[ArrayLike, ArrayLike],
    specificity: float = 0.95,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> FrozenPoint:
    """Choose a threshold for a ``specificity`` on one set, and judge another with it.

    ``chosen_on`` and ``applied_to`` are (labels, scores); ``patients`` are those of the second.
    Its 95 % intervals take the threshold as given: they tell how sure the numbers are for this
    threshold, not how another choice would have fallen out.
    """
    threshold = threshold_at_specificity(*chosen_on, specificity)
    report = evaluate(*applied_to, threshold, patients, resamples, seed)
    return FrozenPoint(float(specificity), threshold, report)


def _words(estimate) -> str:
    if estimate.value is None:
        return "undefined (no such cases)"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"
