"""Another hospital: frozen thresholds, predictive values, subgroups, dummies, the report."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression
from statsmodels.stats.proportion import proportion_confint
from strategies import scored, shares

from cxrlab.catalog.audit import NOT_STATED
from cxrlab.errors import CXRLabError
from cxrlab.evaluation import (
    Estimate,
    confusion,
    evaluate,
    evaluate_dummy,
    external_report,
    npv_at_prevalence,
    npv_range,
    precision_at_prevalence,
    predictive_values,
    recall_at_specificity,
    sensitivity_at_specificity,
    subgroup_table,
    tabular_dummy,
    threshold_at_specificity,
)
from cxrlab.evaluation.subgroups import TOO_FEW

FEW = {"resamples": 50}


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


# Frozen thresholds and predictive values


@settings(deadline=None, max_examples=60)
@given(scored(), shares)
def test_the_threshold_for_a_specificity_is_the_most_sensitive_one(pair, specificity):
    labels, scores = pair
    try:
        threshold = threshold_at_specificity(labels, scores, specificity)
    except CXRLabError:
        assert (scores[labels == 0] == 1).any()
        return
    counts = confusion(labels, scores, threshold)
    assert counts.specificity >= specificity
    assert counts.recall == pytest.approx(recall_at_specificity(labels, scores, specificity))


def test_sensitivity_at_a_specificity_is_frozen_for_other_cases():
    chosen_on = ([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.9])
    elsewhere = ([0, 0, 0, 0, 1, 1], [0.1, 0.6, 0.7, 0.8, 0.3, 0.9])
    point = sensitivity_at_specificity(chosen_on, elsewhere, specificity=1.0, **FEW)
    assert point.threshold == pytest.approx(0.5)
    assert point.report["specificity"].value == 0.25 and point.report["recall"].value == 0.5
    assert point.report["recall"].low == pytest.approx(proportion_confint(1, 2, method="wilson")[0])
    assert "0.25" in point.sentence and "asked" not in point.sentence
    healthy = sensitivity_at_specificity(chosen_on, ([0, 0], [0.1, 0.6]), 0.9, **FEW)
    assert healthy.report["recall"] == Estimate(None) and "undefined" in healthy.sentence


@given(shares, shares, shares)
def test_npv_is_bayes(recall, specificity, prevalence):
    healthy, missed = specificity * (1 - prevalence), (1 - recall) * prevalence
    found = npv_at_prevalence(recall, specificity, prevalence)
    if healthy + missed < 1e-12:
        return
    assert found == pytest.approx(healthy / (healthy + missed), abs=1e-6)


def test_predictive_values_at_the_own_prevalence_are_the_own(cases):
    report = evaluate(cases["label"], cases["score"], 0.5, cases["patient_id"], **FEW)
    row = predictive_values(report, [report.prevalence, 0.01]).iloc[0]
    counts = report.confusion
    assert row["ppv"] == pytest.approx(counts.precision)
    assert row["npv"] == pytest.approx(counts.tn / (counts.tn + counts.fn))
    assert row["npv_low"] < row["npv"] < row["npv_high"]
    rare = predictive_values(report, [0.01]).iloc[0]
    assert rare["ppv"] == pytest.approx(
        precision_at_prevalence(report["recall"].value, report["specificity"].value, 0.01)
    )
    assert npv_range(Estimate(None), report["specificity"], 0.1) == Estimate(None)


# Subgroups


def test_subgroups_count_everybody_once(cases):
    table = subgroup_table(cases, 0.5, **FEW)
    assert table["group"][0] == "all cases"
    for _, rows in table.groupby("by"):
        assert rows["cases"].sum() == 200
        assert (rows["positives"] + rows["negatives"] == rows["cases"]).all()
    whole = evaluate(cases["label"], cases["score"], 0.5, cases["patient_id"], **FEW)
    assert table["recall"][0] == whole["recall"].value
    assert table["specificity_low"][0] == whole["specificity"].low
    adults = cases[cases["age"].between(40, 59)]
    row = table[table["group"] == "40-59"].iloc[0]
    assert row["recall"] == pytest.approx((adults["score"] >= 0.5).mean())
    assert list(table.loc[table["by"] == "age", "group"]) == ["0-5", "18-39", "40-59", NOT_STATED]


def test_small_groups_and_unknown_ones_are_silent(cases):
    table = subgroup_table(cases, 0.5, **FEW).set_index(["by", "group"])
    assert np.isnan(table.loc[("view", "PA"), "specificity"])
    assert table.loc[("view", "PA"), "specificity_note"] == TOO_FEW
    assert table.loc[("view", "PA"), "recall_note"] == ""
    unknown = table.loc[("sex", NOT_STATED)]
    assert unknown["cases"] > 10 and np.isnan(unknown["recall"])
    assert unknown["recall_note"] == unknown["specificity_note"] == NOT_STATED
    plain = subgroup_table(cases[["label", "score"]], 0.5, by=["sex"], **FEW)
    assert plain["group"].tolist() == ["all cases", NOT_STATED]


def test_ten_images_of_nine_patients_are_too_few():
    ill = pd.DataFrame({"label": 1, "score": 0.9, "sex": "F", "patient_id": [*range(9), 0]})
    assert subgroup_table(ill, 0.5, by=["sex"], **FEW)["recall_note"].tolist() == [TOO_FEW] * 2
    more = pd.concat([ill, ill.assign(patient_id=99)[:1]])
    assert subgroup_table(more, 0.5, by=["sex"], **FEW)["recall"].tolist() == [1.0, 1.0]


def test_cases_without_a_score_are_refused(cases):
    with pytest.raises(CXRLabError, match="'score'"):
        subgroup_table(cases.drop(columns="score"), 0.5)


# A dummy that knows one column


def test_a_dummy_learns_the_shares_of_its_training():
    training = pd.DataFrame({"label": [1, 1, 1, 0, 0, 0], "view": ["PA"] * 4 + ["AP", None]})
    cases = pd.DataFrame({"view": ["PA", "AP", None, "L"]})
    scores = tabular_dummy(training, cases, "view")
    # Two cases of the average kind (prevalence 0.5) are added to each value.
    assert scores == pytest.approx([4 / 6, 1 / 3, 1 / 3, 0.5])


def test_a_dummy_ranks_as_a_regression_on_the_same_column_does(cases):
    training, others = cases[::2], cases[1::2]
    found = evaluate_dummy(training, others, "age", **FEW)
    columns = pd.get_dummies(pd.cut(cases["age"], [0, 18, 40, 60]).astype(str)).astype(float)
    model = LogisticRegression(C=100).fit(columns[::2], training["label"])
    expected = sk.roc_auc_score(others["label"], model.predict_proba(columns[1::2])[:, 1])
    assert found.report["roc_auc"].value == pytest.approx(expected)
    assert found.unseen == 0


def test_a_dummy_is_lost_among_values_it_has_never_seen(cases):
    found = evaluate_dummy(cases, cases.assign(source="elsewhere"), "source", **FEW)
    assert found.unseen == 1 and found.report["roc_auc"].value == 0.5
    with pytest.raises(CXRLabError, match="both classes"):
        tabular_dummy(cases[cases["label"] == 1], cases, "view")


# All of it


def test_the_external_report_holds_everything(cases):
    report = external_report(cases, 0.5, training=cases, **FEW)
    assert report.report == evaluate(
        cases["label"], cases["score"], 0.5, cases["patient_id"], **FEW
    )
    assert list(report.beside["knows"])[1:] == ["only view", "only age", "only source"]
    assert report.beside["roc_auc"][1] == 1.0  # the view alone gives it away
    assert list(report.table()["metric"])[-3:] == ["brier", "brier_skill", "calibration_error"]
    text = json.dumps(report.to_json(), allow_nan=False)
    assert json.loads(text)["brier"]["value"] == pytest.approx(report.brier.score.value)


def test_healthy_people_alone_leave_recall_undefined(cases):
    healthy = cases.loc[cases["label"] == 0, ["label", "score"]]
    report = external_report(healthy, 0.5, **FEW)
    assert report.report["recall"] == Estimate(None) and report.brier.skill == Estimate(None)
    assert report.report["specificity"].value is not None
    assert report.predictive[["ppv", "npv"]].isna().all(axis=None)
    assert not report.dummies and len(report.beside) == 1
    json.dumps(report.to_json(), allow_nan=False)


def test_the_same_seed_gives_the_same_report(cases):
    first = external_report(cases, 0.5, seed=3, **FEW).to_json()
    assert first == external_report(cases, 0.5, seed=3, **FEW).to_json()


def test_the_dummies_of_the_course(phantom_data):
    from cxrlab.cases import prepare

    cases = prepare(phantom_data).cases
    # The published design: its source, and with it the view, gives every label away.
    for column in ("view", "source"):
        assert evaluate_dummy(cases, cases, column, **FEW).report["roc_auc"].value == 1.0


@pytest.mark.real
def test_the_dummies_of_the_published_design(real_data):
    from cxrlab.cases import prepare
    from cxrlab.splits import split_by_patient

    prepared = prepare(real_data)
    split = split_by_patient(prepared.cases, together=prepared.near)
    auc = {
        column: evaluate_dummy(split.train, split.test, column).report["roc_auc"].value
        for column in ("view", "age", "source")
    }
    assert auc["view"] == auc["source"] == 1.0 and auc["age"] > 0.75
