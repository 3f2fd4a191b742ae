"""Training images a second: stock Keras, stock Keras with ``.cache()``, and ours.

    python benchmarks/training_speed.py [--data DIR]

All three train the published network on the same files for as many epochs, in batches of 32, and
score the same validation files after each epoch. The stock sides are written as the Keras pages
show it: ``image_dataset_from_directory`` into ``fit`` in float32, at Keras's own defaults. A side's
clock starts before it has opened a file and stops when it holds the trained network, so decoding,
tracing, validation and callbacks are inside it. ``after_the_first_epoch`` says what is left
without decoding once and tracing. Every image is one training image in one epoch.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from measure import alternately, class_folders, data_argument, print_json, result

# As many X-rays and epochs as a lesson: those of the class budget.
BATCH, EPOCHS, TRAINING, VALIDATION = 32, 18, 192, 32


def fit_for_keras(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases whose files Keras can decode."""
    import tensorflow as tf

    def readable(path: str) -> bool:
        try:
            tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        except tf.errors.InvalidArgumentError:
            return False
        return True

    return cases[[readable(path) for path in cases["path"]]]


def stock(training: Path, validation: Path, cached: bool, watch) -> None:
    """Train as https://keras.io/examples/vision/image_classification_from_scratch/ does."""
    import keras

    from cxrlab.model import published_network

    def images_of(folder: Path):
        images = keras.utils.image_dataset_from_directory(
            folder, label_mode="binary", image_size=(224, 224), batch_size=BATCH, seed=0,
            verbose=False,
        )  # fmt: skip
        rescale = keras.layers.Rescaling(1 / 255)
        images = images.map(lambda x, y: (rescale(x), y))
        return (images.cache() if cached else images).prefetch(1)

    model = published_network()
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(
        images_of(training),
        validation_data=images_of(validation),
        epochs=EPOCHS,
        callbacks=[watch],
        verbose=0,
    )


def ours(training: pd.DataFrame, validation: pd.DataFrame, watch) -> None:
    """Decode and train as the course does."""
    from cxrlab.budgets import Budget
    from cxrlab.pipeline import decode
    from cxrlab.training import train

    budget = Budget("benchmark", 0, EPOCHS, EPOCHS, 1, 1, 1, 100)
    train(decode(training), decode(validation), budget, quiet=True, callbacks=[watch])


def main(data: Path) -> None:
    import keras

    from cxrlab import one_graph
    from cxrlab.cases import prepare
    from cxrlab.precision import choose_precision

    class Watch(keras.callbacks.Callback):
        """The seconds of every epoch."""

        def on_train_begin(self, logs=None):
            self.ends = []

        def on_epoch_end(self, epoch, logs=None):
            self.ends.append(time.perf_counter())

    cases = fit_for_keras(prepare(data, "mixed").cases.sample(frac=1, random_state=0))
    validation, training = cases.iloc[:VALIDATION], cases.iloc[VALIDATION : VALIDATION + TRAINING]
    later: dict[str, list[float]] = {}

    def timed(name: str, side) -> float:
        keras.backend.clear_session()
        one_graph.forget()  # each side traces anew each time
        watch, started = Watch(), time.perf_counter()
        side(watch)
        seconds = time.perf_counter() - started
        rest = len(training) * (EPOCHS - 1) / (watch.ends[-1] - watch.ends[0])
        later.setdefault(name, []).append(rest)
        print(f"{name}: {seconds:.1f} s, {rest:.1f} images/s later", file=sys.stderr)
        return len(training) * EPOCHS / seconds

    with tempfile.TemporaryDirectory() as scratch:
        folders = [
            class_folders(part, Path(scratch) / name)
            for name, part in (("training", training), ("validation", validation))
        ]
        sides = {
            "ours": lambda: timed("ours", lambda watch: ours(training, validation, watch)),
            "stock": lambda: timed("stock", lambda watch: stock(*folders, False, watch)),
            "cached": lambda: timed("cached", lambda watch: stock(*folders, True, watch)),
        }
        measured = alternately(sides, rounds=int(os.environ.get("CXRLAB_BENCH_ROUNDS", "3")))
    precision, reason = choose_precision()
    results = []
    for other, title, needed in (
        ("stock", "training against stock Keras", 2.0),
        ("cached", "training against stock Keras with .cache()", 1.7),
    ):
        found, afterwards = (
            result(title, "images/s", {name: values[name] for name in ("ours", other)},
                   needed=f"ratio of at least {needed}", ratio=("ours", other))
            for values in (measured, later)
        )  # fmt: skip
        results.append(
            {
                **found,
                "met": found["ratio"] >= needed,
                "after_the_first_epoch": {key: afterwards[key] for key in ("median", "ratio")},
                "precision": f"{precision}: {reason}",
                "images": {"training": len(training), "validation": len(validation)},
                "epochs": EPOCHS,
            }
        )
    print_json(*results)


if __name__ == "__main__":
    main(data_argument("Training images a second: stock Keras and ours."))
