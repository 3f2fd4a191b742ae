"""Notebook 03: solutions pass, mistakes get messages of their own, dots are no attempt."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.exercises import State, exercises_in, nb03

EXERCISES = [e for e in exercises_in(nb03) if "quiz" not in e.key]
UNTOUCHED = {
    "03.output": "output = ...",
    "03.parameters": "def conv_parameters(kernel, channels, filters):\n    return ...",
    "03.side": "def side_after(side, kernel, pool):\n    return ...",
    "03.curves": 'diagnosis = {"A": ..., "B": ..., "C": ...}',
    "03.model": "model = ...",
}


def written(code, exercise):
    namespace = {"np": np, "nb03": nb03}
    exec(code, namespace)
    return namespace[exercise.variable]


def verdicts(exercise, answers):
    """The messages on wrong answers, which have to differ: pairs of answer and telling word."""
    messages = []
    for answer, word in answers:
        verdict = exercise.judge(answer)
        assert verdict.state is State.WRONG, (answer, verdict)
        assert word in verdict.message, verdict.message
        messages.append(verdict.message)
    assert len(set(messages)) == len(messages)


def test_every_exercise_has_a_placeholder_here():
    assert [exercise.key for exercise in EXERCISES] == [*UNTOUCHED]
    assert len(nb03.quiz.questions) == 4


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
def test_the_solution_passes_and_the_placeholder_is_no_attempt(exercise):
    verdict = exercise.judge(written(exercise.answer, exercise))
    assert verdict.state is State.CORRECT, verdict
    assert exercise.judge(written(UNTOUCHED[exercise.key], exercise)).state is State.UNTOUCHED
    assert len(exercise.hints) >= 2


def test_one_output_knows_the_usual_slips():
    flipped = int((nb03.WINDOW * nb03.KERNEL[::-1, ::-1]).sum())
    answers = [
        (flipped, "180 degrees"),
        (-9, "swapped"),
        (23, "minus sign"),
        (18, "window alone"),
        (-1, "kernel alone"),
        (-13 / 9, "mean"),
        (13, "wrong way round"),
        (0, "ReLU"),
        (nb03.WINDOW * nb03.KERNEL, "one number"),
        (7, "nine products"),
        ("-13", "should be a number"),
    ]
    verdicts(nb03.one_output, answers)
    assert nb03.one_output.judge(np.array([[-13.0]])).state is State.CORRECT


def test_parameters_know_the_usual_slips():
    verdicts(
        nb03.conv_parameters,
        [
            (lambda k, c, f: k * k * c * f, "biases are missing"),
            (lambda k, c, f: k * k * c * f + 1, "one bias is not enough"),
            (lambda k, c, f: (k * k + 1) * c * f, "not one a channel"),
            (lambda k, c, f: (k * k + 1) * f, "channels are missing"),
            (lambda k, c, f: (k * c + 1) * f, "side counts twice"),
            (lambda k, c, f: (k * k * c + 1) * f * 224 * 224, "shared"),
            (lambda k, c, f: None, "return"),
            (lambda k, c: 896, "stops with TypeError"),
            (896, "should be a function"),
            (lambda k, c, f: 896, "conv_parameters(3, 32, 64)"),
            (lambda k, c, f: k + c + f, "one filter first"),
        ],
    )


def test_sides_know_the_usual_slips():
    verdicts(
        nb03.side_after,
        [
            (lambda s, k, p: s // p, "convolution is missing"),
            (lambda s, k, p: s - k + 1, "pooling is missing"),
            (lambda s, k, p: (s - k + 1) / p, "half a square"),
            (lambda s, k, p: -(-(s - k + 1) // p), "rounds down"),
            (lambda s, k, p: round((s - k + 1) / p), "up or down"),
            (lambda s, k, p: (s - k) // p, "one place is missing"),
            (lambda s, k, p: (s - 2 * (k - 1)) // p, "taken off twice"),
            (lambda s, k, p: None, "return"),
            (lambda s, k, p: "111", "whole number"),
        ],
    )


def test_diagnoses_know_the_usual_slips():
    verdicts(
        nb03.diagnose,
        [
            ({"A": "fine", "B": "underfit", "C": "overfit"}, "swapped"),
            ({"A": "fine", "B": "fine", "C": "fine"}, "all three"),
            ({"A": "overfit", "B": "overfit", "C": "underfit"}, "dropout"),
            ({"A": "fine", "B": "fine", "C": "underfit"}, "turns and rises"),
            ({"A": "fine", "B": "overfit", "C": "fine"}, "knows nothing"),
            ({"A": "fine", "B": "overfit"}, "nothing about C"),
            ({"A": "good", "B": "overfit", "C": "underfit"}, "one of"),
            (["fine", "overfit", "underfit"], "dictionary"),
        ],
    )


def test_the_three_curves_are_what_they_are_called():
    curves = nb03.three_trainings()
    ends = {name: curve.iloc[-1] for name, curve in curves.items()}
    assert ends["A"].val_loss < 0.3 and abs(ends["A"].loss - ends["A"].val_loss) < 0.1
    assert ends["B"].loss < 0.1 and ends["B"].val_loss > curves["B"]["val_loss"].min() + 0.2
    assert ends["C"].loss > 0.6 and ends["C"].val_loss > 0.6
    assert all((curve[["loss", "val_loss"]] > 0).all(axis=None) for curve in curves.values())


def network(
    units=1,
    activation="sigmoid",
    loss="binary_crossentropy",
    shape=(224, 224, 3),
    middle="GlobalAveragePooling2D",
    conv_activation="relu",
    frozen=False,
    filters=8,
):
    import keras
    from keras import layers

    stack = [] if shape is None else [keras.Input(shape)]
    if filters:
        stack.append(layers.Conv2D(filters, 3, activation=conv_activation))
    if middle:
        stack.append(getattr(layers, middle)())
    model = keras.Sequential([*stack, layers.Dense(units, activation=activation)])
    if frozen:
        model.layers[0].trainable = False
    if loss:
        model.compile(optimizer="adam", loss=loss)
    return model


def test_the_model_check_understands_keras():
    import keras
    from keras import layers

    logits = keras.losses.BinaryCrossentropy(from_logits=True)
    verdicts(
        nb03.small_network,
        [
            (None, "compile"),
            ([layers.Dense(1)], "wrap it"),
            (keras.Sequential, "function or a class"),
            (layers.Dense(1), "single layer"),
            ("network", "should be a Keras model"),
            (network(shape=None), "keras.Input"),
            (network(shape=(224, 224, 1)), "channels"),
            (network(shape=(100, 100, 3)), "but our X-rays have"),
            (network(filters=0), "no Conv2D"),
            (network(middle=None), "GlobalAveragePooling2D"),
            (network(units=10), "10 numbers"),
            (network(conv_activation=None), "activation"),
            (network(loss=None), "no loss yet"),
            (network(activation=None), "below 0"),
            (network(activation="softmax"), "always 1"),
            (network(activation="relu"), "between 0 and 1"),
            (network(loss=logits), "from_logits=True"),
            (network(units=2), "2 units"),
            (network(units=2, activation="softmax", loss="categorical_crossentropy"), "(1, 0)"),
            (network(loss="sparse_categorical_crossentropy"), "one for each"),
            (network(units=2, loss="sparse_categorical_crossentropy"), "applied once"),
            (network(loss="mse"), "two classes"),
            (network(frozen=True), "frozen"),
            (network(middle="Flatten"), "GlobalAveragePooling2D hands on"),
            (network(filters=4_000), "fewer filters"),
            (network(filters=1), "too few"),
        ],
    )


def test_the_model_check_takes_every_way_that_is_right():
    import keras
    from keras import layers

    logits = keras.losses.BinaryCrossentropy(from_logits=True)
    inputs = keras.Input((224, 224, 3))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Conv2D(16, 3)(inputs)))
    functional = keras.Model(inputs, layers.Activation("sigmoid")(layers.Dense(1)(x)))
    functional.compile(loss=keras.losses.BinaryCrossentropy())
    for model in (
        network(filters=16),
        network(filters=16, activation=None, loss=logits),
        network(filters=16, units=2, activation="softmax", loss="sparse_categorical_crossentropy"),
        functional,
    ):
        verdict = nb03.small_network.judge(model)
        assert verdict.state is State.CORRECT, verdict
        assert "parameters" in verdict.message


@pytest.mark.parametrize("question", nb03.quiz.questions, ids=lambda question: question.key)
def test_every_option_of_the_quiz_replies(question):
    states = [question.exercise.judge(letter).state for letter in question.letters]
    assert states.count(State.CORRECT) == 1
    assert len({option.reply for option in question.options}) == len(question.options)
