"""The leakage lab: the same images, split by image and split by patient.

Two images of one patient look alike. Where one of them is trained on and the other held out, a
model is paid for recognising the patient (Kapoor and Narayanan 2023,
10.1016/j.patter.2023.100804, count such leaks in 17 fields).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import Estimate, roc_auc
from cxrlab.evaluation.intervals import (
    patient_numbers,
    percentile_interval,
    resampled_weights,
    weighted_metrics,
)
from cxrlab.shortcuts.pixels import SIZE, ordered
from cxrlab.shortcuts.probe import (
    FOLDS,
    held_out_scores,
    in_order,
    linear,
    nearest_neighbour,
    patient_folds,
)
from cxrlab.splits import Pairs

LEARNERS = {"linear": linear, "nearest neighbour": nearest_neighbour}


@dataclass(frozen=True)
class Leakage:
    """What the same probe scores when patients may, and may not, be on both sides.

    ``scores``: one row a probe and seed, with ``probe``, ``seed``, the AUC ``by_image`` and
    ``by_patient``, their ``difference`` (by image minus by patient), and ``seen_before``: the
    share of held-out images whose patient was trained on in the split by image.
    ``differences``: probe to the mean difference over the seeds, with a 95 % bootstrap interval
    over patients; what another draw of patients would change.
    ``coin``: whether the labels were drawn by lot, one for each patient.
    """

    scores: pd.DataFrame
    differences: dict[str, Estimate]
    coin: bool

    def table(self) -> pd.DataFrame:
        """One row a probe: mean AUCs, mean difference, its interval, and its spread over seeds.

        ``sd`` is the standard deviation of the difference between seeds (NaN for a single one):
        what another draw of the split would change.
        """
        means = self.scores.groupby("probe", sort=False)[["by_image", "by_patient"]].mean()
        spread = self.scores.groupby("probe", sort=False)["difference"].std()
        found = pd.DataFrame(
            {
                name: (estimate.value, estimate.low, estimate.high)
                for name, estimate in self.differences.items()
            },
            index=["difference", "low", "high"],
            dtype=float,
        ).T
        return means.join(found).assign(sd=spread).rename_axis("probe").reset_index()


def leakage_lab(
    cases: pd.DataFrame,
    seeds: int = 5,
    coin: bool = False,
    several_only: bool = False,
    size: int = SIZE,
    together: Pairs | None = None,
    resamples: int = 1000,
    pictures: NDArray | None = None,
) -> Leakage:
    """Cross-validate two probes with the images, then with the patients, dealt to the folds.

    ``cases``, ``together`` and ``pictures`` as in :func:`cxrlab.shortcuts.region_probe`; ``seeds``
    repeats it with other folds, from seed 0. Every image is held out once each way, so that both
    scores are of the same images. With ``coin`` each patient gets a label by lot instead of the
    true one, another for each seed: nothing can be learned then but who the patient is, and every
    AUC that stays above 0.5 is a leak. ``several_only`` leaves out patients with a single image:
    they cannot leak, and water the difference down.
    """
    if seeds < 1:
        raise CXRLabError(f"{seeds} seeds leave nothing to compare. Ask for some 5.")
    cases, pictures = ordered(cases, pictures, size)
    if several_only:
        several = cases.groupby("patient_id")["image_id"].transform("size") > 1
        cases, pictures = in_order(cases[several]), pictures[several.to_numpy()]
    inputs = pictures.reshape(len(cases), -1)
    rows, scored = [], {name: [] for name in LEARNERS}
    for seed in range(seeds):
        dealt = _by_lot(cases, seed) if coin else cases
        labels = dealt["label"].to_numpy(dtype=int)
        deal = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        by_image = list(deal.split(inputs, labels))
        by_patient = patient_folds(dealt, seed, together)
        seen = _seen_before(cases["patient_id"].to_numpy(), by_image)
        for name, learner in LEARNERS.items():
            images = held_out_scores(inputs, labels, by_image, learner)
            patients = held_out_scores(inputs, labels, by_patient, learner)
            scored[name].append((labels, images, patients))
            aucs = roc_auc(labels, images), roc_auc(labels, patients)
            rows.append((name, seed, *aucs, aucs[0] - aucs[1], seen))
    columns = ["probe", "seed", "by_image", "by_patient", "difference", "seen_before"]
    scores = pd.DataFrame(rows, columns=columns).sort_values(["probe", "seed"], ignore_index=True)
    found = {name: _mean_difference(cases, runs, resamples) for name, runs in scored.items()}
    return Leakage(scores, found, coin)


def _by_lot(cases: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The cases with a label drawn for each patient; half of the patients get 1."""
    number, patients = pd.factorize(cases["patient_id"])
    lots = np.random.default_rng(seed).permutation(len(patients)) % 2
    return cases.assign(label=lots[number])


def _seen_before(patients: NDArray, folds: list[tuple[NDArray, NDArray]]) -> float:
    """The share of held-out images whose patient is among those trained on."""
    seen = [np.isin(patients[held_out], patients[train]) for train, held_out in folds]
    return float(np.concatenate(seen).mean())


def _mean_difference(
    cases: pd.DataFrame, runs: list[tuple[NDArray, NDArray, NDArray]], resamples: int
) -> Estimate:
    """The mean over seeds of AUC by image minus AUC by patient, on the same resampled patients."""
    value = np.mean([roc_auc(labels, a) - roc_auc(labels, b) for labels, a, b in runs])
    draws = []
    for weights in resampled_weights(
        patient_numbers(cases["patient_id"], len(cases)), resamples, 0
    ):
        per_seed = [
            weighted_metrics(labels, a, 0.5, weights)["roc_auc"]
            - weighted_metrics(labels, b, 0.5, weights)["roc_auc"]
            for labels, a, b in runs
        ]
        draws.append(np.mean(per_seed, axis=0))
    low, high = percentile_interval(np.concatenate(draws)) or (None, None)
    return Estimate(float(value), low, high)
