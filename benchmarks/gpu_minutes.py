"""Minutes of training and search in each notebook on this machine, as a table in Markdown.

    python benchmarks/gpu_minutes.py [--budgets class full] [--minutes 8]

For an instructor who has a GPU, or wonders about a processor: at most ten minutes on an idle
machine, and the table can be pasted into docs/instructor-guide.md. Every training of the notebooks
is begun as its notebook begins it (network, phantoms, batches, number format, validation, files
kept) and stopped after a few epochs. The rest is reckoned: the first epoch, which builds and
traces the network, once, then the median of the later ones for each epoch that the budget allows.
In brackets the same with the fastest and with the slowest epoch seen. Early stopping is not
reckoned with, so a training may end sooner. Phantoms that the workspace lacks are made first, in
about a minute.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
import time
from dataclasses import dataclass
from statistics import median

from run_all import machine as machine_in_words

COMBINATIONS = 24  # in the published space of notebook 05: its search ends there, or just before
LATER = (2, 12)  # epochs after the first that are measured: at least, at most
WORDS = {
    "03": "seven trainings, four of them at half the size",
    "05": "the live search, then its winner once more",
    "06": "five trainings",
}


@dataclass(frozen=True)
class Training:
    """A training of a notebook, how often it is done, and on how many X-rays."""

    notebook: str
    times: int
    epochs: int
    images: int
    network: str = "published"  # or "small", the solution of notebook 03's last exercise
    side: int = 224  # pixels
    validated: bool = True
    kept: bool = False  # the network is written to a file whenever it has got better
    few: bool = False  # an eighth of the X-rays, in batches an eighth as large


def trainings(budget, images: int, positives: int, eager: bool) -> list[Training]:
    """Every training of the notebooks at a budget; 01, 02, 04 and 07 train nothing on phantoms.

    ``images`` in the training part; ``positives`` in all parts: notebook 06 halves the patients
    and learns from as many healthy people as ill ones. ``eager``: memory is short, and notebook 05
    looks its trials up.
    """
    epochs, six = budget.epochs, min(budget.epochs, 6)
    trials = 0 if eager else min(budget.trials, COMBINATIONS)
    halved = min(budget.images or positives, positives)
    return [
        Training("03", 1, 1, images, validated=False),
        Training("03", 1, epochs, images, kept=True),
        Training("03", 2, epochs, images, side=112),
        Training("03", 2, epochs, images, side=112, few=True),
        Training("03", 1, epochs, images, network="small"),
        Training("05", trials + 1, budget.trial_epochs, images, kept=True),
        Training("06", 4, six, halved, validated=False),
        Training("06", 1, six, images, validated=False),
    ]


def epoch_seconds(training: Training, parts, seconds: float) -> list[float]:
    """The seconds of its first epochs, for about so many ``seconds``; the first with building."""
    import keras
    import numpy as np

    from cxrlab.exercises import nb03
    from cxrlab.model import published_network
    from cxrlab.pipeline import batches
    from cxrlab.training import machine, warm_up

    class Watch(keras.callbacks.Callback):
        """Notes when epochs end, and stops the training when enough was seen."""

        def on_epoch_end(self, epoch, logs=None):
            ends.append(time.perf_counter())
            fewest, most = LATER
            late = ends[-1] - ends[0] > seconds and epoch >= fewest
            self.model.stop_training = late or epoch >= most

    how, step = machine(), 224 // training.side
    images, size = training.images, how.batch_size
    if training.few:
        images, size = max(images // 8, 8), max(size // 8, 1)
    keras.backend.clear_session()
    keras.mixed_precision.set_global_policy(how.number_format)
    train = batches(parts.training.take(np.arange(images)), size, 0)
    held_out = batches(parts.validation, how.batch_size)
    if step > 1:
        train, held_out = (
            part.map(lambda pixels, labels: (pixels[:, ::step, ::step], labels))
            for part in (train, held_out)
        )
    ends = [time.perf_counter()]
    with tempfile.TemporaryDirectory() as folder:
        kept = keras.callbacks.ModelCheckpoint(f"{folder}/best.keras", save_best_only=True)
        model = nb03.small_network.run() if training.network == "small" else published_network()
        if step > 1:
            smaller = keras.Input((training.side, training.side, 3))
            model = keras.models.clone_model(model, input_tensors=smaller)
        rate = warm_up(1e-3, len(train) * training.epochs)
        adam = keras.optimizers.Adam(rate)
        model.compile(adam, "binary_crossentropy", metrics=["accuracy"], run_eagerly=how.eager)
        model.fit(
            train,
            validation_data=held_out if training.validated else None,
            epochs=training.epochs,
            callbacks=[*([kept] if training.kept else []), Watch()],
            shuffle=False,
            verbose=0,
        )
    keras.mixed_precision.set_global_policy("float32")
    return [end - begin for begin, end in zip(ends, ends[1:], strict=False)]


def minutes(training: Training, measured: list[float]) -> tuple[float, float, float]:
    """Of all its epochs and repetitions: with the median epoch, the fastest and the slowest."""
    first, *later = measured
    rest = training.epochs - 1
    return tuple(
        training.times * (first + rest * (which(later) if later else 0)) / 60
        for which in (median, min, max)
    )


def table(found: dict[str, list[tuple[Training, list[float]]]]) -> str:
    """The Markdown table: a row per notebook that trains, a column per budget."""
    lines = ["| notebook | trains | " + " | ".join(f"`{name}`, minutes" for name in found) + " |"]
    lines.append("|---|---|" + "---|" * len(found))
    for notebook, words in WORDS.items():
        cells = []
        for measured in found.values():
            ours = [minutes(*each) for each in measured if each[0].notebook == notebook]
            middle, low, high = (sum(column) for column in zip(*ours, strict=True))
            cells.append(f"{middle:.1f} ({low:.1f} to {high:.1f})")
        lines.append(f"| {notebook} | {words} | " + " | ".join(cells) + " |")
    lines.append("| 01, 02, 04, 07 | nothing | " + " | ".join("0" for _ in found) + " |")
    return "\n".join(lines)


def where() -> str:
    """On what, in a sentence: the GPUs where TensorFlow sees any, the machine, the versions."""
    import tensorflow as tf

    from cxrlab.training import machine

    about, gpus = machine_in_words(), tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    names = ", ".join(each.get("device_name", "a GPU") for each in details) or "no GPU"
    return (
        f"Measured on {datetime.date.today()} by `benchmarks/gpu_minutes.py` on {names} "
        f"({about['machine']}; {about['versions']}), in {machine()}. Of every training the first "
        "epochs were run and the others reckoned; in brackets with the fastest and the slowest "
        "epoch. Training and search only; early stopping may end them sooner."
    )


def main() -> None:
    from cxrlab import course
    from cxrlab.choices import BUDGETS, PHANTOM
    from cxrlab.training import machine

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budgets", nargs="+", choices=list(BUDGETS), default=["class", "full"])
    parser.add_argument("--minutes", type=float, default=8, help="about so long, at most 10")
    options = parser.parse_args()
    ends, left = time.perf_counter() + 60 * min(options.minutes, 10), len(options.budgets)
    found: dict[str, list[tuple[Training, list[float]]]] = {name: [] for name in options.budgets}
    for name, measured in found.items():
        space = course.open_workspace(PHANTOM, name)
        parts = course.get_xrays(space)
        positives = int(parts.split.as_table()["label"].sum())
        planned = trainings(space.budget, len(parts.training), positives, machine().eager)
        # The first training of all pays for starting the GPU, which no later one does.
        epoch_seconds(planned[0], parts, 0)
        for number, training in enumerate(planned):
            # What a quick one leaves over is for the others.
            share = (ends - time.perf_counter()) / (left * len(planned) - number)
            measured.append((training, epoch_seconds(training, parts, share)))
            shown = " ".join(f"{second:.2f}" for second in measured[-1][1])
            print(f"{name}, {training}: epochs of {shown} s", file=sys.stderr, flush=True)
        left -= 1
    print(f"{table(found)}\n\n{where()}")


if __name__ == "__main__":
    main()
