"""Other ways in which the same X-ray might have been taken, drawn anew in every pass.

A network that may rely on sharpness, exposure, cropping or position will: these are the cheapest
cues to the source of an image. Strong augmentation makes each of them worthless in training and
leaves what survives them (Zech 2018, 10.1371/journal.pmed.1002683, on such cues).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cxrlab.errors import CXRLabError

if TYPE_CHECKING:
    import tensorflow as tf

AUGMENTATIONS = ("none", "strong")


def check_augmentation(name: str) -> None:
    """Raise :class:`CXRLabError` where there is no augmentation of this name."""
    if name not in AUGMENTATIONS:
        raise CXRLabError(
            f"There is no augmentation {name!r}. Choose one of {', '.join(AUGMENTATIONS)}."
        )


def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A strongly changed copy: float32 (n, size, size, 1) within 0...1, in and out.

    Every image gets draws of its own: position, scale, tilt and side; exposure and contrast;
    sharpness. ``seed``, an integer scalar, decides them all.
    """
    import tensorflow as tf

    def draw(number: int, low: float, high: float) -> tf.Tensor:
        return tf.random.stateless_uniform([tf.shape(images)[0]], [seed, number], low, high)

    return tf.clip_by_value(_blurred(_exposed(_moved(images, draw), draw), draw), 0.0, 1.0)


Draw = Callable[[int, float, float], "tf.Tensor"]


def _each(values: tf.Tensor) -> tf.Tensor:
    """One value an image, shaped to be broadcast over its pixels."""
    return values[:, None, None, None]


def _moved(images: tf.Tensor, draw: Draw) -> tf.Tensor:
    """Tilted by up to 11 degrees, scaled, shifted by up to 8 %, and mirrored or not."""
    import tensorflow as tf

    size = images.shape[1]
    tilt = draw(0, -0.2, 0.2)
    # What is below 1 enlarges the image, and with it cuts off the frame.
    across = draw(1, 0.75, 1.1)
    down = across * draw(2, 0.9, 1.1)
    mirror = tf.where(draw(5, 0.0, 1.0) < 0.5, -1.0, 1.0)
    # Where each pixel of the copy comes from: x = a·x' + b·y' + c, y = d·x' + e·y' + f.
    a, b = tf.cos(tilt) * across * mirror, -tf.sin(tilt) * across
    d, e = tf.sin(tilt) * down * mirror, tf.cos(tilt) * down
    middle = (size - 1) / 2
    c = middle * (1 - a - b) + draw(3, -0.08, 0.08) * size
    f = middle * (1 - d - e) + draw(4, -0.08, 0.08) * size
    zero = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, c, d, e, f, zero, zero], axis=1),
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def _exposed(images: tf.Tensor, draw: Draw) -> tf.Tensor:
    """Another film curve: a gamma of 0.78 to 1.28, then contrast and brightness."""
    import tensorflow as tf

    curved = tf.clip_by_value(images, 0.0, 1.0) ** tf.exp(_each(draw(6, -0.25, 0.25)))
    return (curved - 0.5) * _each(draw(7, 0.8, 1.15)) + 0.5 + _each(draw(8, -0.075, 0.075))


def _blurred(images: tf.Tensor, draw: Draw) -> tf.Tensor:
    """Between the image itself and the same image stored at half its size."""
    import tensorflow as tf

    size = images.shape[1]
    small = tf.image.resize(images, [size // 2, size // 2], antialias=True)
    soft = tf.image.resize(small, [size, size])
    share = _each(draw(9, 0.0, 1.0))
    return images * share + soft * (1 - share)
