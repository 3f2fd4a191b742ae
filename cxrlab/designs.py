"""A design: which X-rays stand for "healthy", and how the network is trained on them.

Each design is trained on its own choice of the training patients, and all are tested on the same
unseen people: COVID-19 patients, healthy children and healthy adults. Only so can it show that the
published design never had to tell COVID-19 from a healthy adult.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlab.cases import Prepared, prepare
from cxrlab.choices import Budget
from cxrlab.errors import CXRLabError
from cxrlab.filters import FilterLog, balance
from cxrlab.metrics import Estimate, auc, choose_threshold, share
from cxrlab.pipeline import Xrays
from cxrlab.shortcuts import hide
from cxrlab.sources import COVID19, NEGATIVES, ROLES
from cxrlab.splits import Split, subsample
from cxrlab.training import Settings, Trained, made_ready, predict, train

if TYPE_CHECKING:
    import keras

# What else the trained network is asked: scores of the same test X-rays with a part filled in.
HIDDEN = {"frame_only": "centre", "lungs_hidden": "lungs"}
DESCRIBED = ["image_id", "patient_id", "source", "sex", "age", "view", "label"]

Say = Callable[[str], None]


@dataclass(frozen=True)
class Design:
    """A name, where the negatives come from, and how the network is trained.

    ``every``: train on all X-rays of these sources, not on as many negatives as positives.
    """

    name: str
    negatives: str = "kermany"
    settings: Settings = field(default_factory=Settings)
    every: bool = False

    def chosen(self, part: pd.DataFrame, seed: int) -> pd.DataFrame:
        """The X-rays of a part that the design learns from.

        Raises :class:`CXRLabError` where the part holds too few for that.
        """
        roles = (COVID19, *NEGATIVES[self.negatives])
        ours = part[part["source"].isin([name for role in roles for name in ROLES[role]])]
        chosen = ours if self.every else balance(ours, FilterLog(), seed, self.negatives)
        if chosen["label"].nunique() < 2:
            counts = part["source"].value_counts().to_dict()
            raise CXRLabError(
                f"The design {self.name!r} needs COVID-19 patients and negatives of the kind "
                f"{self.negatives!r} in every part of the split, but one part holds {counts}. "
                "Use more X-rays, or another seed."
            )
        return chosen

    def learns_from(self, split: Split, seed: int) -> Split:
        """The split with this design's choice of its training and validation part."""
        return Split(
            self.chosen(split.train, seed), self.chosen(split.validation, seed), split.test
        )

    def images(self, budget: Budget) -> int:
        """Training X-rays at the most (0: all of them).

        ``budget.images`` is meant for as many healthy as sick. A design that learns from
        everybody gets three times as many, so that it has no fewer of the sick.
        """
        return budget.images * 3 if self.every else budget.images


def candidates(data: Path, seed: int = 0) -> Prepared:
    """All usable X-rays of COVID-19 patients, healthy children and healthy adults in ``data``.

    Raises :class:`CXRLabError` where one of the three groups is not there.
    """
    prepared = prepare(data, "mixed", seed, balanced=False)
    for group, sources in ROLES.items():
        if not prepared.cases["source"].isin(sources).any():
            raise CXRLabError(
                f"{data} has no usable X-rays of {group}. This experiment needs some of each of "
                f"{', '.join(ROLES)}: see `cxrlab data status`."
            )
    return prepared


def examine(
    design: Design, xrays: Xrays, split: Split, budget: Budget, seed: int = 0, say: Say = print
) -> tuple[Trained, pd.DataFrame, float]:
    """Train as ``design`` says, freeze a threshold, and score the test part.

    ``split`` is one of the cases of ``xrays``, such as :meth:`Design.learns_from` gives. The
    threshold is the one with the highest F1 on its validation part. Returns the training, the
    scored test X-rays (one row each: ``DESCRIBED``, ``score``, the scores with a part ``HIDDEN``,
    and ``called``, whether the score reaches the threshold), and the threshold. ``say`` hears how
    the training went.
    """
    training = xrays.of(subsample(split.train, design.images(budget), seed))
    validation = xrays.of(split.validation)
    trained = train(training, validation, budget, seed, design.settings)
    say(
        f"{design.name}: {len(training)} X-rays, best epoch {trained.best_epoch}, "
        f"{trained.machine}."
    )
    ready = made_ready(validation, design.settings)
    threshold = choose_threshold(ready.labels, predict(trained.model, ready))
    scored = score_with_hidden_parts(trained.model, xrays.of(split.test), design.settings)
    return trained, scored.assign(called=scored["score"] >= threshold), threshold


def score_with_hidden_parts(model: keras.Model, test: Xrays, settings: Settings) -> pd.DataFrame:
    """One row a test X-ray: ``DESCRIBED``, its score, and the scores with parts ``HIDDEN``.

    Parts are hidden in the X-ray as it came; the network's own preparation follows.
    """

    def score(pixels: np.ndarray) -> np.ndarray:
        return predict(model, made_ready(replace(test, pixels=pixels), settings))

    known = [name for name in DESCRIBED if name in test.cases]
    hidden = {name: score(hide(test.pixels, part)) for name, part in HIDDEN.items()}
    return test.cases[known].assign(score=score(test.pixels), **hidden)


def group_table(scored: pd.DataFrame, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """How often each group is called positive, and the AUC of COVID-19 against it.

    One row per group: ``group``, ``images``, ``patients``, ``called`` (share 0...1 called
    positive: recall for COVID-19, false positives for the healthy) with ``low`` and ``high``, and
    ``auc`` with ``auc_low`` and ``auc_high`` (NaN for COVID-19 itself). 95 % intervals over
    patients, from :mod:`cxrlab.metrics`. ``scored`` may pool the test parts of several folds, each
    called at the threshold of its own network; the AUC then mixes scores of several networks, and
    is rather too low.
    """
    rows = []
    for group, sources in ROLES.items():
        ours = scored[scored["source"].isin(sources)]
        if ours.empty:
            continue
        called = share(ours["called"], ours["patient_id"])
        area = auc_against(scored, group, "score", resamples, seed)
        counts = (group, len(ours), ours["patient_id"].nunique())
        rows.append((*counts, *astuple(called), *astuple(area)))
    numbers = ["called", "low", "high", "auc", "auc_low", "auc_high"]
    table = pd.DataFrame(rows, columns=["group", "images", "patients", *numbers])
    return table.astype(dict.fromkeys(numbers, float))


def auc_against(
    scored: pd.DataFrame,
    group: str | None = None,
    column: str = "score",
    resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """The AUC of COVID-19 against the healthy of one ``group`` (None: of all) by ``column``.

    ``group`` is one of :data:`cxrlab.sources.ROLES`, such as ``children``. Undefined where there
    is nobody to compare with.
    """
    healthy = scored["label"] == 0
    if group is not None:
        healthy &= scored["source"].isin(ROLES[group])
    cases = scored[(scored["label"] == 1) | healthy]
    if cases.empty:
        return Estimate(None)
    return auc(cases["label"], cases[column], cases["patient_id"], resamples, seed)


RECIPES = {
    "published": Design("published"),
    # A small residual network that pools away the place, sees every X-ray changed in every pass,
    # and gets children, adults and COVID-19 patients in equal shares in every batch. Its many
    # passes are cheap: it computes a small part of what the published network does. The last
    # weights are kept, after the learning rate has fallen: with some 70 X-rays for validation
    # the lowest loss is a lucky epoch rather than a good one.
    "robust": Design(
        "robust",
        "mixed",
        Settings(
            dropout=0.1,
            learning_rate=4e-3,
            network="residual",
            augmentation="strong",
            balance_sources=True,
            weight_decay=1e-2,
            passes=3,
            stop_early=False,
        ),
        every=True,
    ),
}


def recipe_named(name: str) -> Design:
    """The recipe of this name. Raises :class:`CXRLabError` where there is none."""
    if name not in RECIPES:
        raise CXRLabError(f"There is no recipe {name!r}. Choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]
