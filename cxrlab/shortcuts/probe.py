"""A probe so simple that whatever it finds must lie open in what it was shown.

A linear probe is a logistic regression on the bare inputs (Alain and Bengio 2016,
arXiv 1610.01644, who put it on the layers of a network). It has no idea of a lung.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import Estimate, estimate_metrics
from cxrlab.splits import Pairs, kfold_by_patient

FOLDS = 5
# The inverse strength of the L2 penalty, on standardised inputs. A thousand pixels against some
# three hundred X-rays need a strong one. It was fixed beforehand: nothing is tuned here.
PENALTY = 0.01

# One row a probe: what it was shown, its AUC with a 95 % interval, and of whom.
COLUMNS = ("shown", "auc", "low", "high", "images", "patients", "positives", "inputs")

Folds = Iterable[tuple[NDArray, NDArray]]  # positions to train on, positions held out


def linear(inputs: NDArray, labels: NDArray, held_out: NDArray) -> NDArray:
    """A logistic regression on standardised inputs: the probability of label 1."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=2000))
    return model.fit(inputs, labels).predict_proba(held_out)[:, 1]


def patient_folds(
    cases: pd.DataFrame, seed: int = 0, together: Pairs | None = None, folds: int = FOLDS
) -> list[tuple[NDArray, NDArray]]:
    """Folds that keep each patient, and near duplicates (``together``), on one side.

    Stratified by label and source. Raises :class:`CXRLabError` with too few patients of a label.
    """
    index = pd.Index(cases["image_id"])
    everyone = np.arange(len(cases))
    found = []
    for split in kfold_by_patient(cases, folds, seed, together):
        held_out = np.sort(index.get_indexer(split.test["image_id"]))
        found.append((np.setdiff1d(everyone, held_out), held_out))
    return found


def held_out_scores(inputs: NDArray, labels: NDArray, folds: Folds) -> NDArray:
    """The linear probe's score of each image that it has not seen: float, shape (n,).

    ``inputs`` has shape (n, features) and ``labels`` (n,); the folds hold every image out once.
    """
    scores = np.full(len(labels), np.nan)
    for train, held_out in folds:
        scores[held_out] = linear(inputs[train], labels[train], inputs[held_out])
    return scores


def probe(
    shown: str,
    inputs: NDArray,
    cases: pd.DataFrame,
    seed: int = 0,
    together: Pairs | None = None,
    resamples: int = 1000,
) -> dict[str, object]:
    """One row of ``COLUMNS``: the AUC of the linear probe on these inputs, cross-validated.

    ``inputs``: shape (n, features), in the order of ``cases``, which need ``image_id``,
    ``patient_id`` and ``label``. The scores of all folds are pooled; the interval is a bootstrap
    over patients of these scores, so it leaves out what another draw of the folds would change.
    """
    labels = cases["label"].to_numpy(dtype=int)
    scores = held_out_scores(inputs, labels, patient_folds(cases, seed, together))
    patients = cases["patient_id"].to_numpy()
    auc = estimate_metrics(labels, scores, 0.5, patients, resamples, seed)["roc_auc"]
    return {"shown": shown, **_numbers(auc), **_counts(cases), "inputs": inputs.shape[1]}


def in_order(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases by ``image_id``, so that no result depends on the order of the rows.

    Raises :class:`CXRLabError` where labels are missing or only one of them is there.
    """
    counts = cases["label"].value_counts()
    if cases["label"].isna().any() or len(counts) < 2:
        said = ", ".join(f"{n} with label {label}" for label, n in counts.items()) or "none"
        raise CXRLabError(
            f"A probe needs cases of both labels, 0 and 1, and none without. Seen: {said} of "
            f"{len(cases)} cases. Select them first, as cxrlab.cases.prepare does."
        )
    return cases.sort_values("image_id", ignore_index=True)


def _numbers(estimate: Estimate) -> dict[str, float]:
    """Value and interval as floats; undefined is NaN."""
    values = {"auc": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: np.nan if value is None else value for name, value in values.items()}


def _counts(cases: pd.DataFrame) -> dict[str, int]:
    return {
        "images": len(cases),
        "patients": cases["patient_id"].nunique(),
        "positives": int((cases["label"] == 1).sum()),
    }
