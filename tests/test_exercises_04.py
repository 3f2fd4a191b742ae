"""Notebook 04's exercises: solutions pass, plausible mistakes fail each in its own words."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import nbformat
import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_curve,
)

from cxrlab.exercises import State, exercises_in, nb04
from cxrlab.metrics import precision_at_prevalence

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "04_accuracy_precision_recall.ipynb"


def true_negatives(labels, calls):
    tn, fp, fn, tp = confusion_matrix(labels, calls, labels=[0, 1]).ravel()
    return tn, fp, fn, tp


def by_counts(labels, calls):
    tn, fp, _, _ = true_negatives(labels, calls)
    return tn / (tn + fp)


def by_python(labels, calls):
    tn, fp, _, _ = map(int, true_negatives(labels, calls))
    return tn / (tn + fp)


def one_cell(labels, calls):
    tn, fp, fn, tp = confusion_matrix(labels, calls).ravel()
    return tn / (tn + fp)


def wrong_order(labels, calls):
    tn, fn, fp, tp = true_negatives(labels, calls)
    return tn / (tn + fp)


def right(labels, calls):
    return recall_score(labels, calls, pos_label=0, zero_division=np.nan)


def none_where_undefined(labels, calls):
    found = right(labels, calls)
    return None if np.isnan(found) else found


def choose(part=0, side=max, report=1, which="specificity"):
    """A reader's answer to exercise 2, with slips to choose from."""

    def choose_and_report(validation, test, wanted):
        _, recall, cuts = precision_recall_curve(*(validation, test)[part])
        threshold = side(cuts[recall[:-1] >= wanted])
        labels, scores = (validation, test)[report]
        calls = scores >= threshold
        found = {
            "specificity": recall_score(labels, calls, pos_label=0),
            "alarmed": 1 - recall_score(labels, calls, pos_label=0),
            "recall": recall_score(labels, calls),
            "precision": precision_score(labels, calls),
            "accuracy": accuracy_score(labels, calls),
        }
        return threshold, found[which]

    return choose_and_report


def by_roc(validation, test, wanted):
    _, recall, cuts = roc_curve(*validation)
    threshold = cuts[np.argmax(recall >= wanted)]
    labels, scores = test
    return threshold, recall_score(labels, scores >= threshold, pos_label=0)


def bootstrap(unit="patient", ends=(0.025, 0.975), draws=1000, replace=True):
    """A reader's answer to exercise 3, in a loop of pandas, with slips to choose from."""

    def answer(cases, rng):
        groups = [group["found"].to_numpy() for _, group in cases.groupby("patient")]
        if unit == "X-ray":
            groups = [np.array([found]) for found in cases["found"]]
        if unit == "mean":
            groups = [np.array([group.mean()]) for group in groups]
        recalls = []
        for _ in range(draws):
            size = len(groups) if unit != "few" else 5
            drawn = rng.choice(len(groups), size=size, replace=replace)
            recalls.append(np.concatenate([groups[number] for number in drawn]).mean())
        return recalls, np.quantile(recalls, ends)

    return answer


def changed(change):
    """The right bootstrap, with its two results changed."""

    def answer(cases, rng):
        return change(*bootstrap()(cases, rng))

    return answer


def own_generator(cases, rng):
    return bootstrap()(cases, np.random.default_rng(0))


def sums(cases, rng):
    recalls, ends = bootstrap()(cases, rng)
    return 50 * np.array(recalls), ends


def bell(width):
    return changed(lambda r, _: (r, np.mean(r) + np.array([-width, width]) * np.std(r)))


def slip(number):
    return nb04.PPV_SLIPS[number][0]


UNTOUCHED = {
    "04.specificity": lambda labels, calls: ...,
    "04.threshold": lambda validation, test, wanted: ...,
    "04.bootstrap": lambda cases, rng: ...,
    "04.ppv": lambda recall, specificity, prevalence: ...,
}
RIGHT = {
    "04.specificity": [right, by_counts],
    "04.threshold": [choose(), by_roc],
    "04.bootstrap": [bootstrap()],
    "04.ppv": [lambda r, s, p: p * r / (p * r + (1 - p) * (1 - s))],
}
WRONG = {
    "04.specificity": [
        (recall_score, "that is the recall"),
        (accuracy_score, "that is the accuracy"),
        (precision_score, "that is the precision"),
        (wrong_order, "negative predictive value"),
        (lambda y, c: 1 - right(y, c), "false positive rate"),
        (lambda y, c: 1 - recall_score(y, c), "miss rate"),
        (lambda y, c: ((y == 0) & (c == 0)).mean(), "true negatives among all"),
        (lambda y, c: recall_score(y, c, pos_label=0), "returns 0, which claims"),
        (by_python, "divides by zero"),
        (one_cell, "labels=[0, 1]"),
        (none_where_undefined, "returns None. Say undefined"),
        (lambda y, c: 100 * right(y, c), "a percentage"),
        (lambda y, c: round(right(y, c), 2), "rounded"),
        (lambda y, c: right(y, c) // 1, "cuts off"),
        (lambda y, c: right(y, c) or np.nan, "0 is a value like any other"),
        (lambda y, c: None, "should return a number"),
        (lambda y: y, "TypeError"),
        (0.8, "should be a function"),
    ],
    "04.threshold": [
        (choose(part=1), "chosen on the test part"),
        (choose(side=min), "take the highest"),
        (lambda v, t, wanted: (wanted, 0.5), "that is the wanted recall"),
        (lambda v, t, wanted: (0.9, 0.5), "too low"),
        (lambda v, t, wanted: (np.inf, 1.0), "nobody is called"),
        (choose(report=0), "the one on validation"),
        (choose(which="recall"), "the recall on test"),
        (choose(which="alarmed"), "who were alarmed"),
        (choose(which="precision"), "precision on test"),
        (choose(which="accuracy"), "not at this threshold"),
        (lambda v, t, wanted: choose()(v, t, 0.95), "take the highest"),
        (lambda v, t, wanted: 0.5, "should be two"),
        (lambda v, t: 0.5, "TypeError"),
    ],
    "04.bootstrap": [
        (bootstrap(unit="X-ray"), "as if X-rays were drawn"),
        (bootstrap(unit="mean"), "means over patients"),
        (bootstrap(unit="few"), "as many patients as there are"),
        (bootstrap(replace=False), "must be able to come again"),
        (bootstrap(draws=100), "returns 100 recalls"),
        (bootstrap(ends=(0.05, 0.95)), "middle 90 %"),
        (bootstrap(ends=(0.25, 0.75)), "middle half"),
        (bootstrap(ends=(0.005, 0.995)), "middle 99 %"),
        (bootstrap(ends=(0, 1)), "the extremes"),
        (bootstrap(ends=(0.975, 0.025)), "higher one first"),
        (bell(1), "one standard deviation"),
        (bell(1.96), "bell curve"),
        (bootstrap(ends=(0.1, 0.6)), "but the middle 95 %"),
        (bootstrap(ends=0.025), "two ends"),
        (own_generator, "make none of your own"),
        (sums, "Divide"),
        (lambda cases, rng: (cases["found"].to_numpy()[:, None], [0, 1]), "shape (72, 1)"),
        (changed(lambda r, e: (1 - np.array(r), e)), "with the same chance"),
        (changed(lambda r, _: r), "should be two"),
        (changed(lambda r, _: ("0.9", "wide")), "should return numbers"),
    ],
    "04.ppv": [
        (slip(0), "correctly cleared are counted"),
        (slip(1), "among all people"),
        (slip(2), "*all* alarms"),
        (slip(3), "that is false"),
        (slip(4), "the prevalence is missing"),
        (slip(5), "from the healthy only"),
        (slip(6), "negative predictive value"),
        (slip(7), "that is the recall"),
        (lambda r, s, p: 100 * nb04.precision_at(r, s, p), "a percentage"),
        (lambda r, s, p: round(nb04.precision_at(r, s, p), 2), "rounded"),
        (lambda r, s, p: 0.5, "Of 10,000 people"),
        (lambda r, s, p: nb04.precision_at(r, s, float(p)), "a whole array"),
        (lambda r, s, p: None, "should be a number"),
    ],
}
EXERCISES = {e.key: e for e in exercises_in(nb04) if "quiz" not in e.key}


def test_every_exercise_is_tried_here():
    assert set(EXERCISES) == set(WRONG) == set(UNTOUCHED) == set(RIGHT)


@pytest.mark.parametrize("key", EXERCISES)
def test_the_solution_is_correct(key, capsys):
    exercise = EXERCISES[key]
    namespace = {}
    exec(exercise.imports + dedent(exercise.answer), namespace)
    verdict = exercise.judge(namespace[exercise.variable])
    assert verdict.state is State.CORRECT, verdict.message
    assert len(exercise.hints) >= 2
    for answer in RIGHT[key]:
        assert exercise.judge(answer).state is State.CORRECT, exercise.judge(answer).message
    assert exercise.judge(exercise.or_solution(...)).state is State.CORRECT
    assert "Going on with the course's solution" in capsys.readouterr().out


@pytest.mark.parametrize("key", EXERCISES)
def test_dots_are_not_attempted(key):
    assert EXERCISES[key].judge(UNTOUCHED[key]).state is State.UNTOUCHED


@pytest.mark.parametrize(
    ("key", "answer", "word"), [(key, *pair) for key, pairs in WRONG.items() for pair in pairs]
)
def test_a_mistake_is_named(key, answer, word):
    verdict = EXERCISES[key].judge(answer)
    assert verdict.state is State.WRONG
    assert word in verdict.message, verdict.message


def test_the_formula_is_that_of_the_library():
    for test in nb04.TESTS:
        assert nb04.precision_at(*test) == pytest.approx(precision_at_prevalence(*test))


def test_the_matrices_tell_all_formulas_apart():
    values = {tuple(f(counts) for counts in nb04.MATRICES) for *_, f in nb04.FORMULAS.values()}
    assert len(values) == len(nb04.FORMULAS)


def test_the_notebook_leaves_every_exercise_untouched():
    sources = [cell.source for cell in nbformat.read(NOTEBOOK, 4).cells]
    for name in (name for name, thing in vars(nb04).items() if thing in EXERCISES.values()):
        cell = next(source for source in sources if f"nb04.{name}.check(" in source)
        assert "..." in cell
        assert f"# nb04.{name}.hint()" in cell
        assert f"# nb04.{name}.solution()" in cell


@pytest.mark.parametrize("question", list(nb04.quiz), ids=lambda question: question.key)
def test_the_quiz_replies_to_each_option(question):
    verdicts = [question.exercise.judge(letter) for letter in question.letters]
    assert [v.state for v in verdicts].count(State.CORRECT) == 1
    assert len({v.message for v in verdicts}) == len(verdicts)
