"""Exercises of notebook 07: solutions pass, plausible mistakes fail, each with its own words."""

from __future__ import annotations

import textwrap
from pathlib import Path

import nbformat
import numpy as np
import pytest

from cxrlab.evaluation import confusion
from cxrlab.exercises import Exercise, State, exercises_in, nb07
from cxrlab.exercises.about_reports import unmet

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "07_beyond_the_test_set.ipynb"
TASKS = [thing for thing in vars(nb07).values() if isinstance(thing, Exercise)]


def answered(exercise: Exercise):
    variables = {"nb07": nb07}
    exec(textwrap.dedent(exercise.answer), variables)
    return variables[exercise.variable]


@pytest.mark.parametrize("exercise", exercises_in(nb07), ids=lambda e: e.key)
def test_keys_and_hints(exercise):
    assert exercise.key.startswith("07.")
    assert len(exercise.hints) >= 2


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_the_solution_passes(exercise):
    verdict = exercise.judge(answered(exercise))
    assert verdict.state is State.CORRECT, verdict.message


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_the_notebooks_placeholder_is_not_attempted(exercise):
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    call = f".check({exercise.variable})"
    sources = [cell.source for cell in cells if cell.cell_type == "code" and call in cell.source]
    assert len(sources) == 1, f"{call} stands in {len(sources)} cells"
    code = "\n".join(line for line in sources[0].splitlines() if call not in line)
    variables = {"nb07": nb07}
    exec(code, variables)
    assert exercise.judge(variables[exercise.variable]).state is State.UNTOUCHED


def at(threshold):
    people = nb07.other_hospital()
    return confusion(people["label"], people["score"], threshold)


def half_prevalence(recall, specificity, prevalence):
    return recall / (recall + 1 - specificity) if recall + 1 - specificity else None


def specificity_for_alarms(recall, specificity, prevalence):
    return recall * prevalence / (recall * prevalence + specificity * (1 - prevalence))


def zero_if_undefined(recall, specificity, prevalence):
    return answered(nb07.bayes)(recall, specificity, prevalence) or 0.0


def divides_by_zero(recall, specificity, prevalence):
    true = recall * prevalence
    return true / (true + (1 - specificity) * (1 - prevalence))


def only_true(recall, specificity, prevalence):
    return recall * prevalence


def errors(labels, scores):
    return [score - label for label, score in zip(labels, scores, strict=True)]


WRONG_BY_KEY = {
    nb07.frozen_threshold.key: [
        (5 / 8, "exactly 0.62"),
        (at(0.62).recall, "recall"),
        (at(0.62).accuracy, "accuracy"),
        (at(0.62).precision, "precision"),
        (50, "percentage"),
        (0.1, "label 0"),
        ("half", "should be a number"),
    ],
    nb07.bayes.key: [
        (half_prevalence, "prevalence is not used"),
        (specificity_for_alarms, "1 - specificity"),
        (zero_if_undefined, "return None"),
        (divides_by_zero, "ZeroDivisionError"),
        (only_true, "Divide by all alarms"),
        (lambda r, s, p: None, "End the function"),
        (lambda r, s, p: 0.3, "10,000 people"),
        (lambda r, s, p: "0.5", "should be a number"),
        (0.5, "should be a function"),
    ],
    nb07.brier_score.key: [
        (lambda y, s: sum(map(abs, errors(y, s))) / len(y), "Square each"),
        (lambda y, s: sum(e**2 for e in errors(y, s)), "Divide by the number"),
        (lambda y, s: (sum(e**2 for e in errors(y, s)) / len(y)) ** 0.5, "square root"),
        (lambda y, s: (sum(errors(y, s)) / len(y)) ** 2, "before the square"),
        (lambda y, s: sum(errors(y, s)) / len(y), "cancel out"),
        (lambda y, s: np.mean([(b >= 0.5) != a for a, b in zip(y, s, strict=True)]), "wrong calls"),
        (lambda y, s: 0.0, "(score - label)"),
    ],
    nb07.net_benefit_of.key: [
        (lambda tp, fp, n, t: (tp - fp) / n, "0.5 alone"),
        (lambda tp, fp, n, t: tp / n - fp / n * (1 - t) / t, "upside down"),
        (lambda tp, fp, n, t: tp / n - fp / n * t, "not the threshold"),
        (lambda tp, fp, n, t: tp - fp * t / (1 - t), "Divide by n"),
        (lambda tp, fp, n, t: tp / n, "for nothing"),
        (lambda tp, fp, n, t: tp / (tp + fp), "precision"),
        (lambda tp, fp, n, t: tp / n + fp / n * t / (1 - t), "are a cost"),
    ],
    nb07.pairs.key: [
        ((4, 1), "swapped"),
        ((6, 9), "all that each got right"),
        ((5, 2), "mistakes of each"),
        ((1, 5), "both agree"),
        ((3, 2), "called the case ill"),
        ((1, 2), "ill alone"),
        (5, "two counts"),
        ((2, 2), "row by row"),
    ],
    nb07.repair_choice.key: [
        ("none", "adults it alarms 0.95"),
        ("call hardly anybody ill", "finds 0.62"),
        ("adults only", "children it alarms 0.31"),
        ("mixed", "0.16"),
        ("mixed and sharpened", "without the lungs"),
        ("robust", "should be one of"),
        (nb07.repairs_tried(), "is a table"),
    ],
    nb07.gaps.key: [
        (set(), "is empty"),
        ({"threshold"}, "0.62"),
        ({"intervals", "calibration"}, "Brier"),
        ({"intervals"}, "How many people"),
        ({"intervals", "who was tested", "subgroups"}, "elsewhere"),
        ({"interval"}, "as they are written"),
        ("intervals", "should be a set"),
    ],
}


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_each_mistake_gets_words_of_its_own(exercise):
    messages = []
    for answer, word in WRONG_BY_KEY[exercise.key]:
        verdict = exercise.judge(answer)
        assert verdict.state is State.WRONG, f"{answer} passes"
        assert word in verdict.message, verdict.message
        assert exercise.variable in verdict.message
        messages.append(verdict.message)
    assert len(set(messages)) == len(messages) >= 3


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (nb07.frozen_threshold, 4 / 8),
        (nb07.pairs, np.array([1, 4])),
        (nb07.repair_choice, " Mixed and cropped "),
        (nb07.gaps, ["subgroups", "intervals", "another hospital", "who was tested"]),
    ],
)
def test_right_answers_in_other_shapes_pass(exercise, answer):
    verdict = exercise.judge(answer)
    assert verdict.state is State.CORRECT, verdict.message


def test_exactly_one_repair_meets_all_demands():
    table = nb07.repairs_tried()
    good = [row["repair"] for row in table.to_dict("records") if not unmet(row)]
    assert good == ["mixed and cropped"]


def test_every_question_of_the_quiz_has_instructive_replies():
    questions = list(nb07.quiz)
    assert 3 <= len(questions) <= 5
    for question in questions:
        replies = [option.reply for option in question.options]
        assert len(set(replies)) == len(replies)
        states = [question.exercise.judge(letter).state for letter in question.letters]
        assert states.count(State.CORRECT) == 1 and states.count(State.WRONG) == len(states) - 1
