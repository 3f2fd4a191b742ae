"""Another threshold, and a rarer disease."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import (
    Confusion,
    Estimate,
    evaluate,
    people_tested,
    precision_at_prevalence,
    precision_range,
    screening_sentence,
    what_if,
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
