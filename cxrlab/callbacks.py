"""What a training shows while it runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cxrlab.progress import LiveLine, clock, counted

if TYPE_CHECKING:
    import keras


def progress_callback(epochs: int, how: str = "") -> keras.callbacks.Callback:
    """A Keras callback that keeps one line up to date instead of printing one an epoch.

    ``how`` is said in the line that stays, after the number of epochs.
    """
    import keras

    class Progress(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.line, self.started, self.epoch, self.last = LiveLine(), time.monotonic(), 0, ""

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch + 1

        def on_train_batch_end(self, batch, logs=None):
            elapsed = clock(time.monotonic() - self.started)
            batches = self.params.get("steps") or "?"
            self.line.update(
                f"Epoch {self.epoch} of {epochs}, batch {batch + 1} of {batches}, "
                f"{elapsed} so far{self.last}"
            )

        def on_epoch_end(self, epoch, logs=None):
            self.last = f" · loss {logs['loss']:.3f}, validation loss {logs['val_loss']:.3f}"

        def on_train_end(self, logs=None):
            # No time here: what stays in a notebook should be the same in every run.
            self.line.close(f"{counted(self.epoch, 'epoch')}{how}{self.last}")

    return Progress()
