"""How close training comes to the step limit: one batch that stays in memory, trained on again.

    python benchmarks/step_limit.py [--data DIR]

Both sides are the published network at batches of 32 and in the same precision. The limit calls
Keras's ``train_on_batch`` on one batch, so that no data is read, shuffled, widened or scored.
Ours is every epoch of ``cxrlab.training.train`` but the first, which traces; the scoring of the
validation images is inside an epoch and counts as time, not as images.
"""

from __future__ import annotations

import time
from pathlib import Path

from measure import alternately, data_argument, print_json, result

BATCH, STEPS, EPOCHS, TRAINING, VALIDATION = 32, 8, 3, 256, 32


def main(data: Path) -> None:
    import keras

    from cxrlab.budgets import Budget
    from cxrlab.cases import prepare
    from cxrlab.pipeline import dataset, decode
    from cxrlab.precision import choose_precision, precision_policy
    from cxrlab.training import Settings, compile_network, network_of, train

    xrays = decode(prepare(data, "mixed").cases.sample(frac=1, random_state=0))
    validation = xrays.take(range(VALIDATION))
    training = xrays.take([VALIDATION + n % (len(xrays) - VALIDATION) for n in range(TRAINING)])
    budget = Budget("benchmark", 0, EPOCHS, EPOCHS, 1, 1, 1, 100)
    batch = next(iter(dataset(training, BATCH)))

    def limit(precision: str) -> float:
        with precision_policy(precision):
            network = network_of(Settings())
            compile_network(network, Settings(), TRAINING, EPOCHS)
        network.train_on_batch(*batch)  # traces
        started = time.perf_counter()
        for _ in range(STEPS):
            network.train_on_batch(*batch)
        return BATCH * STEPS / (time.perf_counter() - started)

    def ours(precision: str) -> float:
        watch = epoch_watch()
        train(training, validation, budget, 0, Settings(), precision, True, callbacks=(watch,))
        return TRAINING * (EPOCHS - 1) / sum(watch.seconds[1:])

    def epoch_watch() -> keras.callbacks.Callback:
        class Watch(keras.callbacks.Callback):
            def on_train_begin(self, logs=None):
                self.seconds = []

            def on_epoch_begin(self, epoch, logs=None):
                self.started = time.perf_counter()

            def on_epoch_end(self, epoch, logs=None):
                self.seconds.append(time.perf_counter() - self.started)

        return Watch()

    chosen, reason = choose_precision()
    sides = {"ours": lambda: ours(chosen), "limit": lambda: limit(chosen)}
    measured = alternately(sides)
    found = result(
        "training against the step limit",
        "images/s",
        measured,
        needed="ratio of at least 0.90",
        ratio=("ours", "limit"),
        precision=f"{chosen}: {reason}",
        training_images=TRAINING,
        validation_images=VALIDATION,
    )
    print_json({**found, "met": found["ratio"] >= 0.90})


if __name__ == "__main__":
    main(data_argument("Training against the step limit."))
