"""The exercises and the quiz of notebook 03: what a convolutional network is."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from cxrlab.exercises.answers import called, close, kind, pair, wrong_if
from cxrlab.exercises.engine import Exercise
from cxrlab.exercises.judge import FunctionExercise, WordsExercise
from cxrlab.exercises.quiz import load_quiz

# Not symmetric, so that a flipped or turned kernel gives other numbers.
PIXELS = np.array([[1, 2, 0, 5], [4, 3, 1, 2], [0, 2, 5, 1], [3, 1, 1, 0]], float)
KERNEL = np.array([[1, 2, 0], [0, -1, 0], [0, 0, -3]], float)


def windows(compute: Any) -> list[list[list[float]]]:
    """What ``compute`` makes of each 3 × 3 window of the pixels and the kernel, as a result."""
    places = [[PIXELS[row : row + 3, column : column + 3] for column in (0, 1)] for row in (0, 1)]
    return [[[float(compute(window, KERNEL)) for window in row] for row in places]]


convolve = FunctionExercise(
    key="03.convolution",
    title="Program the convolution",
    variable="convolve",
    cases=[(PIXELS, KERNEL)],
    right=windows(lambda w, k: (w * k).sum()),
    slips={
        "the mean of the nine products. Add them up.": windows(lambda w, k: (w * k).mean()),
        "the largest of the nine products. Add them up.": windows(lambda w, k: (w * k).max()),
        "the kernel is missing: multiply the window with it.": windows(lambda w, k: w.sum()),
        "only the middle: take the window.": windows(lambda w, k: w[1, 1] * k[1, 1]),
        "`@` is a matrix product; `*` goes one by one.": windows(lambda w, k: (w @ k).sum()),
        "the kernel is turned by 180 degrees.": windows(lambda w, k: (w * k[::-1, ::-1]).sum()),
        "rows and columns of the kernel are swapped.": windows(lambda w, k: (w * k.T).sum()),
        "0 for negative outputs: ReLU comes later.": windows(lambda w, k: max((w * k).sum(), 0)),
    },
    otherwise="a kernel of 3 × 3 fits in 2 × 2 positions of 4 × 4 pixels. Leave the loops as "
    "they are and take the window of 3 × 3 pixels that begins at `row` and `column`.",
    praise="Keras does the same, some hundred times faster.",
    hints=(
        "The window is a slice of `pixels`: three rows from `row`, three columns from `column`.",
        "`pixels[row : row + 3, column : column + 3]` is the window. Multiply it with `kernel`.",
        "`.sum()` adds up the nine products.",
    ),
    answer="""
def convolve(pixels, kernel):
    outputs = np.zeros((pixels.shape[0] - 2, pixels.shape[1] - 2))
    for row in range(outputs.shape[0]):
        for column in range(outputs.shape[1]):
            outputs[row, column] = (pixels[row : row + 3, column : column + 3] * kernel).sum()
    return outputs
""",
)


def check_blocks(blocks: Any) -> str:
    """The second and third block of the published network."""
    second, third = pair("blocks", blocks)
    for name, block, filters in (("second_block", second, 64), ("third_block", third, 128)):
        found = kind(f"{name}(0.3)", called(name, block, 0.3), list | tuple, "a list of layers")
        kinds, wanted = [type(layer).__name__ for layer in found], "Conv2D, MaxPooling2D, Dropout"
        seen = f"`{name}` returns {', '.join(kinds)}, but should return {wanted}."
        wrong_if(", ".join(kinds) != wanted, seen)
        conv, pool, dropout = found
        other = " The two blocks are swapped." if conv.filters in (64, 128) else ""
        for what, value, right in (
            ("number of filters", conv.filters, filters),
            ("kernel", tuple(conv.kernel_size), (3, 3)),
            ("padding", conv.padding, "valid"),
            ("strides", tuple(conv.strides), (1, 1)),
            ("pooling", tuple(pool.pool_size), (2, 2)),
            ("activation", conv.activation.__name__, "relu"),
        ):
            seen = f"The {what} of `{name}` is {value}, but should be {right}."
            wrong_if(value != right, seen + other)
        handed_on = [dropout.rate, called(name, block, 0.4)[2].rate] == [0.3, 0.4]
        wrong_if(not handed_on, f"`{name}` does not hand the argument on: `Dropout(dropout)`.")
    return "Each block halves the map and doubles the filters."


two_blocks = Exercise(
    key="03.blocks",
    title="The second and the third block",
    variable="second_block, third_block",
    judged_by=check_blocks,
    hints=(
        "Copy the line of the first block and change one number.",
        '`layers.Conv2D(64, 3, activation="relu")` has 64 filters of 3 × 3.',
    ),
    imports="from keras import layers\n",
    answer="""
def second_block(dropout):
    return [
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(dropout),
    ]


def third_block(dropout):
    return [
        layers.Conv2D(128, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Dropout(dropout),
    ]
""",
)

LOAD = """
import tensorflow as tf


def load(path, label):
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    return tf.image.resize(image, (224, 224)) / 255, label
"""
FILES, BATCH = 40, 32


def check_pipeline(make_batches: Any) -> str:
    """A pipeline from files to batches, tried on forty small pictures whose grey is their label."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{number}.png") for number in range(FILES)]
        for number, path in enumerate(paths):
            Image.new("L", (8, 8), 6 * number).save(path)
        labels = np.arange(FILES, dtype="float32")[:, None]
        files = tf.data.Dataset.from_tensor_slices((paths, labels))
        one_path = "`load` takes one path at a time: send each through it before you make batches."
        found = called("make_batches", make_batches, files, advice=one_path)
        kind("make_batches(files)", found, tf.data.Dataset, "a tf.data.Dataset: `return files....`")
        are_paths = found.element_spec == files.element_spec
        wrong_if(are_paths, "`make_batches` gives paths, no pictures yet: `.map(load)` reads them.")
        # More than there should be, so that `repeat` and a wrong size are seen.
        given = [tuple(np.asarray(part) for part in pair) for pair in islice(found, 3)]
    return check_batches(given)


def check_batches(given: list[tuple[np.ndarray, ...]]) -> str:
    """Two batches of shuffled pictures, each with its own label."""
    images, labels = (np.concatenate([pair[part] for pair in given]) for part in (0, 1))
    one_by_one = f"`make_batches` gives images of shape {given[0][0].shape}: add `.batch(32)`."
    wrong_if(given[0][0].ndim != 4, one_by_one)
    sizes = [len(part[0]) for part in given]
    seen = f"From {FILES} files `make_batches` gives batches of {sizes}"
    wrong_if(sizes[0] != BATCH, f"{seen}, but batches of {BATCH} were asked for.")
    wrong_if(len(sizes) == 1, f"{seen}. The last may be smaller: do not drop it.")
    wrong_if(sizes != [BATCH, FILES - BATCH], f"{seen}. Each file comes once: no repeat.")
    order, grey = labels.ravel(), images[:, 0, 0, 0] * 255 / 6
    others = "`make_batches` gives pictures with the labels of others. Keep them in pairs."
    wrong_if(not close(grey, order, 0.1), others)
    in_order = (np.diff(order) == 1).all()
    wrong_if(in_order, "`make_batches` does not shuffle: every epoch has the order of the table.")
    moved = np.abs(order - np.arange(FILES)).mean()  # some 13 places in a thorough shuffle
    wrong_if(
        set(order[:BATCH]) == set(range(BATCH)) or moved < 3,
        "`make_batches` shuffles too late or too little: the first batch holds the first files of "
        "the table. Shuffle files, before `.batch`, with a size of `len(files)`.",
    )
    return "Paths are shuffled first, because they are small; pictures are read after that."


pipeline = Exercise(
    key="03.pipeline",
    title="A pipeline",
    variable="make_batches",
    judged_by=check_pipeline,
    hints=(
        "Each method returns a new dataset, so they can be chained: `files.shuffle(...).map(...)`.",
        "Shuffle before `batch`, and with a size of `len(files)`: else only near ones are mixed.",
        "`.map(load)` sends each pair of path and label through the function.",
    ),
    imports=LOAD,
    answer="""
def make_batches(files):
    return files.shuffle(len(files), seed=0).map(load).batch(32)
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


CURVE_WORDS = ("overfit", "underfit", "fine")
ALL_THE_SAME = {
    f"all three are called {word}. Compare where each pair ends.": dict.fromkeys("ABC", word)
    for word in CURVE_WORDS
}

diagnose = WordsExercise(
    key="03.curves",
    title="Three learning curves",
    variable="diagnosis",
    right={"A": "fine", "B": "overfit", "C": "underfit"},
    allowed=CURVE_WORDS,
    slips={
        "overfit and underfit are swapped. Overfit means learned too closely: the training "
        "loss is low and the validation loss is not.": dict(A="fine", B="underfit", C="overfit"),
        **ALL_THE_SAME,
    },
    replies={
        ("A", "overfit"): "both losses fall together; dropout lifts the one of training.",
        ("A", "underfit"): "both losses have fallen far below the 0.69 of knowing nothing.",
        ("B", "fine"): "the validation loss turns and rises while the training loss falls on.",
        ("B", "underfit"): "the training loss is near 0: those X-rays are known by heart.",
        ("C", "fine"): "neither loss has left the 0.69 of a network that knows nothing.",
        ("C", "overfit"): "the training loss has not fallen: nothing was learned by heart.",
    },
    praise="Read the training loss first (was anything learned?), then the gap to the other.",
    hints=(
        "Begin with the solid line: has the network learned its own training X-rays at all?",
        "Then look at the dashed line: does it follow the solid one, or turn away from it?",
    ),
    answer='diagnosis = {"A": "fine", "B": "overfit", "C": "underfit"}',
)

XRAY_SHAPE = (224, 224, 3)
FEWEST_PARAMETERS, MOST_PARAMETERS, PUBLISHED_PARAMETERS = 300, 100_000, 5_631_169


def check_small(model: Any) -> str:
    """A compiled Keras model for this task, from the outside in and without training it."""
    import keras

    as_model = "a Keras model: `keras.Sequential([...])`, with `compile` on a line of its own"
    kind("small", model, keras.Model, as_model)
    knows = model.built and getattr(model, "inputs", None)
    wrong_if(not knows, f"`small` does not know what it reads: `keras.Input({XRAY_SHAPE})`.")
    seen = tuple(model.inputs[0].shape[1:])
    more = "Keras adds the batch by itself." if seen[1:] == XRAY_SHAPE else ""
    if seen[:2] == XRAY_SHAPE[:2]:
        more = "The last number counts channels: our grey is copied into three."
    wrong_if(seen != XRAY_SHAPE, f"`small` reads {seen}, not {XRAY_SHAPE}. {more}")
    layers, output = layers_of(model), tuple(model.outputs[0].shape[1:])
    kinds = [type(layer).__name__ for layer in layers]
    alone = "Without a convolution each pixel would be a thing of its own."
    wrong_if("Conv2D" not in kinds, f"`small` has no Conv2D layer. {alone}")
    between = "Put GlobalAveragePooling2D (or Flatten) between Conv2D and the first Dense layer."
    wrong_if(len(output) > 1, f"`small` answers with a map of shape {output}. {between}")
    wrong_if(output[0] > 2, f"`small` answers with {output[0]} numbers: end in `Dense(1, ...)`.")
    bends = {activation_of(layer) for layer in layers[:-1]} != {"linear"}
    linear = 'Without one, convolutions in a row can do no more than one: `activation="relu"`.'
    wrong_if(not bends, f"No layer of `small` before the last has an activation. {linear}")
    to_do = '`small.compile(optimizer="adam", loss="binary_crossentropy")`'
    learns = model.compiled and model.loss is not None
    wrong_if(not learns, f"`small` has no loss yet, so it cannot learn: {to_do}.")
    check_loss(model.loss, output[0], activation_of(layers[-1]))
    frozen = [layer.name for layer in layers if layer.weights and not layer.trainable]
    wrong_if(frozen, f"`small` cannot learn in full: frozen are {', '.join(frozen)}.")
    return check_size(model, layers)


def check_loss(loss: Any, units: int, activation: str) -> None:
    """Whether units, last activation and loss speak of the same thing, for labels 0 and 1."""
    import keras

    loss = keras.losses.get(loss)
    name = loss.name if isinstance(loss, keras.losses.Loss) else loss.__name__
    logits = getattr(loss, "get_config", dict)().get("from_logits", False)
    right = {
        "binary_crossentropy": (1, "sigmoid"),
        "binary_focal_crossentropy": (1, "sigmoid"),
        "sparse_categorical_crossentropy": (2, "softmax"),
    }
    seen = f"`small` ends in {units} units with {activation} and the loss {name}"
    one_hot = "It expects labels such as (1, 0); ours are" if "categorical" in name else "Ours are"
    wrong_if(name not in right, f"{seen}. {one_hot} one 0 or 1, two classes: binary_crossentropy.")
    right_units, right_activation = right[name]
    wanted = f"This loss goes with {right_units} units and {right_activation}"
    wrong_if(units != right_units, f"{seen}. {wanted}: one for each score that it compares.")
    if logits:
        twice = f"from_logits=True applies {right_activation} itself, and once is enough"
        wrong_if(activation != "linear", f"{seen}: {twice}.")
        return
    reason = {
        "linear": "without an activation a score may be below 0 or above 1",
        "softmax": "a softmax over one unit is always 1",
    }.get(activation, "a score has to lie between 0 and 1")
    wrong_if(activation != right_activation, f"{seen}. {wanted}: {reason}.")


def check_size(model: Any, layers: list[Any]) -> str:
    """Whether it has neither too few nor too many parameters."""
    count, largest = model.count_params(), max(layers, key=lambda layer: layer.count_params())
    wrong_if(count < FEWEST_PARAMETERS, f"`small` has {count:,} parameters: too few to see much.")
    advice = "Use fewer filters or units there."
    if any(type(layer).__name__ == "Flatten" for layer in layers):
        advice = "Flatten hands on every pixel of every map; GlobalAveragePooling2D one mean a map."
    seen = f"`small` has {count:,} parameters, not fewer than {MOST_PARAMETERS:,}"
    where = f"{largest.count_params():,} of them sit in `{largest.name}`"
    wrong_if(count >= MOST_PARAMETERS, f"{seen}. {where}. {advice}")
    return (
        f"It has {count:,} parameters, one for every {PUBLISHED_PARAMETERS / count:,.0f} of the "
        "published network's. Whether it sees as much, the training below shows."
    )


def layers_of(model: Any) -> list[Any]:
    """Its layers from input to output, those of a model within the model in its place."""
    found = []
    for layer in model.layers:
        found += layers_of(layer) if hasattr(layer, "layers") else [layer]
    return [layer for layer in found if type(layer).__name__ != "InputLayer"]


def activation_of(layer: Any) -> str:
    """The name of a layer's activation, ``linear`` without one."""
    if type(layer).__name__ in ("Softmax", "ReLU", "LeakyReLU"):
        return type(layer).__name__.lower()
    activation = getattr(layer, "activation", None) or "linear"
    return getattr(activation, "__name__", str(activation))


small_network = Exercise(
    key="03.small",
    title="A network with fewer than 100,000 parameters",
    variable="small",
    judged_by=check_small,
    hints=(
        "The convolutions are cheap. The dense layer is costly, because `Flatten` hands it 86,528 "
        "numbers: hand it fewer.",
        "Each further block of convolution and pooling quarters the map. After five blocks it has "
        "5 × 5 places, and few filters per block are enough.",
        "End in Dense(1) with a sigmoid, and compile with the loss binary_crossentropy. A learning "
        "rate of 0.001 is safe here: no unit adds up 86,528 numbers.",
    ),
    imports="import keras\nfrom keras import layers\n",
    answer="""
stack = [keras.Input((224, 224, 3))]
for filters in (8, 16, 32, 32, 32):
    stack += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2)]
stack += [
    layers.Flatten(),
    layers.Dense(64, activation="relu"),
    layers.Dropout(0.3),
    layers.Dense(1, activation="sigmoid", dtype="float32"),
]
small = keras.Sequential(stack)
small.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
""",
)

quiz = load_quiz("03")
