"""A search by Keras Tuner as its pages show it, against ours, on the same X-rays.

Stock: ``RandomSearch`` over ``image_dataset_from_directory``, float32, Adam at a constant rate.
Two claims are measured, for each seed both sides in turn:

- seconds for the same trials and epochs (no early stopping on either side);
- seconds until our search has a validation loss as low as the one with which the stock search
  ended, on the same validation X-rays. Ours may stop trials early and take what tuner it likes.

Reading files and building networks count on both sides, importing TensorFlow on neither.

    python benchmarks/search_speed.py [--data DIR] [--images 96] [--trials 4] [--epochs 10]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from measure import class_folders, print_json, result

from cxrlab import one_graph
from cxrlab.budgets import CLASS, Budget
from cxrlab.cases import prepare
from cxrlab.model import published_network
from cxrlab.pipeline import decode
from cxrlab.sources import data_folder
from cxrlab.splits import split_by_patient, subsample
from cxrlab.tuning import LOSS_OF_GUESSING, SPACES, TUNERS, leaderboard, search

if TYPE_CHECKING:
    import keras
    import keras_tuner
    import pandas as pd

SPACE = SPACES["per-layer"]
EPOCHS_OF_STOCK: list[tuple[float, float]] = []  # Keras Tuner copies callbacks, not this


class Reached(BaseException):
    """Our search is as good as the stock one. No ``Exception``, so that no tuner swallows it."""


@dataclass(frozen=True)
class Task:
    """One split of the X-rays, and how long each side may search."""

    training: pd.DataFrame
    validation: pd.DataFrame
    budget: Budget
    seed: int


def main() -> None:
    """Measure and print."""
    asked = arguments()
    import keras_tuner  # noqa: F401 (loads TensorFlow, which neither side is to pay)

    data, seconds, reaching, bests = data_folder(asked.data), {}, {}, []
    for seed in range(asked.seeds):
        task = make_task(data, asked, seed)
        # Output of Keras Tuner goes to standard error: ours is JSON alone.
        with contextlib.redirect_stdout(sys.stderr), tempfile.TemporaryDirectory() as folder:
            stock = stock_search(task, Path(folder) / "stock")
            ours = our_search(task, Path(folder) / "same", patience=task.budget.trial_epochs)
            assert ours["trials"] == stock["trials"], "the two sides tried different settings"
            first = our_search(
                task, Path(folder) / "first", asked.patience, stock["best"], asked.tuner
            )
        for name, side in (("stock", stock), ("ours", ours)):
            seconds.setdefault(name, []).append(side["seconds"])
        reaching.setdefault("stock", []).append(stock["seconds"])
        reaching.setdefault("ours", []).append(first["seconds"])
        reaching.setdefault("stock until its best epoch", []).append(stock["until_best"])
        bests.append((round(stock["best"], 4), round(first["best"], 4)))
        said = f"stock {stock['seconds']:.0f} s, ours {ours['seconds']:.0f} s"
        print(f"seed {seed}: {said}, as good in {first['seconds']:.0f} s", file=sys.stderr)

    sizes = {name: value for name, value in vars(asked).items() if name != "data"}
    faster = [stock / ours for stock, ours in zip(seconds["stock"], seconds["ours"], strict=True)]
    sooner = [stock / ours for stock, ours in zip(reaching["stock"], reaching["ours"], strict=True)]
    reached = all(ours <= stock for stock, ours in bests)
    # Where stock does no better than guessing its loss is no target: take more images or epochs.
    learned = all(stock < LOSS_OF_GUESSING for stock, _ in bests)
    losses = ", ".join(f"{stock:.3f} / {ours:.3f}" for stock, ours in bests)
    print_json(
        result(
            "a search over the same trials and epochs",
            "seconds",
            seconds,
            ratio=("stock", "ours"),
            needed="stock / ours >= 2.0",
            met=median(seconds["stock"]) / median(seconds["ours"]) >= 2.0,
            ratio_by_seed=[round(value, 2) for value in faster],
            sizes=sizes,
        ),
        result(
            "time to the validation loss with which the stock search ends",
            "seconds",
            reaching,
            ratio=("stock", "ours"),
            needed="stock / ours >= 3.0, median over the seeds",
            met=reached and learned and median(sooner) >= 3.0,
            ratio_by_seed=[round(value, 2) for value in sooner],
            best_losses_stock_ours=bests,
            stock_beats_guessing=learned,
            note="stock counts with its whole search, since nobody knows before its end which "
            "epoch was its best; ours may stop trials early and try up to three times as many. "
            f"Best losses, stock / ours: {losses} (guessing: {LOSS_OF_GUESSING:.3f}); "
            f"ratios: {', '.join(f'{value:.2f}' for value in sooner)}.",
            sizes=sizes,
        ),
    )


def arguments() -> argparse.Namespace:
    """The sizes; the defaults end within some twelve minutes on two cores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None, help="default: CXRLAB_DATA or phantoms")
    parser.add_argument("--images", type=int, default=96, help="training X-rays")
    parser.add_argument("--validation", type=int, default=48, help="validation X-rays at the most")
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--patience", type=int, default=3, help="ours, in the second claim")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tuner", choices=TUNERS, default="random", help="second claim")
    return parser.parse_args()


def make_task(data: Path, asked: argparse.Namespace, seed: int) -> Task:
    """A split of its own for each seed."""
    prepared = prepare(data, "kermany", seed)
    split = split_by_patient(prepared.cases, seed, together=prepared.near)
    budget = replace(CLASS, trials=asked.trials, trial_epochs=asked.epochs)
    training, validation = (
        subsample(part, images, seed)
        for part, images in ((split.train, asked.images), (split.validation, asked.validation))
    )
    return Task(training, validation, budget, seed)


def stock_search(task: Task, folder: Path) -> dict:
    """Keras Tuner as its pages show it."""
    import keras
    import keras_tuner

    class Note(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            EPOCHS_OF_STOCK.append((time.monotonic(), logs["val_loss"]))

    for name, cases in (("training", task.training), ("validation", task.validation)):
        class_folders(cases, folder / name)
    EPOCHS_OF_STOCK.clear()
    started = time.monotonic()
    parts = [
        keras.utils.image_dataset_from_directory(
            folder / name, label_mode="binary", image_size=(224, 224), seed=task.seed, verbose=False
        )
        for name in ("training", "validation")
    ]
    tuner = keras_tuner.RandomSearch(
        stock_network,
        objective="val_loss",
        max_trials=task.budget.trials,
        seed=task.seed + 1,
        directory=str(folder),
        project_name="search",
    )
    tuner.search(
        parts[0],
        validation_data=parts[1],
        epochs=task.budget.trial_epochs,
        callbacks=[Note()],
        verbose=0,
    )
    seconds = time.monotonic() - started
    best_time, best = min(EPOCHS_OF_STOCK, key=lambda epoch: epoch[1])
    tried = [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]
    keras.backend.clear_session()
    return {
        "seconds": seconds,
        "until_best": best_time - started,
        "best": best,
        "trials": {tuple(values[name] for name in SPACE) for values in tried},
    }


def stock_network(hp: keras_tuner.HyperParameters) -> keras.Model:
    """The published network with scaling in front, at a constant learning rate."""
    import keras

    values = {name: hp.Choice(name, list(choices)) for name, choices in SPACE.items()}
    rates = [values[name] for name in SPACE if name.startswith("dropout")]
    network = published_network(values["dense_units"], rates)
    model = keras.Sequential(
        [keras.Input((224, 224, 3)), keras.layers.Rescaling(1 / 255), *network.layers]
    )
    adam = keras.optimizers.Adam(values["learning_rate"])
    model.compile(adam, loss="binary_crossentropy", metrics=["accuracy"])
    return model


def our_search(
    task: Task,
    folder: Path,
    patience: int,
    target: float | None = None,
    tuner: str = "random",
) -> dict:
    """Ours; with a ``target`` until a trial is as good, and with trials enough to get there."""
    import keras

    def look(board: pd.DataFrame) -> None:
        if target is not None and board["val_loss"].iloc[0] <= target:
            raise Reached

    started = time.monotonic()
    cases = (task.training, task.validation)
    budget = replace(task.budget, patience=patience)
    trials = task.budget.trials * (1 if target is None else 3)
    with contextlib.suppress(Reached):
        search(
            *(decode(part) for part in cases),
            budget,
            folder,
            tuner=tuner,
            trials=trials,
            seed=task.seed,
            on_trial=look,
        )
    seconds = time.monotonic() - started
    keras.backend.clear_session()
    one_graph.forget()  # as in a new process: each time traces anew
    board = leaderboard(folder)
    return {
        "seconds": seconds,
        "best": board["val_loss"].min(),
        "trials": set(board[list(SPACE)].itertuples(index=False, name=None)),
    }


if __name__ == "__main__":
    main()
