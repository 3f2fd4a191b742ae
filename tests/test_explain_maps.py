"""Grad-CAM, HiResCAM and occlusion on small networks whose right answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cxrlab import explain
from cxrlab.errors import CXRLabError
from cxrlab.explain.network import logit_network, outputs
from cxrlab.model import published_network
from cxrlab.training import built_in

SIDE = 8


def identity_conv(layers, channels=1, **choices):
    """A convolution that hands on the first channel."""
    return layers.Conv2D(channels, 1, use_bias=False, **choices)


def corner_network(weight=1.0, bias=0.0, dtype=None):
    """A network that adds up the four pixels in the top left corner, and sees nothing else."""
    import keras
    from keras import layers

    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            identity_conv(layers, name="look", dtype=dtype),
            layers.Flatten(dtype=dtype),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid", name="score"),
        ],
        name="corner",
    )
    corner = np.zeros((SIDE, SIDE))
    corner[:2, :2] = weight
    network.get_layer("look").set_weights([np.ones((1, 1, 1, 1))])
    network.get_layer("score").set_weights([corner.reshape(-1, 1), np.array([bias])])
    return network


def averaging_network():
    """Two maps, the image and its negative, averaged: the logit is 2 · mean - 3 · mean."""
    import keras
    from keras import layers

    seen = keras.Input((SIDE, SIDE, 3))
    maps = layers.Conv2D(2, 1, name="maps")(seen)
    both = layers.Dense(1, name="sum")(layers.GlobalAveragePooling2D()(maps))
    network = keras.Model(seen, layers.Activation("sigmoid")(both), name="averaging")
    kernel = np.zeros((1, 1, 3, 2))
    kernel[0, 0, 0] = [1, -1]
    network.get_layer("maps").set_weights([kernel, np.array([0, 1])])
    network.get_layer("sum").set_weights([np.array([[2], [-3]]), np.zeros(1)])
    return network


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(60, 200, (SIDE, SIDE), np.uint8)


def test_with_averaged_maps_grad_cam_is_the_weighted_sum_of_the_maps(image):
    grey = image / 255
    by_hand = np.maximum(2 * grey - 3 * (1 - grey), 0)
    found = explain.grad_cam(averaging_network(), image)
    assert found.dtype == np.float32 and found.shape == image.shape
    assert np.allclose(found, by_hand / by_hand.max(), atol=1e-5)
    assert np.allclose(found, explain.hires_cam(averaging_network(), image), atol=1e-5)


def test_behind_flattened_maps_only_hires_cam_knows_the_corner(image):
    network = corner_network()
    exact = explain.hires_cam(network, image)
    assert np.allclose(exact[:2, :2], image[:2, :2] / image[:2, :2].max(), atol=1e-5)
    assert exact[2:].max() == exact[:, 2:].max() == 0
    # The mean gradient is the same everywhere: Grad-CAM shows the image, also where nobody looks.
    assert np.allclose(explain.grad_cam(network, image), image / image.max(), atol=1e-5)


def test_a_score_of_one_still_has_a_map(image):
    sure = corner_network(weight=50, bias=100)
    assert float(sure(np.ones((1, SIDE, SIDE, 1)))[0, 0]) == 1  # its own gradient is 0
    assert np.allclose(explain.hires_cam(sure, image), explain.hires_cam(corner_network(), image))


def test_without_evidence_the_map_is_zero_everywhere(image):
    against = corner_network(weight=-1)
    assert explain.grad_cam(against, image).max() == 0
    assert explain.hires_cam(against, image).max() == 0


def test_several_x_rays_have_the_maps_of_each_alone(image):
    stack = np.stack([image, image[::-1], 255 - image])[..., None]
    together = explain.grad_cam(averaging_network(), stack, batch_size=2)
    alone = [explain.grad_cam(averaging_network(), one) for one in stack]
    assert together.shape == (3, SIDE, SIDE) and np.allclose(together, alone, atol=1e-5)


def residual_network(nested):
    """Batch normalisation, a residual sum, a nested part and an average at the end."""
    import keras
    from keras import layers

    seen = keras.Input((16, 16, 3))
    inside = keras.Input((16, 16, 3))
    first = layers.Conv2D(4, 3, padding="same", name="first")
    norm = layers.BatchNormalization(name="norm")
    second = layers.Conv2D(4, 3, padding="same", activation="relu", name="second")

    def body(x):
        x = norm(first(x))
        return layers.Add(name="join")([x, second(x)])

    features = keras.Model(inside, body(inside), name="body")(seen) if nested else body(seen)
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(features)
    score = layers.Dense(1, activation="sigmoid", dtype="float32")(layers.Flatten()(pooled))
    return keras.Model(seen, score, name="residual")


def test_nested_and_short_precision_networks_give_the_maps_of_the_plain_one():
    import keras

    keras.utils.set_random_seed(0)  # some random weights find no evidence at all
    plain = residual_network(nested=False)
    nested = residual_network(nested=True)
    with built_in("mixed_bfloat16"):
        short = residual_network(nested=True)
    in_a_row = keras.Sequential([keras.Input((16, 16, 3)), nested], name="row")
    nested.set_weights(plain.get_weights())
    short.set_weights(plain.get_weights())
    pixels = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 1), np.uint8)
    wanted = explain.grad_cam(plain, pixels)
    assert wanted.max() > 0
    for network in (nested, short, in_a_row):
        assert explain.evidence_layer(network) == "join"
        assert np.allclose(explain.grad_cam(network, pixels), wanted, atol=1e-4)
    first = explain.grad_cam(nested, pixels, "first")
    assert np.allclose(first, explain.grad_cam(plain, pixels, "first"), atol=1e-4)


def test_grad_cam_by_a_second_model_as_keras_teaches_it(image):
    """The usual way, for a network without nested parts."""
    import keras
    import tensorflow as tf

    network = published_network(dense_units=128, dropout=0.5)
    pixels = np.random.default_rng(2).integers(0, 256, (224, 224), np.uint8)
    both = keras.Model(network.inputs, [network.get_layer("pool_3").output, *network.outputs])
    with tf.GradientTape() as tape:
        maps, score = both(np.repeat(pixels[None, :, :, None] / np.float32(255), 3, -1))
        logit = tf.math.log(score / (1 - score))
    gradient = tf.reduce_mean(tape.gradient(logit, maps), axis=(1, 2), keepdims=True)
    evidence = tf.nn.relu(tf.reduce_sum(gradient * maps, -1, keepdims=True))
    wanted = tf.image.resize(evidence, (224, 224)).numpy()[0, ..., 0]
    wanted = wanted / wanted.max() if wanted.max() > 0 else wanted
    assert explain.evidence_layer(network) == "pool_3"
    assert np.allclose(explain.grad_cam(network, pixels), wanted, atol=1e-3)


def test_the_network_itself_is_left_alone(image):
    network = corner_network()
    before = [weights.copy() for weights in network.get_weights()]
    explain.grad_cam(network, image)
    explain.occlusion_map(network, image, 2, 2)
    explain.cascade(network, image[None, :, :, None], draws=1)
    assert all(np.array_equal(*pair) for pair in zip(before, network.get_weights(), strict=True))
    score = float(network(np.zeros((1, SIDE, SIDE, 1)))[0, 0])
    assert score == 0.5  # the sigmoid is still there


def test_occlusion_measures_what_a_square_takes_from_the_logit(image):
    network = corner_network()
    drops = explain.occlusion_map(network, image, size=2, stride=2, fill=0)
    corner = image[:2, :2].sum() / 255
    assert np.allclose(drops[:2, :2], corner, atol=1e-5)
    assert np.abs(drops[2:]).max() < 1e-6 and np.abs(drops[:, 2:]).max() < 1e-6
    scores = explain.occlusion_map(network, image, size=2, stride=2, fill=0, of="score")
    assert np.isclose(scores[0, 0], 1 / (1 + np.exp(-corner)) - 0.5, atol=1e-5)
    # A square of the mean grey changes nothing in an even image.
    even = np.full((SIDE, SIDE), 90, np.uint8)
    assert np.abs(explain.occlusion_map(network, even, 4, 2)).max() < 1e-6


def test_every_pixel_is_covered_and_overlapping_squares_are_averaged(image):
    drops = explain.occlusion_map(corner_network(), image, size=3, stride=2, fill=0, batch_size=4)
    assert drops.shape == image.shape and np.isfinite(drops).all()
    # Pixel (0, 2) lies under the square at 0 (it hides the corner) and the one at 2 (it does not).
    assert np.isclose(drops[0, 2], image[:2, :2].sum() / 255 / 2, atol=1e-5)


def test_the_logit_copy_scores_as_the_network_does(image):
    found = outputs(logit_network(averaging_network()), image[None, :, :, None])
    grey = np.repeat(image[None, :, :, None] / np.float32(255), 3, -1)
    score = float(averaging_network()(grey)[0, 0])
    assert np.isclose(1 / (1 + np.exp(-found[0])), score, atol=1e-6)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((SIDE, SIDE)), "expected uint8"),
        (np.zeros((SIDE, SIDE, 3), np.uint8), "expected uint8"),
        (np.zeros((9, 9), np.uint8), "reads 8 × 8 pixels, but got 9 × 9"),
    ],
)
def test_unusable_pixels_are_a_plain_message(pixels, message):
    with pytest.raises(CXRLabError, match=message):
        explain.grad_cam(corner_network(), pixels)


def test_what_has_no_map_is_a_plain_message(image):
    import keras
    from keras import layers

    start = [keras.Input((SIDE, SIDE, 1))]
    flat = [*start, layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    with pytest.raises(CXRLabError, match="no layer with feature maps"):
        explain.grad_cam(keras.Sequential(flat), image)
    two = [*start, identity_conv(layers), layers.Flatten(), layers.Dense(2, activation="softmax")]
    with pytest.raises(CXRLabError, match="needs one score"):
        explain.grad_cam(keras.Sequential(two), image)
    seen = keras.Input((SIDE, SIDE, 1))
    hidden = keras.ops.sigmoid(layers.Dense(1)(layers.Flatten()(identity_conv(layers)(seen))))
    with pytest.raises(CXRLabError, match="needs one score"):
        explain.grad_cam(keras.Model(seen, hidden), image)
    with pytest.raises(CXRLabError, match="no layer 'nowhere' with feature maps. It has look"):
        explain.grad_cam(corner_network(), image, "nowhere")
    with pytest.raises(CXRLabError, match="do not cover"):
        explain.occlusion_map(corner_network(), image, size=2, stride=3)
    with pytest.raises(CXRLabError, match="logit or score"):
        explain.occlusion_map(corner_network(), image, 2, 2, of="loss")


def test_regions_lie_where_their_names_say():
    frame, centre = explain.region("frame", 0.25, (8, 8)), explain.region("centre", 0.25, (8, 8))
    assert frame.sum() == 64 - 16 and not (frame & centre).any() and (frame | centre).all()
    corners = explain.region("corners", 0.25, (8, 8))
    assert corners.sum() == 4 * 4 and (frame | ~corners).all()
    lungs, rest = explain.region("lungs"), explain.region("outside lungs")
    assert (lungs ^ rest).all() and not lungs[:, 112].any() and lungs[112, 60] and lungs[112, 164]
    with pytest.raises(CXRLabError, match="no region 'heart'"):
        explain.region("heart")
    with pytest.raises(CXRLabError, match=r"width is 0\.6"):
        explain.region("frame", 0.6)


def test_hiding_fills_with_the_grey_of_what_is_left():
    image = np.full((10, 10), 50, np.uint8)
    image[2:8, 2:8] = 250
    hidden = explain.hide(image, "centre", 0.2)
    assert (hidden == 50).all() and image.max() == 250  # the original is untouched
    stack = np.stack([image, image + 4])[..., None]
    both = explain.hide(stack, "centre", 0.2)
    assert both.shape == stack.shape and (both[0] == 50).all() and (both[1] == 54).all()
    assert (explain.hide(image, np.ones((10, 10), bool), fill=7) == 7).all()
    with pytest.raises(CXRLabError, match="hides everything"):
        explain.hide(image, np.ones((10, 10), bool))
    with pytest.raises(CXRLabError, match="mask has shape"):
        explain.hide(image, np.ones((9, 9), bool))


def test_the_lung_boxes_hold_the_opacities_of_the_phantoms(phantom_data):
    masks = phantom_masks(phantom_data)[1]
    inside = (masks & explain.region("lungs")).sum() / masks.sum()
    assert inside > 0.9


def phantom_masks(folder):
    from cxrlab.cases import prepare

    cases = prepare(folder).cases
    ill = cases[cases["label"] == 1]
    return ill, explain.opacity_masks(ill, folder)
