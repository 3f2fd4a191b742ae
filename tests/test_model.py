"""The published network line by line, and the residual one."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.model import published_network, residual_network

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


def test_layers_parameters_activations_and_input_are_the_published_ones():
    network, found = published_network(), []
    for layer in network.layers:
        shape = "×".join(map(str, layer.output.shape[1:]))
        found.append((type(layer).__name__, shape, layer.count_params()))
    assert found == PUBLISHED_LAYERS
    trainable = sum(int(weight.numpy().size) for weight in network.trainable_weights)
    assert network.count_params() == trainable == 5_631_169
    assert network.input_shape == (None, 224, 224, 3)
    with_weights = [layer for layer in network.layers if layer.count_params()]
    assert [layer.activation.__name__ for layer in with_weights] == ["relu"] * 4 + ["sigmoid"]


def test_each_dropout_layer_can_have_a_rate_of_its_own():
    rates = (0.2, 0.3, 0.4, 0.5)
    network = published_network(dense_units=128, dropout=rates)
    found = [layer.rate for layer in network.layers if type(layer).__name__ == "Dropout"]
    assert found == list(rates)
    assert network.get_layer("dense").units == 128
    with pytest.raises(ValueError, match="4 Dropout layers"):
        published_network(dropout=(0.2, 0.3))


def test_the_score_of_the_residual_network_does_not_depend_on_where_something_is():
    """Global average pooling: a blob in the middle scores nearly the same a block further on."""
    network = residual_network()
    assert network.count_params() == 309_073
    assert network.input_shape == (None, 224, 224, 3) and network.output_shape == (None, 1)
    here, there = np.zeros((2, 224, 224, 3), np.float32)
    here[96:128, 96:128] = 1
    there[96:128, 128:160] = 1  # moved by 32 pixels, the stride of the whole network
    scores = network.predict(np.stack([here, there]), verbose=0)[:, 0]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)
