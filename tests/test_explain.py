"""Looking inside a network."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab import explain
from cxrlab.errors import CXRLabError
from cxrlab.model import published_network


def test_every_convolution_has_a_map_of_its_own_size():
    pixels = np.random.default_rng(0).integers(0, 255, (224, 224, 1), np.uint8)
    maps = explain.feature_maps(published_network(), pixels)
    shapes = {name: found.shape for name, found in maps.items()}
    assert shapes == {
        "conv_1": (222, 222, 32),
        "conv_2": (109, 109, 64),
        "conv_3": (52, 52, 128),
    }
    assert all((found >= 0).all() for found in maps.values())  # after ReLU


def test_a_filter_on_grey_is_the_sum_over_the_channels():
    network = published_network()
    kernels = explain.first_filters(network)
    weights = network.get_layer("conv_1").get_weights()[0]
    assert kernels.shape == (32, 3, 3)
    assert np.allclose(kernels[5], weights[:, :, :, 5].sum(axis=2))


def test_a_network_without_convolutions_is_a_plain_message():
    import keras

    flat = keras.Sequential([keras.Input((224, 224, 3)), keras.layers.Flatten()], name="flat")
    with pytest.raises(CXRLabError, match="flat has no convolution layer"):
        explain.first_filters(flat)


def test_the_most_different_maps_are_not_copies_of_one_another():
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 20, 20))
    maps = np.stack([np.zeros((20, 20)), 3 * one, one, -2 * one + 5, other], axis=-1)
    assert explain.most_different(maps, 2) == [1, 4]
    assert len(set(explain.most_different(maps, 4))) == 4
    assert explain.most_different(maps, 9)[-1] == 0  # a map without anything in it comes last
    assert len(explain.most_different(np.zeros((4, 4, 3)), 2)) == 2
