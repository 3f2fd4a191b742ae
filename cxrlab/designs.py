"""A design: which X-rays stand for "healthy", and how the network is trained on them.

Each design learns from its own choice of the training patients, and all are tested on the same
unseen people: only so can it show that the published design never had to tell COVID-19 from a
healthy adult. A repair that lowers the false positives among adults has a price: recall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlab.choices import Budget
from cxrlab.errors import CXRLabError
from cxrlab.filters import Prepared, balance, prepare
from cxrlab.metrics import Estimate, auc, choose_threshold, share
from cxrlab.pipeline import Xrays
from cxrlab.shortcuts import check_people, hide
from cxrlab.sources import ADULTS, CHILDREN, COVID19, NEGATIVES, ROLES
from cxrlab.splits import Split, subsample
from cxrlab.training import Settings, Trained, made_ready, predict, train

# What else the trained network is asked: scores of the same test X-rays with a part filled in.
HIDDEN = {"frame_only": "centre", "lungs_hidden": "lungs"}
DESCRIBED = ["image_id", "patient_id", "source", "sex", "age", "view", "label"]


@dataclass(frozen=True)
class Design:
    """A name, where the negatives come from, and how the network is trained."""

    name: str
    negatives: str = "kermany"
    settings: Settings = field(default_factory=Settings)
    every: bool = False  # learn from all X-rays, not from as many negatives as positives

    def chosen(self, part: pd.DataFrame, seed: int) -> pd.DataFrame:
        """The X-rays of a part that the design learns from; :class:`CXRLabError` for too few."""
        roles = (COVID19, *NEGATIVES[self.negatives])
        ours = part[part["source"].isin([name for role in roles for name in ROLES[role]])]
        chosen = ours if self.every else balance(ours, seed, self.negatives)
        if chosen["label"].nunique() < 2:
            raise CXRLabError(
                f"The design {self.name!r} needs COVID-19 patients and {self.negatives} negatives "
                "in every part of the split, but one lacks them. Use more X-rays, or another seed."
            )
        return chosen

    def learns_from(self, split: Split, seed: int) -> Split:
        """The split with this design's choice of its training and validation part."""
        learned = (self.chosen(part, seed) for part in (split.train, split.validation))
        return Split(*learned, split.test)


_ROBUST = Settings(
    dropout=0.1,
    learning_rate=4e-3,
    network="residual",
    augmentation="strong",
    balance_sources=True,
    weight_decay=1e-2,
    passes=3,
    stop_early=False,
)
RECIPES = {
    "published": Design("published"),
    # A small residual network that pools away the place, sees every X-ray changed in every pass,
    # and gets children, adults and COVID-19 patients in equal shares in every batch. Its many
    # passes are cheap: it computes a small part of what the published network does. The last
    # weights are kept, after the learning rate has fallen: with some 70 X-rays for validation
    # the lowest loss is a lucky epoch rather than a good one.
    "robust": Design("robust", "mixed", _ROBUST, every=True),
}
#: What people do about a shortcut, in the order of notebook 07's table: first what leaves the
#: choice of patients alone, then what does not.
REPAIRS = (
    RECIPES["published"],
    Design("lung field only", settings=Settings(preparation="lung field")),
    Design("histogram equalisation", settings=Settings(preparation="equalise")),
    Design("CLAHE", settings=Settings(preparation="clahe")),
    Design("augmentation", settings=Settings(augmentation="strong")),
    Design("mixed negatives", "mixed"),
    Design("mixed, augmentation", "mixed", Settings(augmentation="strong")),
    Design("mixed, balanced batches", "mixed", Settings(balance_sources=True), every=True),
    RECIPES["robust"],
)


def candidates(data: Path, seed: int = 0) -> Prepared:
    """All usable X-rays of COVID-19, children and adults; :class:`CXRLabError` if some lack."""
    prepared = prepare(data, "mixed", seed, balanced=False)
    check_people(prepared.cases, data)
    return prepared


def examine(
    design: Design, xrays: Xrays, split: Split, budget: Budget, seed: int = 0
) -> tuple[Trained, pd.DataFrame, float]:
    """Train as ``design`` says, freeze a threshold, and score the test part.

    ``split`` is one of the cases of ``xrays``. The threshold is the one with the highest F1 on
    its validation part. Returns the training, the scored test X-rays (``DESCRIBED``, ``score``,
    the scores with a part ``HIDDEN``, and ``called``, whether the score reaches the threshold),
    and the threshold. Parts are hidden in the X-ray as it came; preparation follows.
    """

    def score(part: Xrays) -> np.ndarray:
        return predict(trained.model, made_ready(part, design.settings))

    # The budget is meant for as many healthy as sick. A design that learns from everybody gets
    # three times as many X-rays, so that it has no fewer of the sick.
    training = xrays.of(subsample(split.train, budget.images * (3 if design.every else 1), seed))
    validation, test = xrays.of(split.validation), xrays.of(split.test)
    trained = train(training, validation, budget, seed, design.settings)
    found = f"{len(training)} X-rays, best epoch {trained.best_epoch}, {trained.machine}."
    print(f"{design.name}: {found}")
    threshold = choose_threshold(validation.labels, score(validation))
    scored = test.cases[[name for name in DESCRIBED if name in test.cases]].copy()
    scored["score"] = score(test)
    for name, part in HIDDEN.items():
        scored[name] = score(replace(test, pixels=hide(test.pixels, part)))
    return trained, scored.assign(called=scored["score"] >= threshold), threshold


def group_table(scored: pd.DataFrame) -> pd.DataFrame:
    """How often each group is called positive, and the AUC of COVID-19 against it.

    One row per group: ``group``, ``images``, ``patients``, ``called`` (recall for COVID-19, share
    of false positives for the healthy) with ``low`` and ``high``, and ``auc`` with ``auc_low`` and
    ``auc_high`` (NaN for COVID-19 itself). ``scored`` may pool the test parts of several folds,
    each called at the threshold of its own network; the AUC is then rather too low.
    """
    rows = []
    for group, sources in ROLES.items():
        ours = scored[scored["source"].isin(sources)]
        if len(ours):
            called = share(ours["called"], ours["patient_id"])
            area = auc_against(scored, group, "score")
            counts = (group, len(ours), ours["patient_id"].nunique())
            rows.append((*counts, *astuple(called), *astuple(area)))
    numbers = ["called", "low", "high", "auc", "auc_low", "auc_high"]
    table = pd.DataFrame(rows, columns=["group", "images", "patients", *numbers])
    return table.astype(dict.fromkeys(numbers, float))


def auc_against(scored: pd.DataFrame, group: str | None, column: str) -> Estimate:
    """The AUC of COVID-19 against the healthy of one ``group`` (None: of all) by ``column``."""
    ours = scored["source"].isin(ROLES[group]) if group else True
    cases = scored[(scored["label"] == 1) | ours]
    if cases.empty:
        return Estimate(None)
    return auc(cases["label"], cases[column], cases["patient_id"])


def repairs_table(tried: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per repair; ``tried``: its name to the scored test people of all folds.

    ``recall`` of COVID-19 and the share of ``children`` and ``adults`` called positive, at each
    network's frozen threshold; ROC AUC of COVID-19 against children, adults and all healthy:
    ``auc_children``, ``auc_adults``, ``auc_all``. ``frame_only`` is the AUC against children when
    all but the outer tenth of the X-ray is filled in, ``lungs_hidden`` that against all healthy
    without the lungs: 0.5 is to be hoped for, and an AUC further below is information, too.
    Each number has a 95 % interval over patients, in ``_low`` and ``_high``.
    """
    rows = []
    areas = {  # the AUC against whom (None: all healthy), and by which score
        "auc_children": (CHILDREN, "score"),
        "auc_adults": (ADULTS, "score"),
        "auc_all": (None, "score"),
        "frame_only": (CHILDREN, "frame_only"),
        "lungs_hidden": (None, "lungs_hidden"),
    }
    for name, scored in tried.items():
        called = group_table(scored).set_index("group")[["called", "low", "high"]]
        found = dict(zip(("recall", CHILDREN, ADULTS), called.loc[list(ROLES)].values, strict=True))
        for area, against in areas.items():
            found[area] = astuple(auc_against(scored, *against))
        row = {"repair": name}
        for what, triple in found.items():
            row |= dict(zip((what, f"{what}_low", f"{what}_high"), triple, strict=True))
        rows.append(row)
    return pd.DataFrame(rows)
