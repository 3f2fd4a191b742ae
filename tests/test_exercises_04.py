"""Notebook 04's exercises: solutions pass, plausible mistakes fail each in its own words."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import nbformat
import numpy as np
import pytest

from cxrlab import evaluation
from cxrlab.evaluation import Confusion, choose_threshold, confusion
from cxrlab.exercises import State, Wrong, exercises_in, nb04
from cxrlab.exercises.about_metrics import FORMULAS, MATRICES, check_metric, formula

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "04_accuracy_precision_recall.ipynb"


def cases(seed, n):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, np.clip(0.35 + 0.3 * labels + rng.normal(0, 0.15, n), 0, 1)


VALIDATION, TEST = cases(1, 60), cases(2, 90)
ON_VALIDATION = choose_threshold(*VALIDATION, rule="recall", target=0.95)
ON_TEST = choose_threshold(*TEST, rule="recall", target=0.95)
AT_BEST = confusion(*TEST, ON_VALIDATION)


def frozen(threshold=ON_VALIDATION, specificity=AT_BEST.specificity):
    parts = {"validation": VALIDATION, "test": TEST}
    return {"threshold": threshold, "specificity": specificity} | parts


def separable(overlap, positives):
    return {"overlap": overlap, "positives": positives}


def no_alarms_is_zero(tp, fp):
    return tp / (tp + fp) if tp + fp else 0


def no_alarms_is_nan(tp, fp):
    return tp / (tp + fp) if tp + fp else float("nan")


def no_hits_is_undefined(tp, fp):
    return tp / (tp + fp) if tp else None


NAMESPACE = {"evaluation": evaluation, "validation": VALIDATION, "test": TEST}
UNTOUCHED = {
    "04.recall": ...,
    "04.precision": ...,
    "04.function": lambda tp, fp: ...,
    "04.threshold": frozen(..., ...),
    "04.intervals": separable(..., ...),
    "04.rare": ...,
}
WRONG = {
    "04.recall": [
        (0.6, "that is the precision"),
        (0.85, "that is the specificity"),
        (0.86, "that is the accuracy"),
        (0.18, "true positives among all"),
        (0.1, "that is the miss rate"),
        (90, "percentage"),
        (0.55, "Which cell"),
        (None, "None"),
        ("0.9", "a str"),
    ],
    "04.precision": [
        (0.9, "that is the recall"),
        (0.85, "that is the specificity"),
        (0.4, "share of false alarms"),
        (0.72, "F1"),
        (60, "percentage"),
        (1.5, "between 0 and 1"),
    ],
    "04.function": [
        (lambda tp, fp: tp / (tp + fp), "divides by zero"),
        (no_alarms_is_zero, "returns 0, which claims"),
        (no_alarms_is_nan, "NaN"),
        (no_hits_is_undefined, "0 is a value like any other"),
        (lambda tp, fp: fp / (tp + fp), "share of false alarms"),
        (lambda tp, fp: tp / fp, "odds of a true alarm"),
        (lambda tp, fp: 100 * tp / (tp + fp), "a percentage"),
        (lambda tp, fp: round(tp / (tp + fp), 1), "rounded"),
        (lambda tp, fp: tp // (tp + fp), "cuts off"),
        (lambda tp, fp: None, "return its result"),
        (lambda tp, fp: str(tp), "should return a number"),
        (lambda tp: tp, "TypeError"),
        (0.6, "should be a function"),
    ],
    "04.threshold": [
        (frozen(ON_TEST), "chosen on the test set"),
        (frozen(0.95), "the recall to be reached"),
        (frozen(0.9), "A lower threshold finds more"),
        (frozen(0.01), "false alarms where"),
        (frozen(specificity=confusion(*VALIDATION, ON_VALIDATION).specificity), "on validation"),
        (frozen(specificity=AT_BEST.recall), "recall on test"),
        (frozen(specificity=1 - AT_BEST.specificity), "were alarmed"),
        (frozen(specificity=AT_BEST.precision), "precision on test"),
        (frozen(specificity=0.0123), "not at this threshold"),
        ({"threshold": 0.5}, "lacks"),
        (frozen() | {"validation": [1, 2, 3]}, "(labels, scores)"),
        (0.5, "the dictionary"),
    ],
    "04.intervals": [
        (separable(False, 400), "have points in common"),
        (separable("yes", 400), "True or False"),
        (separable(True, 200), "still overlap"),
        (separable(True, 800), "a smaller n"),
        (separable(True, 300), "the table has"),
        ({"overlap": True}, "lacks"),
        (True, "the dictionary"),
    ],
    "04.rare": [
        (0.941, "half of the people"),
        (0.80, "that is the recall"),
        (0.95, "that is the specificity"),
        (0.008, "among all people"),
        (0.0084, "left in peace"),
        (0.1616, "divided by false ones"),
        (0.861, "that is false"),
        (13.9, "percentage"),
        (0.5, "10,000 people"),
    ],
}
EXERCISES = {e.key: e for e in exercises_in(nb04) if "quiz" not in e.key}


def test_every_exercise_is_tried_here():
    assert list(EXERCISES) == list(WRONG) == list(UNTOUCHED)


def test_the_toy_parts_can_tell_the_mistakes_apart():
    on_validation = confusion(*VALIDATION, ON_VALIDATION)
    assert confusion(*VALIDATION, ON_TEST) != on_validation
    values = [on_validation.specificity, AT_BEST.specificity, AT_BEST.recall, AT_BEST.precision]
    assert len({round(value, 2) for value in values}) == 4


@pytest.mark.parametrize("key", EXERCISES)
def test_the_solution_is_correct(key):
    exercise = EXERCISES[key]
    namespace = dict(NAMESPACE)
    exec(dedent(exercise.answer), namespace)
    verdict = exercise.judge(namespace[exercise.variable])
    assert verdict.state is State.CORRECT, verdict.message
    assert len(exercise.hints) >= 2


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


@pytest.mark.parametrize("key", EXERCISES)
def test_mistakes_have_messages_of_their_own(key):
    messages = [EXERCISES[key].judge(answer).message for answer, _ in WRONG[key]]
    assert len(set(messages)) == len(messages) >= 3


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


def test_the_matrices_tell_all_formulas_apart():
    values = {name: tuple(formula(name, counts) for counts in MATRICES) for name in FORMULAS}
    assert len(set(values.values())) == len(FORMULAS)


@pytest.mark.parametrize("metric", ["recall", "precision", "specificity", "accuracy", "F1"])
@pytest.mark.parametrize("other", ["recall", "precision", "specificity", "accuracy", "F1"])
def test_a_metric_function_is_taken_for_what_it_is(metric, other):
    def written(tp, fp, fn, tn):
        return formula(other, Confusion(tp, fp, fn, tn))

    takes = ("tp", "fp", "fn", "tn")
    if metric == other:
        check_metric("f", written, metric, takes)
        return
    with pytest.raises(Wrong, match=f"that is the {other}, .* The {metric} is"):
        check_metric("f", written, metric, takes)
