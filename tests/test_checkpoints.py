"""Networks that come with the course: small, true to what was trained, and never the wrong one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxrlab import checkpoints, course
from cxrlab.budgets import CLASS
from cxrlab.model import published_network
from cxrlab.pipeline import Xrays
from cxrlab.training import Settings, Trained, predict
from cxrlab.workspace import Workspace

HOW = {"settings": Settings(dropout=(0.2, 0.3, 0.4, 0.5)).to_json(), "seed": 3}


@pytest.fixture(scope="module")
def trained() -> Trained:
    import keras

    keras.utils.set_random_seed(0)
    history = pd.DataFrame({"epoch": [1, 2], "val_loss": [0.7, 0.5]})
    return Trained(published_network(), history, 12.5, "bfloat16")


def test_what_was_kept_scores_as_what_was_trained(trained, tmp_path):
    path = checkpoints.keep(trained, HOW, tmp_path / "one.npz")
    assert path.stat().st_size < 6_500_000
    found = checkpoints.find(HOW, tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 224, 224, 1), np.uint8)
    xrays = Xrays(pixels, np.zeros(6, int), pd.DataFrame(index=range(6)))
    assert predict(found.model, xrays) == pytest.approx(predict(trained.model, xrays), abs=0.01)
    pd.testing.assert_frame_equal(found.history, trained.history)
    assert (found.seconds, found.precision) == (12.5, "bfloat16")
    assert [layer.rate for layer in found.model.layers if "dropout" in layer.name] == [
        0.2, 0.3, 0.4, 0.5,
    ]  # fmt: skip


def test_another_training_is_not_found(trained, tmp_path):
    checkpoints.keep(trained, HOW, tmp_path / "one.npz")
    assert checkpoints.find({**HOW, "seed": 4}, tmp_path) is None
    assert checkpoints.find({**HOW, "budget": {}}, tmp_path) is None


def test_the_fingerprint_tells_parts_and_order():
    one = checkpoints.fingerprint(["a", "b"], ["c"])
    assert one == checkpoints.fingerprint(pd.Series(["a", "b"]), ["c"])
    assert one != checkpoints.fingerprint(["a"], ["b", "c"])
    assert one != checkpoints.fingerprint(["b", "a"], ["c"])


@pytest.mark.slow
@pytest.mark.parametrize("dial", ["off", "up"])
def test_the_course_brings_the_network_of_its_own_phantoms(dial, tmp_path, monkeypatch, capsys):
    """Its file fits the phantoms, split and budget of today, and scores as its history says."""
    from cxrlab.sources import confounded_phantoms, data_folder

    monkeypatch.delenv("CXRLAB_DATA", raising=False)
    monkeypatch.setenv("CXRLAB_WORKSPACE", str(tmp_path))
    data = data_folder() if dial == "off" else confounded_phantoms()
    space = Workspace(data, "kermany", CLASS, 0, tmp_path / "space")
    space.folder.mkdir()
    parts = course.get_xrays(space)
    found = course.get_network(space, parts)
    assert "trained beforehand" in capsys.readouterr().out
    scores = predict(found.model, parts.validation)
    likelihood = np.where(parts.validation.labels == 1, scores, 1 - scores)
    loss = -np.log(np.clip(likelihood, 1e-7, None)).mean()
    assert loss == pytest.approx(found.history["val_loss"].min(), abs=0.03)
