"""Training within a budget, in the number format of the machine, and loading what it left."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from cxrlab import training
from cxrlab.choices import Budget
from cxrlab.errors import CXRLabError
from cxrlab.model import published_network, residual_network
from cxrlab.pipeline import Xrays
from cxrlab.training import (
    FIRST_EPOCHS,
    Machine,
    Settings,
    built_in,
    load_model,
    machine,
    predict,
    save_model,
    train,
    warm_up,
)

BUDGET = Budget("test", 0, 1, 1, 1, 1, 1, 100)
LONGER = Budget("test", 0, FIRST_EPOCHS + 15, 2, 1, 1, 1, 100)
CPUINFO = "processor\t: 0\nflags\t\t: fpu sse2 avx512f {}\nbugs\t\t: none\n"


def bright_and_dark(count: int = 16, seed: int = 0) -> Xrays:
    """X-rays whose class shows in their brightness: quick to learn."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pixels = generator.integers(0, 80, (count, 224, 224, 1)) + 120 * labels[:, None, None, None]
    sources = np.where(labels == 1, "ill", "well")
    cases = pd.DataFrame({"image_id": range(count), "patient_id": range(count), "source": sources})
    return Xrays(pixels.astype(np.uint8), labels, cases)


def loss_of(model, xrays: Xrays) -> float:
    scores = predict(model, xrays)
    assert scores.shape == (len(xrays),)
    likelihood = np.where(xrays.labels == 1, scores, 1 - scores)
    return -np.log(np.clip(likelihood, 1e-7, None)).mean()


def test_the_weights_of_the_best_epoch_are_kept():
    """With labels that mean nothing the validation loss rises again."""
    xrays, validation = bright_and_dark(8), bright_and_dark(6, seed=1)
    random = replace(xrays, labels=np.array([0, 1, 1, 0, 1, 0, 0, 1]))
    found = train(random, validation, LONGER, seed=3, settings=Settings(dropout=0.0))
    later = found.history["val_loss"].iloc[FIRST_EPOCHS:]
    assert found.best_epoch == later.idxmin() + 1 < len(found.history) < LONGER.epochs
    assert loss_of(found.model, validation) == pytest.approx(later.min(), abs=0.02)


def test_the_same_seed_gives_the_same_network_and_another_seed_another(tmp_path):
    parts = bright_and_dark(), bright_and_dark(8, seed=1)
    first, again, other = (train(*parts, BUDGET, seed=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(again.history, first.history, atol=1e-5)
    assert other.history["loss"][0] != pytest.approx(first.history["loss"][0], rel=1e-3)
    save_model(first.model, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert np.allclose(predict(loaded, parts[1]), predict(first.model, parts[1]), atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_a_loss_that_stands_still_ends_the_training():
    still, four = Settings(learning_rate=0.0), bright_and_dark(4)
    found = train(four, four, LONGER, settings=still)
    assert len(found.history) == FIRST_EPOCHS + 1 + LONGER.patience


def test_the_learning_rate_rises_and_falls():
    """The schedule that notebook 03 writes out."""
    steps, warm = 108, 54  # 18 epochs of 192 X-rays: half of it, and never more than 60
    written = keras.optimizers.schedules.CosineDecay(
        1e-6, decay_steps=steps - warm, alpha=0.02, warmup_target=1e-3, warmup_steps=warm
    )
    found = [float(warm_up(1e-3, steps)(step)) for step in range(steps)]
    assert found == pytest.approx([float(written(step)) for step in range(steps)])
    for steps, warm in ((1, 0), (2, 1), (8, 4), (600, 60)):
        assert float(warm_up(1e-3, steps)(warm)) == pytest.approx(1e-3)


def test_a_network_that_was_trained_in_a_short_format_comes_back_in_float32(monkeypatch):
    xrays = bright_and_dark(8)
    before = keras.config.dtype_policy().name
    asked = Machine("mixed_bfloat16", 32, "as asked")
    monkeypatch.setattr(training, "machine", lambda: asked)
    found = train(xrays, xrays, BUDGET)
    assert found.machine.number_format == "mixed_bfloat16"
    assert {layer.compute_dtype for layer in found.model.layers} == {"float32"}
    for build in (published_network, residual_network):  # the score stays in float32
        *others, score = built_in("mixed_bfloat16", build).layers
        assert {layer.compute_dtype for layer in others if layer.weights} == {"bfloat16"}
        assert score.compute_dtype == "float32"
    assert keras.config.dtype_policy().name == before  # what a notebook builds next is its own


def own(*first, shape=(224, 224, 3), last="sigmoid", units=1):
    """A network of a reader's own, which begins with these layers."""
    x = xray = keras.Input(shape)
    for layer in first:
        x = layer(x)
    x = keras.layers.Conv2D(4, 3, strides=4, activation="relu")(x)
    x = keras.layers.Dense(units, activation=last)(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(xray, x)


def adapted(brightest: float) -> keras.layers.Normalization:
    layer = keras.layers.Normalization()
    layer.adapt(np.random.default_rng(0).random((4, 8, 8, 3)) * brightest)
    return layer


def of_bytes() -> keras.Model:
    """A network within a network reads 0...255, as those of keras.applications."""
    xray = keras.Input((224, 224, 3))
    return keras.Model(xray, own(keras.layers.Rescaling(1 / 255))(keras.layers.RandomFlip()(xray)))


layers = keras.layers


@pytest.mark.parametrize(
    ("build", "white"),
    [
        (lambda: own(), 1),
        (lambda: own(keras.Sequential([adapted(1)])), 1),
        (lambda: own(layers.Lambda(lambda x: x * 2 - 1)), 1),
        (lambda: own(shape=(None, None, 3)), 1),
        (lambda: own(keras.Sequential([layers.RandomFlip(), adapted(255)])), 255),
        (lambda: own(layers.Rescaling(1 / 127.5, offset=-1)), 255),
        (lambda: own(layers.Lambda(lambda x: x / 255)), 255),
        (lambda: own(lambda x: x / 255), 255),
        (of_bytes, 255),
    ],
)
def test_a_network_of_the_readers_own_is_shown_the_pixels_that_it_reads(build, white, tmp_path):
    keras.utils.set_random_seed(0)
    network, xrays = build(), bright_and_dark(4)
    shown = np.repeat(xrays.pixels.astype(np.float32) / 255 * white, 3, axis=-1)
    expected = network.predict(shown, verbose=0)[:, 0]
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(predict(network, xrays), expected, atol=1e-5)


class Subclassed(keras.Model):
    def call(self, pixels):
        return keras.ops.mean(pixels, axis=(1, 2, 3))[:, None]


def two_inputs() -> keras.Model:
    xray, age = keras.Input((224, 224, 3)), keras.Input((1,))
    pooled = keras.layers.GlobalAveragePooling2D()(xray)
    both = keras.layers.Concatenate()([pooled, age])
    return keras.Model([xray, age], keras.layers.Dense(1, activation="sigmoid")(both))


@pytest.mark.parametrize(
    "build",
    [
        lambda: own(units=2, last="softmax"),
        lambda: own(last="linear"),
        lambda: own(shape=(224, 224, 1)),
        lambda: keras.Sequential([layers.Flatten(), layers.Dense(1, activation="sigmoid")]),
        lambda: keras.Model((network := own()).inputs, {"covid": network.output}),
        two_inputs,
        Subclassed,
    ],
)
def test_a_network_that_does_not_make_one_score_of_an_x_ray_is_a_sentence(build):
    with pytest.raises(CXRLabError, match="This network takes .* Expected is .*sigmoid"):
        predict(build(), bright_and_dark(2))


def test_a_missing_or_damaged_model_or_one_with_code_is_a_plain_message(tmp_path):
    with pytest.raises(CXRLabError, match="no model at"):
        load_model(tmp_path / "model.keras")
    (tmp_path / "model.keras").write_bytes(b"no zip")
    with pytest.raises(CXRLabError, match="cannot be read as a Keras model"):
        load_model(tmp_path / "model.keras")
    stranger = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    stranger.save(tmp_path / "stranger.keras")
    with pytest.raises(CXRLabError, match="cannot be read"):
        load_model(tmp_path / "stranger.keras")


def with_gpus(monkeypatch, *majors: int | None) -> None:
    """A machine with 16 GB and GPUs of these compute capabilities; None: one that does not say."""
    import tensorflow as tf

    def details(major):
        return {} if major is None else {"compute_capability": (major, 5)}

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(majors))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details)
    monkeypatch.setattr(training, "is_memory_short", lambda: False)


@pytest.mark.parametrize(
    ("majors", "multiplies", "expected", "asked"),
    [
        ([], True, "mixed_bfloat16", "processor"),
        ([], False, "float32", "processor"),
        ([8], True, "mixed_float16", "GPU"),
        ([7, 9], True, "mixed_float16", "GPU"),
        ([8, 6], True, "float32", "GPU"),
        ([None], True, "float32", "GPU"),
    ],
)
def test_the_machine_is_asked_for_its_number_format(
    monkeypatch, majors, multiplies, expected, asked
):
    with_gpus(monkeypatch, *majors)
    monkeypatch.setattr(training, "cpu_multiplies_bfloat16", lambda: multiplies)
    assert str(machine()).startswith(f"{expected}, batches of 32: ") and asked in str(machine())


def test_where_memory_is_short_batches_are_small_and_in_float32(monkeypatch):
    monkeypatch.setattr(training, "is_memory_short", lambda: True)
    monkeypatch.setattr(training, "cpu_multiplies_bfloat16", lambda: True)
    found = machine()
    assert (found.number_format, found.batch_size) == ("float32", 8)
    assert "memory is short" in str(found)
    assert found.eager  # no graph, which would stay
    trained = train(bright_and_dark(), bright_and_dark(4), BUDGET)
    assert trained.machine.batch_size == 8


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("avx512_bf16", True), ("amx_bf16 amx_tile", True), ("amx_int8 avx512_vnni", False)],
)
def test_the_processor_is_read_from_its_flags(monkeypatch, tmp_path, flags, expected):
    (tmp_path / "cpuinfo").write_text(CPUINFO.format(flags))
    monkeypatch.setattr(training, "Path", lambda path: tmp_path / "cpuinfo")
    assert training.cpu_multiplies_bfloat16() is expected
