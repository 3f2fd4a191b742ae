"""The exercises and the quiz of notebook 03: what a convolutional network is."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from cxrlab.exercises.engine import exercise
from cxrlab.exercises.judge import (
    FunctionExercise,
    WordsExercise,
    called,
    close,
    kind,
    pair,
    wrong_if,
)
from cxrlab.exercises.quiz import load_quiz

# Not symmetric, so that a flipped or turned kernel gives other numbers.
PIXELS = np.array([[1, 2, 0, 5], [4, 3, 1, 2], [0, 2, 5, 1], [3, 1, 1, 0]], float)
KERNEL = np.array([[1, 2, 0], [0, -1, 0], [0, 0, -3]], float)

convolve = FunctionExercise(
    key="03.convolution",
    answer="""
        def convolve(pixels, kernel):
            outputs = np.zeros((pixels.shape[0] - 2, pixels.shape[1] - 2))
            for row in range(outputs.shape[0]):
                for column in range(outputs.shape[1]):
                    window = pixels[row : row + 3, column : column + 3]
                    outputs[row, column] = (window * kernel).sum()
            return outputs
    """,
    cases=[(PIXELS, KERNEL)],
    slips={
        ".sum -> .mean": "the mean of the nine products. Add them up.",
        "window * kernel -> window": "the kernel is missing: multiply the window with it.",
        "window * kernel -> window @ kernel": "`@` is a matrix product; `*` goes one by one.",
        "* kernel -> * kernel[::-1, ::-1]": "the kernel is turned by 180 degrees.",
        "np.maximum(outputs, 0)": "0 for negative outputs: ReLU comes later.",
    },
)


@exercise(
    "03.blocks",
    """
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
    variable="second_block, third_block",
    imports="from keras import layers\n",
)
def two_blocks(blocks: Any) -> str:
    """The second and third block of the published network, layer by layer."""
    settings = ["filters", "kernel_size", "pool_size", "padding", "strides", "activation", "rate"]
    names, ours = ("second_block", "third_block"), two_blocks.run()
    for name, block, right in zip(names, pair("blocks", blocks), ours, strict=True):
        for rate in (0.3, 0.4):
            found = called(name, block, rate)
            kind(f"{name}({rate})", found, list | tuple, "a list of layers")
            kinds, wanted = ([type(e).__name__ for e in row] for row in (found, right(rate)))
            wrong_if(kinds != wanted, f"`{name}` returns {kinds}, but should return {wanted}.")
            swapped = " The two blocks are swapped." if found[0].filters in (64, 128) else ""
            for has, should in zip(found, right(rate), strict=True):
                has, should = has.get_config(), should.get_config()
                for each in filter(should.get, settings):
                    seen = f"The {each} of `{name}({rate})` is {has[each]}, but should be"
                    wrong_if(has[each] != should[each], f"{seen} {should[each]}.{swapped}")
    return "Each block halves the map and doubles the filters."


FILES = 40


@exercise(
    "03.pipeline",
    """
    def make_batches(files):
        return files.shuffle(len(files), seed=0).map(load).batch(32)
    """,
    imports="""
import tensorflow as tf


def load(path, label):
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    return tf.image.resize(image, (224, 224)) / 255, label
""",
)
def pipeline(make_batches: Any) -> str:
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
        given = [tuple(np.asarray(part) for part in each) for each in islice(found, 3)]
    sizes = [len(images) for images, _ in given]
    wanted = "asked for are batches of 32, `.batch(32)`, a smaller one at the end, and no repeat"
    fits = sizes == [32, FILES - 32] and given[0][0].ndim == 4
    wrong_if(not fits, f"From {FILES} files `make_batches` gives batches of {sizes}; {wanted}.")
    images, labels = (np.concatenate(parts) for parts in zip(*given, strict=True))
    order, grey = labels.ravel(), images[:, 0, 0, 0] * 255 / 6
    others = "`make_batches` gives pictures with the labels of others. Keep them in pairs."
    wrong_if(not close(grey, order, 0.1), others)
    moved = np.abs(order - np.arange(FILES)).mean()  # some 13 places in a thorough shuffle
    late = {*order[:32]} == {*range(32)} or moved < 3
    seen = "`make_batches` does not shuffle, or too late or too little"
    to_do = "Shuffle files, before `.batch`, with a size of `len(files)`."
    wrong_if(late, f"{seen}: the first batch holds the first files of the table. {to_do}")
    return "Paths are shuffled first, because they are small; pictures are read after that."


def three_trainings() -> dict[str, pd.DataFrame]:
    """Learning curves to diagnose: drawn, not measured, and the same for every reader.

    Dropout works in training only, so a training loss above the other one is no fault.
    """
    epochs = {"epoch": np.arange(1, 13)}
    return {name: pd.DataFrame(epochs | table) for name, table in diagnose.texts["table"].items()}


diagnose = WordsExercise(
    key="03.curves", answer='diagnosis = {"A": "fine", "B": "overfit", "C": "underfit"}'
)

XRAY_SHAPE = (224, 224, 3)
FEWEST_PARAMETERS, MOST_PARAMETERS, PUBLISHED_PARAMETERS = 300, 100_000, 5_631_169
# Layers that only add up, or choose, where they have no activation. Of others nothing is known.
LINEAR = "Conv2D Dense MaxPooling2D AveragePooling2D GlobalAveragePooling2D GlobalMaxPooling2D "
LINEAR += "Flatten Dropout BatchNormalization Rescaling Normalization"


@exercise(
    "03.small",
    """
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
    imports="import keras\nfrom keras import layers\n",
)
def small_network(model: Any) -> str:
    """A compiled Keras model for this task, from the outside in and without training it."""
    import keras

    as_model = "a Keras model: `keras.Sequential([...])`, with `compile` on a line of its own"
    kind("small", model, keras.Model, as_model)
    inputs, outputs = (getattr(model, name, None) or [] for name in ("inputs", "outputs"))
    begin = f"Begin `keras.Sequential` with `keras.Input({XRAY_SHAPE})`, or use `keras.Model`"
    wrong_if(not inputs, f"`small` does not say what it reads. {begin}.")
    counts = f"{len(inputs)} inputs and {len(outputs)} outputs"
    wrong_if(len(inputs + outputs) > 2, f"`small` has {counts}: one X-ray in, one score out.")
    seen, answer = tuple(inputs[0].shape[1:]), tuple(outputs[0].shape[1:])
    copied = "Keras adds the batch by itself; our one grey channel is copied into three channels"
    wrong_if(seen != XRAY_SHAPE, f"`small` reads {seen}, not {XRAY_SHAPE}. {copied}.")
    steps = steps_of(model)
    kinds, activations = [type(e).__name__ for e in steps], [activation_of(e) for e in steps]
    alone = "Without a convolution each pixel would be a thing of its own"
    wrong_if("Conv2D" not in kinds, f"`small` has no Conv2D layer. {alone}.")
    check_range(model)
    between = "Put GlobalAveragePooling2D (or Flatten) between Conv2D and the first Dense layer"
    wrong_if(len(answer) > 1, f"`small` answers with a map of shape {answer}. {between}.")
    bends = {*activations[:-1]} != {"linear"}
    linear = 'Without one, convolutions in a row can do no more than one: `activation="relu"`'
    wrong_if(not bends, f"No layer of `small` before the last has an activation. {linear}.")
    check_ending(answer[0], activations[-1], model.loss)
    count, largest = model.count_params(), max(model.layers, key=lambda e: e.count_params())
    wrong_if(count < FEWEST_PARAMETERS, f"`small` has {count:,} parameters: too few to see much.")
    seen = f"`small` has {count:,} parameters, not fewer than {MOST_PARAMETERS:,}"
    where = (
        f"{largest.count_params():,} of them sit in `{largest.name}`: use fewer filters or units"
    )
    mean = "Flatten hands on every pixel of every map, GlobalAveragePooling2D one mean per map"
    wrong_if(count >= MOST_PARAMETERS, f"{seen}. {where}. {mean}.")
    return (
        f"It has {count:,} parameters, one for every {PUBLISHED_PARAMETERS / count:,.0f} of the "
        "published network's. Whether it sees as much, the training below shows."
    )


def check_ending(units: int, activation: str, loss: Any) -> None:
    """Whether the network ends in one score from 0 to 1, and its loss takes it for that."""
    import keras

    to_do = '`small.compile(optimizer="adam", loss="binary_crossentropy")`'
    wrong_if(loss is None, f"`small` has no loss yet, so it cannot learn: {to_do}.")
    if isinstance(loss, dict | list):  # a loss per output, of which there is one
        (loss,) = loss.values() if isinstance(loss, dict) else loss
    loss = keras.losses.get(loss)
    name = getattr(loss, "name", None) or loss.__name__
    logits = getattr(loss, "get_config", dict)().get("from_logits", False)
    why = {
        "linear": "Without an activation a score may be below 0 or above 1",
        "softmax": "A softmax over one unit is always 1",
    }.get(activation if units == 1 else "", "Our label is one number, 0 or 1, for two classes")
    if logits and activation == "sigmoid":
        why = "from_logits=True applies sigmoid itself, and once is enough"
    seen = f"`small` ends in {units} units with {activation} and the loss {name}"
    ours = '`Dense(1, activation="sigmoid")`, and binary_crossentropy without from_logits'
    fits = (units, activation, logits) == (1, "sigmoid", False) and name.startswith("binary_")
    wrong_if(not fits, f"{seen}. {why}. This course reads a score from 0 to 1: {ours}.")


def check_range(model: Any) -> None:
    """Whether black and white still differ in what the first convolution reads."""
    import keras

    convolutions = [layer for layer in model.layers if type(layer).__name__ == "Conv2D"]
    if convolutions:  # or they stand in a network within the network
        before = keras.Model(model.inputs[0], convolutions[0].input)
        black, white = (before(np.full((1, *XRAY_SHAPE), grey, "float32")) for grey in (0, 1))
        contrast = float(np.abs(white - black).max())
        seen = f"The first Conv2D of `small` reads black and white that differ by {contrast:.2g}"
        to_do = "Our pixels are 0 to 1 already: leave out `Rescaling(1 / 255)`"
        wrong_if(contrast < 0.1, f"{seen}. {to_do}, and adapt a `Normalization` to such pixels.")


def steps_of(model: Any) -> list[Any]:
    """Layers and other operations from input to output, those of a model within in its place."""
    found = []
    for step in getattr(model, "operations", model.layers):
        found += steps_of(step) if hasattr(step, "layers") else [step]
    return [step for step in found if type(step).__name__ != "InputLayer"]


def activation_of(step: Any) -> str:
    """The name of an activation: ``linear`` without one, ``sigmoid`` of ``keras.ops.sigmoid``."""
    name = "linear" if type(step).__name__ in LINEAR.split() else type(step).__name__.lower()
    activation = getattr(step, "activation", None) or name
    return getattr(activation, "__name__", str(activation))


quiz = load_quiz("03")
