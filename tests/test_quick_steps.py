"""The model that trains the published network in fewer operations is that network."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.model import published_network
from cxrlab.precision import POLICIES, precision_policy
from cxrlab.quick_steps import quick_dropout, quick_steps


@pytest.fixture(scope="module")
def xrays() -> np.ndarray:
    grey = np.random.default_rng(0).random((4, 224, 224, 1), np.float32)
    return np.repeat(grey, 3, axis=-1)


def test_scores_are_those_of_the_network(xrays):
    import keras

    keras.utils.set_random_seed(1)
    network = published_network()
    for layer in network.layers:  # zeros at the start would hide where the bias is added
        if layer.weights:
            layer.bias.assign(np.random.default_rng(2).normal(0, 0.1, layer.bias.shape))
    assert np.allclose(quick_steps(network)(xrays), network(xrays), atol=1e-5)


def test_gradients_of_every_weight_are_those_of_the_network(xrays, monkeypatch):
    """In float64: where two of four values are almost the same, rounding picks the largest."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    monkeypatch.setitem(POLICIES, "float64", "float64")
    with precision_policy("float64"):
        network = published_network(dropout=0.0)
        model = quick_steps(network)
    labels = tf.constant([[0.0], [1.0], [1.0], [0.0]])

    def gradients(asked: keras.Model) -> list[np.ndarray]:
        with tf.GradientTape() as tape:
            scores = asked(xrays, training=True)
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(labels, scores))
        return [found.numpy() for found in tape.gradient(loss, network.trainable_weights)]

    for one, other in zip(gradients(network), gradients(model), strict=True):
        assert np.abs(one).max() > 0
        assert np.allclose(one, other, atol=1e-4 * np.abs(one).max())


def test_it_trains_the_weights_of_the_network_and_has_no_others(xrays):
    network = published_network()
    model = quick_steps(network)
    assert model.count_params() == 5_631_169
    before = network.get_weights()
    model.compile("sgd", "binary_crossentropy")
    model.train_on_batch(xrays, np.array([[0.0], [1.0], [1.0], [0.0]]))
    assert all(
        not np.array_equal(old, new) for old, new in zip(before, network.get_weights(), strict=True)
    )


def test_the_score_stays_in_float32_in_half_precision(xrays):
    with precision_policy("bfloat16"):
        network = published_network()
        model = quick_steps(network)
    assert model(xrays).dtype == "float32"
    assert np.allclose(model(xrays), network(xrays), atol=0.02)


def test_the_loss_is_scaled_in_float16():
    import keras

    with precision_policy("float16"):
        model = quick_steps(published_network())
    model.compile("adam", "binary_crossentropy")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


@pytest.mark.parametrize("rate", [0.2, 0.3, 0.5])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_dropout_drops_its_rate_and_keeps_the_mean(rate, dtype):
    import tensorflow as tf

    values = tf.ones((999, 1001), dtype)
    dropped = tf.cast(quick_dropout(values, rate, tf.constant([1, 2])), tf.float32).numpy()
    assert (dropped == 0).mean() == pytest.approx(rate, abs=0.004)
    assert dropped.mean() == pytest.approx(1, abs=0.005)
    assert len(np.unique(dropped)) == 2


def test_dropout_follows_its_seed_and_is_even_over_places():
    import tensorflow as tf

    values = tf.ones((64, 4096))
    one, again, other = (
        quick_dropout(values, 0.5, tf.constant(seed)).numpy() for seed in ([1, 2], [1, 2], [1, 3])
    )
    assert np.array_equal(one, again)
    assert (one == other).mean() == pytest.approx(0.5, abs=0.01)
    for place in range(8):  # a byte of each word, over two words
        assert (one[:, place::8] == 0).mean() == pytest.approx(0.5, abs=0.02)


def test_dropout_draws_anew_for_every_batch_and_only_in_training(xrays):
    network = published_network(dropout=0.5)
    model = quick_steps(network)
    first, second = (np.asarray(model(xrays, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)
    assert np.array_equal(model(xrays), model(xrays))
