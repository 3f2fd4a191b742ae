"""A network that has been used before trains and scores like a new one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxrlab import one_graph
from cxrlab.budgets import Budget
from cxrlab.errors import CXRLabError
from cxrlab.model import published_network
from cxrlab.pipeline import Xrays
from cxrlab.training import Settings, Trained, compile_network, predict, train

BUDGET = Budget("test", 0, 2, 2, 1, 1, 1, 100)


def xrays(count: int, seed: int) -> Xrays:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 224, 224, 1), np.uint8)
    return Xrays(pixels, np.arange(count) % 2, pd.DataFrame({"image_id": range(count)}))


def trained(settings: Settings, seed: int = 1, precision: str = "float32") -> Trained:
    return train(xrays(8, 0), xrays(4, 1), BUDGET, seed, settings, precision, quiet=True)


def losses(done: Trained) -> np.ndarray:
    return done.history[["loss", "val_loss"]].to_numpy()


@pytest.fixture(autouse=True)
def nothing_kept():
    one_graph.forget()
    yield
    one_graph.forget()


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_training_after_another_is_a_training_on_its_own(precision):
    # Rates of learning so far apart that the one's would never give the other's loss.
    first = Settings(dropout=(0.5, 0.2, 0.2, 0.3), learning_rate=1e-2)
    second = Settings(dropout=0.3, learning_rate=1e-4)
    alone = trained(second, precision=precision)
    one_graph.forget()
    before = trained(first, seed=5, precision=precision)
    weights = before.model.get_weights()
    after = trained(second, precision=precision)
    assert losses(after) == pytest.approx(losses(alone), rel=1e-3)
    assert losses(before) != pytest.approx(losses(alone), rel=1e-2)
    for kept, now in zip(weights, before.model.get_weights(), strict=True):
        assert np.array_equal(kept, now)  # what was lent again is not what was handed out


def test_networks_of_one_kind_are_traced_once(monkeypatch):
    import keras

    made = []
    make = keras.Model.make_train_function
    monkeypatch.setattr(
        keras.Model,
        "make_train_function",
        lambda self, force=False: (
            made.append(self.train_function is None),
            make(self, force),
        )[1],
    )
    for settings in (Settings(), Settings(dropout=0.5, learning_rate=1e-2), Settings(passes=2)):
        trained(settings)
    assert made == [True, False, False]
    trained(Settings(dense_units=128))
    assert made[3:] == [True]


def test_the_residual_network_is_lent_as_well():
    settings = Settings(network="residual", weight_decay=1e-4)
    alone = trained(settings)
    again = trained(settings)
    assert losses(again) == pytest.approx(losses(alone), rel=1e-4)


def test_each_model_keeps_its_own_scores():
    images = xrays(4, 2)
    models = [published_network(dropout=rate) for rate in (0.2, 0.5)]
    models.append(published_network(dense_units=128))
    as_keras_says = [
        model.predict(np.repeat(images.pixels / 255, 3, -1), verbose=0)[:, 0] for model in models
    ]
    for order in ([0, 1, 2], [2, 0, 1, 0]):
        for one in order:
            assert np.allclose(predict(models[one], images), as_keras_says[one], atol=1e-5)


def test_models_that_differ_in_dropout_alone_are_asked_through_one_network():
    one, other, larger = published_network(), published_network(dropout=0.5), published_network(128)
    assert one_graph.for_asking(one) is one_graph.for_asking(other)
    assert one_graph.for_asking(one) is not one_graph.for_asking(larger)


def test_a_key_for_two_kinds_of_network_is_noticed():
    def of(units: int):
        network = published_network(units)
        compile_network(network, Settings(), 8, 2)
        return network

    one_graph.like_new(("same",), lambda: of(64))
    with pytest.raises(CXRLabError, match="another shape"):
        one_graph.like_new(("same",), lambda: of(128))
