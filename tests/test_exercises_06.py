"""Exercises of notebook 06: solutions pass, plausible mistakes fail, each with its own words."""

from __future__ import annotations

import textwrap
from pathlib import Path

import nbformat
import numpy as np
import pytest

from cxrlab.exercises import Exercise, State, exercises_in, nb06

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "06_what_did_it_learn.ipynb"
TASKS = [thing for thing in vars(nb06).values() if isinstance(thing, Exercise)]


def namespace() -> dict:
    """What a reader's cell can name."""
    return {"nb06": nb06, "np": np}


def answered(exercise: Exercise):
    variables = namespace()
    exec(textwrap.dedent(exercise.answer), variables)
    return variables[exercise.variable]


@pytest.mark.parametrize("exercise", exercises_in(nb06), ids=lambda e: e.key)
def test_keys_and_hints(exercise):
    assert exercise.key.startswith("06.")
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


def right_frame(size, width):
    return answered(nb06.frame_mask)(size, width)


def band(size, width):
    edge = np.zeros(size, bool)
    edge[:width] = edge[-width:] = True
    return edge


def inside_out(size, width):
    return ~right_frame(size, width)


def numbers(size, width):
    return right_frame(size, width).astype(int)


def corners(size, width):
    return band(size, width)[:, None] & band(size, width)


def top_and_bottom(size, width):
    return np.repeat(band(size, width)[:, None], size, axis=1)


def left_and_right(size, width):
    return np.repeat(band(size, width)[None], size, axis=0)


def too_wide(size, width):
    return right_frame(size, width + 1)


def too_narrow(size, width):
    mask = np.ones((size, size), bool)
    mask[width - 1 : size - width + 1, width - 1 : size - width + 1] = False
    return mask


def a_list(size, width):
    return right_frame(size, width).tolist()


def flat(size, width):
    return right_frame(size, width).ravel()


def everything(size, width):
    return np.ones((size, size), bool)


def in_place(picture, boxes, grey):
    for top, bottom, left, right in boxes:
        picture[top:bottom, left:right] = grey
    return picture


def no_return(picture, boxes, grey):
    picture.copy()


def turned(picture, boxes, grey):
    hidden = picture.copy()
    for top, bottom, left, right in boxes:
        hidden[left:right, top:bottom] = grey
    return hidden


def other_order(picture, boxes, grey):
    hidden = picture.copy()
    for top, left, bottom, right in boxes:
        hidden[top:bottom, left:right] = grey
    return hidden


def first_box(picture, boxes, grey):
    hidden = picture.copy()
    for top, bottom, left, right in boxes:
        hidden[top:bottom, left:right] = grey
        return hidden


def black(picture, boxes, grey):
    return answered(nb06.hidden_boxes)(picture, boxes, 0)


def all_but(picture, boxes, grey):
    shown = np.full_like(picture, grey)
    for top, bottom, left, right in boxes:
        shown[top:bottom, left:right] = picture[top:bottom, left:right]
    return shown


def all_grey(picture, boxes, grey):
    return np.full_like(picture, grey)


def cut_out(picture, boxes, grey):
    top, bottom, left, right = boxes[0]
    return picture[top:bottom, left:right]


def said(**changed):
    return {"A": "source", "B": "disease", "C": "open", "D": "open", **changed}


WRONG = [
    (nb06.frame_mask, inside_out, "inside out"),
    (nb06.frame_mask, numbers, "bool"),
    (nb06.frame_mask, corners, "four corners"),
    (nb06.frame_mask, top_and_bottom, "top and bottom only"),
    (nb06.frame_mask, left_and_right, "left and right only"),
    (nb06.frame_mask, too_wide, "too wide"),
    (nb06.frame_mask, too_narrow, "not as they should be"),
    (nb06.frame_mask, a_list, "NumPy array"),
    (nb06.frame_mask, flat, "shape"),
    (nb06.frame_mask, everything, "marks 36 pixels"),
    (nb06.frame_mask, 3, "should be a function"),
    (nb06.what_it_reads, said(A="disease"), "What is left of the disease"),
    (nb06.what_it_reads, said(A="open"), "Three experiments agree"),
    (nb06.what_it_reads, said(B="source"), "there the source cannot help"),
    (nb06.what_it_reads, said(B="open"), "Say so"),
    (nb06.what_it_reads, said(C="disease"), "children and adults"),
    (nb06.what_it_reads, said(C="source"), "nobody has asked"),
    (nb06.what_it_reads, said(D="source"), "twelve patients"),
    (nb06.what_it_reads, said(D="disease"), "includes chance"),
    (nb06.what_it_reads, said(D="unknown"), "Choose one of"),
    (nb06.what_it_reads, {"A": "source"}, "says nothing of network B, C, D"),
    (nb06.what_it_reads, ["source"], "dictionary"),
    (nb06.hidden_boxes, in_place, "picture.copy()"),
    (nb06.hidden_boxes, no_return, "returns None"),
    (nb06.hidden_boxes, turned, "rows for columns"),
    (nb06.hidden_boxes, other_order, "top, left, bottom, right"),
    (nb06.hidden_boxes, first_box, "first box only"),
    (nb06.hidden_boxes, black, "not with `grey`"),
    (nb06.hidden_boxes, all_but, "inside out"),
    (nb06.hidden_boxes, all_grey, "other than they should be"),
    (nb06.hidden_boxes, cut_out, "same shape"),
    (nb06.adults_called, 8, "a count"),
    (nb06.adults_called, 8 / 25, "among all who were called positive"),
    (nb06.adults_called, 0.3, "mixes children and adults"),
    (nb06.adults_called, 0.2, "specificity among adults"),
    (nb06.adults_called, 0.16, "divided by everybody"),
    (nb06.adults_called, 80, "percentage"),
    (nb06.adults_called, 0.5, "8 of 10 healthy adults"),
    (nb06.missing_controls, {"a"}, "report 0.53"),
    (nb06.missing_controls, {"b", "c"}, "asks no question"),
    (nb06.missing_controls, {"b", "e"}, "more pictures of the same kind"),
    (nb06.missing_controls, {"b", "g"}, "none of the test patients"),
    (nb06.missing_controls, {"b", "d"}, "untrained network"),
    (nb06.missing_controls, {"d", "f"}, "the hospital cannot help"),
    (nb06.missing_controls, {"b", "f"}, "healthy strangers"),
]


@pytest.mark.parametrize(
    ("exercise", "answer", "telling"), WRONG, ids=[f"{e.key}-{t}" for e, _, t in WRONG]
)
def test_a_plausible_mistake_is_told_what_it_is(exercise, answer, telling):
    verdict = exercise.judge(answer)
    assert verdict.state is State.WRONG, verdict.message
    assert telling in verdict.message, verdict.message


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_each_mistake_has_words_of_its_own(exercise):
    messages = [exercise.judge(answer).message for e, answer, _ in WRONG if e is exercise]
    assert len(set(messages)) == len(messages) >= 3


@pytest.mark.parametrize("answer", [["b", "d", "f"], ("f", "d", "b"), frozenset("bdf")])
def test_any_collection_of_letters_will_do(answer):
    assert nb06.missing_controls.judge(answer).state is State.CORRECT


def test_the_claim_lists_all_controls(capsys):
    nb06.claim()
    printed = capsys.readouterr().out
    assert all(f"\n{letter}: " in printed for letter in "abcdefg")


@pytest.mark.parametrize("question", nb06.quiz.questions, ids=lambda q: q.key)
def test_the_quiz_has_one_right_option_and_a_reply_to_each(question):
    assert sum(option.right for option in question.options) == 1
    assert len({option.reply for option in question.options}) == len(question.options)
