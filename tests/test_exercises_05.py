"""Exercises of notebook 05: solutions pass, plausible mistakes fail, each with its own words."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from cxrlab import tuning
from cxrlab.exercises import Exercise, State, exercises_in, nb05

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "05_hyperparameter_tuning.ipynb"
SHARED = tuning.SPACES["shared"]


def namespace() -> dict:
    """What a reader's cell can name."""
    return {"nb05": nb05, "tuning": tuning, "pd": pd, "small": nb05.small_board()}


def answered(exercise: Exercise):
    variables = namespace()
    exec(textwrap.dedent(exercise.answer), variables)
    return variables[exercise.variable]


TASKS = [thing for thing in vars(nb05).values() if isinstance(thing, Exercise)]


@pytest.mark.parametrize("exercise", exercises_in(nb05), ids=lambda e: e.key)
def test_keys_and_hints(exercise):
    assert exercise.key.startswith("05.")
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
    variables = namespace()
    exec(code, variables)
    assert exercise.judge(variables[exercise.variable]).state is State.UNTOUCHED


def first_only(space):
    for choices in space.values():
        return len(choices)


def no_return(space):
    math.prod(len(choices) for choices in space.values())


def all_right(truth, a, b):
    return sum(t == x for t, x in zip(truth, a, strict=True)), sum(
        t == x for t, x in zip(truth, b, strict=True)
    )


def swapped(truth, a, b):
    return answered(nb05.discordant_cases)(truth, b, a)


def positives_only(truth, a, b):
    cases = [case for case in zip(truth, a, b, strict=True) if case[0] == 1]
    return sum(x == 1 and y == 0 for _, x, y in cases), sum(x == 0 and y == 1 for _, x, y in cases)


def calls_only(truth, a, b):
    return sum(x > y for x, y in zip(a, b, strict=True)), sum(
        y > x for x, y in zip(a, b, strict=True)
    )


def agreeing(truth, a, b):
    wrong = sum(t != x and t != y for t, x, y in zip(truth, a, b, strict=True))
    return wrong, sum(t == x == y for t, x, y in zip(truth, a, b, strict=True))


def one_count(truth, a, b):
    return sum(x != y for x, y in zip(a, b, strict=True))


def two_answers(low, high):
    return "better" if low > 0 else "worse"


def middle(low, high):
    return "better" if low + high > 0 else "worse"


def edge_counts(low, high):
    if low is None or low < 0 < high:
        return "cannot tell"
    return "better" if low >= 0 else "worse"


def forgets_none(low, high):
    return "cannot tell" if low <= 0 <= high else "better" if low > 0 else "worse"


def other_words(low, high):
    return low is not None and low > 0


def with_(**choices):
    return {**SHARED, **choices}


WRONG_BY_KEY = {
    nb05.combinations.key: [
        (lambda space: sum(len(c) for c in space.values()), "sum"),
        (lambda space: len(space), "counts the settings"),
        (first_only, "inside the loop"),
        (no_return, "returns nothing"),
        (lambda space: 24, "any space"),
        (24, "should be a function"),
        (lambda space: space["dropuot"], "KeyError"),
    ],
    nb05.best_of_board.key: [
        (1, "highest loss"),
        (3, "highest recall"),
        (4, "first row"),
        (6, "last row"),
        (7, "ran last"),
        (2, "position"),
        (0.41, "whole number"),
        (99, "lowest"),
        (nb05.small_board().iloc[2], "one number"),
        ("5", "should be a number"),
    ],
    nb05.discordant_cases.key: [
        (swapped, "swapped"),
        (all_right, "both got right"),
        (positives_only, "positive cases only"),
        (calls_only, "equal to the truth"),
        (agreeing, "agree"),
        (one_count, "two counts"),
    ],
    nb05.better_or_luck.key: [
        (two_answers, "though the middle lies above"),
        (middle, "0 lies inside"),
        (edge_counts, "edge"),
        (forgets_none, "low is None"),
        (other_words, "should return"),
    ],
    nb05.published_gain.key: [
        (0.5**5, "both directions"),
        (0.05, "share of discordant"),
        (0.001, "fair coin"),
        (0.17, "favourable"),
        (6.25, "percentage"),
    ],
    nb05.wider_space.key: [
        (SHARED, "itself"),
        (with_(dropout=(0.1, 0.2, 0.3)), "lacks 0.4"),
        (with_(dense_units=(32, 64, 128)), "no new dropout"),
        (with_(dropout=tuple(n / 20 for n in range(20))), "more than 100"),
        (with_(dropout=(0.2, 0.3, 0.4, 0.5, 1.0)), "below 1"),
        (with_(learning_rate=(1e-4, 1e-3, 1e-2, -1e-3)), "0 or less"),
        (with_(dropout=(0.2, 0.2, 0.3, 0.4, 0.5)), "twice"),
        (with_(dropout=0.1), "tuple or list"),
        (with_(layers=(1, 2)), "does not know"),
        ({"dropout": (0.1, 0.2, 0.3, 0.4, 0.5)}, "Keep every setting"),
        (with_(dense_units=(64, 128, 0.5)), "units"),
        (with_(dropout=("0.1", 0.2, 0.3, 0.4, 0.5)), "numbers only"),
        ([0.1, 0.2], "dictionary"),
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
        (nb05.best_of_board, 5),
        (nb05.best_of_board, np.int64(5)),
        (nb05.best_of_board, nb05.small_board().loc[[2], "trial"]),
        (nb05.published_gain, 0.0625),
        (nb05.published_gain, 0.063),
        (nb05.discordant_cases, lambda t, a, b: np.array(answered(nb05.discordant_cases)(t, a, b))),
        (nb05.wider_space, with_(learning_rate=[1e-4, 3e-4, 1e-3, 1e-2])),
    ],
)
def test_right_answers_in_other_shapes_pass(exercise, answer):
    verdict = exercise.judge(answer)
    assert verdict.state is State.CORRECT, verdict.message


def test_every_question_of_the_quiz_has_instructive_replies():
    questions = list(nb05.quiz)
    assert 3 <= len(questions) <= 5
    for question in questions:
        replies = [option.reply for option in question.options]
        assert len(set(replies)) == len(replies)
        states = [question.exercise.judge(letter).state for letter in question.letters]
        assert states.count(State.CORRECT) == 1 and states.count(State.WRONG) == len(states) - 1
