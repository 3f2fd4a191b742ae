"""Notebook 03: solutions pass, mistakes get messages of their own, dots are no attempt."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.exercises import State, exercises_in, nb03

EXERCISES = [e for e in exercises_in(nb03) if "quiz" not in e.key]
UNTOUCHED = {
    "03.convolution": nb03.convolve.answer.replace(
        "(pixels[row : row + 3, column : column + 3] * kernel).sum()", "..."
    ),
    "03.blocks": "def second_block(dropout):\n    return ...\n\n\n"
    "def third_block(dropout):\n    return ...",
    "03.pipeline": "def make_batches(files):\n    return ...",
    "03.curves": 'diagnosis = {"A": ..., "B": ..., "C": ...}',
    "03.small": "small = ...",
}


def written(code, what):
    """What the reader would have after this code: an exercise's answer, or a name's value."""
    namespace = {"np": np, "nb03": nb03}
    exec(getattr(what, "imports", "") + code, namespace)
    names = getattr(what, "variable", what).split(", ")
    values = tuple(namespace[name] for name in names)
    return values if len(values) > 1 else values[0]


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


def test_convolve_knows_the_usual_slips():
    def with_line(line):
        code = nb03.convolve.answer.replace(
            "(pixels[row : row + 3, column : column + 3] * kernel).sum()", line
        )
        return written(code, nb03.convolve)

    window = "pixels[row : row + 3, column : column + 3]"
    verdicts(
        nb03.convolve,
        [
            (with_line(f"({window} * kernel).mean()"), "mean of the nine"),
            (with_line(f"({window} * kernel).max()"), "largest"),
            (with_line(f"{window}.sum()"), "kernel is missing"),
            (with_line("pixels[row + 1, column + 1] * kernel[1, 1]"), "only the middle"),
            (with_line(f"({window} @ kernel).sum()"), "matrix product"),
            (with_line(f"({window} * kernel[::-1, ::-1]).sum()"), "180 degrees"),
            (with_line(f"({window} * kernel.T).sum()"), "swapped"),
            (with_line(f"max(({window} * kernel).sum(), 0)"), "ReLU"),
            (with_line("(pixels[row : row + 2, column : column + 2] * kernel).sum()"), "stops"),
            (with_line("1.5"), "begins at"),
            (lambda pixels, kernel: np.zeros((4, 4)), "2 × 2 positions"),
            (lambda pixels, kernel: 3.0, "a float"),
            ("convolve", "should be a function"),
        ],
    )


def block(filters, kernel=3, activation="relu", pool=2, rate=None, **more):
    from keras import layers

    def build(dropout):
        return [
            layers.Conv2D(filters, kernel, activation=activation, **more),
            layers.MaxPooling2D(pool),
            layers.Dropout(dropout if rate is None else rate),
        ]

    return build


def test_blocks_know_the_usual_slips():
    import keras

    right = block(128)
    verdicts(
        nb03.two_blocks,
        [
            ((block(128), block(64)), "swapped"),
            ((block(32), right), "should have 64"),
            ((block(64, kernel=5), right), "kernel"),
            ((block(64, activation=None), right), "activation"),
            ((block(64, pool=3), right), "pooling"),
            ((block(64, padding="same"), right), "padding"),
            ((block(64, strides=2), right), "strides"),
            ((block(64, rate=0.3), right), "hand the argument"),
            ((block(64), lambda dropout: block(128)(dropout)[:2]), "returns Conv2D, MaxPooling2D,"),
            ((block(64), lambda dropout: None), "return ["),
            ((block(64), lambda dropout: keras.Sequential(right(dropout))), "list of three"),
            ((block(64), right(0.3)), "should be a function"),
            (block(64), "two, in round brackets"),
        ],
    )
    one_left = (block(64), lambda dropout: ...)
    assert nb03.two_blocks.judge(one_left).state is State.UNTOUCHED


def test_the_solutions_blocks_make_the_published_network():
    import keras
    from keras import layers

    second, third = nb03.two_blocks.or_solution(...)
    stack = [*block(32)(0.3), *second(0.3), *third(0.3), layers.Flatten()]
    stack += [layers.Dense(64), layers.Dropout(0.3), layers.Dense(1)]
    assert keras.Sequential([keras.Input((224, 224, 3)), *stack]).count_params() == 5_631_169


def late_shuffle(batches):
    """What a shuffle after `batch` does to two batches in half of the runs."""
    return batches.skip(1).concatenate(batches.take(1))


def test_pipelines_know_the_usual_slips():
    load = written(nb03.LOAD, "load")
    verdicts(
        nb03.pipeline,
        [
            (lambda files: files.shuffle(40), "paths, no pictures"),
            (lambda files: files.shuffle(40).map(load), "one at a time"),
            (lambda files: files.map(load).batch(32), "does not shuffle"),
            (lambda files: late_shuffle(files.map(load).batch(32)), "batches of"),
            (lambda files: files.batch(32).map(load), "stops"),
            (lambda files: files.shuffle(40).map(load).batch(16), "batches of 16"),
            (lambda files: files.shuffle(2, seed=0).map(load).batch(32), "too late or too little"),
            (
                lambda files: files.shuffle(40).map(load).batch(32, drop_remainder=True),
                "do not drop",
            ),
            (lambda files: files.shuffle(40).map(load).batch(32).repeat(), "no repeat"),
            (lambda files: files.take(3), "paths, no pictures yet"),
            (lambda files: list(files), "tf.data.Dataset"),
            (32, "should be a function"),
        ][1:],
    )
    assert "paths" in nb03.pipeline.judge(lambda files: files.shuffle(40)).message


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
