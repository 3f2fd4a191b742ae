"""DeLong's test: a slow literal reading of the paper, the paper's own data, and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import (
    Estimate,
    auc_covariance,
    compare_auc,
    difference,
    one_image_a_patient,
)
from cxrlab.evaluation.delong import BOOTSTRAP, DELONG

# The data of DeLong 1988 (ovarian cancer and obstructed bowels; does surgery help?), its 43
# complete cases as SAS prints them in "Comparing Receiver Operating Characteristic Curves"
# (SAS/STAT User's Guide, PROC LOGISTIC): K-G score, total protein, and whether it helped.
KG = "10 5 3 6 3 5 8 5 5 6 4 6 5 5 4 4 6 4 6 6 7 8 5 5 6 6 5 4 5 6 6 7 5 7 6 5 9 7 8 7 6 5 5"
PROTEIN = (
    "5.8 6.3 6.8 4.8 5.8 4.0 5.7 5.6 5.7 6.7 5.4 6.6 6.6 5.7 7.0 6.7 4.4 7.6 6.6 5.8 6.8 4.7 "
    "7.4 7.4 6.6 8.2 7.0 6.5 5.1 4.7 6.8 4.0 6.1 6.3 7.7 6.2 5.7 4.8 6.2 7.0 5.7 6.9 6.6"
)
HELPED = "0 1 1 0 1 0 0 1 1 1 1 1 1 1 1 0 1 0 0 1 1 0 1 1 1 1 1 1 1 1 0 0 1 1 1 1 0 1 0 1 1 1 1"


def literally(labels, scores):
    """AUCs and covariance, sum by sum as DeLong, DeLong and Clarke-Pearson write them."""

    def psi(x, y):
        return 1.0 if y < x else 0.5 if y == x else 0.0

    ill = [[s for s, label in zip(row, labels, strict=True) if label] for row in scores]
    healthy = [[s for s, label in zip(row, labels, strict=True) if not label] for row in scores]
    m, n, k = len(ill[0]), len(healthy[0]), len(scores)
    theta = [sum(psi(x, y) for x in ill[r] for y in healthy[r]) / (m * n) for r in range(k)]
    v10 = [[sum(psi(x, y) for y in healthy[r]) / n for x in ill[r]] for r in range(k)]
    v01 = [[sum(psi(x, y) for x in ill[r]) / m for y in healthy[r]] for r in range(k)]
    s = np.zeros((k, k))
    for r in range(k):
        for q in range(k):
            s10 = sum(
                (a - theta[r]) * (b - theta[q]) for a, b in zip(v10[r], v10[q], strict=True)
            ) / (m - 1)
            s01 = sum(
                (a - theta[r]) * (b - theta[q]) for a, b in zip(v01[r], v01[q], strict=True)
            ) / (n - 1)
            s[r, q] = s10 / m + s01 / n
    return theta, s


@st.composite
def two_models(draw):
    labels = [0, 0, 1, 1, *draw(st.lists(st.integers(0, 1), max_size=30))]
    score = st.one_of(st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.floats(0, 1))
    rows = [draw(st.lists(score, min_size=len(labels), max_size=len(labels))) for _ in range(2)]
    return np.array(labels), np.array(rows)


@settings(deadline=None, max_examples=80)
@given(two_models())
def test_the_fast_algorithm_is_the_literal_one(models):
    labels, scores = models
    areas, covariance = auc_covariance(labels, scores)
    theta, expected = literally(labels, scores)
    assert areas == pytest.approx(theta)
    assert covariance == pytest.approx(expected, abs=1e-12)
    assert areas == pytest.approx([roc_auc_score(labels, row) for row in scores])
    assert np.linalg.eigvalsh(covariance).min() > -1e-12


def test_the_data_of_the_paper():
    # Surgery does not help those with high K-G scores and with little protein.
    positive = np.array(HELPED.split(), int) == 0
    kg, protein = np.array(KG.split(), float), -np.array(PROTEIN.split(), float)
    areas, covariance = auc_covariance(positive, [kg, protein])
    assert areas == pytest.approx([0.7258, 0.6478], abs=5e-5)
    assert np.sqrt(np.diag(covariance)) == pytest.approx([0.1028, 0.1000], abs=5e-5)
    # Ranks alone matter, so any scores within 0...1 in the same order give the same test.
    found = compare_auc(positive, kg / 10, 1 + protein / 10)
    gap = found.difference
    assert (gap.value, gap.low, gap.high) == pytest.approx((-0.0780, -0.2830, 0.1271), abs=5e-5)
    assert found.p_value == pytest.approx(0.4561, abs=5e-5)
    assert found.method == DELONG and "p = 0.456" in found.sentence


def test_its_variance_is_that_of_new_draws():
    """The test holds its level: of equal models some 5 % are told apart."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    p_values, gaps, variances = [], [], []
    for _ in range(400):
        shared = rng.normal(labels, 1)
        scores = 1 / (1 + np.exp(-(shared + rng.normal(0, 0.7, (2, 80)))))
        found = compare_auc(labels, *scores)
        p_values.append(found.p_value)
        gaps.append(found.difference.value)
        variances.append(
            ((found.difference.high - found.difference.low) / 2 / norm.ppf(0.975)) ** 2
        )
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.09
    assert np.mean(variances) == pytest.approx(np.var(gaps), rel=0.25)


@settings(deadline=None, max_examples=40)
@given(two_models())
def test_swapping_the_models_turns_the_sign(models):
    labels, scores = models
    forth, back = compare_auc(labels, *scores), compare_auc(labels, *scores[::-1])
    assert forth.difference.value == pytest.approx(-back.difference.value)
    assert forth.p_value == (None if back.p_value is None else pytest.approx(back.p_value))


@pytest.mark.parametrize("other", [[0.1, 0.2, 0.8, 0.9], [0.3, 0.0, 0.7, 1.0]])
def test_two_flawless_models_are_not_tested(other):
    found = compare_auc([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], other, names=("old", "new"))
    assert found.p_value is None and found.difference == Estimate(0.0)
    assert "nothing to test" in found.sentence


def test_patients_with_several_images_get_the_bootstrap():
    rng = np.random.default_rng(1)
    labels = np.repeat(rng.integers(0, 2, 30), 3)
    a, b = np.clip(0.4 + 0.2 * labels + rng.normal(0, 0.2, (2, 90)), 0, 1)
    patients = np.repeat(np.arange(30), 3)
    found = compare_auc(labels, a, b, patients, resamples=200, seed=4)
    assert found.method == BOOTSTRAP and found.p_value is None
    assert found.difference == difference(
        labels, (a, 0.5), (b, 0.5), "roc_auc", patients, resamples=200, seed=4
    )
    kept = one_image_a_patient(patients, seed=0)
    assert sorted(patients[kept]) == list(range(30)) and (np.diff(kept) > 0).all()
    single = compare_auc(labels[kept], a[kept], b[kept], patients[kept])
    assert single.method == DELONG and single.p_value is not None


def test_every_image_of_a_patient_may_be_kept():
    patients = ["a", "a", "b", "a"]
    kept = {tuple(one_image_a_patient(patients, seed)) for seed in range(30)}
    assert kept == {(0, 2), (1, 2), (2, 3)}


def test_one_case_of_a_class_is_refused():
    with pytest.raises(CXRLabError, match="at least two"):
        compare_auc([0, 0, 1], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1])
