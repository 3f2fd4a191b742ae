"""The exercises and the quiz of notebook 06: did it learn disease or data source?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises import Exercise, Option, Question, Quiz, Wrong
from cxrlab.exercises.engine import described
from cxrlab.exercises.expect import called, kind


def frame(size: int, width: int) -> np.ndarray:
    """The mask that exercise 1 asks for."""
    mask = np.ones((size, size), bool)
    mask[width : size - width, width : size - width] = False
    return mask


def check_frame(function: Any) -> str:
    """Exercise 1: True in the outer ``width`` pixels of all four sides, False within."""
    for size, width in ((9, 2), (6, 1), (32, 3)):
        found = called("frame_mask", function, size, width)
        call = f"`frame_mask({size}, {width})`"
        if not isinstance(found, np.ndarray):
            raise Wrong(f"{call} is {described(found)}, but should be a NumPy array.")
        if found.shape != (size, size):
            raise Wrong(f"{call} has shape {found.shape}, but should have ({size}, {size}).")
        if found.dtype != bool:
            raise Wrong(
                f"{call} holds {found.dtype}, but should hold bool: a mask of numbers would pick "
                "rows 0 and 1 instead of pixels. Begin with `np.ones((size, size), bool)`."
            )
        right = frame(size, width)
        if not np.array_equal(found, right):
            raise Wrong(_what_frame(call, found, right, size, width))
    return "With `picture[frame_mask(32, 3)]` you have the inputs of the frame probe."


def _what_frame(call: str, found: np.ndarray, right: np.ndarray, size: int, width: int) -> str:
    band = np.zeros(size, bool)
    band[:width] = band[size - width :] = True
    slips = [
        (~right, "is True in the middle and False in the frame: turned inside out."),
        (band[:, None] & band, "marks the four corners. A pixel is in the frame when its row "
         "*or* its column is near an edge."),
        (band[:, None] | np.zeros(size, bool), "marks top and bottom only. Left and right, too."),
        (np.zeros((size, 1), bool) | band, "marks left and right only. Top and bottom, too."),
        (frame(size, width + 1), "is one pixel too wide. Where do the slices begin and end?"),
        (frame(size, width - 1), "is one pixel too narrow."),
    ]  # fmt: skip
    for slip, words in slips:
        if np.array_equal(found, slip):
            return f"{call} {words}"
    return (
        f"{call} marks {found.sum()} pixels, but the frame has {right.sum()}, and "
        f"{(found != right).sum()} pixels are not as they should be."
    )


frame_mask = Exercise(
    key="06.frame",
    title="A mask of the frame",
    variable="frame_mask",
    judge_answer=check_frame,
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

#: What a verdict may be in exercise 2.
WORDS = ("source", "no sign", "open")

# The right word for each network, and what to reply to the others.
VERDICTS = {
    "A": (
        "source",
        {
            "no sign": "Its AUC of 0.99 hardly falls when the lungs are hidden, and within one "
            "source it is near chance. What is left of the disease?",
            "open": "Three experiments agree: the frame is enough, the lungs are not needed, and "
            "within one source next to nothing is told apart.",
        },
    ),
    "B": (
        "no sign",
        {
            "source": "A frame at chance, chance without the lungs, and a fine score within one "
            "source: there the source cannot help.",
            "open": "No proof is ever complete, but all three experiments could have shown the "
            "source, and none did. Say so.",
        },
    ),
    "C": (
        "open",
        {
            "no sign": "It needs the lungs. But lungs differ between children and adults, too, "
            "and the experiment within one source was not done.",
            "source": "The frame says nothing and the lungs are needed: no sign of the source. "
            "But what in the lungs it reads, nobody has asked.",
        },
    ),
    "D": (
        "open",
        {
            "source": "0.70 for the frame looks like the source, but its interval reaches from "
            "0.36 to 0.95: twelve patients cannot tell.",
            "no sign": "Its score within one source has an interval from 0.41 to 0.97. That "
            "includes chance.",
        },
    ),
}


def four_networks() -> pd.DataFrame:
    """AUC (95 % interval) of four made-up networks, each tested against children."""
    return pd.DataFrame(
        {
            "network": ["A", "B", "C", "D"],
            "test patients": [400, 400, 400, 12],
            "whole": ["0.99 (0.98 to 1.00)", "0.93 (0.90 to 0.96)", "0.97 (0.95 to 0.99)",
                      "0.97 (0.80 to 1.00)"],
            "frame only": ["0.98 (0.96 to 0.99)", "0.52 (0.46 to 0.58)", "0.51 (0.45 to 0.57)",
                           "0.70 (0.36 to 0.95)"],
            "lungs hidden": ["0.99 (0.97 to 1.00)", "0.54 (0.48 to 0.60)", "0.53 (0.47 to 0.59)",
                             "0.66 (0.33 to 0.93)"],
            "within one source": ["0.56 (0.49 to 0.63)", "0.90 (0.85 to 0.94)", "not done",
                                  "0.75 (0.41 to 0.97)"],
        }
    ).set_index("network")  # fmt: skip


def check_verdicts(answer: Any) -> str:
    """Exercise 2: what the table of four networks allows to say of each."""
    kind("verdicts", answer, Mapping, "a dictionary, a letter to a word")
    if missing := VERDICTS.keys() - answer.keys():
        raise Wrong(f"`verdicts` says nothing of network {', '.join(sorted(missing))}.")
    for letter, (right, replies) in VERDICTS.items():
        said = answer[letter]
        said = said.strip().lower() if isinstance(said, str) else said
        if said not in WORDS:
            raise Wrong(
                f"`verdicts[{letter!r}]` is {described(said)}. Choose one of {', '.join(WORDS)}."
            )
        if said != right:
            raise Wrong(f"`verdicts[{letter!r}]` is {said!r}. {replies[said]}")
    return "C is the one that is most often published: the lungs are needed, and nobody asked why."


what_it_reads = Exercise(
    key="06.verdicts",
    title="Source, no sign of it, or open",
    variable="verdicts",
    judge_answer=check_verdicts,
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


def pictures_to_hide() -> list[tuple[np.ndarray, tuple, int]]:
    """Pictures, boxes and grey values on which exercise 3 is judged."""
    rng = np.random.default_rng(6)
    first = rng.integers(1, 100, (12, 20), dtype=np.uint8)
    second = rng.integers(1, 100, (24, 24, 1), dtype=np.uint8)  # as decode() gives it
    return [
        (first, ((2, 10, 3, 8), (2, 10, 12, 18)), 128),
        (second, ((4, 9, 1, 7), (10, 20, 13, 22), (0, 2, 0, 5)), 200),
    ]


def check_boxes(function: Any) -> None:
    """Exercise 3: a copy of the picture with every box filled, and nothing else changed."""
    for picture, boxes, grey in pictures_to_hide():
        before = picture.copy()
        found = called("hide_boxes", function, picture, boxes, grey)
        if not np.array_equal(picture, before):
            raise Wrong(
                "`hide_boxes` changes the picture that it is given, so the X-ray is lost. "
                "Begin with `hidden = picture.copy()`."
            )
        if found is None:
            raise Wrong("`hide_boxes` returns None. End the function with `return ...`.")
        if not isinstance(found, np.ndarray) or found.shape != picture.shape:
            raise Wrong(
                f"`hide_boxes` returns {described(found)}, not a picture of the same shape."
            )
        if not np.array_equal(found, _filled(picture, boxes, grey)):
            raise Wrong(_what_hidden(found, picture, boxes, grey))


def _filled(picture: np.ndarray, boxes: Iterable[tuple], grey: int) -> np.ndarray:
    copy = picture.copy()
    for top, bottom, left, right in boxes:
        copy[top:bottom, left:right] = grey
    return copy


def _what_hidden(found: np.ndarray, picture: np.ndarray, boxes: tuple, grey: int) -> str:
    covered = _filled(np.zeros_like(picture), boxes, 1) == 1
    turned = [(left, right, top, bottom) for top, bottom, left, right in boxes]
    ordered = [(top, left, bottom, right) for top, bottom, left, right in boxes]
    slips = [
        (np.where(covered, picture, grey), "hides everything but the boxes: inside out."),
        (_filled(picture, turned, grey), "takes rows for columns. The first slice is "
         "`top:bottom`, the second `left:right`."),
        (_filled(picture, ordered, grey), "reads a box as top, left, bottom, right. It is "
         "(top, bottom, left, right)."),
        (_filled(picture, boxes[:1], grey), "fills the first box only. Is the `return` inside "
         "the loop?"),
        (_filled(picture, boxes, 0), "fills with black, not with `grey`."),
    ]  # fmt: skip
    for slip, words in slips:
        if np.array_equal(found, slip):
            return f"`hide_boxes` {words}"
    wrong = (found != _filled(picture, boxes, grey)).sum()
    return f"`hide_boxes` leaves {wrong} of {picture.size} pixels other than they should be."


hidden_boxes = Exercise(
    key="06.boxes",
    title="Hide boxes in an X-ray",
    variable="hide_boxes",
    judge_answer=check_boxes,
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


def check_grad_cam(grad_cam: Any) -> str:
    """Grad-CAM of made-up feature maps under a small network with known weights."""
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(6)
    maps = tf.constant(rng.uniform(0, 1, (3, 4, 5, 2)), tf.float32)
    layers = [keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid")]
    back = keras.Sequential([keras.Input((4, 5, 2)), *layers])
    # One channel speaks for COVID-19, the other against: somewhere the sum is below 0.
    places = rng.normal((0.15, -0.15), 0.3, (4, 5, 2))
    back.layers[-1].set_weights([places.reshape(40, 1), np.array([0.1])])
    found = called("grad_cam", grad_cam, maps, back)
    if found is None:
        raise Wrong(
            "`grad_cam` returns None, or takes a gradient that is None. The gradient is "
            "`tape.gradient(logit, maps)`, and the last line returns the maps."
        )
    found = np.asarray(found, float)
    if found.shape != (3, 4, 5):
        raise Wrong(
            f"`grad_cam` returns shape {found.shape} for maps of shape (3, 4, 5, 2), but should "
            "return (3, 4, 5): one value per place. Add up over the channels, the last axis."
        )
    held, mean = maps.numpy().astype(float), places.mean((0, 1))
    right = (held * mean).sum(-1)
    if np.allclose(found, np.maximum(right, 0), atol=1e-4):
        return "It agrees with the maps that a known network must have."
    scores = np.asarray(back(maps), float)[..., None]
    steep = scores * (1 - scores)
    slips = (
        (right, "keeps what speaks against COVID-19, below 0. `tf.nn.relu` removes it."),
        (np.maximum((held * places).sum(-1), 0), "weighs each place by its own gradient. That is "
         "HiResCAM; for Grad-CAM average the gradient over rows and columns first."),
        (np.maximum((held * places.sum((0, 1))).sum(-1), 0), "adds the gradient up over rows and "
         "columns. Take the mean: `tf.reduce_mean`."),
        (np.maximum((held * places.mean(-1, keepdims=True)).sum(-1), 0), "averages the gradient "
         "over the channels. Average over rows and columns: axes 1 and 2."),
        (np.maximum(right, 0) / held.shape[-1], "takes the mean over the channels where it should "
         "add them up."),
        (np.maximum(right, 0) * steep, "takes the gradient of `score`, which is nearly 0 where the "
         "network is sure. Take that of `logit`."),
    )  # fmt: skip
    for slip, words in slips:
        if np.allclose(found, slip, atol=1e-4):
            raise Wrong(f"`grad_cam` {words}")
    raise Wrong(
        "`grad_cam` returns other values than it should. Take the gradient of `logit` by `maps`, "
        "its mean over axes 1 and 2 with `keepdims=True`, and multiply it with `maps`."
    )


grad_cam = Exercise(
    key="06.gradcam",
    title="Write Grad-CAM",
    variable="grad_cam",
    judge_answer=check_grad_cam,
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
    """Arrays of the shapes of a layer's weights, drawn anew; the layer stays as it is."""
    import keras

    layer = keras.layers.Dense(3)
    layer.build((None, 4))
    before = [np.arange(12.0).reshape(4, 3), np.arange(3.0)]
    layer.set_weights(before)
    found = called("random_weights", random_weights, layer, np.random.default_rng(1))
    if not isinstance(found, list | tuple):
        raise Wrong(
            f"`random_weights` returns {described(found)}, but should return a list of arrays, as "
            "`layer.get_weights()` does."
        )
    shapes, wanted = [np.shape(each) for each in found], [each.shape for each in before]
    if shapes != wanted:
        raise Wrong(
            f"`random_weights` returns arrays of the shapes {shapes}, but this layer's weights "
            f"have {wanted}: a kernel and a bias. Draw one of the shape of each."
        )
    if all(np.allclose(one, other) for one, other in zip(found, before, strict=True)):
        raise Wrong("`random_weights` returns the weights as they were. Draw new ones.")
    rng = np.random.default_rng(1)
    right = [rng.normal(0, 0.05, shape) for shape in wanted]
    if all(np.allclose(one, other) for one, other in zip(found, right, strict=True)):
        return "Whatever the layer had learned is gone."
    spread = float(np.std(found[0]))
    if not 0.02 < spread < 0.1:
        raise Wrong(
            f"The kernel that `random_weights` draws has a standard deviation of {spread:.2g}, but "
            "it should be about 0.05: `rng.normal(0, 0.05, shape)`."
        )
    raise Wrong(
        "`random_weights` draws other numbers than `rng` gives. Draw each array, in the layer's "
        "order, with the `rng` that the function gets: `rng.normal(0, 0.05, w.shape)`."
    )


random_weights = Exercise(
    key="06.random",
    title="Random weights",
    variable="random_weights",
    judge_answer=check_random_weights,
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

# Controls to choose from: what each is, whether it is missing, and why (or why not).
CONTROLS = {
    "a": ("a probe that sees only the frame", False, "they did that, and report 0.53."),
    "b": ("COVID-19 against other findings, within the five hospitals", True,
          "Class and hospital still go together in everything reported; what is told apart when "
          "the hospital cannot help?"),
    "c": ("more epochs of training", False,
          "a longer training changes the network; it asks no question about it."),
    "d": ("healthy people of a seventh hospital", True,
          "All healthy people come from one hospital. Does the network call healthy strangers "
          "positive?"),
    "e": ("Grad-CAM maps of twenty more patients", False,
          "more pictures of the same kind. Would they look different if the network had learned "
          "the hospital?"),
    "f": ("the same maps from a network with random weights", True,
          "The maps are offered as evidence, but would maps of an untrained network look just as "
          "warm?"),
    "g": ("a split by patient", False, "they did that: none of the test patients was trained on."),
}  # fmt: skip

MISSING = frozenset(letter for letter, control in CONTROLS.items() if control[1])


def claim() -> None:
    """Print the claim and the controls to choose from."""
    print(CLAIM.strip())
    print()
    for letter, (control, *_) in CONTROLS.items():
        print(f"{letter}: {control}")


def check_controls(answer: Any) -> str:
    """Exactly the controls that are missing."""
    named = {answer} if isinstance(answer, str) else answer
    if not isinstance(named, Iterable):
        raise Wrong(f"`missing` is {described(answer)}, but should be a set of letters.")
    named = set(named)
    if unknown := named - set(CONTROLS):
        raise Wrong(
            f"`missing` names {sorted(map(str, unknown))[0]!r}. Choose from {', '.join(CONTROLS)}."
        )
    if not named:
        raise Wrong("`missing` is empty, but there is at least one.")
    if extra := sorted(named - MISSING):
        raise Wrong(f"`missing` names {extra[0]!r}: {CONTROLS[extra[0]][2]}")
    if lacking := sorted(MISSING - named):
        raise Wrong(
            f"`missing` is right so far, but {len(lacking)} more should be in it. "
            f"{CONTROLS[lacking[0]][2]}"
        )
    return "Each of the three could have come out against the claim. That makes it a control."


missing_controls = Exercise(
    key="06.controls",
    title="Which controls are missing",
    variable="missing",
    judge_answer=check_controls,
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

quiz = Quiz(
    (
        Question(
            "06.quiz1",
            "A probe sees the outer 10 % of each X-ray and has an AUC of 0.99. Then",
            (
                Option(
                    "the class can be told from these data without the lungs",
                    "That is what was shown: about the data, not yet about any network.",
                    right=True,
                ),
                Option(
                    "the network of notebook 03 looks at the frame",
                    "It could. Whether it does, only an experiment with that network can say.",
                ),
                Option(
                    "COVID-19 shows at the edge of the film",
                    "There is no lung there. What shows is where and how the film was taken.",
                ),
            ),
        ),
        Question(
            "06.quiz2",
            "With the lungs hidden a network keeps its AUC. With nothing hidden it",
            (
                Option(
                    "certainly does not look at the lungs",
                    "It may look at both. It does not need them, which is less and bad enough.",
                ),
                Option(
                    "may use the lungs, but does not need them for its score",
                    "So the score is no evidence that it has learned anything about lungs.",
                    right=True,
                ),
                Option(
                    "looks at the lungs, or its score would not be so high",
                    "The score is as high without them.",
                ),
            ),
        ),
        Question(
            "06.quiz3",
            "A network trained against healthy children is shown healthy adults. Its recall on "
            "this test is high, and it calls most of the adults positive. The likeliest reading:",
            (
                Option(
                    "these adults are ill, and nobody knew",
                    "One or the other perhaps. Most of them, from a source of healthy people, no.",
                ),
                Option(
                    "the threshold is too low: raise it",
                    "Then fewer patients are found as well. No threshold undoes what was learned.",
                ),
                Option(
                    "it learned what goes with the children's source, and takes the rest for ill",
                    "An adult, or another machine, is enough to be called positive.",
                    right=True,
                ),
            ),
        ),
        Question(
            "06.quiz4",
            "Four networks with an AUC of 1.00 on the same test call 3, 13, 26 and 44 % of healthy "
            "adults positive. Why do they differ?",
            (
                Option(
                    "The test set was too small to tell them apart",
                    "A larger test of the same people would have shown 1.00 four times, too.",
                ),
                Option(
                    "Nothing in training or test asked about healthy adults, so chance decides",
                    "Networks that agree on all that was asked may differ on what was not.",
                    right=True,
                ),
                Option(
                    "Three of them were trained badly",
                    "Each is as good as the others on everything that it was trained for.",
                ),
            ),
        ),
        Question(
            "06.quiz5",
            "A heat map lies over both lungs. Before you take it as evidence you want to see",
            (
                Option(
                    "a brighter colour scale",
                    "Colours tell where, never how much, and nothing about truth.",
                ),
                Option(
                    "that it changes with the weights, and beats a map of the usual place",
                    "A map that stays for random weights, or is no better than knowing where "
                    "opacities mostly are, explains nothing.",
                    right=True,
                ),
                Option(
                    "the same map for ten more patients",
                    "Ten maps by a method that does not depend on the network are no more than "
                    "one.",
                ),
            ),
        ),
    )
)
