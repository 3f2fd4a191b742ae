"""The exercises and the quiz of notebook 03: what a convolutional network is."""

import tempfile
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from cxrlab.errors import CXRLabError
from cxrlab.exercises.engine import exercise
from cxrlab.exercises.judge import FunctionExercise, WordsExercise, called, close, kind, pair
from cxrlab.exercises.quiz import load_quiz
from cxrlab.training import white_of

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
def two_blocks(blocks: Any) -> None:
    """The second and third block of the published network, layer by layer."""
    settings = ["filters", "kernel_size", "pool_size", "padding", "strides", "activation", "rate"]
    names, ours = ("second_block", "third_block"), two_blocks.run()
    for name, block, right in zip(names, pair("blocks", blocks), ours, strict=True):
        for rate in (0.3, 0.4):
            found = called(name, block, rate)
            kind(f"{name}({rate})", found, list | tuple, "a list of layers")
            kinds, wanted = ([type(e).__name__ for e in row] for row in (found, right(rate)))
            two_blocks.reply_if(kinds != wanted, "layers", name=name, seen=kinds, wanted=wanted)
            for has, should in zip(found, right(rate), strict=True):
                has, should = has.get_config(), should.get_config()
                for what in filter(should.get, settings):
                    seen = {"what": f"{what} of `{name}({rate})`", "seen": has[what]}
                    which = "swapped" if has[what] in (64, 128) else "setting"
                    wrong = has[what] != should[what]
                    two_blocks.reply_if(wrong, which, wanted=should[what], **seen)


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
def pipeline(make_batches: Any) -> None:
    """A pipeline from files to batches, tried on forty small pictures whose grey is their label."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{number}.png") for number in range(FILES)]
        for number, path in enumerate(paths):
            Image.new("L", (8, 8), 6 * number).save(path)
        labels = np.arange(FILES, dtype="float32")[:, None]
        files = tf.data.Dataset.from_tensor_slices((paths, labels))
        advice = pipeline.texts["if_it_stops"]
        found = called("make_batches", make_batches, files, advice=advice)
        kind("make_batches(files)", found, tf.data.Dataset, "a tf.data.Dataset: `return files....`")
        pipeline.reply_if(found.element_spec == files.element_spec, "paths")
        # More than there should be, so that `repeat` and a wrong size are seen.
        given = [*islice(found.as_numpy_iterator(), 3)]
    sizes = [len(images) for images, _ in given]
    fits = sizes == [32, FILES - 32] and given[0][0].ndim == 4
    pipeline.reply_if(not fits, "sizes", files=FILES, sizes=sizes)
    images, labels = (np.concatenate(parts) for parts in zip(*given, strict=True))
    order, grey = labels.ravel(), images[:, 0, 0, 0] * 255 / 6
    pipeline.reply_if(not close(grey, order, 0.1), "pairs")
    moved = np.abs(order - np.arange(FILES)).mean()  # some 13 places in a thorough shuffle
    pipeline.reply_if({*order[:32]} == {*range(32)} or moved < 3, "order")


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
PUBLISHED_PARAMETERS = 5_631_169
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
    reply_if = small_network.reply_if
    inputs, outputs = (getattr(model, name, None) or [] for name in ("inputs", "outputs"))
    reply_if(not inputs, "no input")
    reply_if(len(inputs + outputs) > 2, "several", inputs=len(inputs), outputs=len(outputs))
    seen, answer = tuple(inputs[0].shape[1:]), tuple(outputs[0].shape[1:])
    reply_if(seen != XRAY_SHAPE, "shape", seen=seen)
    steps = steps_of(model)
    reply_if(not any(isinstance(e, keras.layers.Conv2D) for e in steps), "no convolution")
    reply_if(len(answer) > 1, "map", seen=answer)
    *before, last = map(activation_of, steps)
    reply_if({*before} == {"linear"}, "no activation")
    check_ending(answer[0], last, model.loss)
    with suppress(CXRLabError):  # it does not know an activation that is no layer
        reply_if(white_of(model, XRAY_SHAPE) > 1, "scaled twice")
    count, largest = model.count_params(), max(model.layers, key=lambda e: e.count_params())
    seen = {"count": count, "of": largest.count_params(), "name": largest.name}
    reply_if(count < 300, "too few", **seen)
    reply_if(count >= 100_000, "too many", **seen)
    praise = small_network.texts["compared"]
    return praise.format(count=count, times=PUBLISHED_PARAMETERS / count)


def check_ending(units: int, activation: str, loss: Any) -> None:
    """Whether the network ends in one score from 0 to 1, and its loss takes it for that."""
    import keras

    small_network.reply_if(loss is None, "no loss")
    loss = keras.losses.get(loss[0] if isinstance(loss, list) else loss)
    name, logits = getattr(loss, "name", str(loss)), getattr(loss, "from_logits", False)
    reasons = small_network.texts["endings"]
    why = reasons.get(f"{units} {activation}", reasons["other"])
    if logits and activation == "sigmoid":
        why = reasons["logits"]
    fits = (units, activation, logits) == (1, "sigmoid", False) and "binary_" in name
    seen = {"units": units, "activation": activation, "loss": name, "why": why}
    small_network.reply_if(not fits, "ending", **seen)


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
