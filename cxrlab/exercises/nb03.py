"""The exercises of notebook 03: what a convolutional network is. Its quiz: ``quiz03``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxrlab.convolution import convolve
from cxrlab.exercises import Exercise, Wrong, about_functions, about_models, expect, quiz03
from cxrlab.exercises.engine import described

# Not symmetric, so that a flipped or turned kernel gives another number, and small enough
# for a pencil.
WINDOW = np.array([[1, 2, 0], [4, 3, 1], [0, 2, 5]])
KERNEL = np.array([[1, 2, 0], [0, -1, 0], [0, 0, -3]])

XRAY_SHAPE = (224, 224, 3)
MOST_PARAMETERS = 100_000
CURVE_WORDS = ("overfit", "underfit", "fine")


def check_output(output: Any) -> str:
    """One output of a convolution, by hand."""
    if isinstance(output, np.ndarray) and output.size == 1:
        output = output.item()  # convolve(WINDOW, KERNEL) is right as well
    if isinstance(output, list | tuple | np.ndarray):
        raise Wrong(
            f"`output` holds {np.size(output)} numbers. A window gives one number: multiply field "
            "by field, then add all nine products."
        )
    value = expect.number("output", output)
    right = float(convolve(WINDOW, KERNEL)[0, 0])
    if expect.close(value, right):
        return "A negative output: the ReLU that follows would turn it into 0."
    products = WINDOW * KERNEL
    flipped = float((WINDOW * KERNEL[::-1, ::-1]).sum())
    turned = float((WINDOW * KERNEL.T).sum())
    slips = [
        (flipped, "you turned the kernel by 180 degrees, as mathematicians do. Keras does not."),
        (turned, "rows and columns of the kernel are swapped."),
        (float(np.abs(products).sum()), "a minus sign is lost: 3·(-1) is -3 and 5·(-3) is -15."),
        (float(WINDOW.sum()), "that is the sum of the window alone; weight it with the kernel."),
        (float(KERNEL.sum()), "that is the sum of the kernel alone; multiply it by the window."),
        (right / 9, "that is the mean of the nine products. A convolution adds them up."),
        (-right, "the sign is the wrong way round."),
        (0.0, "that is the output after ReLU. Here the convolution alone is asked for."),
        (float((WINDOW @ KERNEL).sum()), "that is a matrix product; multiply field by field."),
    ]
    for number, why in slips:
        if expect.close(value, number):
            raise Wrong(f"`output` is {value:g}: {why}")
    raise Wrong(
        f"`output` is {value:g}. Write down the nine products first; only four of them are not 0."
    )


one_output = Exercise(
    key="03.output",
    title="One output by hand",
    variable="output",
    judge_answer=check_output,
    hints=(
        "Lay the kernel over the window. Each of the nine fields gives one product.",
        "Where the kernel is 0 the product is 0. Four fields remain: 1·1, 2·2, 3·(-1) and 5·(-3).",
    ),
    answer="output = 1 * 1 + 2 * 2 + 3 * (-1) + 5 * (-3)",
)


def check_parameters(conv_parameters: Any) -> str:
    """The parameters of a Conv2D as a function of kernel side, channels in, and filters."""
    about_functions.agrees(
        "conv_parameters",
        conv_parameters,
        ((3, 3, 32), (3, 32, 64), (5, 1, 8)),
        lambda k, c, f: (k * k * c + 1) * f,
        [
            (lambda k, c, f: k * k * c * f, "the biases are missing: each filter has one."),
            (lambda k, c, f: k * k * c * f + 1, "one bias is not enough: each filter has its own."),
            (
                lambda k, c, f: (k * k + 1) * c * f,
                "a filter has one bias in all, not one a channel.",
            ),
            (
                lambda k, c, f: (k * k + 1) * f,
                "the channels are missing: a kernel has a slice for each channel.",
            ),
            (
                lambda k, c, f: (k * c + 1) * f,
                "a kernel is a square, so its side counts twice.",
            ),
            (
                lambda k, c, f: (k * k * c + 1) * f * 224 * 224,
                "the size of the image does not matter: the weights are shared by all places.",
            ),
        ],
        "count the weights of one filter first, then add its bias, then take all filters.",
    )
    return "The size of the image is not in it: the same few weights serve every place."


conv_parameters = Exercise(
    key="03.parameters",
    title="The parameters of a convolution layer",
    variable="conv_parameters",
    judge_answer=check_parameters,
    hints=(
        "A kernel has side × side weights for each channel that comes in.",
        "Each filter adds one bias to its weights.",
        "(weights of one filter + 1) times the number of filters.",
    ),
    answer="""
def conv_parameters(kernel, channels, filters):
    return (kernel * kernel * channels + 1) * filters
""",
)


def check_side(side_after: Any) -> str:
    """The side of a map after a convolution (kernel side) and pooling (side of its square)."""
    about_functions.agrees(
        "side_after",
        side_after,
        ((224, 3, 2), (111, 3, 2), (54, 3, 2), (113, 3, 2), (100, 5, 3)),
        lambda side, kernel, pool: (side - kernel + 1) // pool,
        [
            (
                lambda side, kernel, pool: side // pool,
                "the convolution is missing: it makes each side kernel - 1 shorter.",
            ),
            (
                lambda side, kernel, pool: side - kernel + 1,
                "the pooling is missing: divide by the side of its square.",
            ),
            (
                lambda side, kernel, pool: (side - kernel + 1) / pool,
                "half a square is left over in some cases. Pooling drops it: use `//`.",
            ),
            (
                lambda side, kernel, pool: round((side - kernel + 1) / pool),
                "`round` goes up or down. Pooling always rounds down: use `//`.",
            ),
            (
                lambda side, kernel, pool: -(-(side - kernel + 1) // pool),
                "pooling rounds down: what fills no square is left out.",
            ),
            (
                lambda side, kernel, pool: (side - kernel) // pool,
                "one place is missing: a kernel as wide as the image still fits in once.",
            ),
            (
                lambda side, kernel, pool: (side - 2 * kernel + 2) // pool,
                "the kernel's margin was taken off twice.",
            ),
        ],
        "first count the places where the kernel fits, then the whole squares.",
    )
    return "Three such blocks turn 224 into 111, 54 and 26: the sizes in the table of layers."


side_after = Exercise(
    key="03.side",
    title="The size of a map",
    variable="side_after",
    judge_answer=check_side,
    hints=(
        "In a row of 5 pixels a kernel of 3 finds 3 places. In a row of 6?",
        "The convolution leaves side - kernel + 1. Pooling divides that and rounds down.",
        "In Python `//` divides and rounds down.",
    ),
    answer="""
def side_after(side, kernel, pool):
    return (side - kernel + 1) // pool
""",
)


def three_trainings() -> dict[str, pd.DataFrame]:
    """Learning curves to diagnose: drawn, not measured, and the same for every reader."""
    epochs = np.arange(1, 13)
    wobble = 0.012 * np.sin(2.4 * epochs)
    falls = 0.65 * np.exp(-epochs / 4.0)
    curves = {
        # Dropout works in training only, so a training loss above the other one is no fault.
        "A": (falls + 0.13 + wobble, falls + 0.09 - wobble),
        "B": (0.70 * np.exp(-epochs / 2.6) + 0.01, 0.40 + 0.006 * (epochs - 4) ** 2 + wobble),
        "C": (0.69 - 0.002 * epochs + wobble, 0.69 - 0.0015 * epochs - wobble / 2),
    }
    return {
        name: pd.DataFrame({"epoch": epochs, "loss": loss, "val_loss": val_loss})
        for name, (loss, val_loss) in curves.items()
    }


DIAGNOSES = {"A": "fine", "B": "overfit", "C": "underfit"}
EVIDENCE = {
    ("A", "overfit"): "both losses fall together; that training's lies higher is what dropout does",
    ("A", "underfit"): "both losses have fallen far below the 0.69 of knowing nothing",
    ("B", "fine"): "the validation loss turns and rises while the training loss goes on falling",
    ("B", "underfit"): "the training loss is near 0: the training X-rays are known by heart",
    ("C", "fine"): "neither loss has left the 0.69 of a network that knows nothing",
    ("C", "overfit"): "the training loss has not fallen, so nothing was learned by heart either",
}


def check_diagnosis(diagnosis: Any) -> str:
    """Three learning curves by name."""
    expect.kind("diagnosis", diagnosis, dict, 'a dictionary such as {"A": "fine", ...}')
    missing = [name for name in DIAGNOSES if name not in diagnosis]
    if missing:
        raise Wrong(f"`diagnosis` says nothing about {', '.join(missing)}.")
    words = {name: diagnosis[name] for name in DIAGNOSES}
    for name, word in words.items():
        if word not in CURVE_WORDS:
            raise Wrong(
                f'`diagnosis["{name}"]` is {described(word)}, but should be one of '
                f"{', '.join(CURVE_WORDS)}."
            )
    if words == {**DIAGNOSES, "B": "underfit", "C": "overfit"}:
        raise Wrong(
            "`diagnosis` has overfit and underfit swapped. Overfit means learned too closely: "
            "the training loss is low and the validation loss is not."
        )
    if len(set(words.values())) == 1:
        raise Wrong(f"`diagnosis` calls all three {words['A']}. Compare where each pair ends.")
    for name, word in words.items():
        if word != DIAGNOSES[name]:
            raise Wrong(f"`{name}` is not {word}: {EVIDENCE[name, word]}.")
    return "Read the training loss first (was anything learned?), then the gap between the two."


diagnose = Exercise(
    key="03.curves",
    title="Three learning curves",
    variable="diagnosis",
    judge_answer=check_diagnosis,
    hints=(
        "Begin with the solid line: has the network learned its own training X-rays at all?",
        "Then look at the dashed line: does it follow the solid one, or turn away from it?",
    ),
    answer='diagnosis = {"A": "fine", "B": "overfit", "C": "underfit"}',
)


def check_model(model: Any) -> str:
    """A small network for this task."""
    about_models.keras_model("model", model)
    about_models.reads("model", model, XRAY_SHAPE)
    why = "Without a convolution each pixel would be a thing of its own: begin with Conv2D."
    about_models.has_layer("model", model, "Conv2D", why)
    about_models.answers_once("model", model)
    about_models.is_not_linear("model", model)
    about_models.is_compiled("model", model)
    about_models.output_fits_loss("model", model)
    about_models.learns("model", model)
    count = about_models.parameters_within("model", model, 300, MOST_PARAMETERS)
    return (
        f"It has {count:,} parameters, one for every {5_631_169 / count:,.0f} of the published "
        "network's. Whether it sees as much, a training would have to show."
    )


small_network = Exercise(
    key="03.model",
    title="A network with fewer than 100,000 parameters",
    variable="model",
    judge_answer=check_model,
    hints=(
        "Keep the three blocks of convolution and pooling: they have only 93,248 parameters.",
        "The dense layer is the costly one, because Flatten hands it 86,528 numbers. "
        "`keras.layers.GlobalAveragePooling2D()` hands on the mean of each map: 128 numbers.",
        "End in Dense(1) with a sigmoid, and compile with the loss binary_crossentropy.",
    ),
    answer="""
import keras

model = keras.Sequential(
    [
        keras.Input((224, 224, 3)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(128, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
""",
)

quiz = quiz03.quiz
