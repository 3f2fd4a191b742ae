"""Convolution, ReLU, pooling and dropout: the plain versions against Keras's layers."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab.convolution import (
    KERNELS,
    busiest_patch,
    convolve,
    liveliest_corner,
    max_pool,
    most_different,
    relu,
    to_picture,
)
from cxrlab.errors import CXRLabError

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 17)).astype(float)


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (1, 1), (2, 4)])
def test_it_is_what_keras_computes(shape):
    import keras

    kernel = np.random.default_rng(1).normal(size=shape)
    layer = keras.layers.Conv2D(1, shape)
    layer.build((None, *PIXELS.shape, 1))
    layer.set_weights([kernel[:, :, None, None], np.array([0.7])])
    by_keras = np.asarray(layer(PIXELS[None, :, :, None]))[0, :, :, 0]
    ours = convolve(PIXELS, kernel, bias=0.7)
    assert ours.shape == by_keras.shape == (20 - shape[0] + 1, 17 - shape[1] + 1)
    assert np.allclose(ours, by_keras, atol=1e-2)


def test_the_presets_do_what_they_are_called():
    flat, step = np.full((9, 9), 7.0), np.repeat([[0.0, 1.0]], 9, axis=0).repeat(5, axis=1)
    assert np.array_equal(convolve(PIXELS, KERNELS["identity"]), PIXELS[1:-1, 1:-1])
    assert np.allclose(convolve(flat, KERNELS["blur"]), 7)
    assert np.allclose(convolve(flat, KERNELS["sharpen"]), 7)
    for name in ("vertical edges", "horizontal edges", "Laplacian"):
        assert np.allclose(convolve(flat, KERNELS[name]), 0), name
    assert convolve(step, KERNELS["vertical edges"]).max() == 3
    assert np.allclose(convolve(step, KERNELS["horizontal edges"]), 0)


@pytest.mark.parametrize(
    ("pixels", "kernel", "words"),
    [
        (np.ones((2, 9)), np.ones((3, 3)), "no place"),
        (np.ones((9, 9, 1)), np.ones((3, 3)), "one channel"),
        (np.ones((9, 9)), np.ones(3), "expects two"),
    ],
)
def test_shapes_that_do_not_fit_are_plain_messages(pixels, kernel, words):
    with pytest.raises(CXRLabError, match=words):
        convolve(pixels, kernel)


@pytest.mark.parametrize("size", [2, 3])
def test_pooling_is_what_keras_computes(size):
    import keras

    by_keras = keras.layers.MaxPooling2D(size)(PIXELS[None, :, :, None])
    assert np.array_equal(max_pool(PIXELS, size), np.asarray(by_keras)[0, :, :, 0])


def test_pooling_needs_one_whole_square_and_relu_keeps_what_is_positive():
    with pytest.raises(CXRLabError, match="Pool a larger map"):
        max_pool(np.ones((1, 8)))
    assert relu(np.array([-2.0, 0.0, 3.0])).tolist() == [0, 0, 3]


def test_the_busiest_patch_lies_on_the_edge_and_the_liveliest_corner_in_the_middle():
    picture = np.zeros((40, 40))
    picture[:, 22:] = 200
    picture[:3, :3] = 255  # a letter in the corner is no part of the patient
    row, column = busiest_patch(picture, KERNELS["vertical edges"])
    assert 10 <= row <= 25
    patch = picture[row : row + 5, column : column + 5]
    assert set(np.unique(patch)) == {0, 200}
    values = np.zeros((40, 40))
    values[2, 2], values[20, 24] = 100, 9  # a letter near the edge counts for nothing
    row, column = liveliest_corner(values)
    assert row <= 20 < row + 3 and column <= 24 < column + 3


def test_the_most_different_maps_are_not_copies_of_one_another():
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 20, 20))
    maps = np.stack([np.zeros((20, 20)), 3 * one, one, -2 * one + 5, other], axis=-1)
    assert most_different(maps, 2) == [1, 4]
    assert len(set(most_different(maps, 4))) == 4
    assert most_different(maps, 9)[-1] == 0  # a map without anything in it comes last
    assert len(most_different(np.zeros((4, 4, 3)), 2)) == 2
    faint = np.stack([9 * one, 0.01 * one, other], axis=-1)
    assert most_different(faint, 2) == [0, 2]


def test_a_map_becomes_a_picture():
    signed = np.linspace(-1, 1, 1001).reshape(7, 143)
    shown = to_picture(signed)
    assert shown.dtype == np.uint8 and shown.shape == signed.shape
    assert (shown.min(), shown.max()) == (0, 255)
    assert abs(int(shown.flat[500]) - 128) <= 1  # zero lies in the middle
    assert to_picture(relu(signed)).flat[0] == 0  # and is black where nothing is negative
    assert not to_picture(np.zeros((4, 4))).any()
    assert to_picture(np.full((4, 4), -3.0)).max() == 0
    speck = np.ones((50, 50))
    speck[3, 3] = 1e6
    assert to_picture(speck)[0, 0] == 255
