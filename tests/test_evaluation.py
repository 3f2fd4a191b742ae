"""The written-out metrics, checked against scikit-learn, and the reports made of them."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from statsmodels.stats.contingency_tables import mcnemar

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import (
    METRICS,
    PUBLISHED,
    Confusion,
    Report,
    all_metrics,
    choose_threshold,
    compare,
    confusion,
    difference,
    evaluate,
    missed_sentence,
    precision_at_prevalence,
    published_specificity,
    recall_at_specificity,
)

# Few distinct scores, so that ties and scores on the threshold come up often.
SCORES = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1))
CASES = st.lists(st.tuples(st.integers(0, 1), SCORES), min_size=1, max_size=40)
TWO_CLASSES = CASES.filter(lambda cases: len({label for label, _ in cases}) == 2)
few_examples = settings(max_examples=60, deadline=None)


def columns(cases):
    return np.array([c[0] for c in cases]), np.array([c[1] for c in cases])


# ------------------------------------------------------------------ metrics


@few_examples
@given(CASES, SCORES)
def test_metrics_agree_with_scikit_learn(cases, threshold):
    labels, scores = columns(cases)
    calls = (scores >= threshold).astype(int)
    counts = confusion(labels, scores, threshold)
    expected = sk.confusion_matrix(labels, calls, labels=[0, 1])
    assert [[counts.tn, counts.fp], [counts.fn, counts.tp]] == expected.tolist()

    def same(ours, theirs):
        return ours is None if math.isnan(theirs) else ours == pytest.approx(theirs)

    undefined = {"zero_division": np.nan}
    assert same(counts.accuracy, sk.accuracy_score(labels, calls))
    assert same(counts.precision, sk.precision_score(labels, calls, **undefined))
    assert same(counts.recall, sk.recall_score(labels, calls, **undefined))
    assert same(counts.specificity, sk.recall_score(labels, calls, pos_label=0, **undefined))
    assert same(counts.f1, sk.f1_score(labels, calls, **undefined))

    values = all_metrics(labels, scores, threshold)
    assert tuple(values) == METRICS
    both = len(set(labels)) == 2
    assert same(values["roc_auc"], sk.roc_auc_score(labels, scores) if both else math.nan)
    expected = sk.average_precision_score(labels, scores) if labels.any() else math.nan
    assert same(values["average_precision"], expected)


def test_the_counter_example_of_the_lesson():
    """90 % accuracy by calling everybody healthy."""
    counts = confusion([1] * 10 + [0] * 90, [0.0] * 100, 0.5)
    assert counts == Confusion(tp=0, fp=0, fn=10, tn=90)
    assert (counts.accuracy, counts.recall, counts.specificity) == (0.9, 0.0, 1.0)
    assert counts.precision is None
    assert counts.prevalence == 0.1


def test_undefined_is_none():
    assert Confusion(0, 0, 0, 5).f1 is None
    assert Confusion(0, 0, 0, 5).recall is None
    assert Confusion(5, 0, 0, 0).specificity is None
    assert Confusion(0, 0, 0, 0).accuracy is None


@pytest.mark.parametrize(
    ("labels", "scores", "threshold", "says"),
    [
        ([0, 1], [0.5], 0.5, "2 labels but 1 scores"),
        ([], [], 0.5, "no cases"),
        ([0, 2], [0.1, 0.2], 0.5, "1 of 2 labels"),
        ([0, None], [0.1, 0.2], 0.5, "1 of 2 labels"),
        (pd.array([0, pd.NA], dtype="Int64"), [0.1, 0.2], 0.5, "1 of 2 labels"),
        (["COVID-19", 0], [0.1, 0.2], 0.5, "1 of 2 labels"),
        ([0, 1], [0.1, math.nan], 0.5, "1 of 2 scores"),
        ([0, 1], [-0.1, 1.1], 0.5, "2 of 2 scores"),
        ([0, 1], [0.1, math.inf], 0.5, "1 of 2 scores"),
        ([0, 1], [0.1, 0.2], 1.5, "threshold is 1.5"),
        ([0, 1], [0.1, 0.2], math.nan, "threshold is nan"),
    ],
)
def test_unusable_input_is_named(labels, scores, threshold, says):
    with pytest.raises(CXRLabError, match=says):
        confusion(labels, scores, threshold)


def test_columns_of_any_kind_are_read():
    labels = pd.Series([1, 0, 1], dtype="Int64")
    scores = np.array([[0.9], [0.2], [0.4]], dtype=np.float32)  # as Keras predicts
    assert confusion(labels, scores, 0.5) == Confusion(tp=1, fp=0, fn=1, tn=1)
    assert confusion([True, False], [0.9, 0.2], 0.5) == Confusion(tp=1, fp=0, fn=0, tn=1)


def test_bayes_and_the_published_specificity():
    assert published_specificity(0.65, 0.93) == pytest.approx(0.50, abs=0.005)
    assert published_specificity(0.69, 0.98) == pytest.approx(0.56, abs=0.005)
    for published in PUBLISHED.values():
        implied = published_specificity(published["precision"], published["recall"])
        assert published["specificity"] == pytest.approx(implied, abs=0.005)
        back = precision_at_prevalence(published["recall"], implied, 0.5)
        assert back == pytest.approx(published["precision"])
    # Of 10,000 people 100 are ill; 90 of them and 990 of the healthy are called positive.
    assert precision_at_prevalence(0.9, 0.9, 0.01) == pytest.approx(90 / 1080)
    assert precision_at_prevalence(0, 1, 0.5) is None
    with pytest.raises(CXRLabError, match="even calling every case positive"):
        published_specificity(0.2, 0.9)
    with pytest.raises(CXRLabError, match="prevalence is 2"):
        precision_at_prevalence(0.9, 0.9, 2)


# ------------------------------------------------------------------ reports


def test_a_report_is_json_safe_and_comes_back():
    report = evaluate([0, 0, 0], [0.1, 0.2, 0.3], 0.5, resamples=50)
    written = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert written["recall"] == {"value": None, "interval": [None, None]}
    assert list(written)[:8] == [
        *("n", "patients", "prevalence", "threshold"),
        *("tp", "fp", "fn", "tn"),
    ]
    assert list(written)[8:] == list(METRICS)
    assert Report.from_json(written) == report
    table = report.table().set_index("metric")
    assert table.loc["accuracy", "value"] == 1
    assert table.loc["recall"].isna().all()


@few_examples
@given(CASES, st.data())
def test_every_report_is_sound(cases, data):
    labels, scores = columns(cases)
    n = len(labels)
    patients = data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    report = evaluate(labels, scores, 0.5, patients, resamples=20)
    json.dumps(report.to_json(), allow_nan=False)
    assert (report.n, report.patients) == (n, len(set(patients)))
    for estimate in report.metrics.values():
        if estimate.value is None:
            assert (estimate.low, estimate.high) == (None, None)
        else:
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
            assert estimate.low < estimate.high


def test_missed_sentence():
    labels, scores = [1] * 100 + [0] * 100, [0.1] * 7 + [0.9] * 93 + [0.2] * 100
    report = evaluate(labels, scores, 0.5, resamples=50)
    # Wilson's interval of 93 in 100 is 0.863 to 0.966.
    assert missed_sentence(report) == "Of 100 positive cases, 7 are missed (between 3 and 14)."
    assert "1 is missed" in missed_sentence(evaluate([1] * 100, [0.1] + [0.9] * 99, 0.5))
    assert "fewer than 1 are" in missed_sentence(evaluate([1] * 500, [0.1] + [0.9] * 499, 0.5))
    assert "no positive cases" in missed_sentence(evaluate([0, 0], [0.1, 0.2], 0.5))


# --------------------------------------------------------------- thresholds


@few_examples
@given(TWO_CLASSES, st.sampled_from(["f1", "youden", "recall"]), st.floats(0.01, 1))
def test_no_threshold_is_better_than_the_chosen_one(cases, rule, target):
    labels, scores = columns(cases)
    chosen = choose_threshold(labels, scores, rule, target)
    assert 0 <= chosen <= 1

    def gain(threshold):
        counts = confusion(labels, scores, threshold)
        if rule == "f1":
            return counts.f1
        if rule == "youden":
            return counts.recall + counts.specificity
        return counts.specificity if counts.recall >= target else -1

    best = max(gain(threshold) for threshold in [0, *scores, 1])
    assert gain(chosen) == pytest.approx(best)


def test_a_threshold_lies_halfway_and_ties_miss_the_fewest():
    assert choose_threshold([0, 0, 1, 1], [0.1, 0.3, 0.7, 0.9]) == pytest.approx(0.5)
    assert choose_threshold([0, 1, 0, 1], [0.2, 0.4, 0.6, 0.8], "youden") == pytest.approx(0.3)
    assert choose_threshold([0, 1], [0.5, 0.5]) == 0.25  # all tied: call all positive
    assert choose_threshold([0, 1], [1.0, 1.0], "youden") == 0.5
    assert choose_threshold([0, 1], [0.0, 0.0]) == 0.0
    neighbours = [0.5, np.nextafter(0.5, 1)]
    chosen = choose_threshold([0, 1], neighbours)
    assert confusion([0, 1], neighbours, chosen) == Confusion(tp=1, fp=0, fn=0, tn=1)


def test_threshold_for_a_recall():
    labels, scores = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
    assert choose_threshold(labels, scores, "recall", 1.0) == pytest.approx(0.25)
    assert choose_threshold(labels, scores, "recall", 0.6) == pytest.approx(0.5)


def test_recall_at_specificity():
    labels, scores = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
    assert recall_at_specificity(labels, scores, 0.6) == 1.0
    assert recall_at_specificity(labels, scores, 1.0) == pytest.approx(2 / 3)
    assert recall_at_specificity([0, 1], [0.9, 0.1], 1.0) == 0.0
    assert recall_at_specificity([0, 1], [1.0, 1.0], 1.0) == 0.0


def test_a_threshold_needs_both_classes_and_a_known_rule():
    with pytest.raises(CXRLabError, match="All 2 cases have the label 1"):
        choose_threshold([1, 1], [0.2, 0.8])
    with pytest.raises(CXRLabError, match="All 1 cases have the label 0"):
        recall_at_specificity([0], [0.2], 0.9)
    with pytest.raises(CXRLabError, match="'best'"):
        choose_threshold([0, 1], [0.2, 0.8], "best")
    with pytest.raises(CXRLabError, match="target is 95"):
        choose_threshold([0, 1], [0.2, 0.8], "recall", 95)


# --------------------------------------------------------------- comparison


def test_compare_is_mcnemar():
    labels = np.ones(40, dtype=int)
    a, b = np.ones(40, dtype=int), np.ones(40, dtype=int)
    a[:9], b[7:12] = 0, 0  # b alone right on 7, a alone right on 3, both wrong on 2
    result = compare(labels, a, b, names=("before", "after"))
    assert (result.both_right, result.only_a_right) == (28, 3)
    assert (result.only_b_right, result.both_wrong) == (7, 2)
    expected = mcnemar([[28, 3], [7, 2]], exact=True).pvalue
    assert result.p_value == pytest.approx(expected) == pytest.approx(0.34375)
    assert "before on 3, after on 7" in result.sentence
    assert "p = 0.344" in result.sentence


def test_no_discordant_pairs_leave_nothing_to_compare():
    flawless = compare([0, 1], [0, 1], [0, 1])
    assert flawless.p_value is None
    assert "no headroom" in flawless.sentence
    alike = compare([0, 1, 1], [0, 0, 1], [0, 0, 1])
    assert (alike.discordant, alike.p_value) == (0, None)
    assert "same 2 of 3 cases" in alike.sentence


def test_compare_wants_calls():
    with pytest.raises(CXRLabError, match="Calls are 0 or 1"):
        compare([0, 1], [0.2, 0.8], [0, 1])
    with pytest.raises(CXRLabError, match="2 labels but 3"):
        compare([0, 1], [0, 1, 1], [0, 1])


def test_a_paired_difference_is_tighter_than_two_separate_intervals():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    hardness = rng.normal(0, 0.15, 200)
    before = np.clip(0.4 + 0.2 * labels + hardness, 0, 1)
    after = np.clip(0.4 + 0.25 * labels + hardness, 0, 1)
    found = difference(labels, (before, 0.5), (after, 0.5), "roc_auc", resamples=300)
    alone = evaluate(labels, before, 0.5, resamples=300)["roc_auc"]
    assert found.low < found.value < found.high
    assert found.high - found.low < (alone.high - alone.low) / 2
    assert found.low > 0


def test_a_difference_that_cannot_be_judged_has_no_interval():
    flawless = ([0.1, 0.9], 0.5)
    same = difference([0, 1], flawless, flawless, resamples=20)
    assert (same.value, same.low, same.high) == (0, None, None)
    assert difference([0, 0], flawless, flawless).value is None
    with pytest.raises(CXRLabError, match="no metric 'sensitivity'"):
        difference([0, 1], flawless, flawless, "sensitivity")
