"""Training within a budget, and loading what it left."""

from __future__ import annotations

import zipfile

import numpy as np
import pandas as pd
import pytest

from cxrlab import precision
from cxrlab.budgets import Budget
from cxrlab.errors import CXRLabError
from cxrlab.pipeline import Xrays, dataset
from cxrlab.training import (
    WARMUP_STEPS,
    Settings,
    compile_network,
    load_model,
    made_ready,
    network_of,
    predict,
    save_model,
    stop_early,
    train,
    warmup_steps,
)

BUDGET = Budget("test", 0, 3, 1, 1, 1, 1, 100)


def bright_and_dark(count: int = 16, seed: int = 0) -> Xrays:
    """X-rays whose class shows in their brightness: quick to learn."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pixels = generator.integers(0, 80, (count, 224, 224, 1)) + 120 * labels[:, None, None, None]
    cases = pd.DataFrame({"image_id": range(count), "patient_id": range(count)})
    return Xrays(pixels.astype(np.uint8), labels, cases)


@pytest.fixture(scope="module")
def trained():
    return train(bright_and_dark(), bright_and_dark(8, seed=1), BUDGET, seed=3, quiet=True)


def test_history_has_a_row_an_epoch_and_stays_within_the_budget(trained):
    assert 1 <= len(trained.history) <= BUDGET.epochs
    assert list(trained.history["epoch"]) == list(range(1, len(trained.history) + 1))
    assert {"loss", "val_loss", "accuracy", "val_accuracy"} <= set(trained.history)


def test_the_weights_of_the_best_epoch_are_kept(trained):
    validation = bright_and_dark(8, seed=1)
    scores = predict(trained.model, validation)
    assert scores.shape == (8,)
    likelihood = np.where(validation.labels == 1, scores, 1 - scores)
    loss = -np.log(np.clip(likelihood, 1e-7, None)).mean()
    assert loss == pytest.approx(trained.history["val_loss"].min(), abs=0.02)
    assert trained.best_epoch == trained.history["val_loss"].idxmin() + 1


def test_patience_starts_when_the_warm_up_is_over():
    class Network:
        stop_training = False

        def get_weights(self):
            return []

    patient = Budget("test", 0, 20, 2, 1, 1, 1, 100)
    images = WARMUP_STEPS // 3 * 32  # so that the warm-up takes three epochs
    stopping = stop_early(patient, Settings(batch_size=32), images, epochs=20)
    stopping.set_model(Network())
    stopping.on_train_begin()
    stopped = []
    for epoch in range(5):
        stopping.on_epoch_end(epoch, {"val_loss": 0.69})  # stands still from the first epoch on
        stopped.append(stopping.model.stop_training)
    assert stopped == [False] * 4 + [True]


def test_the_learning_rate_rises_and_falls():
    settings = Settings(learning_rate=1e-3, batch_size=32)
    network = network_of(settings)
    compile_network(network, settings, images=320, epochs=10)
    schedule = network.optimizer._learning_rate
    rates = np.array([float(schedule(step)) for step in range(100)])
    assert rates[0] < 1e-5
    assert rates.argmax() == WARMUP_STEPS and rates.max() == pytest.approx(1e-3)
    assert rates[-1] < 5e-5
    assert (np.diff(rates[:WARMUP_STEPS]) > 0).all() and (np.diff(rates[WARMUP_STEPS:]) < 0).all()


def test_a_short_training_has_a_short_warm_up():
    assert [warmup_steps(steps) for steps in (2, 30, 90, 600)] == [0, 10, 30, 30]


def test_the_same_seed_gives_the_same_network(trained):
    again = train(bright_and_dark(), bright_and_dark(8, seed=1), BUDGET, seed=3, quiet=True)
    pd.testing.assert_frame_equal(again.history, trained.history, atol=1e-5)


def test_the_trained_network_computes_in_float32_whatever_it_was_trained_in():
    one_epoch = Budget("test", 0, 1, 1, 1, 1, 1, 100)
    validation = bright_and_dark(8, seed=1)
    trained = train(bright_and_dark(8), validation, one_epoch, precision="bfloat16", quiet=True)
    assert trained.precision == "bfloat16"
    assert {layer.compute_dtype for layer in trained.model.layers} == {"float32"}


def test_a_saved_model_gives_the_same_scores(trained, tmp_path):
    save_model(trained.model, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    xrays = bright_and_dark(4)
    assert np.allclose(predict(loaded, xrays), predict(trained.model, xrays), atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_a_missing_or_damaged_model_is_a_plain_message(tmp_path):
    with pytest.raises(CXRLabError, match="no model at"):
        load_model(tmp_path / "model.keras")
    (tmp_path / "model.keras").write_bytes(b"no zip")
    with pytest.raises(CXRLabError, match="cannot be read as a Keras model"):
        load_model(tmp_path / "model.keras")


def test_a_model_that_brings_code_is_refused(tmp_path):
    import keras

    stranger = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    stranger.save(tmp_path / "stranger.keras")
    assert zipfile.is_zipfile(tmp_path / "stranger.keras")
    with pytest.raises(CXRLabError, match="cannot be read"):
        load_model(tmp_path / "stranger.keras")


def test_precision_is_asked_of_the_processor(monkeypatch):
    monkeypatch.setattr(precision, "_gpu_capability", lambda: None)
    monkeypatch.setattr(precision, "cpu_multiplies_bfloat16", lambda: True)
    assert precision.choose_precision()[0] == "bfloat16"
    monkeypatch.setattr(precision, "cpu_multiplies_bfloat16", lambda: False)
    assert precision.choose_precision()[0] == "float32"


@pytest.mark.parametrize(
    ("capability", "expected"), [(8, "float16"), (7, "float16"), (6, "float32")]
)
def test_precision_on_a_gpu_follows_its_tensor_cores(monkeypatch, capability, expected):
    monkeypatch.setattr(precision, "_gpu_capability", lambda: capability)
    assert precision.choose_precision()[0] == expected


def test_a_precision_can_be_set_and_a_wrong_word_is_refused():
    assert precision.choose_precision("float16") == ("float16", "as asked")
    with pytest.raises(CXRLabError, match="Choose auto"):
        precision.choose_precision("half")


def test_settings_survive_json():
    assert Settings(dropout=(0.2, 0.3, 0.4, 0.5)).to_json()["dropout"] == (0.2, 0.3, 0.4, 0.5)


def with_sources(xrays: Xrays) -> Xrays:
    sources = np.where(xrays.labels == 1, "ill", "well")
    return Xrays(xrays.pixels, xrays.labels, xrays.cases.assign(source=sources))


def test_a_recipe_keeps_the_last_weights_and_takes_more_passes():
    xrays = with_sources(bright_and_dark())
    settings = Settings(
        network="residual",
        augmentation="strong",
        balance_sources=True,
        weight_decay=0.01,
        passes=3,
        stop_early=False,
    )
    found = train(xrays, xrays, Budget("test", 16, 2, 1, 1, 1, 1, 50), 0, settings, quiet=True)
    assert len(found.history) == 6  # 3 × 2, whatever the patience of 1 says
    ready = dataset(xrays)
    found.model.compile(loss="binary_crossentropy")
    last = found.model.evaluate(ready, verbose=0)
    assert last == pytest.approx(found.history["val_loss"].iloc[-1], rel=0.05)


def test_what_is_prepared_for_training_is_prepared_for_asking():
    xrays = bright_and_dark()
    assert np.array_equal(made_ready(xrays, Settings()).pixels, xrays.pixels)
    equalised = made_ready(xrays, Settings(preparation="equalise"))
    assert np.array_equal(equalised.labels, xrays.labels)
    assert not np.array_equal(equalised.pixels, xrays.pixels)
