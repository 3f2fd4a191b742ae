"""Convolution, ReLU, pooling and dropout: the plain versions against Keras's layers."""

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

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 17)).astype(float)


@pytest.mark.parametrize("size", [2, 3])
def test_it_is_what_keras_computes(size):
    from keras import layers

    batch, kernel = PIXELS[None, :, :, None], np.random.default_rng(1).normal(size=(size, 3))
    layer = layers.Conv2D(1, kernel.shape, use_bias=False)
    layer.build(batch.shape)
    layer.set_weights([kernel[:, :, None, None]])
    ours = convolve(PIXELS, kernel)
    assert np.allclose(ours, np.asarray(layer(batch))[0, :, :, 0], atol=1e-2)
    pooled, positive = layers.MaxPooling2D(size)(batch), layers.ReLU()(ours[None])
    assert np.array_equal(max_pool(PIXELS, size), np.asarray(pooled)[0, :, :, 0])
    assert np.allclose(relu(ours), np.asarray(positive)[0])


def test_the_presets_do_what_they_are_called():
    flat, step = np.full((9, 9), 7.0), np.repeat([[0.0, 1.0]], 9, axis=0).repeat(5, axis=1)
    assert np.array_equal(convolve(PIXELS, KERNELS["identity"]), PIXELS[1:-1, 1:-1])
    for name, kernel in KERNELS.items():
        kept = 0 if name in ("vertical edges", "horizontal edges", "Laplacian") else 7
        assert np.allclose(convolve(flat, kernel), kept), name
    assert convolve(step, KERNELS["vertical edges"]).max() == 3
    assert np.allclose(convolve(step, KERNELS["horizontal edges"]), 0)


def test_the_busiest_patch_lies_on_the_edge_and_the_liveliest_corner_in_the_middle():
    picture, values = np.zeros((40, 40)), np.zeros((40, 40))
    picture[:, 22:] = 200
    picture[:3, :3] = 255  # a letter in the corner is no part of the patient
    row, column = busiest_patch(picture, KERNELS["vertical edges"])
    assert 10 <= row <= 25
    assert set(np.unique(picture[row : row + 5, column : column + 5])) == {0, 200}
    values[2, 2], values[20, 24] = 100, 9
    row, column = liveliest_corner(values)
    assert row <= 20 < row + 3 and column <= 24 < column + 3


def test_the_most_different_maps_are_not_copies_of_one_another():
    one, other = np.random.default_rng(0).normal(size=(2, 20, 20))
    maps = np.stack([np.zeros((20, 20)), 3 * one, one, -2 * one + 5, other], axis=-1)
    assert most_different(maps, 2) == [1, 4]
    assert most_different(maps, 9)[-1] == 0  # a map without anything in it comes last
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
    speck = np.ones((50, 50))
    speck[3, 3] = 1e6
    assert to_picture(speck)[0, 0] == 255
