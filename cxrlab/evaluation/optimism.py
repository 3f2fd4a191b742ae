"""Why the winner of many looks better than it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.metrics import check_cases

# Keras cuts scores here before it takes the logarithm; so do we, or a certain error were infinite.
_EDGE = 1e-7


def expected_best(candidates: int, share: float, cases: int) -> float:
    """The best of many equally good models, as a validation set shows it, on average.

    Each of ``candidates`` models is truly right with probability ``share`` (0...1) on each of
    ``cases`` cases, independently of the others. Returns the expected highest share seen, which
    is never below ``share``: the surplus is luck, and does not come along to a test set. (Models
    that were trained on the same cases err alike, so a real search gains less by luck.)

    Raises :class:`CXRLabError` for no candidates, no cases or a share outside 0...1.
    """
    if candidates < 1 or cases < 1 or not 0 <= share <= 1:
        raise CXRLabError(
            f"{candidates} candidates, {cases} cases and a share of {share} make no contest. Give "
            "at least one candidate and one case, and a share from 0 to 1."
        )
    # E[max] is the sum over k of P(max >= k), and the best is below k when all of them are.
    all_below = binom.cdf(np.arange(cases), cases, share) ** candidates
    return float(np.sum(1 - all_below) / cases)


def log_loss(labels: ArrayLike, scores: ArrayLike) -> float:
    """The binary cross-entropy of ``scores`` (within 0...1): what training makes small.

    The mean of -log(the score given to what was true); 0.693 for answering 0.5 to everything.
    """
    labels, scores = check_cases(labels, scores)
    scores = np.clip(scores, _EDGE, 1 - _EDGE)
    return float(-np.mean(np.where(labels == 1, np.log(scores), np.log(1 - scores))))
