"""Networks that come with the course: small, true to what was trained, and never the wrong one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cxrlab import checkpoints, course
from cxrlab.course import open_workspace
from cxrlab.model import published_network
from cxrlab.pipeline import Xrays
from cxrlab.splits import Split
from cxrlab.training import predict

HOW = {"phantoms": {"version": 2}, "split": "0123456789abcdef", "seed": 3}


@pytest.fixture(scope="module")
def network():
    import keras

    keras.utils.set_random_seed(0)
    return published_network()


def test_what_was_kept_scores_as_what_was_trained(network, tmp_path):
    path = checkpoints.keep(network, HOW, tmp_path / "one.npz")
    assert path.stat().st_size < 6_500_000
    assert checkpoints.find(HOW, tmp_path) == path
    pixels = np.random.default_rng(0).integers(0, 256, (6, 224, 224, 1), np.uint8)
    xrays = Xrays(pixels, np.zeros(6, int), pd.DataFrame(index=range(6)))
    found = predict(checkpoints.unpack(path), xrays)
    assert found == pytest.approx(predict(network, xrays), abs=0.01)


def test_another_training_is_not_found(network, tmp_path):
    checkpoints.keep(network, HOW, tmp_path / "one.npz")
    assert checkpoints.find({**HOW, "seed": 4}, tmp_path) is None
    assert checkpoints.find({**HOW, "budget": {}}, tmp_path) is None


def some_split() -> Split:
    cases = pd.DataFrame({"image_id": list("abcdef"), "label": [0, 1] * 3})
    return Split(cases[:2], cases[2:4], cases[4:])


def test_the_fingerprint_of_a_split_tells_images_labels_and_parts():
    split = some_split()
    one = checkpoints.fingerprint(split)
    assert one == checkpoints.fingerprint(some_split())
    others = (
        Split(split.validation, split.train, split.test),
        Split(split.train, split.validation, split.test[:1]),
        Split(split.train.assign(label=1 - split.train["label"]), split.validation, split.test),
    )
    assert len({one, *map(checkpoints.fingerprint, others)}) == 4


@pytest.mark.slow
@pytest.mark.parametrize("dial", ["off", "up"])
def test_the_course_brings_the_network_of_its_own_phantoms(dial, monkeypatch, capsys):
    """Its file fits the phantoms and the split of today, and tells the classes apart."""
    from cxrlab.sources import confounded_phantoms

    monkeypatch.delenv("CXRLAB_DATA", raising=False)
    space = open_workspace(None if dial == "off" else confounded_phantoms(), budget="class")
    parts = course.get_xrays(space)
    network = course.load_network(space, parts)
    assert "came with the course" in capsys.readouterr().out
    assert roc_auc_score(parts.validation.labels, predict(network, parts.validation)) > 0.8
