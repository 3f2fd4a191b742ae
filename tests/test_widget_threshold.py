"""The threshold bench: its sliders, and the plain functions that write its HTML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from bs4 import BeautifulSoup

from cxrlab.elsewhere import what_if
from cxrlab.metrics import Confusion, evaluate
from cxrlab.widgets.threshold import (
    histogram_svg,
    matrix_html,
    metrics_html,
    prevalence_html,
    threshold_bench,
)


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    scores = np.clip(0.35 + 0.3 * labels + rng.normal(0, 0.15, 80), 0.01, 0.95)
    return labels, scores, rng.integers(0, 50, 80)


def words(html):
    return BeautifulSoup(html, "html.parser").get_text(" ")


@pytest.fixture
def bench(cases):
    labels, scores, patients = cases
    widget = threshold_bench(labels, scores, 0.4321, patients)
    cut, back, share, sentence, side_by_side, metrics = widget.children
    picture, matrix = side_by_side.children
    return {
        "cut": cut,
        "back": back,
        "share": share,
        "sentence": sentence,
        "picture": picture,
        "matrix": matrix,
        "metrics": metrics,
    }


def test_it_starts_at_the_chosen_threshold_with_the_intervals_of_the_report(bench, cases):
    labels, scores, patients = cases
    report = evaluate(labels, scores, 0.4321, patients)
    assert bench["cut"].value == 0.4321
    shown = words(bench["metrics"].value)
    for name in ("accuracy", "precision", "recall", "specificity"):
        assert f"{report[name]:.2f}" in shown
    assert str(report.confusion.tp) in words(bench["matrix"].value)


def test_the_threshold_moves_everything(bench):
    outputs = ("sentence", "picture", "matrix", "metrics")
    before = {name: bench[name].value for name in outputs}
    bench["cut"].value = 0.7
    assert all(bench[name].value != before[name] for name in outputs)
    bench["back"].click()
    assert {name: bench[name].value for name in outputs} == before


def test_the_prevalence_moves_only_its_sentence(bench):
    outputs = ("picture", "matrix", "metrics")
    before = {name: bench[name].value for name in outputs}
    sentence = bench["sentence"].value
    bench["share"].value = 0.01
    assert {name: bench[name].value for name in outputs} == before
    assert bench["sentence"].value != sentence
    assert "Where 1 % of the people tested are ill" in words(bench["sentence"].value)
    assert "Of 1,000 people tested, 10 have COVID-19" in words(bench["sentence"].value)


def test_undefined_is_said_and_is_not_zero(bench):
    bench["cut"].value = 1.0  # above every score: nobody is called ill
    shown = BeautifulSoup(bench["metrics"].value, "html.parser")
    rows = {row.th.get_text(): row.get_text(" ") for row in shown.find_all("tr")[1:]}
    assert "undefined" in rows["precision"]
    assert "0.00" in rows["recall"]
    assert "1.00" in rows["specificity"]
    assert "undefined" in words(bench["sentence"].value)
    assert "no alarm at all" in words(bench["sentence"].value)


def test_the_controls_can_be_named_and_reached(bench):
    assert [bench[name].description for name in ("cut", "share", "back")] == [
        "Threshold",
        "Prevalence",
        "Back to the chosen threshold",
    ]
    assert 'role="status"' in bench["sentence"].value


def test_the_matrix_names_its_cells():
    shown = words(matrix_html(Confusion(tp=9, fp=18, fn=1, tn=72)))
    for cell in ("72 true negatives", "18 false positives", "1 false neg", "9 true positives"):
        assert cell in " ".join(shown.split())
    assert "healthy (90)" in shown
    assert "ill (10)" in shown


def test_the_histogram_is_a_picture_with_words_and_its_line_moves(cases):
    labels, scores, _ = cases
    for threshold in (0.0, 0.25, 1.0):
        drawn = ElementTree.fromstring(histogram_svg(labels, scores, threshold))
        called = int((scores >= threshold).sum())
        assert drawn.get("role") == "img"
        assert f"{called} cases" in drawn.get("aria-label")
        line = [x for x in drawn.iter("line") if x.get("stroke-dasharray")][0]
        assert float(line.get("x1")) == pytest.approx(12 + threshold * 376)
    heights = [float(bar.get("height")) for bar in drawn.iter("rect")][1:]
    assert len(heights) == 50
    assert max(heights) == pytest.approx(70)


def test_a_test_set_of_one_class_is_shown_too():
    now = what_if([1, 1, 0 + 1], [0.2, 0.8, 0.9], 0.5, 0.01)
    assert "undefined" in words(prevalence_html(now))
    assert words(metrics_html(now.metrics)).count("undefined") == 1
    assert "0 cases" not in histogram_svg(np.array([1]), np.array([0.5]), 0.5)
