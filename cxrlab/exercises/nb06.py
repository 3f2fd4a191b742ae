"""The exercises and the quiz of notebook 06: did it learn disease or data source?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.answers import called, close, kind, wrong_if
from cxrlab.exercises.engine import Exercise
from cxrlab.exercises.judge import FunctionExercise, WordsExercise
from cxrlab.exercises.quiz import load_quiz


def frame(size: int, width: int) -> np.ndarray:
    """True in the outer ``width`` pixels of all four sides, False within."""
    mask = np.ones((size, size), bool)
    mask[width : size - width, width : size - width] = False
    return mask


def two_sides(size: int, width: int) -> np.ndarray:
    """True in the upper and lower ``width`` rows."""
    mask = np.zeros((size, size), bool)
    mask[:width] = mask[size - width :] = True
    return mask


def check_mask(frame_mask: Any) -> None:
    """A mask chooses pixels only as an array of bool; numbers would pick rows 0 and 1."""
    mask = frame_mask(9, 2)
    kind("frame_mask(9, 2)", mask, np.ndarray, "a NumPy array")
    numbers = f"`frame_mask` holds {mask.dtype}, which picks rows 0 and 1 instead of pixels"
    wrong_if(mask.dtype != bool, f"{numbers}; it should hold bool: `np.ones((size, size), bool)`.")


frame_mask = FunctionExercise(
    key="06.frame",
    title="A mask of the frame",
    variable="frame_mask",
    cases=[(9, 2), (6, 1), (32, 3)],
    right=frame,
    slips={
        "True in the middle and not in the frame: inside out.": lambda n, w: ~frame(n, w),
        "the four corners. In the frame is a pixel whose row *or* column is near an edge.": (
            lambda n, w: two_sides(n, w) & two_sides(n, w).T
        ),
        "top and bottom only. Left and right, too.": two_sides,
        "left and right only. Top and bottom, too.": lambda n, w: two_sides(n, w).T,
        "one pixel too wide. Where do the slices end?": lambda n, w: frame(n, w + 1),
        "one pixel too narrow.": lambda n, w: frame(n, w - 1),
    },
    otherwise="mark the outer `width` pixels of all four sides, and nothing else.",
    praise="With `picture[frame_mask(32, 3)]` you have the inputs of the frame probe.",
    also=check_mask,
    hints=(
        "Begin with everything marked, and take the middle out.",
        "`mask = np.ones((size, size), bool)` marks everything. Which slice is the middle?",
        "`mask[width:-width, width:-width] = False`, then `return mask`.",
    ),
    answer="""
        def frame_mask(size, width):
            mask = np.ones((size, size), bool)
            mask[width:-width, width:-width] = False
            return mask
    """,
)


def four_networks() -> pd.DataFrame:
    """AUC (95 % interval) of four made-up networks, each tested against children."""
    columns = ["test patients", "whole", "frame only", "lungs hidden", "within one source"]
    rows = [
        (400, "0.99 (0.98 to 1.00)", "0.98 (0.96 to 0.99)", "0.99 (0.97 to 1.00)",
         "0.56 (0.49 to 0.63)"),
        (400, "0.93 (0.90 to 0.96)", "0.52 (0.46 to 0.58)", "0.54 (0.48 to 0.60)",
         "0.90 (0.85 to 0.94)"),
        (400, "0.97 (0.95 to 0.99)", "0.51 (0.45 to 0.57)", "0.53 (0.47 to 0.59)", "not done"),
        (12, "0.97 (0.80 to 1.00)", "0.70 (0.36 to 0.95)", "0.66 (0.33 to 0.93)",
         "0.75 (0.41 to 0.97)"),
    ]  # fmt: skip
    return pd.DataFrame(rows, pd.Index([*"ABCD"], name="network"), columns)


what_it_reads = WordsExercise(
    key="06.verdicts",
    title="Source, no sign of it, or open",
    variable="verdicts",
    right={"A": "source", "B": "no sign", "C": "open", "D": "open"},
    allowed=("source", "no sign", "open"),
    replies={
        ("A", "no sign"): "its AUC of 0.99 hardly falls when the lungs are hidden, and within "
        "one source it is near chance. What is left of the disease?",
        ("A", "open"): "three experiments agree: the frame is enough, the lungs are not "
        "needed, and within one source next to nothing is told apart.",
        ("B", "source"): "a frame at chance, chance without the lungs, and a fine score within "
        "one source: there the source cannot help.",
        ("B", "open"): "no proof is ever complete, but all three experiments could have shown "
        "the source, and none did. Say so.",
        ("C", "no sign"): "it needs the lungs. But lungs differ between children and adults, "
        "too, and the experiment within one source was not done.",
        ("C", "source"): "the frame says nothing and the lungs are needed: no sign of the "
        "source. But what in the lungs it reads, nobody has asked.",
        ("D", "source"): "0.70 for the frame looks like the source, but its interval reaches "
        "from 0.36 to 0.95: twelve patients cannot tell.",
        ("D", "no sign"): "its score within one source has an interval from 0.41 to 0.97. That "
        "includes chance.",
    },
    praise="C is the one that is most often published: the lungs are needed, nobody asked why.",
    hints=(
        "For each network: which experiment could have shown the source, and what did it show?",
        "An interval that includes 0.5 and 0.9 shows nothing. An experiment that was not done "
        "shows nothing either.",
        "Two of the four are open, for two different reasons.",
    ),
    answer="""
        verdicts = {"A": "source", "B": "no sign", "C": "open", "D": "open"}
    """,
)


def filled(picture: np.ndarray, boxes: Iterable[tuple], grey: int) -> np.ndarray:
    """A copy of the picture with every box filled."""
    copy = picture.copy()
    for top, bottom, left, right in boxes:
        copy[top:bottom, left:right] = grey
    return copy


def reordered(*order: int) -> Any:
    """Fills boxes whose four numbers are read in another order."""
    return lambda picture, boxes, grey: filled(
        picture, [[box[place] for place in order] for box in boxes], grey
    )


def check_copy(hide_boxes: Any) -> None:
    """The picture that the function is given stays as it is."""
    picture = np.zeros((4, 4), np.uint8)
    hide_boxes(picture, [(0, 2, 0, 2)], 9)
    lost = "`hide_boxes` changes the picture that it is given, so the X-ray is lost."
    wrong_if(picture.any(), f"{lost} Begin with `hidden = picture.copy()`.")


PIXELS = np.random.default_rng(6).integers(1, 100, (24, 24, 1), dtype=np.uint8)

hidden_boxes = FunctionExercise(
    key="06.boxes",
    title="Hide boxes in an X-ray",
    variable="hide_boxes",
    cases=[
        (PIXELS[:12, :20, 0], ((2, 10, 3, 8), (2, 10, 12, 18)), 128),
        (PIXELS, ((4, 9, 1, 7), (10, 20, 13, 22), (0, 2, 0, 5)), 200),  # as decode() gives it
    ],
    arguments=lambda picture, boxes, grey: (picture.copy(), boxes, grey),
    right=filled,
    slips={
        "everything but the boxes is hidden: inside out.": lambda picture, boxes, grey: np.where(
            filled(picture, boxes, 0) == 0, picture, grey
        ),
        "rows for columns. The first slice is `top:bottom`.": reordered(2, 3, 0, 1),
        "a box is not top, left, bottom, right but (top, bottom, left, right).": (
            reordered(0, 2, 1, 3)
        ),
        "the first box only. Is the `return` inside the loop?": lambda picture, boxes, grey: filled(
            picture, boxes[:1], grey
        ),
        "black, not with `grey`.": lambda picture, boxes, grey: filled(picture, boxes, 0),
    },
    otherwise="return a copy in which every box is `grey` and everything else as it was.",
    also=check_copy,
    hints=(
        "The picture that you are given must stay as it is: work on a copy.",
        "A box is `top, bottom, left, right`; go through them with "
        "`for top, bottom, left, right in boxes:`.",
        "`hidden[top:bottom, left:right] = grey` fills a box; return after the loop.",
    ),
    answer="""
        def hide_boxes(picture, boxes, grey):
            hidden = picture.copy()
            for top, bottom, left, right in boxes:
                hidden[top:bottom, left:right] = grey
            return hidden
    """,
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


def weighed(maps: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What the weighted maps add up to at each place, without what is below 0."""
    return np.maximum((maps * weights).sum(-1), 0)


def steepness(maps: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The derivative of the network's score by its logit."""
    score = 1 / (1 + np.exp(-(maps * places).sum((1, 2, 3), keepdims=True) - 0.1))
    return (score * (1 - score))[..., 0]


grad_cam = FunctionExercise(
    key="06.gradcam",
    title="Write Grad-CAM",
    variable="grad_cam",
    cases=[(MAPS, PLACES)],
    arguments=maps_and_network,
    right=lambda m, g: weighed(m, g.mean((0, 1))),
    slips={
        "what speaks against COVID-19, below 0, is kept. `tf.nn.relu` removes it.": (
            lambda m, g: (m * g.mean((0, 1))).sum(-1)
        ),
        "weighed by the gradient of each place, it is HiResCAM. Average that first.": weighed,
        "a sum over rows and columns. Take the mean.": lambda m, g: weighed(m, g.sum((0, 1))),
        "a mean over the channels of the gradient. Average over axes 1 and 2.": (
            lambda m, g: weighed(m, g.mean(-1, keepdims=True))
        ),
        "a mean over the channels of the maps, where it should add them up.": (
            lambda m, g: weighed(m, g.mean((0, 1))) / m.shape[-1]
        ),
        "the gradient of `score` is nearly 0 where the network is sure: take `logit`'s.": (
            lambda m, g: weighed(m, g.mean((0, 1))) * steepness(m, g)
        ),
    },
    otherwise="return one value per place. Take the gradient of `logit` by `maps`, its mean "
    "over axes 1 and 2 with `keepdims=True`, and multiply it with `maps`.",
    praise="It agrees with the maps that a known network must have.",
    tolerance=1e-4,
    hints=(
        "`tape.gradient(logit, maps)` is the gradient: as many numbers as the maps have.",
        "`tf.reduce_mean(gradient, (1, 2), keepdims=True)` is one weight per channel.",
        "`tf.reduce_sum(maps * weights, -1)` adds up the channels; `tf.nn.relu` keeps what is "
        "above 0.",
    ),
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
    imports="import tensorflow as tf\n",
)


def check_random_weights(random_weights: Any) -> str:
    """Arrays of the shapes of a layer's weights, drawn anew from the generator."""
    import keras

    layer = keras.layers.Dense(3)
    layer.build((None, 4))
    layer.set_weights([np.arange(12.0).reshape(4, 3), np.arange(3.0)])
    found = called("random_weights", random_weights, layer, np.random.default_rng(1))
    kind("random_weights(...)", found, list | tuple, "a list of arrays as `layer.get_weights()` is")
    shapes, seen = [np.shape(each) for each in found], "`random_weights` returns"
    both = f"{seen} arrays of the shapes {shapes}, not (4, 3) and (3,), a kernel and a bias."
    wrong_if(shapes != [(4, 3), (3,)], both)
    as_before = close(found[0], layer.get_weights()[0])
    wrong_if(as_before, f"{seen} the weights as they were. Draw new ones.")
    spread = float(np.std(found[0]))
    to_do = "`rng.normal(0, 0.05, w.shape)`"
    seen_spread = f"{seen} a kernel with a standard deviation of {spread:.2g}, not 0.05: {to_do}."
    wrong_if(not 0.02 < spread < 0.1, seen_spread)
    rng = np.random.default_rng(1)
    as_drawn = all(close(each, rng.normal(0, 0.05, np.shape(each))) for each in found)
    wrong_if(not as_drawn, f"{seen} other numbers than `rng` gives. Draw each in order: {to_do}.")
    return "Whatever the layer had learned is gone."


random_weights = Exercise(
    key="06.random",
    title="Random weights",
    variable="random_weights",
    judged_by=check_random_weights,
    hints=(
        "`layer.get_weights()` is a list of arrays. You need one new array per array.",
        "`rng.normal(0, 0.05, w.shape)` draws one of the shape of `w`.",
        "`[rng.normal(0, 0.05, w.shape) for w in layer.get_weights()]` is the list.",
    ),
    answer="""
        def random_weights(layer, rng):
            return [rng.normal(0, 0.05, w.shape) for w in layer.get_weights()]
    """,
)

CLAIM = """
A group trains a network on COVID-19 patients of five hospitals against healthy people of a sixth.
The test patients come from the same six hospitals, and none of them was trained on. The AUC is
0.98 (0.97 to 0.99). A probe that sees only the frame has an AUC of 0.53 (0.49 to 0.57). Grad-CAM
maps of three patients show warm lungs. "The network has learned the disease," they write.
"""

CONTROLS = {
    "a": "a probe that sees only the frame",
    "b": "COVID-19 against other findings, within the five hospitals",
    "c": "more epochs of training",
    "d": "healthy people of a seventh hospital",
    "e": "Grad-CAM maps of twenty more patients",
    "f": "the same maps from a network with random weights",
    "g": "a split by patient",
}
# Why a control is not missing, and why another is.
NOT_MISSING = {
    "a": "they did that, and report 0.53.",
    "c": "a longer training changes the network; it asks no question about it.",
    "e": "more pictures of the same kind. Would they differ if it had learned the hospital?",
    "g": "they did that: none of the test patients was trained on.",
}
MISSING = {
    "b": "Class and hospital still go together in everything reported; what is told apart when "
    "the hospital cannot help?",
    "d": "All healthy people come from one hospital. Does it call healthy strangers positive?",
    "f": "The maps are offered as evidence, but would those of an untrained network look as warm?",
}


def claim() -> None:
    """Print the claim and the controls to choose from."""
    print(CLAIM.strip(), "", *(f"{letter}: {text}" for letter, text in CONTROLS.items()), sep="\n")


def check_controls(answer: Any) -> str:
    """Exactly the controls that are missing."""
    named = {answer} if isinstance(answer, str) else answer
    named = set(kind("missing", named, Iterable, "a set of letters"))
    unknown = ", ".join(map(repr, named - CONTROLS.keys()))
    wrong_if(unknown, f"`missing` names {unknown}. Choose from {', '.join(CONTROLS)}.")
    wrong_if(not named, "`missing` is empty, but there is at least one.")
    for letter, why in NOT_MISSING.items():
        wrong_if(letter in named, f"`missing` names {letter!r}: {why}")
    lacking = MISSING.keys() - named
    for letter, why in MISSING.items():
        seen = f"`missing` is right so far, but {len(lacking)} more should be in it."
        wrong_if(letter in lacking, f"{seen} {why}")
    return "Each of the three could have come out against the claim. That makes it a control."


missing_controls = Exercise(
    key="06.controls",
    title="Which controls are missing",
    variable="missing",
    judged_by=check_controls,
    hints=(
        "Strike out what they did, and what asks no question about this network.",
        "A control is an experiment that could come out against the claim. Which are left?",
        "Three are left: one about hospitals with the disease, one about healthy people from "
        "elsewhere, and one about the maps.",
    ),
    answer="""
        missing = {"b", "d", "f"}
    """,
)

quiz = load_quiz("06")
