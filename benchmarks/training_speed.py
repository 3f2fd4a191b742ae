"""Training images a second: as everybody first writes it, and as the course does.

    python benchmarks/training_speed.py [--data DIR]

Both sides train the published network on the same files for as many epochs, in batches of 32, and
score the same validation files after each epoch, with ``compile`` and ``fit``. The stock side is
written as the pages of Keras show it: ``image_dataset_from_directory`` into ``fit``, in float32,
at Keras's own defaults, so that each epoch reads the files. The course decodes once, trains in the
number format of this machine, and leaves the autotuner of tf.data off. A side's clock starts
before it has opened a file and stops when it holds the trained network, so decoding, tracing and
validation are inside it. ``after_the_first_epoch`` says what is left without decoding once and
tracing. Phantoms are always measured; with ``--data`` the X-rays in that folder, too.
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
NEEDED = 1.6


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


def stock(training: Path, validation: Path, watch) -> None:
    """Train as https://keras.io/examples/vision/image_classification_from_scratch/ does."""
    import keras

    from cxrlab.model import published_network

    def images_of(folder: Path):
        images = keras.utils.image_dataset_from_directory(
            folder, label_mode="binary", image_size=(224, 224), batch_size=BATCH, seed=0,
            verbose=False,
        )  # fmt: skip
        rescale = keras.layers.Rescaling(1 / 255)
        return images.map(lambda x, y: (rescale(x), y)).prefetch(1)

    keras.mixed_precision.set_global_policy("float32")
    model = published_network()
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(
        images_of(training),
        validation_data=images_of(validation),
        epochs=EPOCHS,
        callbacks=[watch],
        verbose=0,
    )


def course(training: pd.DataFrame, validation: pd.DataFrame, watch) -> None:
    """Train as notebook 03 does."""
    import keras

    from cxrlab.model import published_network
    from cxrlab.pipeline import batches, decode
    from cxrlab.training import machine

    train, held_out = decode(training), decode(validation)
    keras.mixed_precision.set_global_policy(machine().number_format)
    model = published_network()
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(
        batches(train, BATCH, shuffle_seed=0),
        validation_data=batches(held_out, BATCH),
        epochs=EPOCHS,
        callbacks=[watch],
        verbose=0,
    )
    keras.mixed_precision.set_global_policy("float32")


def compare(data: Path, name: str) -> dict:
    """Both sides in turn on the X-rays in ``data``."""
    import keras

    from cxrlab.filters import prepare
    from cxrlab.training import machine

    class Watch(keras.callbacks.Callback):
        """The seconds of every epoch."""

        def on_train_begin(self, logs=None):
            self.ends = []

        def on_epoch_end(self, epoch, logs=None):
            self.ends.append(time.perf_counter())

    cases = fit_for_keras(prepare(data, "mixed").cases.sample(frac=1, random_state=0))
    validation, training = cases.iloc[:VALIDATION], cases.iloc[VALIDATION : VALIDATION + TRAINING]
    later: dict[str, list[float]] = {}

    def timed(side: str, run) -> float:
        keras.backend.clear_session()
        watch, started = Watch(), time.perf_counter()
        run(watch)
        seconds = time.perf_counter() - started
        rest = len(training) * (EPOCHS - 1) / (watch.ends[-1] - watch.ends[0])
        later.setdefault(side, []).append(rest)
        print(f"{name}, {side}: {seconds:.1f} s, {rest:.1f} images/s later", file=sys.stderr)
        return len(training) * EPOCHS / seconds

    with tempfile.TemporaryDirectory() as scratch:
        folders = [
            class_folders(part, Path(scratch) / kind)
            for kind, part in (("training", training), ("validation", validation))
        ]
        sides = {
            "course": lambda: timed("course", lambda watch: course(training, validation, watch)),
            "stock": lambda: timed("stock", lambda watch: stock(*folders, watch)),
        }
        measured = alternately(sides, rounds=int(os.environ.get("CXRLAB_BENCH_ROUNDS", "3")))
    title = f"training on {name} against stock Keras"
    found, afterwards = (
        result(title, "images/s", values, needed=f"ratio of at least {NEEDED}",
               ratio=("course", "stock"))
        for values in (measured, later)
    )  # fmt: skip
    return {
        **found,
        "met": found["ratio"] >= NEEDED,
        "after_the_first_epoch": {key: afterwards[key] for key in ("median", "ratio")},
        "note": f"the course trained in {machine()}.",
        "images": {"training": len(training), "validation": len(validation)},
        "epochs": EPOCHS,
    }


def main() -> None:
    from cxrlab.sources import data_folder, is_phantom

    data = data_argument("Training images a second: stock Keras and the course.")
    results = [compare(data_folder("phantom"), "phantoms")]
    if not is_phantom(data):
        results.append(compare(data, "real X-rays"))
    print_json(*results)


if __name__ == "__main__":
    main()
