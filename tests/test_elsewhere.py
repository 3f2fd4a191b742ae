"""Another hospital, another prevalence: the external report and what it is made of."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from strategies import scored, shares

from cxrlab.elsewhere import (
    TOO_FEW,
    calibration,
    external_report,
    people_tested,
    precision_range,
    screening_sentence,
    subgroup_table,
)
from cxrlab.metrics import Confusion, Estimate, evaluate
from cxrlab.sources.tables import NOT_STATED

few_examples = settings(deadline=None, max_examples=60)


@pytest.fixture
def cases():
    """200 X-rays of 120 patients: good scores, and every column a subgroup asks for."""
    rng = np.random.default_rng(0)
    patients = np.sort(rng.integers(0, 120, 200))
    ill = rng.integers(0, 2, 120)[patients]
    scores = np.clip(0.5 + 0.2 * (2 * ill - 1) + rng.normal(0, 0.15, 200), 0.01, 0.99)
    return pd.DataFrame(
        {
            "label": ill,
            "score": scores,
            "patient_id": [f"p{number}" for number in patients],
            "sex": rng.choice(["F", "M", None], 200),
            "age": np.where(ill == 1, rng.choice([30.0, 50.0, np.nan], 200), 3.0),
            "view": np.where(ill == 1, "PA", "AP"),
            "source": np.where(ill == 1, "covid", "children"),
        }
    )


def report_of(cases, threshold=0.5):
    return evaluate(cases["label"], cases["score"], threshold, cases["patient_id"], 50)


# The report


def test_the_external_report_holds_everything(cases):
    written = external_report(cases, 0.5, "B", resamples=50, seed=3)
    assert written == json.loads(json.dumps(written, allow_nan=False))
    assert written["name"] == "B" and written["tp"] == report_of(cases)["tp"]
    for name in ("brier", "calibration_slope", "calibration_in_the_large"):
        low, high = written[name]["interval"]
        assert low < written[name]["value"] < high
    assert written["subgroups"][0]["group"] == "all cases"
    assert written["subgroups"][0]["recall_p"] is None


def test_healthy_people_alone_leave_recall_undefined(cases):
    healthy = cases.loc[cases["label"] == 0, ["label", "score"]]
    found = external_report(healthy, 0.5, "B", resamples=50)
    assert found["recall"] == found["calibration_slope"] == Estimate(None).to_json()
    assert found["specificity"]["value"] is not None
    json.dumps(found, allow_nan=False)


# Subgroups


def test_subgroups_count_everybody_once(cases):
    table = subgroup_table(cases, 0.5)
    assert table["group"][0] == "all cases"
    for _, rows in table.groupby("by"):
        assert rows["cases"].sum() == 200
        assert (rows["positives"] + rows["negatives"] == rows["cases"]).all()
    whole = report_of(cases)
    assert table["recall"][0] == whole["recall"]["value"]
    assert table["specificity_low"][0] == whole["specificity"]["interval"][0]
    adults = cases[cases["age"].between(40, 59)]
    row = table[table["group"] == "40-59"].iloc[0]
    assert row["recall"] == pytest.approx((adults["score"] >= 0.5).mean())
    assert list(table.loc[table["by"] == "age", "group"]) == ["0-5", "18-39", "40-59", NOT_STATED]


def test_small_groups_and_unknown_ones_are_silent(cases):
    table = subgroup_table(cases, 0.5).set_index(["by", "group"])
    assert np.isnan(table.loc[("view", "PA"), "specificity"])
    assert table.loc[("view", "PA"), "specificity_note"] == TOO_FEW
    assert table.loc[("view", "PA"), "recall_note"] == ""
    unknown = table.loc[("sex", NOT_STATED)]
    assert unknown["cases"] > 10 and np.isnan(unknown["recall"])
    assert unknown["recall_note"] == unknown["specificity_note"] == NOT_STATED
    plain = subgroup_table(cases[["label", "score"]], 0.5, by=["sex"])
    assert plain["group"].tolist() == ["all cases", NOT_STATED]
    ill = pd.DataFrame({"label": 1, "score": 0.9, "sex": "F", "patient_id": [*range(9), 0]})
    assert subgroup_table(ill, 0.5, by=["sex"])["recall_note"].tolist() == [TOO_FEW] * 2


@pytest.mark.parametrize(
    ("column", "spellings", "group"),
    [
        ("sex", ["F", "f", " female", "Female"], "F"),
        ("sex", ["M", "male", "MAN"], "M"),
        ("sex", ["", None, "unknown", "U", "n/a", "NaN"], NOT_STATED),
        ("view", ["PA", "pa", "Pa "], "PA"),
        ("view", ["AP Supine", "ap supine"], "AP Supine"),
        ("source", [" B", "b"], "B"),
        ("source", ["", None, "Unknown", "?"], NOT_STATED),
        ("age", [45, "45", 45.9], "40-59"),
        ("age", [999, 200, -1, "unknown", "old", None, np.inf], NOT_STATED),
    ],
)
def test_one_group_in_many_spellings_is_one_and_an_impossible_age_is_none(column, spellings, group):
    cases = pd.DataFrame({"label": 1, "score": 0.9, column: pd.Series(spellings, dtype=object)})
    assert set(subgroup_table(cases, 0.5, by=[column])["group"]) == {"all cases", group}


def test_a_group_that_is_worse_is_found_and_luck_among_many_is_not():
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"label": 1, "view": np.repeat(list("ABCDEFGH"), 40)})
    found = np.where(people["view"] == "A", rng.random(320) < 0.5, rng.random(320) < 0.9)
    worse = subgroup_table(people.assign(score=found * 0.9), 0.5, by=["view"])
    p = worse.set_index("group")["recall_p"]
    assert p["A"] < 0.001 and np.isnan(p["all cases"]) and (p.dropna() <= 1).all()
    assert worse["specificity_p"].isna().all()
    significant = 0
    for _ in range(25):  # nobody is worse
        luck = people.assign(score=(rng.random(320) < 0.8) * 0.9)
        significant += subgroup_table(luck, 0.5, by=["view"])["recall_p"].min() < 0.05
    assert significant <= 4  # 1 expected with the adjustment, some 8 without


# Calibration


@pytest.mark.parametrize(("slope", "shift"), [(1, 0), (0.5, 0), (1, 0.7)])
def test_slope_and_intercept_are_those_of_a_logistic_regression(slope, shift):
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 1.5, 4000)
    labels = np.repeat((rng.random(4000) < expit(truth)).astype(int), 2)
    scores = np.repeat(expit(truth / slope - shift), 2)
    patients = np.arange(labels.size) // 2
    found = calibration(labels, scores, patients, resamples=50)
    model = LogisticRegression(C=1e9).fit(logit(scores)[:, None], labels)
    assert found.slope.value == pytest.approx(model.coef_.item(), rel=1e-3)
    assert found.slope.low < slope < found.slope.high
    if slope == 1:
        assert found.in_the_large.low < shift < found.in_the_large.high
    assert found.brier.value == pytest.approx(brier_score_loss(labels, scores))
    # Each X-ray stands there twice: with patients the intervals are wider by the root of 2.
    alone = calibration(labels, scores, resamples=50).slope
    wider = (found.slope.high - found.slope.low) / (alone.high - alone.low)
    assert wider == pytest.approx(np.sqrt(2), rel=0.02)


@few_examples
@given(scored())
def test_calibration_is_defined_or_says_that_it_is_not(pair):
    labels, scores = pair
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = calibration(labels, scores, resamples=20)
    ill, healthy = (np.clip(scores[labels == label], 1e-7, 1 - 1e-7) for label in (1, 0))
    apart = ill.min() >= healthy.max() or ill.max() <= healthy.min()
    assert (found.slope.value is None) == apart
    for e in (found.brier, found.in_the_large):
        assert e.value is not None and (e.low is None or e.low <= e.value <= e.high)


# Another prevalence


@given(shares, shares, shares)
def test_the_precision_range_is_bayes(recall, specificity, prevalence):
    called = recall * prevalence + (1 - specificity) * (1 - prevalence)
    assume(called > 1e-12)
    found = precision_range(
        Estimate(recall, 0, 1), Estimate(specificity, specificity, 1), prevalence
    )
    assert found.value == pytest.approx(recall * prevalence / called, abs=1e-6)


@pytest.mark.parametrize(
    "pair", [(Estimate(None), Estimate(0.9, 0.8, 1)), (Estimate(0, 0, 0.1), Estimate(1, 0.9, 1))]
)
def test_an_undefined_precision_has_no_range(pair):
    assert precision_range(*pair, 0.01) == Estimate(None)


# People


@given(shares, shares, shares)
def test_people_add_up(recall, specificity, prevalence):
    people = people_tested(recall, specificity, prevalence)
    assert people.n == 1000
    assert people.tp + people.fn == round(1000 * prevalence)
    assert min(people.tp, people.fp, people.fn, people.tn) >= 0


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (Confusion(9, 132, 1, 858), "raises 141 alarms; 9 of them are true, and 1 of the ill is"),
        (Confusion(1, 0, 0, 999), "1 has COVID-19. The test raises 1 alarm; 1 of them is true"),
        (Confusion(0, 5, 10, 985), "none of them are true, and 10 of the ill are missed"),
        (Confusion(0, 0, 10, 990), "no alarm at all: its precision is undefined"),
    ],
)
def test_people_in_words(counts, said):
    assert said in screening_sentence(counts)
    assert screening_sentence(counts).startswith("Of 1,000 people tested")
