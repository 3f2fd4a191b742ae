"""Two hospitals: the sliders of notebook 07, and the plain functions that write their HTML."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from cxrlab.evaluation import evaluate, predictive_values, what_if
from cxrlab.widgets.hospitals import hospitals_html, sentences_html, two_hospitals, values_of

THRESHOLD = 0.4321


def scored(shift, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 80)
    scores = np.clip(0.35 + shift * labels + rng.normal(0, 0.15, 80), 0.01, 0.95)
    patients = [f"p{n}" for n in rng.integers(0, 50, 80)]
    return pd.DataFrame({"label": labels, "score": scores, "patient_id": patients})


@pytest.fixture(scope="module")
def hospitals():
    return {"own test set": scored(0.3, 0), "hospital <B>": scored(0.05, 1)}


@pytest.fixture
def widget(hospitals):
    names = ("cut", "back", "share", "sentences", "table")
    return dict(zip(names, two_hospitals(hospitals, THRESHOLD).children, strict=True))


def words(html):
    return " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())


def test_it_starts_frozen_with_the_intervals_of_both_reports(widget, hospitals):
    shown = words(widget["table"].value)
    for cases in hospitals.values():
        report = evaluate(cases["label"], cases["score"], THRESHOLD, cases["patient_id"])
        for name in ("recall", "specificity"):
            e = report[name]
            assert f"{e.value:.2f} {e.low:.2f} to {e.high:.2f}" in shown
        worth = predictive_values(report, [0.1]).iloc[0]
        assert f"{worth['ppv']:.2f} {worth['ppv_low']:.2f} to {worth['ppv_high']:.2f}" in shown
        assert f"{worth['npv']:.2f} {worth['npv_low']:.2f} to {worth['npv_high']:.2f}" in shown
    assert "as it came along" in words(widget["sentences"].value)


def test_who_moves_the_threshold_is_told_so_and_can_go_back(widget):
    before = {name: widget[name].value for name in ("sentences", "table")}
    widget["cut"].value = 0.7
    assert "no longer the frozen 0.432" in words(widget["sentences"].value)
    assert widget["table"].value != before["table"]
    widget["back"].click()
    assert {name: widget[name].value for name in before} == before


def test_the_prevalence_moves_what_a_call_is_worth_but_not_recall(widget):
    def row(name):
        rows = BeautifulSoup(widget["table"].value, "html.parser").find_all("tr")
        return next(r.get_text(" ") for r in rows if r.th and r.th.get_text() == name)

    before = {name: row(name) for name in ("recall", "specificity", "PPV", "NPV")}
    widget["share"].value = 0.001
    changed = [name for name in before if row(name) != before[name]]
    assert changed == ["PPV", "NPV"]


def test_undefined_is_said_and_is_not_zero(widget):
    widget["cut"].value = 1.0  # above every score: nobody is called ill
    rows = BeautifulSoup(widget["table"].value, "html.parser").find_all("tr")
    ppv = next(r.get_text(" ") for r in rows if r.th and r.th.get_text() == "PPV")
    assert ppv.count("undefined") == 2
    assert "no alarm at all" in words(widget["sentences"].value)


def test_a_hospital_without_ill_people_is_shown_too():
    now = {name: what_if([0, 0, 0], [0.2, 0.8, 0.9], 0.5, 0.1) for name in ("one", "the other")}
    assert values_of(now["one"])["NPV"].value is None
    assert words(hospitals_html(now)).count("undefined") == 6
    assert "Undefined: a class is missing." in words(sentences_html(now, 0.5))


def test_names_are_text_and_controls_can_be_reached(widget):
    assert "<B>" not in widget["table"].value + widget["sentences"].value
    assert [widget[name].description for name in ("cut", "share", "back")] == [
        "Threshold",
        "Prevalence",
        "Back to the frozen threshold",
    ]
    assert 'role="status"' in widget["sentences"].value
