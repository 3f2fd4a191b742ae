"""One device or several: the same training."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from cxrlab import devices
from cxrlab.devices import shared_evenly, training_strategy

# The processor as two devices. TensorFlow takes that only before it has started.
TRAIN_ON_BOTH = """
import json
import numpy as np, pandas as pd, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from cxrlab import training
from cxrlab.budgets import Budget
from cxrlab.pipeline import Xrays

def xrays(count, seed):
    labels = np.arange(count) % 2
    pixels = np.random.default_rng(seed).integers(0, 80, (count, 224, 224, 1))
    pixels = (pixels + 120 * labels[:, None, None, None]).astype(np.uint8)
    return Xrays(pixels, labels, pd.DataFrame({"image_id": range(count)}))

both = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
# Without dropout: two devices draw from other seeds. In small steps: Adam's first steps turn a
# rounding into a step of the whole rate.
settings = training.Settings(dropout=0.0, batch_size=8, learning_rate=1e-5)
found = {}
for name, strategy in {"one": tf.distribute.get_strategy(), "both": both}.items():
    training.training_strategy = lambda: strategy
    done = training.train(
        xrays(TRAINING, 0), xrays(VALIDATION, 1), Budget("test", 0, 2, 2, 1, 1, 1, 100),
        3, settings, "float32", quiet=True,
    )
    found[name] = {
        "losses": done.history[["loss", "val_loss"]].to_numpy().tolist(),
        "scores": training.predict(done.model, xrays(4, 5)).tolist(),
        "model": [type(done.model).__name__, done.model.count_params()],
        "mirrored": any("Mirrored" in type(w.value).__name__ for w in done.model.weights),
    }
print(json.dumps(found))
"""


def trained_on_both(training: int, validation: int) -> dict:
    code = TRAIN_ON_BOTH.replace("TRAINING", str(training)).replace("VALIDATION", str(validation))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_two_devices_train_the_same_plain_network_as_one():
    found = trained_on_both(16, 8)
    one, both = found["one"], found["both"]
    assert both["losses"] == pytest.approx(np.array(one["losses"]), abs=0.01)
    assert both["scores"] == pytest.approx(one["scores"], abs=0.01)
    assert both["model"] == one["model"] == ["Sequential", 5_631_169]
    assert not both["mirrored"]


def test_a_last_batch_too_small_for_two_devices_does_not_stop_them():
    both = trained_on_both(17, 9)["both"]
    assert np.isfinite(both["losses"]).all() and len(both["losses"]) == 2


@pytest.mark.parametrize(
    ("images", "number", "sizes"),
    [(16, 2, [8, 8]), (17, 2, [8, 8]), (21, 2, [8, 8, 4]), (11, 3, [6, 3]), (9, 1, [8, 1])],
)
def test_batches_can_be_shared_in_equal_parts(images, number, sizes):
    import tensorflow as tf

    numbers = tf.data.Dataset.range(images).batch(8)
    batches = shared_evenly(numbers.map(lambda x: (x, x)), number, images, 8)
    assert [len(x) for x, _ in batches] == sizes
    assert batches.cardinality() == len(sizes)


@pytest.mark.parametrize(("gpus", "mirrored"), [(0, False), (1, False), (2, True)])
def test_several_gpus_are_used_together(monkeypatch, gpus, mirrored):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["GPU"] * gpus)
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: "mirrored")
    assert (devices.training_strategy() == "mirrored") is mirrored


def test_one_device_needs_no_strategy():
    assert training_strategy().num_replicas_in_sync == 1
