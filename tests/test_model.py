"""The published network, line by line."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.model import float32_copy, published_network
from cxrlab.training import built_in

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
