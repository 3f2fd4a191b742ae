"""Exercises of notebook 06: solutions pass, plausible mistakes fail, each with its own words."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np
import pytest
import tensorflow as tf

from cxrlab.exercises import Exercise, State, exercises_in, nb06

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "06_what_did_it_learn.ipynb"
TASKS = [thing for thing in vars(nb06).values() if isinstance(thing, Exercise)]


def written(code: str, exercise: Exercise):
    """What a reader's cell leaves in the variable of the exercise."""
    variables = {"np": np, "tf": tf}
    exec(code, variables)
    return variables[exercise.variable]


@pytest.mark.parametrize("exercise", exercises_in(nb06), ids=lambda e: e.key)
def test_keys_and_hints(exercise):
    assert exercise.key.startswith("06.")
    assert len(exercise.hints) >= 2


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_the_solution_passes_and_stands_in_for_dots(exercise):
    verdict = exercise.judge(exercise.or_solution(...))
    assert verdict.state is State.CORRECT, verdict.message


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_the_notebooks_placeholder_is_not_attempted(exercise):
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    (source,) = (c.source for c in cells if f".check({exercise.variable})" in c.source)
    answer = written(source.split("nb06.")[0], exercise)
    assert exercise.judge(answer).state is State.UNTOUCHED


def cam(weights="tf.reduce_mean(gradient, (1, 2), keepdims=True)", result=None, of="logit"):
    """Grad-CAM with one line written differently."""
    result = result or "tf.nn.relu(tf.reduce_sum(maps * weights, -1))"
    return f"""
def grad_cam(maps, back):
    with tf.GradientTape() as tape:
        tape.watch(maps)
        score = back(maps, training=False)
        logit = tf.math.log(score / (1 - score))
    gradient = tape.gradient({of}, maps)
    weights = {weights}
    return {result}
"""


def frame(value):
    """A frame_mask; ``inner`` makes a square of True in False."""
    return f"""
def inner(size, width):
    mask = np.zeros((size, size), bool)
    mask[width : size - width, width : size - width] = True
    return mask

def frame_mask(size, width):
    edge = np.zeros(size, bool)
    edge[:width] = edge[-width:] = True
    return {value}
"""


def hidden(box="top:bottom, left:right", order="top, bottom, left, right", copy=".copy()", fill=""):
    """A hide_boxes with one of its parts written differently."""
    return f"""
def hide_boxes(picture, boxes, grey):
    hidden = picture{copy}
    for {order} in boxes:
        hidden[{box}] = {fill or "grey"}
    return hidden
"""


def function(name, value):
    arguments = {"hide_boxes": "picture, boxes, grey", "random_weights": "layer, rng"}[name]
    return f"def {name}({arguments}):\n    return {value}"


def weights_of(value):
    return function("random_weights", value)


def verdicts(**changed):
    said = {"A": "source", "B": "no sign", "C": "open", "D": "open", **changed}
    return f"verdicts = {said}"


FIRST_BOX = hidden().replace("    return", "        return")
ALL_BUT = """
def hide_boxes(picture, boxes, grey):
    shown = np.full_like(picture, grey)
    for top, bottom, left, right in boxes:
        shown[top:bottom, left:right] = picture[top:bottom, left:right]
    return shown
"""
OUTER_MASK = """
def hide_boxes(picture, boxes, grey):
    mask = np.zeros(picture.shape[:2], bool)
    for top, bottom, left, right in boxes:
        mask[top:bottom, left:right] = True
    return np.where(mask, grey, picture)
"""

MISTAKES = [
    (nb06.frame_mask, frame("inner(size, width)"), "inside out"),
    (nb06.frame_mask, frame("(~inner(size, width)).astype(int)"), "hold bool"),
    (nb06.frame_mask, frame("edge[:, None] & edge"), "four corners"),
    (nb06.frame_mask, frame("np.repeat(edge[:, None], size, 1)"), "top and bottom only"),
    (nb06.frame_mask, frame("np.repeat(edge[None], size, 0)"), "left and right only"),
    (nb06.frame_mask, frame("~inner(size, width + 1)"), "too wide"),
    (nb06.frame_mask, frame("~inner(size, width - 1)"), "too narrow"),
    (nb06.frame_mask, frame("(~inner(size, width)).tolist()"), "NumPy array"),
    (nb06.frame_mask, frame("edge"), "has shape (9,)"),
    (nb06.frame_mask, frame("np.ones((size, size), bool)"), "marks 81 pixels"),
    (nb06.frame_mask, frame("None"), "is None"),
    (nb06.frame_mask, frame("inner(size)"), "stops with TypeError"),
    (nb06.frame_mask, "frame_mask = 3", "should be a function"),
    (nb06.what_it_reads, verdicts(A="no sign"), "What is left of the disease"),
    (nb06.what_it_reads, verdicts(A="open"), "Three experiments agree"),
    (nb06.what_it_reads, verdicts(B="source"), "there the source cannot help"),
    (nb06.what_it_reads, verdicts(B="open"), "Say so"),
    (nb06.what_it_reads, verdicts(C="no sign"), "children and adults"),
    (nb06.what_it_reads, verdicts(C="source"), "nobody has asked"),
    (nb06.what_it_reads, verdicts(D="source"), "twelve patients"),
    (nb06.what_it_reads, verdicts(D="no sign"), "includes chance"),
    (nb06.what_it_reads, verdicts(D=["source"]), "Choose one of"),
    (nb06.what_it_reads, "verdicts = {'A': 'source'}", "says nothing of network B, C, D"),
    (nb06.what_it_reads, "verdicts = ['source']", "dictionary"),
    (nb06.hidden_boxes, hidden(copy=""), "picture.copy()"),
    (nb06.hidden_boxes, function("hide_boxes", "None"), "returns None"),
    (nb06.hidden_boxes, hidden(box="left:right, top:bottom"), "rows for columns"),
    (nb06.hidden_boxes, hidden(order="top, left, bottom, right"), "top, left, bottom, right"),
    (nb06.hidden_boxes, FIRST_BOX, "first box only"),
    (nb06.hidden_boxes, hidden(fill="0"), "not with `grey`"),
    (nb06.hidden_boxes, hidden(fill="128"), "of 576 pixels"),
    (nb06.hidden_boxes, ALL_BUT, "inside out"),
    (nb06.hidden_boxes, OUTER_MASK, "same shape"),  # on (height, width, 1) it is no picture
    (nb06.hidden_boxes, function("hide_boxes", "np.full_like(picture, grey)"), "of 240 pixels"),
    (nb06.hidden_boxes, hidden(order="top, bottom"), "stops with ValueError"),
    (nb06.grad_cam, cam(result="tf.reduce_sum(maps * weights, -1)"), "below 0"),
    (nb06.grad_cam, cam("gradient"), "HiResCAM"),
    (nb06.grad_cam, cam("tf.reduce_sum(gradient, (1, 2), keepdims=True)"), "Take the mean"),
    (nb06.grad_cam, cam("tf.reduce_mean(gradient, -1, keepdims=True)"), "over the channels. Av"),
    (
        nb06.grad_cam,
        cam(result="tf.nn.relu(tf.reduce_mean(maps * weights, -1))"),
        "should add them up",
    ),
    (nb06.grad_cam, cam(of="score"), "gradient of `score`"),
    (nb06.grad_cam, cam(result="tf.nn.relu(maps * weights)"), "one value per place"),
    (nb06.grad_cam, cam(result="None"), "returns None"),
    (nb06.grad_cam, cam(result="tf.nn.relu(tf.reduce_sum(maps, -1))"), "other values"),
    (nb06.grad_cam, cam("tf.reduce_mean(gradient, (1, 2))"), "stops with InvalidArgumentError"),
    (nb06.grad_cam, cam(of="tf.constant(1.0)"), "stops with ValueError"),
    (nb06.random_weights, weights_of("rng.normal(0, 0.05, 15)"), "a list of arrays"),
    (nb06.random_weights, weights_of("None"), "returns None"),
    (
        nb06.random_weights,
        weights_of("[rng.normal(0, 0.05, layer.kernel.shape)]"),
        "a kernel and a bias",
    ),
    (nb06.random_weights, weights_of("layer.get_weights()"), "as they were"),
    (
        nb06.random_weights,
        weights_of("[rng.normal(0, 1, w.shape) for w in layer.get_weights()]"),
        "standard deviation",
    ),
    (
        nb06.random_weights,
        weights_of("[np.random.default_rng(3).normal(0, 0.05, w.shape) "
                   "for w in layer.get_weights()]"),
        "other numbers than `rng` gives",
    ),
    (nb06.missing_controls, "missing = {'a'}", "report 0.53"),
    (nb06.missing_controls, "missing = {'b', 'c'}", "asks no question"),
    (nb06.missing_controls, "missing = {'b', 'e'}", "more pictures of the same kind"),
    (nb06.missing_controls, "missing = {'b', 'g'}", "none of the test patients"),
    (nb06.missing_controls, "missing = {'b', 'd'}", "untrained network"),
    (nb06.missing_controls, "missing = {'d', 'f'}", "the hospital cannot help"),
    (nb06.missing_controls, "missing = {'b', 'f'}", "healthy strangers"),
    (nb06.missing_controls, "missing = set()", "is empty"),
    (nb06.missing_controls, "missing = 'b, d, f'", "Choose from"),
    (nb06.missing_controls, "missing = {1}", "names '1'"),
    (nb06.missing_controls, "missing = 3", "set of letters"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("exercise", "code", "telling"), MISTAKES, ids=[f"{e.key}-{t}" for e, _, t in MISTAKES]
)
def test_a_plausible_mistake_is_told_what_it_is(exercise, code, telling):
    verdict = exercise.judge(written(code, exercise))
    assert verdict.state is State.WRONG, verdict.message
    assert telling in verdict.message, verdict.message
    assert exercise.variable in verdict.message
    assert "cannot be checked" not in verdict.message


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_each_mistake_has_words_of_its_own(exercise):
    messages = [
        exercise.judge(written(code, e)).message for e, code, _ in MISTAKES if e is exercise
    ]
    assert len(set(messages)) == len(messages) >= 3


RIGHT = [
    (
        nb06.frame_mask,
        "def frame_mask(size, width):\n"
        "    return np.pad(np.zeros((size - 2 * width,) * 2, bool), width, constant_values=True)",
    ),
    (nb06.frame_mask, frame("edge[:, None] | edge")),
    (nb06.what_it_reads, verdicts(A="Source ", B=np.str_("no sign"))),
    (nb06.hidden_boxes, hidden(box="slice(top, bottom), slice(left, right)")),
    (nb06.hidden_boxes, hidden(copy=".astype(float)")),
    (nb06.grad_cam, cam("tf.reduce_mean(gradient, [1, 2])[:, None, None]")),
    (
        nb06.grad_cam,
        cam(
            "tf.reduce_mean(gradient, axis=(1, 2))",
            "tf.maximum(tf.einsum('nrck,nk->nrc', maps, weights), 0.0)",
        ),
    ),
    (nb06.grad_cam, cam("gradient.numpy().mean((1, 2), keepdims=True)")),
    (nb06.random_weights, weights_of("[0.05 * rng.normal(size=w.shape) for w in layer.weights]")),
    (
        nb06.random_weights,
        weights_of("tuple(rng.normal(0, 0.05, np.shape(w)) for w in layer.get_weights())"),
    ),
    (nb06.missing_controls, "missing = ['b', 'd', 'f']"),
    (nb06.missing_controls, "missing = frozenset('bdf')"),
    (nb06.missing_controls, "missing = np.array(['f', 'd', 'b'])"),
]


@pytest.mark.parametrize(("exercise", "code"), RIGHT, ids=lambda x: getattr(x, "key", ""))
def test_a_right_answer_written_differently_passes(exercise, code):
    verdict = exercise.judge(written(code, exercise))
    assert verdict.state is State.CORRECT, verdict.message


def test_the_claim_lists_all_controls(capsys):
    nb06.claim()
    printed = capsys.readouterr().out
    assert all(f"\n{letter}: " in printed for letter in nb06.CONTROLS)


@pytest.mark.parametrize("question", [*nb06.quiz], ids=lambda q: q.key)
def test_the_quiz_has_one_right_option_and_a_reply_to_each(question):
    states = [question.exercise.judge(letter).state for letter in question.letters]
    assert states.count(State.CORRECT) == 1 and states.count(State.WRONG) == len(states) - 1
    assert len({option.reply for option in question.options}) == len(question.options)
