"""The published network line by line, the residual one, and transfer learning with its weights."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.errors import CXRLabError
from cxrlab.model import (
    WeightsUnavailable,
    float32_copy,
    published_network,
    residual_network,
    transfer_network,
)
from cxrlab.training import Settings, built_in, network_of

# The layer table of the published project: type, output shape, parameters.
PUBLISHED_LAYERS = [
    ("Conv2D", "222×222×32", 896),
    ("MaxPooling2D", "111×111×32", 0),
    ("Dropout", "111×111×32", 0),
    ("Conv2D", "109×109×64", 18_496),
    ("MaxPooling2D", "54×54×64", 0),
    ("Dropout", "54×54×64", 0),
    ("Conv2D", "52×52×128", 73_856),
    ("MaxPooling2D", "26×26×128", 0),
    ("Dropout", "26×26×128", 0),
    ("Flatten", "86528", 0),
    ("Dense", "64", 5_537_856),
    ("Dropout", "64", 0),
    ("Dense", "1", 65),
]


@pytest.fixture(scope="module")
def network():
    return published_network()


def test_every_layer_is_the_published_one(network):
    found = [
        (
            type(layer).__name__,
            "×".join(str(size) for size in layer.output.shape[1:]),
            layer.count_params(),
        )
        for layer in network.layers
    ]
    assert found == PUBLISHED_LAYERS


def test_all_parameters_are_trainable_and_as_many_as_published(network):
    trainable = sum(int(weight.numpy().size) for weight in network.trainable_weights)
    assert network.count_params() == trainable == 5_631_169


def test_activations_and_input_are_the_published_ones(network):
    assert network.input_shape == (None, 224, 224, 3)
    with_weights = [layer for layer in network.layers if layer.count_params()]
    assert [layer.activation.__name__ for layer in with_weights] == ["relu"] * 4 + ["sigmoid"]


def test_each_dropout_layer_can_have_a_rate_of_its_own():
    rates = (0.2, 0.3, 0.4, 0.5)
    network = published_network(dense_units=128, dropout=rates)
    found = [layer.rate for layer in network.layers if type(layer).__name__ == "Dropout"]
    assert found == list(rates)
    assert network.get_layer("dense").units == 128


def test_a_wrong_number_of_rates_is_refused():
    with pytest.raises(ValueError, match="4 Dropout layers"):
        published_network(dropout=(0.2, 0.3))


def test_a_copy_computes_in_float32_with_the_same_weights():
    with built_in("mixed_bfloat16"):
        network = published_network()
    copy = float32_copy(network)
    assert {layer.compute_dtype for layer in copy.layers} == {"float32"}
    for ours, theirs in zip(copy.get_weights(), network.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_settings_name_the_network():
    assert network_of(Settings(network="residual")).name == "residual_network"
    assert network_of(Settings()).name == "published_network"
    with pytest.raises(CXRLabError, match="published, residual or transfer"):
        network_of(Settings(network="oracle"))


def test_the_score_of_the_residual_network_does_not_depend_on_where_something_is():
    """Global average pooling: a blob in the middle scores nearly the same a block further on."""
    network = residual_network()
    assert network.count_params() == 309_873
    assert network.input_shape == (None, 224, 224, 3) and network.output_shape == (None, 1)
    here, there = np.zeros((2, 224, 224, 3), np.float32)
    here[96:128, 96:128] = 1
    there[96:128, 128:160] = 1  # moved by 32 pixels, the stride of the whole network
    scores = network.predict(np.stack([here, there]), verbose=0)[:, 0]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


# --- transfer learning -----------------------------------------------------------------------


def test_without_a_network_the_reader_is_told_where_the_file_goes(monkeypatch):
    import keras

    def no_name(*_, **__):
        raise Exception("URL fetch failure on https://storage.example/mobilenet.h5: no name")

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", no_name)
    with pytest.raises(WeightsUnavailable, match=r"mobilenet\.h5: no name.*into ~/.keras/models"):
        transfer_network()


@pytest.mark.slow
def test_transfer_learning_moves_the_last_layer_alone(monkeypatch):
    import keras

    real = keras.applications.MobileNetV3Small

    def untrained(weights, **options):
        assert weights == "imagenet"
        return real(weights=None, **options)

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", untrained)
    network = transfer_network(dropout=0.5)
    ours = network.get_layer("backbone")
    before_training = ours.get_weights()

    assert network.input_shape == (None, 224, 224, 3) and network.output_shape == (None, 1)
    assert not network.compiled and network.get_layer("dropout").rate == 0.5
    assert network.layers[-1].dtype == "float32"
    assert sum(int(np.prod(one.shape)) for one in network.trainable_weights) == 577

    # Not even the averages of batch normalisation move.
    images = np.random.default_rng(0).random((8, 224, 224, 3), np.float32)
    network.compile(keras.optimizers.Adam(0.1), "binary_crossentropy")
    before = network.layers[-1].get_weights()[1]
    network.fit(images, np.repeat([0, 1], [6, 2])[:, None], epochs=1, verbose=0)
    for kept, original in zip(ours.get_weights(), before_training, strict=True):
        np.testing.assert_array_equal(kept, original)
    assert not np.array_equal(before, network.layers[-1].get_weights()[1])

    # The scale that the backbone was trained at is made inside.
    pooled = np.asarray(ours(2 * images - 1, training=False)).mean(axis=(1, 2))
    kernel, bias = network.layers[-1].get_weights()
    expected = 1 / (1 + np.exp(-(pooled @ kernel + bias)))
    np.testing.assert_allclose(network.predict(images, verbose=0), expected, atol=1e-5)

    # A copy, as the training makes one, needs no weights from anywhere and stays frozen.
    copy = float32_copy(network)
    np.testing.assert_allclose(copy.predict(images, verbose=0), expected, atol=1e-5)
    assert len(copy.trainable_weights) == 2
