"""Another threshold, a rarer disease, a larger test set; and two who call the same cases."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import (
    Confusion,
    Estimate,
    all_metrics,
    case_words,
    confusion,
    evaluate,
    interval_table,
    overlap,
    people_tested,
    precision_at_prevalence,
    precision_range,
    range_words,
    resampled_metric,
    result_sentence,
    screening_sentence,
    side_by_side,
    threshold_table,
    trials_to_separate,
    what_if,
    what_if_table,
    wilson,
)


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 70)
    scores = np.clip(0.35 + 0.3 * labels + rng.normal(0, 0.15, 70), 0.01, 0.99)
    return labels, scores, rng.integers(0, 40, 70)


def test_what_if_agrees_with_the_report(cases):
    labels, scores, patients = cases
    now = what_if(labels, scores, 0.5, 0.05, patients, 300, seed=4)
    report = evaluate(labels, scores, 0.5, patients, 300, seed=4)
    assert now.confusion == report.confusion
    assert dict(now.metrics) == {name: report[name] for name in now.metrics}
    recall, specificity = report["recall"].value, report["specificity"].value
    assert now.precision.value == precision_at_prevalence(recall, specificity, 0.05)
    assert now.people == people_tested(recall, specificity, 0.05)
    assert now.resamples == 300


def test_large_test_sets_get_fewer_resamples_and_say_so():
    labels = np.tile([0, 1], 1000)
    now = what_if(labels, labels * 0.5 + 0.2, 0.5, 0.5, resamples=2000)
    assert now.resamples == 200


@pytest.mark.parametrize("prevalence", [0, 0.001, 0.01, 0.2, 0.5, 1])
@pytest.mark.parametrize("shares", [(0.0, 1.0), (0.875, 0.867), (1.0, 0.0)])
def test_people_add_up(prevalence, shares):
    people = people_tested(*shares, prevalence)
    assert people.n == 1000
    assert people.tp + people.fn == round(1000 * prevalence)
    assert min(people.tp, people.fp, people.fn, people.tn) >= 0


def test_impossible_people_are_refused():
    with pytest.raises(CXRLabError, match=r"prevalence is 1\.5"):
        people_tested(0.9, 0.9, 1.5)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (Confusion(9, 132, 1, 858), "raises 141 alarms; 9 of them are true, and 1 of the ill is"),
        (Confusion(1, 0, 0, 999), "1 has COVID-19. The test raises 1 alarm"),
        (Confusion(0, 5, 10, 985), "none of them are true, and 10 of the ill are missed"),
        (Confusion(0, 0, 10, 990), "no alarm at all: its precision is undefined"),
    ],
)
def test_people_in_words(counts, said):
    assert said in screening_sentence(counts)
    assert screening_sentence(counts).startswith("Of 1,000 people tested")


def test_the_range_of_a_precision_holds_it_and_stays_open_without_false_alarms():
    recall, flawless = Estimate(0.9, 0.8, 0.95), Estimate(1.0, 0.92, 1.0)
    found = precision_range(recall, flawless, 0.01)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low < 0.1


def test_the_range_is_wider_than_what_chance_does():
    """Of simulated tests, the range holds the true precision at least as often as 95 %."""
    rng = np.random.default_rng(0)
    truth = precision_at_prevalence(0.9, 0.85, 0.05)
    hits = 0
    for found, spared in zip(rng.binomial(45, 0.9, 500), rng.binomial(45, 0.85, 500), strict=True):
        recall = Estimate(found / 45, *wilson(found / 45, 45))
        specificity = Estimate(spared / 45, *wilson(spared / 45, 45))
        around = precision_range(recall, specificity, 0.05)
        hits += around.low <= truth <= around.high
    assert hits >= 0.95 * 500


@pytest.mark.parametrize(
    "pair", [(Estimate(None), Estimate(0.9, 0.8, 1)), (Estimate(0, 0, 0.1), Estimate(1, 0.9, 1))]
)
def test_an_undefined_precision_has_no_range(pair):
    assert precision_range(*pair, 0.01) == Estimate(None)


def test_the_threshold_table_agrees_with_the_metrics(cases):
    labels, scores, _ = cases
    table = threshold_table(labels, scores)
    assert table["threshold"].is_monotonic_increasing
    for row in table.itertuples():
        values = all_metrics(labels, scores, row.threshold)
        assert row.recall == values["recall"]
        assert row.f1 == pytest.approx(values["f1"])
        assert row.precision == pytest.approx(values["precision"] or np.nan, nan_ok=True)
    assert np.isnan(table["precision"].iloc[-1])


def test_a_grid_of_thresholds_and_prevalences(cases):
    labels, scores, patients = cases
    table = what_if_table(labels, scores, [1.0, 0.5, 0.5], (0.5, 0.01), patients, 100)
    assert table["threshold"].tolist() == [0.5, 0.5, 1.0, 1.0]
    assert table["value"].isna().tolist() == [False, False, True, True]
    said = range_words(table, 0.01)
    assert len(said) == 2
    assert said[0].startswith("threshold 0.50: 0.")
    assert said[1] == "threshold 1.00: undefined"


def test_forty_positives_cannot_tell_the_published_recalls_apart():
    assert overlap(wilson(37 / 40, 40), wilson(39 / 40, 40))
    needed = trials_to_separate(0.93, 0.98)
    assert overlap(wilson(0.93, needed - 1), wilson(0.98, needed - 1))
    assert not overlap(wilson(0.93, needed), wilson(0.98, needed))
    assert trials_to_separate(0.98, 0.93) == needed
    assert trials_to_separate(0.9, 0.9) is None


def test_the_interval_table_has_a_row_a_size_and_share():
    table = interval_table((0.9, 0.96), (50, 100))
    assert list(zip(table["n"], table["share"], strict=True)) == [
        (50, 0.9),
        (50, 0.96),
        (100, 0.9),
        (100, 0.96),
    ]
    assert tuple(table.loc[0, ["low", "high"]]) == pytest.approx(wilson(0.9, 50))


def test_copies_add_no_evidence_when_patients_are_drawn(cases):
    labels, scores, patients = cases
    copied = np.tile(np.arange(70), 4)

    def width(rows, whose):
        draws = resampled_metric(labels[rows], scores[rows], 0.5, "recall", whose, 500)
        return np.ptp(np.quantile(draws, [0.025, 0.975]))

    assert width(copied, patients[copied]) == width(np.arange(70), patients)
    assert width(copied, None) < 0.7 * width(np.arange(70), None)


def test_an_unknown_metric_is_refused(cases):
    with pytest.raises(CXRLabError, match="no metric 'sensitivity'"):
        resampled_metric(*cases[:2], 0.5, "sensitivity")


TEN = pd.DataFrame({"image_id": [*"abcd"], "label": pd.array([1, 0, 1, 0], dtype="Int64")})


def test_two_on_the_same_cases():
    table = side_by_side(TEN, [0.9, 0.2, 0.1, 0.7], 0.5, {"a": 1, "b": 1})
    assert table["network"].tolist() == [1, 0, 0, 1]
    assert table["reader"].tolist() == [1, 1, pd.NA, pd.NA]
    titles = [case_words(row) for _, row in table.iterrows()]
    assert titles[0] == "COVID-19\nnetwork right\n(score 0.90)\nyou right"
    assert titles[1] == "not COVID-19\nnetwork right\n(score 0.20)\nyou WRONG"
    assert titles[2] == "COVID-19\nnetwork WRONG\n(score 0.10)"


def test_nobody_called():
    table = side_by_side(TEN, [0.9, 0.2, 0.1, 0.7], 0.5, {})
    assert table["reader"].isna().all()
    assert not any("you" in case_words(row) for _, row in table.iterrows())


def test_a_result_in_words():
    counts = confusion(TEN["label"], [0.9, 0.2, 0.1, 0.7], 0.5)
    said = result_sentence("The network", counts)
    assert said == "The network: right on 2 of 4 X-rays, 1 missed, 1 false alarm."
    flawless = result_sentence("You", Confusion(5, 0, 0, 5))
    assert flawless == "You: right on 10 of 10 X-rays, none missed, no false alarm."
    assert result_sentence("You", Confusion(0, 0, 0, 0)) == "You: no calls yet."
