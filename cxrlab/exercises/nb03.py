"""The exercises and the quiz of notebook 03: what a convolutional network is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from cxrlab import convolution
from cxrlab.exercises import Exercise, Option, Question, Quiz, Wrong, about_models, expect
from cxrlab.exercises.engine import described

XRAY_SHAPE = (224, 224, 3)
MOST_PARAMETERS = 100_000
CURVE_WORDS = ("overfit", "underfit", "fine")

# Not symmetric, so that a flipped or turned kernel gives other numbers.
PIXELS = np.array([[1, 2, 0, 5], [4, 3, 1, 2], [0, 2, 5, 1], [3, 1, 1, 0]], float)
KERNEL = np.array([[1, 2, 0], [0, -1, 0], [0, 0, -3]], float)

Slip = tuple[Callable[[np.ndarray, np.ndarray], float], str]
CONVOLUTION_SLIPS: list[Slip] = [
    (lambda w, k: (w * k).mean(), "that is the mean of the nine products. Add them up."),
    (lambda w, k: (w * k).max(), "that is the largest of the nine products. Add them up."),
    (lambda w, k: w.sum(), "the kernel is missing: multiply the window with it first."),
    (lambda w, k: w[1, 1] * k[1, 1], "only the middle is there: take the whole 3 × 3 window."),
    (lambda w, k: (w @ k).sum(), "`@` is a matrix product; `*` multiplies element by element."),
    (lambda w, k: (w * k[::-1, ::-1]).sum(), "the kernel is turned by 180 degrees."),
    (lambda w, k: (w * k.T).sum(), "rows and columns of the kernel are swapped."),
    (lambda w, k: max((w * k).sum(), 0), "negative outputs are 0: ReLU comes later."),
]


def check_convolve(convolve: Any) -> str:
    """The double loop of a convolution."""
    returned = expect.called("convolve", convolve, PIXELS, KERNEL)
    found = np.asarray(returned)
    right = convolution.convolve(PIXELS, KERNEL)
    if found.shape != right.shape:
        raise Wrong(
            f"`convolve` returns {f'shape {found.shape}' if found.ndim else described(returned)} "
            f"for 4 × 4 pixels, but a kernel of 3 × 3 fits in 2 × 2 positions. Leave the loops as "
            "they are and fill in the one line."
        )
    if np.allclose(found, right):
        return "Keras does the same, some hundred times faster."
    windows = [PIXELS[row : row + 3, column : column + 3] for row in (0, 1) for column in (0, 1)]
    for slip, why in CONVOLUTION_SLIPS:
        if np.allclose(found.ravel(), [slip(window, KERNEL) for window in windows]):
            raise Wrong(f"The first output of `convolve` is {found[0, 0]:g}: {why}")
    raise Wrong(
        f"The first output of `convolve` is {found[0, 0]:g}, but should be {right[0, 0]:g}. Take "
        "the window of 3 × 3 pixels that begins at `row` and `column`."
    )


convolve = Exercise(
    key="03.convolution",
    title="Program the convolution",
    variable="convolve",
    judge_answer=check_convolve,
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


def check_block(name: str, block: Any, filters: int) -> None:
    """Whether a function gives convolution, pooling and dropout with so many filters."""
    found = expect.called(name, block, 0.3)
    kinds = ["Conv2D", "MaxPooling2D", "Dropout"]
    if found is None:
        raise Wrong(f"`{name}(0.3)` is None. End the function with `return [...]`.")
    if not isinstance(found, list | tuple):
        raise Wrong(f"`{name}(0.3)` is {described(found)}, but should be a list of three layers.")
    seen = [type(layer).__name__ for layer in found]
    if seen != kinds:
        raise Wrong(f"`{name}` returns {', '.join(seen)}, but should return {', '.join(kinds)}.")
    conv, pool, dropout = found
    if conv.filters != filters:
        other = " The two blocks are swapped." if conv.filters in (64, 128) else ""
        raise Wrong(f"`{name}` has {conv.filters} filters, but should have {filters}.{other}")
    for what, value, wanted in (
        ("kernel", tuple(conv.kernel_size), (3, 3)),
        ("padding", conv.padding, "valid"),
        ("strides", tuple(conv.strides), (1, 1)),
        ("pooling", tuple(pool.pool_size), (2, 2)),
        ("activation", conv.activation.__name__, "relu"),
    ):
        if value != wanted:
            raise Wrong(f"The {what} of `{name}` is {value}, but should be {wanted}.")
    rates = [layer.rate for layer in (dropout, expect.called(name, block, 0.4)[2])]
    if rates != [0.3, 0.4]:
        raise Wrong(
            f"The dropout of `{name}` is {rates[1]:g} where 0.4 was asked for: hand the argument "
            "on, `layers.Dropout(dropout)`."
        )


def check_blocks(blocks: Any) -> str:
    """The second and third block of the published network."""
    for name, block, filters in zip(
        ("second_block", "third_block"), expect.pair("blocks", blocks), (64, 128), strict=True
    ):
        check_block(name, block, filters)
    return "Each block halves the map and doubles the filters."


two_blocks = Exercise(
    key="03.blocks",
    title="The second and the third block",
    variable="second_block, third_block",
    judge_answer=check_blocks,
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
        found = expect.called("make_batches", make_batches, files)
        if not isinstance(found, tf.data.Dataset):
            raise Wrong(
                f"`make_batches` returns {described(found)}, but should return a tf.data.Dataset: "
                "`return files.shuffle(...)....`"
            )
        if found is files or found.element_spec == files.element_spec:
            raise Wrong("`make_batches` gives paths, no pictures yet: `.map(load)` reads them.")
        try:
            # More than there should be, so that `repeat` and a wrong size are seen.
            given = [tuple(np.asarray(part) for part in pair) for pair in islice(found, 3)]
        except Exception as error:
            raise Wrong(
                f"`make_batches` stops while it reads ({type(error).__name__}). `load` takes one "
                "path at a time: send each through it before you make batches."
            ) from error
    return _judge_batches(given)


def _judge_batches(given: list[tuple[np.ndarray, ...]]) -> str:
    images, labels = given[0]
    if images.ndim != 4:
        raise Wrong(
            f"`make_batches` gives images of shape {images.shape}, one at a time. Add `.batch(32)`."
        )
    sizes = [len(part[0]) for part in given]
    if sizes[0] != BATCH:
        raise Wrong(f"`make_batches` gives batches of {sizes[0]}, but 32 were asked for.")
    if sizes != [BATCH, FILES - BATCH]:
        more = "The last batch may be smaller: do not drop it." if len(sizes) == 1 else ""
        raise Wrong(
            f"From {FILES} files `make_batches` gives batches of {sizes}, but should give "
            f"[{BATCH}, {FILES - BATCH}]. {more or 'Each file comes once per epoch: no repeat.'}"
        )
    order = np.concatenate([part[1] for part in given]).ravel()
    grey = np.concatenate([part[0] for part in given])[:, 0, 0, 0] * 255 / 6
    if not np.allclose(grey, order, atol=0.1):
        raise Wrong("`make_batches` gives pictures with the labels of others. Keep them in pairs.")
    if (np.diff(order) == 1).all():
        raise Wrong("`make_batches` does not shuffle: every epoch has the order of the table.")
    moved = np.abs(order - np.arange(FILES)).mean()  # some 13 places in a thorough shuffle
    if np.sort(order[:BATCH]).tolist() == list(range(BATCH)) or moved < 3:
        raise Wrong(
            "`make_batches` shuffles too late or too little: the first batch holds the first "
            "files of the table. Shuffle files, before `.batch`, with a size of `len(files)`."
        )
    return "Paths are shuffled first, because they are small; pictures are read after that."


pipeline = Exercise(
    key="03.pipeline",
    title="A pipeline",
    variable="make_batches",
    judge_answer=check_pipeline,
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


def check_model(small: Any) -> str:
    """A small network for this task."""
    about_models.keras_model("small", small)
    about_models.reads("small", small, XRAY_SHAPE)
    why = "Without a convolution each pixel would be a thing of its own: begin with Conv2D."
    about_models.has_layer("small", small, "Conv2D", why)
    about_models.answers_once("small", small)
    about_models.is_not_linear("small", small)
    about_models.is_compiled("small", small)
    about_models.output_fits_loss("small", small)
    about_models.learns("small", small)
    count = about_models.parameters_within("small", small, 300, MOST_PARAMETERS)
    return (
        f"It has {count:,} parameters, one for every {5_631_169 / count:,.0f} of the published "
        "network's. Whether it sees as much, the training below shows."
    )


small_network = Exercise(
    key="03.small",
    title="A network with fewer than 100,000 parameters",
    variable="small",
    judge_answer=check_model,
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

quiz = Quiz(
    (
        Question(
            "03.quiz1",
            "Why do the three convolution layers, which do the seeing, need so few parameters?",
            (
                Option(
                    "They look only at a part of the image.",
                    "Each output sees a small window, but the windows cover the whole image.",
                ),
                Option(
                    "The same small kernel is used at every place.",
                    "The weights are shared: 3 × 3 of them a channel, however large the image.",
                    right=True,
                ),
                Option(
                    "Pooling throws most of their parameters away.",
                    "Pooling throws outputs away. It has no parameters and takes none from others.",
                ),
            ),
        ),
        Question(
            "03.quiz2",
            "A network is asked about a new patient. What does its dropout do?",
            (
                Option(
                    "It silences a random 30 % of the numbers, as always.",
                    "Then the same X-ray would get another score each time. Dropout belongs to "
                    "training.",
                ),
                Option(
                    "It silences the 30 % that matter least.",
                    "Dropout knows nothing about what matters; it draws at random, in training.",
                ),
                Option(
                    "Nothing: it only works while the network is trained.",
                    "All numbers pass. This is also why a training loss can lie above the "
                    "validation loss.",
                    right=True,
                ),
            ),
        ),
        Question(
            "03.quiz3",
            "The X-ray shows COVID-19. Which score costs the highest loss?",
            (
                Option(
                    "0.04",
                    "Sure and wrong: -log(0.04) is 3.2. At 0.5 the loss is 0.69.",
                    right=True,
                ),
                Option("0.5", "An unsure answer costs 0.69. Being sure and wrong costs more."),
                Option("0.97", "That is a sure, right answer: it costs 0.03, the least of all."),
            ),
        ),
        Question(
            "03.quiz4",
            "The training loss falls to 0.02 while the validation loss has been rising for five "
            "epochs. What helps?",
            (
                Option(
                    "Training on, until the validation loss comes down too.",
                    "The gap comes from learning by heart, and more epochs give more of that.",
                ),
                Option(
                    "A network with more parameters.",
                    "More parameters can learn more by heart: the gap would rather grow.",
                ),
                Option(
                    "More training X-rays, more dropout, or stopping earlier.",
                    "All three make learning by heart harder, or stop before it begins.",
                    right=True,
                ),
                Option(
                    "A smaller learning rate, because the network underfits.",
                    "A training loss of 0.02 is no underfitting: the training X-rays are known.",
                ),
            ),
        ),
    )
)
