"""The exercises and the quiz of notebook 06: did it learn disease or data source?"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.engine import exercise, read_texts
from cxrlab.exercises.judge import FunctionExercise, WordsExercise, kind
from cxrlab.exercises.quiz import load_quiz

frame_mask = FunctionExercise(
    key="06.frame",
    answer="""
        def frame_mask(size, width):
            mask = np.ones((size, size), bool)
            mask[width:-width, width:-width] = False
            return mask
    """,
    cases=[(9, 2), (6, 1), (32, 3)],
    # A mask chooses pixels only as an array of bool; numbers would pick rows 0 and 1.
    seen_as=lambda mask, *_: (mask, isinstance(mask, np.ndarray) and mask.dtype.kind == "b"),
    slips={
        "mask.astype(int)": "0 and 1 pick rows, not pixels. The mask should hold bool.",
        "~mask": "True in the middle and not in the frame: inside out.",
        "mask.all(0) & mask.all(1)[:, None]": "the corners. Near an edge is row *or* column.",
        "mask & mask.all(1)[:, None]": "top and bottom only. Left and right, too.",
        "(size, width): -> (size, width, *_):\n    width += 1": "one pixel too wide.",
    },
)


def four_networks() -> pd.DataFrame:
    """AUC (95 % interval) of four made-up networks, each tested against children."""
    return pd.DataFrame(what_it_reads.texts["table"], pd.Index([*"ABCD"], name="network"))


what_it_reads = WordsExercise(
    key="06.verdicts", answer='verdicts = {"A": "source", "B": "no sign", "C": "open", "D": "open"}'
)

PICTURE = np.random.default_rng(6).integers(1, 100, (24, 24, 1), dtype=np.uint8)

hidden_boxes = FunctionExercise(
    key="06.boxes",
    answer="""
        def hide_boxes(picture, boxes, grey):
            hidden = picture.copy()
            for top, bottom, left, right in boxes:
                hidden[top:bottom, left:right] = grey
            return hidden
    """,
    cases=[
        (PICTURE[:12, :20, 0], ((2, 10, 3, 8), (2, 10, 12, 18)), 128),
        (PICTURE, ((4, 9, 1, 7), (10, 20, 13, 22), (0, 2, 0, 5)), 200),  # as decode() gives it
    ],
    seen_as=lambda hidden, picture, *_: (hidden, picture),
    slips={
        ".copy() -> ": "it changes the picture that it is given: begin with `picture.copy()`.",
        "np.where(hidden == grey, picture, grey)": "everything but the boxes is hidden.",
        "hidden[top:bottom, left:right] -> hidden[left:right, top:bottom]": "rows for columns.",
        "top, bottom, left, right in -> top, left, bottom, right in": "a box is not top, left, "
        "bottom, right but (top, bottom, left, right).",
        "in boxes -> in boxes[:1]": "the first box only. Is the `return` inside the loop?",
        "= grey -> = 0": "black, not with `grey`.",
    },
)

# Feature maps, and the weights of a small network on top of them. One channel speaks for COVID-19,
# the other against: somewhere the sum is below 0.
RNG = np.random.default_rng(6)
MAPS, PLACES = RNG.uniform(0, 1, (3, 4, 5, 2)), RNG.normal((0.15, -0.15), 0.3, (4, 5, 2))


def maps_and_network(maps: np.ndarray, places: np.ndarray) -> tuple:
    """The maps as a tensor, and a network that gives each of their numbers its known weight."""
    import keras
    import tensorflow as tf

    layers = [keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid")]
    back = keras.Sequential([keras.Input(places.shape), *layers])
    back.layers[-1].set_weights([places.reshape(-1, 1), np.array([0.1])])
    return tf.constant(maps, tf.float32), back


grad_cam = FunctionExercise(
    key="06.gradcam",
    imports="import tensorflow as tf\n",
    answer="""
        def grad_cam(maps, back):
            with tf.GradientTape() as tape:
                tape.watch(maps)
                score = back(maps, training=False)
                logit = tf.math.log(score / (1 - score))
            gradient = tape.gradient(logit, maps)
            weights = tf.reduce_mean(gradient, (1, 2), keepdims=True)
            return tf.nn.relu(tf.reduce_sum(maps * weights, -1))
    """,
    cases=[(MAPS, PLACES)],
    arguments=maps_and_network,
    tolerance=1e-4,
    slips={
        "nn.relu -> identity": "what speaks against COVID-19 is kept. `tf.nn.relu` removes it.",
        "* weights -> * gradient": "that is HiResCAM. Average the gradient first.",
        "reduce_mean -> reduce_sum": "a sum over rows and columns. Take the mean.",
        "(1, 2) -> -1": "a mean over the channels of the gradient. Average over axes 1 and 2.",
        "reduce_sum -> reduce_mean": "a mean over the channels of the maps. Add them up.",
        "(logit, maps) -> (score, maps)": "that of `score` is nearly 0 where it is sure.",
    },
)


def layer_and_generator() -> tuple:
    """A layer with known weights, and a generator."""
    import keras

    layer = keras.layers.Dense(3)
    layer.build((None, 4))
    layer.set_weights([np.arange(12.0).reshape(4, 3), np.arange(3.0)])
    return layer, np.random.default_rng(1)


random_weights = FunctionExercise(
    key="06.random",
    answer="""
        def random_weights(layer, rng):
            return [rng.normal(0, 0.05, w.shape) for w in layer.get_weights()]
    """,
    cases=[()],
    arguments=layer_and_generator,
    slips={
        "layer.get_weights()": "those are the weights as they were. Draw new ones.",
        "0.05 -> 1": "the standard deviation should be 0.05: `rng.normal(0, 0.05, w.shape)`.",
        "[rng.normal(0, 0.05, layer.kernel.shape)]": "a layer has two arrays, a kernel and a bias.",
    },
)

CONTROLS = read_texts("06")["exercises"]["06.controls"]["options"]


def claim() -> None:
    """Print the claim and the controls to choose from."""
    print(missing_controls.texts["claim"], "", sep="\n")
    print(*(f"{letter}: {control['text']}" for letter, control in CONTROLS.items()), sep="\n")


@exercise("06.controls", 'missing = {"b", "d", "f"}')
def missing_controls(answer: Any) -> None:
    """Exactly the controls that are missing."""
    named = {answer} if isinstance(answer, str) else answer
    named = set(kind("missing", named, Iterable, "a set of letters"))
    missing, unknown = missing_controls.run(), ", ".join(map(repr, named - CONTROLS.keys()))
    missing_controls.reply_if(unknown, "unknown", seen=unknown, choices=", ".join(CONTROLS))
    for letter in [*sorted(named - missing), *sorted(missing - named)]:
        seen = {"letter": letter, "number": len(missing - named), **CONTROLS[letter]}
        missing_controls.reply_if(True, "there" if letter in named else "too few", **seen)


quiz = load_quiz("06")
