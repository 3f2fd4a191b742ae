"""The exercises of notebook 01: solutions pass, plausible mistakes fail in words of their own."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import nbformat
import pytest

from cxrlab.exercises import State, exercises_in, nb01
from cxrlab.reader import example_reading

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "01_motivation.ipynb"
READ = example_reading()  # tp 4, fp 2, fn 1, tn 3

# name: (a wrong answer, a word of its message)
WRONG = {
    "ten_calls": [
        ([1, 0, 1], "3 entries"),
        (["1"] * 10, "without quotation marks"),
        ([2, *[0] * 9], "Undecided"),
        ("1010101010", "Write a list"),
        (7, "list of ten numbers"),
    ],
    "own_counts": [
        (((4, 1, 2, 3), READ), "swapped. A false positive"),
        (((3, 2, 1, 4), READ), "tp and tn are swapped"),
        (((4, 2, 1, 2), READ), "add up to 9"),
        (((3, 3, 1, 3), READ), "`tp` in `my_counts` is 3"),
        (((0.4, 0.2, 0.1, 0.3), READ), "add up to 1"),
        (((4, 2), READ), "four numbers"),
        (((4, 2, 1, "3"), READ), "should be a number"),
        ((4, 2, 1, 3), "check((my_counts, read))"),
    ],
    "recall_by_hand": [
        (27 / 33, "precision"),
        (44 / 50, "specificity"),
        (71 / 80, "accuracy"),
        (27 / 80, "all 80"),
        (0.1, "missed. Recall"),
        (90, "percentage"),
        (30 / 27, "upside down"),
        (0.5, "found or missed"),
    ],
    "fewer_missed": [
        (140, "before tuning"),
        (40, "after tuning. The question"),
        (1860, "**found** before"),
        (1960, "**found** after"),
        (5, "of 100 people"),
        (0.05, "a share"),
        (-100, "sign"),
        (17, "then subtract"),
    ],
    "implied_specificity": [
        (lambda p, r: r * (1 - p) / p, "subtract it from 1"),
        (lambda p, r: 1 - (1 - p) / p, "all positive cases as found"),
        (lambda p, r: p, "share of the **alarms**"),
        (lambda p, r: 100 * (1 - r * (1 - p) / p), "percentage"),
        (lambda p, r: 0.5, "Find fp"),
        (lambda p: p, "stops with TypeError"),
        (0.5, "should be a function"),
    ],
    "screening_cost": [
        (lambda i, h, r, s, m, a: i * (1 - r) * a + h * (1 - s) * m, "swapped"),
        (lambda i, h, r, s, m, a: i * r * m + h * s * a, "right calls"),
        (lambda i, h, r, s, m, a: i * (1 - r) * m, "false alarms cost"),
        (lambda i, h, r, s, m, a: h * (1 - s) * a, "misses cost"),
        (lambda i, h, r, s, m, a: i * (1 - r) + h * (1 - s), "multiply each"),
        (lambda i, h, r, s, m, a: (i + h) * ((1 - r) * m + (1 - s) * a), "Only the ill"),
        (lambda i, h, r, s, m, a: (i * (1 - r) * m + h * (1 - s) * a) / (i + h), "a person"),
        (lambda i, h, r, s, m, a: 0, "Add misses"),
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
    namespace = {"read": READ}
    exec(textwrap.dedent(code), namespace)
    tree = ast.parse(exercise_cells()[name])
    call = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    )
    return eval(ast.unparse(call.args[0]), namespace)


def test_every_exercise_is_in_the_notebook_and_in_this_test():
    names = {name for name in vars(nb01) if vars(nb01)[name] in exercises_in(nb01)[:6]}
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


def test_counts_may_come_as_numpy_numbers_or_by_name():
    named = {"tp": 4, "fp": 2, "fn": 1, "tn": 3}
    assert nb01.own_counts.judge((named, READ)).state is State.CORRECT


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
