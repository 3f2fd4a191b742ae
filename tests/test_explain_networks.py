"""Maps of networks that are no plain stack: with ways around, or with another network inside.

Behind the last maps of both stand only an average and one dense layer. So their maps of evidence
are known without any gradient: the maps weighted by the dense layer (Zhou et al. 2016, CAM).
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from cxrlab import explain
from cxrlab.explain.network import as_input, inner_layers
from cxrlab.residual import residual_network
from cxrlab.transfer import _on_backbone

SIDE = 224


@pytest.fixture(scope="module")
def pixels():
    """Patterns of squares, coarse enough for deep maps to differ: uint8 (3, 224, 224, 1)."""
    coarse = np.random.default_rng(0).integers(0, 256, (3, 14, 14, 1), dtype=np.uint8)
    return coarse.repeat(16, axis=1).repeat(16, axis=2)


def settled(model, inputs):
    """With the averages of batch normalisation as these inputs give them.

    Without training they are 0 and 1, and the maps of a deep network sink to nothing.
    """
    import keras

    frozen = not model.trainable
    model.trainable = True
    for layer in inner_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(inputs, training=True)
    model.trainable = not frozen


@pytest.fixture(
    scope="module", params=["residual", pytest.param("transfer", marks=pytest.mark.slow)]
)
def model(request, pixels):
    import keras

    keras.utils.set_random_seed(1)
    if request.param == "residual":
        built = residual_network()
        settled(built, as_input(built, pixels))
        return built
    built = _on_backbone(None, 0.3)
    settled(built.get_layer("backbone"), 2 * as_input(built, pixels) - 1)
    return built


def last_maps(model, pixels):
    """What goes into the average, and the weights of the dense layer: without ``explain``."""
    import keras

    until = keras.Model(model.inputs, model.get_layer("average").input)
    kernel = np.asarray(model.get_layer("score").get_weights()[0])[:, 0]
    return until.predict(as_input(model, pixels), verbose=0), kernel


def logit_of(model, pixels):
    score = model.predict(as_input(model, pixels), verbose=0).astype(float)[:, 0]
    return np.log(score / (1 - score))


@pytest.mark.parametrize("method", [explain.grad_cam, explain.hires_cam])
def test_the_map_is_what_the_dense_layer_weighs(model, pixels, method):
    import tensorflow as tf

    found = method(model, pixels)
    maps, kernel = last_maps(model, pixels)
    expected = tf.image.resize(np.maximum(maps @ kernel[:, None], 0), (SIDE, SIDE)).numpy()[..., 0]
    assert expected.max(axis=(1, 2)).min() > 0, "nothing to compare"
    expected /= expected.max(axis=(1, 2), keepdims=True)
    assert found.shape == (3, SIDE, SIDE)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_last_maps_are_taken(model, pixels):
    chosen = explain.evidence_layer(model)
    if model.name == "residual_network":
        assert chosen == "block_4_out"
    else:
        assert chosen == model.get_layer("backbone").layers[-1].name
    np.testing.assert_array_equal(
        explain.grad_cam(model, pixels[0]), explain.grad_cam(model, pixels[0], layer=chosen)
    )


def test_earlier_maps_too(model, pixels):
    """Inside a block, where a second way leads around the layer, or inside the backbone."""
    earlier = {
        "residual_network": ("block_4_second_norm", "block_3_out", "stem_conv"),
        "transfer_network": ("expanded_conv_4_add", "expanded_conv_8_project"),
    }
    for layer in earlier[model.name]:
        for method in (explain.grad_cam, explain.hires_cam):
            found = method(model, pixels[:1], layer=layer)
            assert found.shape == (1, SIDE, SIDE)
            assert np.isfinite(found).all() and found.min() >= 0 and found.max() in (0, 1)


def test_occlusion_is_the_drop_of_the_logit(model, pixels):
    found = explain.occlusion_map(model, pixels[0], size=112, stride=112, fill=90)
    covered = pixels[[0, 0, 0]].copy()
    covered[1, :112, :112] = 90
    covered[2, 112:, 112:] = 90
    logits = logit_of(model, covered)
    assert found[0, 0] == pytest.approx(logits[0] - logits[1], abs=1e-4)
    assert found[-1, -1] == pytest.approx(logits[0] - logits[2], abs=1e-4)
    assert np.ptp(found) > 1e-3


def test_the_cascade_goes_through_every_layer_and_keeps_the_model(model, pixels):
    before = [weights.copy() for weights in model.get_weights()]
    found = explain.cascade(model, pixels, draws=1, steps=4, resamples=50)
    table = found.table
    assert len(table) == 5 and found.maps.shape == (5, SIDE, SIDE)
    assert table["spearman"][0] == pytest.approx(1) and table["layer"][0] == "trained"
    assert table["layer"].iloc[-1] in ("stem_conv", "conv")
    # No map may sink to nothing, or there would be nothing to compare.
    assert (table["compared"] == table["of"]).all()
    assert found.passed is not None and (table["spearman"][1:] < 0.99).all()
    for weights, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, kept)
