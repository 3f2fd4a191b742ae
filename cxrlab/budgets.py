"""How much work a run may do: three budgets, plain numbers, one screen."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cxrlab.errors import CXRLabError


@dataclass(frozen=True)
class Budget:
    """The sizes of everything that takes time.

    ``images`` limits the training images (0: all of them); a budget subsamples after the
    split, so that counts shown in a notebook hold at every budget.
    """

    name: str
    images: int  # training images at the most, 0 for all
    epochs: int  # passes over the training images
    patience: int  # epochs without a better validation loss before training stops
    trials: int  # settings that the search tries
    trial_epochs: int  # epochs a trial may take
    seeds: int  # repeated trainings where the spread matters
    resamples: int  # bootstrap resamples behind an interval


SMOKE = Budget("smoke", 48, 1, 1, 2, 1, 2, 100)
CLASS = Budget("class", 192, 18, 10, 4, 12, 3, 1000)
FULL = Budget("full", 0, 40, 15, 50, 20, 5, 2000)

BUDGETS = {budget.name: budget for budget in (SMOKE, CLASS, FULL)}


def get_budget(name: str | None = None) -> Budget:
    """The budget called ``name``, else the one in ``CXRLAB_BUDGET``, else ``class``."""
    name = name or os.environ.get("CXRLAB_BUDGET") or "class"
    if name not in BUDGETS:
        raise CXRLabError(
            f"There is no budget called {name!r}. Choose smoke, class or full "
            "(--budget, or the environment variable CXRLAB_BUDGET)."
        )
    return BUDGETS[name]
