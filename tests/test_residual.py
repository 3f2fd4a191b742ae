"""The network of the robust recipe."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.errors import CXRLabError
from cxrlab.residual import residual_network
from cxrlab.training import Settings, network_of


@pytest.fixture(scope="module")
def network():
    return residual_network()


def test_it_has_the_parameters_that_its_description_states(network):
    assert network.count_params() == 309_873
    assert network.input_shape == (None, 224, 224, 3)
    assert network.output_shape == (None, 1)


def test_its_score_does_not_depend_on_where_something_is(network):
    """Global average pooling: a blob in the middle scores nearly the same a block further on."""
    here, there = np.zeros((2, 224, 224, 3), np.float32)
    here[96:128, 96:128] = 1
    there[96:128, 128:160] = 1  # moved by 32 pixels, the stride of the whole network
    scores = network.predict(np.stack([here, there]), verbose=0)[:, 0]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


def test_settings_name_the_network():
    assert network_of(Settings(network="residual")).name == "residual_network"
    assert network_of(Settings()).name == "published_network"
    with pytest.raises(CXRLabError, match="published, residual or transfer"):
        network_of(Settings(network="oracle"))
