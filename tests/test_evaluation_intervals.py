"""Intervals: honest about patients, about small numbers, and about flawless results."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk
from statsmodels.stats.proportion import proportion_confint

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import METRICS, auc_interval, evaluate, wilson
from cxrlab.evaluation.intervals import patient_numbers, resampled_weights, weighted_metrics


def width(estimate):
    return estimate.high - estimate.low


def noisy_cases(seed, patients=60, images=1, spread=0.2):
    """Cases whose images of one patient share label and, mostly, score."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.integers(0, 2, patients), images)
    of_patient = np.repeat(rng.normal(0, spread, patients), images)
    scores = 0.4 + 0.2 * labels + of_patient + rng.normal(0, 0.01, labels.size)
    return labels, np.clip(scores, 0, 1), np.repeat(np.arange(patients), images)


def test_wilson_by_hand_and_by_statsmodels():
    # 93 of 100: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)
    assert wilson(0.93, 100) == pytest.approx((0.8625, 0.9657), abs=1e-4)
    assert wilson(0.98, 50) == pytest.approx(proportion_confint(49, 50, method="wilson"))
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_each_patient_once_gives_wilson():
    labels, scores, _ = noisy_cases(0)
    report = evaluate(labels, scores, 0.5)
    counts = report.confusion
    for metric, part, whole in [
        ("accuracy", counts.tp + counts.tn, counts.n),
        ("precision", counts.tp, counts.tp + counts.fp),
        ("recall", counts.tp, counts.tp + counts.fn),
        ("specificity", counts.tn, counts.tn + counts.fp),
    ]:
        expected = proportion_confint(part, whole, method="wilson")
        assert (report[metric].low, report[metric].high) == pytest.approx(expected)


def test_weighted_metrics_agree_with_scikit_learn():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 50)
    scores = np.round(rng.random(50), 1)  # many ties
    patients = rng.integers(0, 20, 50)
    (weights,) = resampled_weights(patients, 20, seed=0)
    drawn = weighted_metrics(labels, scores, 0.5, weights)
    calls = scores >= 0.5
    for row, weight in enumerate(weights):
        expected = [
            sk.accuracy_score(labels, calls, sample_weight=weight),
            sk.precision_score(labels, calls, sample_weight=weight),
            sk.recall_score(labels, calls, sample_weight=weight),
            sk.recall_score(labels, calls, pos_label=0, sample_weight=weight),
            sk.f1_score(labels, calls, sample_weight=weight),
            sk.roc_auc_score(labels, scores, sample_weight=weight),
            sk.average_precision_score(labels, scores, sample_weight=weight),
        ]
        assert [drawn[metric][row] for metric in METRICS] == pytest.approx(expected)


def test_whole_patients_are_drawn():
    patients = patient_numbers(["b", "a", "b", "c"], 4)
    (weights,) = resampled_weights(patients, 200, seed=1)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_undefined_resamples_are_nan_not_zero():
    weights = np.array([[1.0, 0.0], [1.0, 1.0]])
    drawn = weighted_metrics(np.array([1, 0]), np.array([0.9, 0.1]), 0.5, weights)
    assert np.isnan(drawn["specificity"][0])
    assert np.isnan(drawn["roc_auc"][0])
    assert drawn["roc_auc"][1] == 1


def test_images_of_one_patient_widen_the_intervals():
    labels, scores, patients = noisy_cases(1, patients=40, images=5)
    by_patient = evaluate(labels, scores, 0.5, patients)
    by_image = evaluate(labels, scores, 0.5)
    for metric in METRICS:
        assert width(by_patient[metric]) > 1.5 * width(by_image[metric])
        assert by_patient[metric].value == by_image[metric].value


def test_the_same_seed_gives_the_same_interval_in_any_order():
    labels, scores, patients = noisy_cases(2, images=2)
    shuffled = np.random.default_rng(0).permutation(labels.size)
    once = evaluate(labels, scores, 0.5, patients, seed=4)
    again = evaluate(labels[shuffled], scores[shuffled], 0.5, patients[shuffled], seed=4)
    other = evaluate(labels, scores, 0.5, patients, seed=5)
    for metric in METRICS:
        assert (again[metric].low, again[metric].high) == pytest.approx(
            (once[metric].low, once[metric].high)
        )
    assert other["roc_auc"] != once["roc_auc"]


@pytest.mark.parametrize("metric", ["recall", "roc_auc"])
def test_intervals_cover_the_truth_about_as_often_as_they_say(metric):
    labels, scores, _ = noisy_cases(0, patients=100_000)
    truth = evaluate(labels, scores, 0.5, resamples=1)[metric].value
    hits = 0
    for seed in range(1, 121):
        labels, scores, patients = noisy_cases(seed, images=2)
        estimate = evaluate(labels, scores, 0.5, patients, resamples=200)[metric]
        hits += estimate.low <= truth <= estimate.high
    assert 0.88 <= hits / 120 <= 0.99


def test_no_interval_holds_what_was_seen_not_to_be():
    labels = np.repeat([0, 1], 43)
    scores = np.where(np.isin(np.arange(86), [0, 1, 43, 85]), 1 - labels, labels) * 0.8 + 0.1
    patients = np.arange(86) // 2 * 2  # two images each
    report = evaluate(labels, scores, 0.5, patients)
    for metric in METRICS[:5]:
        assert 0 < report[metric].low < report[metric].value < report[metric].high < 1, metric
    low, high = wilson(report["recall"].value, np.unique(patients[labels == 1]).size)
    assert (report["recall"].low, report["recall"].high) == pytest.approx((low, high))


def test_flawless_is_not_certain():
    labels = np.repeat([0, 1], 20)
    scores = np.where(labels == 1, 0.9, 0.1)
    report = evaluate(labels, scores, 0.5)
    for metric in METRICS:
        assert report[metric].value == report[metric].high == 1
        assert 0.7 < report[metric].low < 0.95
    # Two images a patient: the patients count, so half as many trials, and a wider interval.
    paired = evaluate(labels, scores, 0.5, np.arange(40) // 2)
    assert paired["recall"].low == pytest.approx(wilson(1.0, 10)[0])
    for metric in METRICS:
        assert paired[metric].low < report[metric].low
    # Always wrong is as uncertain as always right.
    wrong = evaluate(labels, 1 - scores, 0.5)
    assert wrong["recall"].high == pytest.approx(1 - report["recall"].low)
    assert wrong["roc_auc"].high == pytest.approx(1 - report["roc_auc"].low)


def test_one_patient_says_little():
    report = evaluate([1, 1, 1, 1], [0.9, 0.9, 0.9, 0.1], 0.5, ["a"] * 4)
    assert report["recall"].value == 0.75
    assert width(report["recall"]) > 0.7


def test_auc_interval():
    # Where the estimate is inside, close to the interval of Hanley and McNeil (1982).
    low, high = auc_interval(0.85, 50, 60)
    assert (low, high) == pytest.approx((0.77, 0.91), abs=0.02)
    # No wider for more patients, symmetric between the ends, never outside 0...1.
    assert auc_interval(1, 20, 20)[0] < auc_interval(1, 200, 200)[0] < 1
    assert auc_interval(0, 20, 20)[1] == pytest.approx(1 - auc_interval(1, 20, 20)[0])
    assert auc_interval(1, 1, 1) == (pytest.approx(wilson(1, 1)[0]), 1)


def test_unusable_patients_and_resamples_are_named():
    with pytest.raises(CXRLabError, match="2 cases but 1 patients"):
        evaluate([0, 1], [0.1, 0.9], 0.5, ["a"])
    with pytest.raises(CXRLabError, match="1 of 2 cases have no patient"):
        evaluate([0, 1], [0.1, 0.9], 0.5, ["a", None])
    with pytest.raises(CXRLabError, match="0 resamples"):
        evaluate([0, 1], [0.1, 0.9], 0.5, resamples=0)
