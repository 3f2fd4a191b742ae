"""The exercises of notebook 01: solutions pass, plausible mistakes fail in words of their own."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from cxrlab.exercises import State, exercises_in, nb01

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "01_motivation.ipynb"


def people(tp, fn, fp, tn):
    """A sort_people whose counts are these functions of r, s, ill and healthy."""
    return lambda *a: {"tp": tp(*a), "fn": fn(*a), "fp": fp(*a), "tn": tn(*a)}


def found(r, s, i, h):
    return round(i * r)


def missed(r, s, i, h):
    return i - round(i * r)


def alarmed(r, s, i, h):
    return h - round(h * s)


def cleared(r, s, i, h):
    return round(h * s)


# name: (a wrong answer, a word of its message)
WRONG = {
    "ten_calls": [
        ([1, 0, 1], "3 entries"),
        (["1"] * 10, "without quotation marks"),
        ([2, *[0] * 9], "Undecided"),
        ("1010101010", "Write a list"),
        (7, "list of ten numbers"),
    ],
    "matrix": [
        (lambda t, c: pd.crosstab(c, t), "calls in the rows"),
        (lambda t, c: pd.crosstab(t, c, normalize="index"), "Leave `normalize` out"),
        (lambda t, c: pd.crosstab(t, c, margins=True), "Leave `margins` out"),
        (lambda t, c: confusion_matrix(t, c), "without names"),
        (lambda t, c: pd.crosstab(t, t), "no mistake at all"),
        (lambda t, c: pd.DataFrame({"t": t, "c": c}).value_counts(), "one column of counts"),
        (lambda t, c: pd.DataFrame({"t": t, "c": c}), "one row per X-ray"),
        (lambda t, c: pd.crosstab(t, 1), "2 × 1"),
        (lambda t, c: pd.crosstab(t, c) + 1, "nothing from outside"),
        (lambda t, c: (t == c).sum(), "table of counts"),
        (lambda t: pd.crosstab(t, t), "stops with TypeError"),
        (pd.DataFrame(), "should be a function"),
    ],
    "implied_specificity": [
        (lambda p, r: r * (1 - p) / p, "subtract it from 1"),
        (lambda p, r: 1 - (1 - p) / p, "all positive cases as found"),
        (lambda p, r: 1 - p * (1 - r) / r, "changed places"),
        (lambda p, r: p, "share of the **alarms**"),
        (lambda p, r: 100 * (1 - r * (1 - p) / p), "percentage"),
        (lambda p, r: 0.5, "Find fp"),
        (lambda p: p, "stops with TypeError"),
        (lambda p, r: 1 - r * (1 - float(p)) / p, "for a column"),
        (0.5, "should be a function"),
    ],
    "people": [
        (people(missed, found, alarmed, cleared), "tp and fn are swapped"),
        (people(found, missed, cleared, alarmed), "fp and tn are swapped"),
        (people(found, alarmed, missed, cleared), "fn and fp are swapped"),
        (lambda r, s, i, h: people(found, missed, alarmed, cleared)(s, r, i, h), "other way"),
        (lambda r, s, i, h: {"tp": r, "fn": 1 - r, "fp": 1 - s, "tn": s}, "These are shares"),
        (people(found, missed, missed, cleared), "fp and tn add up"),
        (people(found, lambda r, s, i, h: 0, alarmed, cleared), "tp and fn add up"),
        (people(lambda *a: 0, lambda r, s, i, h: i, alarmed, cleared), "tp should be 186"),
        (lambda r, s, i, h: (i * r, i - i * r), "dictionary"),
        (lambda r, s, i, h: {"tp": i * r, "fn": i * (1 - r), "fp": h * (1 - s)}, "dictionary"),
        (
            lambda r, s, i, h: {
                "tp": i * r,
                "fn": i * (1 - r),
                "fp": h * (1 - s) + 0.1,
                "tn": h * s,
            },
            "fractions of people",
        ),
    ],
    "screening_cost": [
        (lambda i, h, r, s, m, a: i * (1 - r) * a + h * (1 - s) * m, "swapped"),
        (lambda i, h, r, s, m, a: i * r * m + h * s * a, "right calls"),
        (lambda i, h, r, s, m, a: i * (1 - r) * m, "false alarms cost"),
        (lambda i, h, r, s, m, a: h * (1 - s) * a, "misses cost"),
        (lambda i, h, r, s, m, a: i * (1 - r) + h * (1 - s), "multiply each"),
        (lambda i, h, r, s, m, a: (i + h) * ((1 - r) * m + (1 - s) * a), "Only the ill"),
        (lambda i, h, r, s, m, a: (i * (1 - r) * m + h * (1 - s) * a) / (i + h), "per person"),
        (lambda i, h, r, s, m, a: 0, "Add misses"),
        (lambda i, h, r, s, m, a: int(i * (1 - r) * m + h * (1 - s) * a), "for a column"),
    ],
}


def exercise_cells() -> dict[str, str]:
    """The code cell of each exercise in the notebook, by the exercise's name."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    found = {}
    for cell in cells:
        for line in cell.source.splitlines():
            if cell.cell_type == "code" and line.startswith("nb01.") and ".check(" in line:
                found[line.split(".")[1]] = cell.source
    return found


def handed_in(name: str, code: str):
    """What the notebook's cell hands to the check when the reader's code is ``code``."""
    namespace = {"np": np, "pd": pd}
    exec(textwrap.dedent(code), namespace)
    tree = ast.parse(exercise_cells()[name])
    call = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    )
    return eval(ast.unparse(call.args[0]), namespace)


def test_every_exercise_is_in_the_notebook_and_in_this_test():
    names = {name for name in vars(nb01) if vars(nb01)[name] in exercises_in(nb01)[:5]}
    assert names == set(WRONG) == set(exercise_cells())


@pytest.mark.parametrize("name", WRONG)
def test_the_solution_passes(name):
    exercise = getattr(nb01, name)
    verdict = exercise.judge(handed_in(name, exercise.answer))
    assert verdict.state is State.CORRECT, verdict.message


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_fail_each_in_its_own_words(name):
    messages = []
    for answer, word in WRONG[name]:
        verdict = getattr(nb01, name).judge(answer)
        assert verdict.state is State.WRONG, (answer, verdict.message)
        assert word in verdict.message, verdict.message
        assert "cannot be checked" not in verdict.message
        messages.append(verdict.message)
    assert len(set(messages)) == len(messages) >= 3


@pytest.mark.parametrize("name", WRONG)
def test_the_placeholder_of_the_notebook_is_not_attempted(name):
    source = exercise_cells()[name]
    before = source[: source.index(f"nb01.{name}.check")]
    assert "..." in before
    assert getattr(nb01, name).judge(handed_in(name, before)).state is State.UNTOUCHED


@pytest.mark.parametrize("name", WRONG)
def test_without_an_answer_the_notebook_goes_on_with_the_solution(name, capsys):
    exercise = getattr(nb01, name)
    used = exercise.or_solution(...)
    assert exercise.judge(used).state is State.CORRECT
    assert f"in place of `{exercise.variable}`" in capsys.readouterr().out


def test_the_matrix_may_be_counted_otherwise():
    def by_groups(truth, call):
        both = pd.DataFrame({"truth": truth, "call": call})
        return both.groupby(["truth", "call"]).size().unstack(fill_value=0)

    assert nb01.matrix.judge(by_groups).state is State.CORRECT


def test_the_cost_may_be_that_of_whole_people():
    def cost(ill, healthy, recall, specificity, miss, alarm):
        return (ill - round(ill * recall)) * miss + (healthy - round(healthy * specificity)) * alarm

    assert nb01.screening_cost.judge(cost).state is State.CORRECT


def test_the_same_call_ten_times_is_allowed_and_remarked_on():
    verdict = nb01.ten_calls.judge([1] * 10)
    assert verdict.state is State.CORRECT and "the same" in verdict.message


@pytest.mark.parametrize("exercise", exercises_in(nb01), ids=lambda exercise: exercise.key)
def test_hints_come_in_stages(exercise):
    assert exercise.key.startswith("01.") and len(exercise.hints) >= 2
    assert len(set(exercise.hints)) == len(exercise.hints)


@pytest.mark.parametrize("question", [*nb01.quiz], ids=lambda question: question.key)
def test_every_option_of_the_quiz_has_an_instructive_reply(question):
    states = [question.exercise.judge(letter).state for letter in question.letters]
    assert states.count(State.CORRECT) == 1
    assert all(len(option.reply) > 40 for option in question.options)
