"""Are the scores probabilities, and is acting on them worth it? Calibration and net benefit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve as sk_calibration_curve
from statsmodels.stats.proportion import proportion_confint
from strategies import scored

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import (
    Estimate,
    brier,
    calibration_curve,
    confusion,
    decision_curve,
    expected_calibration_error,
    net_benefit,
    scores_at_prevalence,
)

FEW = {"resamples": 50}


@settings(deadline=None, max_examples=60)
@given(scored(), st.integers(1, 12))
def test_bins_are_those_of_scikit_learn(pair, bins):
    labels, scores = pair
    curve = calibration_curve(labels, scores, bins=bins, **FEW)
    observed, mean = sk_calibration_curve(labels, scores, n_bins=bins, strategy="quantile")
    assert curve["observed"].to_numpy() == pytest.approx(observed)
    assert curve["mean_score"].to_numpy() == pytest.approx(mean)
    assert curve["cases"].sum() == labels.size and curve["positives"].sum() == labels.sum()
    assert (curve["low"] <= curve["observed"]).all() and (curve["observed"] <= curve["high"]).all()


def test_a_bin_of_single_patients_has_wilsons_interval():
    labels, scores = np.tile([0, 1, 1, 1], 10), np.full(40, 0.6)
    (row,) = calibration_curve(labels, scores).itertuples()
    assert (row.low, row.high) == pytest.approx(proportion_confint(30, 40, method="wilson"))
    assert (row.cases, row.positives, row.patients) == (40, 30, 40)


def test_images_of_one_patient_widen_a_bin():
    labels, scores = np.repeat([0, 1, 1, 1], 10), np.full(40, 0.6)
    alone = calibration_curve(labels, scores).iloc[0]
    together = calibration_curve(labels, scores, patients=np.repeat(np.arange(8), 5)).iloc[0]
    assert together["high"] - together["low"] > alone["high"] - alone["low"]
    assert together["patients"] == 8


@settings(deadline=None, max_examples=60)
@given(scored())
def test_brier_score_and_skill(pair):
    labels, scores = pair
    found = brier(labels, scores, **FEW)
    assert found.score.value == pytest.approx(sk.brier_score_loss(labels, scores))
    always = np.full(labels.size, labels.mean())
    reference = sk.brier_score_loss(labels, always)
    assert found.prevalence_only.value == pytest.approx(reference)
    assert found.skill.value == pytest.approx(1 - found.score.value / reference)
    assert brier(labels, always, **FEW).skill.value == pytest.approx(0)


def test_brier_of_flawless_and_of_one_class():
    flawless = brier([0, 1, 1, 0], [0, 1, 1, 0])
    assert flawless.skill.value == 1 and flawless.score == Estimate(0.0)  # no spread to know
    alone = brier([0, 0, 0], [0.1, 0.5, 0.2])
    assert alone.skill == Estimate(None) and alone.score.value == pytest.approx(0.1)


@settings(deadline=None, max_examples=40)
@given(scored(), st.integers(1, 10))
def test_calibration_error_is_the_weighted_distance_of_the_curve(pair, bins):
    labels, scores = pair
    found = expected_calibration_error(labels, scores, bins=bins, **FEW)
    curve = calibration_curve(labels, scores, bins=bins, **FEW)
    distance = (curve["observed"] - curve["mean_score"]).abs()
    assert found.plug_in == pytest.approx(np.average(distance, weights=curve["cases"]))
    assert found.bins == len(curve)
    assert 0 <= found.debiased.value <= 1


def test_the_corrected_calibration_error_finds_what_is_there():
    rng = np.random.default_rng(1)
    held, corrected, plain = {0: 0, 1 / 6: 0}, {0: [], 1 / 6: []}, {0: [], 1 / 6: []}
    for seed in range(40):
        scores = rng.random(150)
        for truth, risk in ((0, scores), (1 / 6, scores**2)):  # E|s - s^2| = 1/6
            labels = (rng.random(150) < risk).astype(int)
            error = expected_calibration_error(labels, scores, resamples=200, seed=seed)
            held[truth] += error.debiased.low <= truth <= error.debiased.high
            corrected[truth].append(error.debiased.value)
            plain[truth].append(error.plug_in)
            assert error.by_chance < error.by_chance_high
    assert min(held.values()) >= 34  # of 40 sets
    assert np.mean(corrected[1 / 6]) == pytest.approx(1 / 6, abs=0.02)
    assert np.mean(corrected[0]) < 0.75 * np.mean(plain[0])


def test_chance_grows_where_patients_are_few():
    rng = np.random.default_rng(2)
    scores = rng.random(120)
    labels = (rng.random(120) < scores).astype(int)
    alone = expected_calibration_error(labels, scores, **FEW)
    together = expected_calibration_error(labels, scores, np.repeat(np.arange(12), 10), **FEW)
    assert together.by_chance > alone.by_chance and together.plug_in == alone.plug_in


def test_scores_move_with_the_prevalence_as_bayes_says():
    # A score of 0.8 is 4 to 1 where half are ill; at 10 % (1 to 9) it is 4 to 9.
    assert scores_at_prevalence(0.8, 0.5, 0.1) == pytest.approx(4 / 13)
    assert scores_at_prevalence([0, 1], 0.5, 0.1) == pytest.approx([0, 1])
    there = scores_at_prevalence([0.2, 0.7], 0.4, 0.05)
    assert scores_at_prevalence(there, 0.05, 0.4) == pytest.approx([0.2, 0.7])
    with pytest.raises(CXRLabError, match="prevalence"):
        scores_at_prevalence([0.5], 0.5, 0)


# Decision curves


def test_net_benefit_by_hand():
    # 100 people at a threshold of 20 %: a false alarm costs a quarter of a case found.
    assert net_benefit(tp=8, fp=20, n=100, threshold=0.2) == pytest.approx(0.08 - 0.20 / 4)


@settings(deadline=None, max_examples=60)
@given(scored())
def test_decision_curve_against_the_confusion_matrix(pair):
    labels, scores = pair
    curve = decision_curve(labels, scores, thresholds=(0.1, 0.5, 0.9), **FEW)
    for row in curve.itertuples():
        counts = confusion(labels, scores, row.threshold)
        expected = net_benefit(counts.tp, counts.fp, counts.n, row.threshold)
        assert row.net_benefit == pytest.approx(expected)
        everybody = net_benefit(labels.sum(), (labels == 0).sum(), labels.size, row.threshold)
        assert row.treat_all == pytest.approx(everybody) and row.treat_none == 0
        assert row.net_benefit <= labels.mean() + 1e-12
        assert np.isnan(row.low) or row.low <= row.net_benefit <= row.high


def test_which_of_the_three_is_best():
    labels = np.repeat([0, 1], 50)
    flawless = decision_curve(labels, labels.astype(float), thresholds=(0.2, 0.6), **FEW)
    assert flawless["best"].tolist() == ["network", "network"]
    assert flawless["net_benefit"].tolist() == [0.5, 0.5]
    # Telling nothing apart, it can at best do as well as treating all or none: then it is not best.
    same = decision_curve(labels, np.full(100, 0.5), thresholds=(0.2, 0.6), **FEW)
    assert same["best"].tolist() == ["treat all", "treat none"]
    assert np.isnan(same["low"][1])  # nobody is called in any resample: no spread is known


def test_a_decision_curve_for_a_rarer_disease():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    scores = np.clip(0.3 + 0.4 * labels + rng.normal(0, 0.15, 200), 0.01, 0.99)
    prevalence = 0.05
    curve = decision_curve(labels, scores, thresholds=(0.1,), prevalence=prevalence, **FEW)
    moved = scores_at_prevalence(scores, labels.mean(), prevalence)
    counts = confusion(labels, moved, 0.1)
    expected = counts.recall * prevalence - (1 - counts.specificity) * (1 - prevalence) / 9
    assert curve["net_benefit"][0] == pytest.approx(expected)
    assert curve["treat_all"][0] == pytest.approx(0.05 - 0.95 / 9)


def test_impossible_decision_curves_are_refused():
    with pytest.raises(CXRLabError, match="thresholds"):
        decision_curve([0, 1], [0.2, 0.8], thresholds=(0.5, 1.0))
    with pytest.raises(CXRLabError, match="prevalence"):
        decision_curve([0, 0], [0.2, 0.8], prevalence=0.1)
