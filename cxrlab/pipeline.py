"""From a table of cases to batches: decode every image once, keep it small, widen it late."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.images import IMAGE_SIZE, UnreadableImage, load_square

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Xrays:
    """Decoded X-rays of one part of a split, in the order of its table.

    ``pixels``: uint8, shape (n, 224, 224, 1), 0 black to 255 white.
    ``labels``: int, shape (n,), 1 for COVID-19 and 0 for not.
    ``cases``: the catalog rows they come from, n rows.
    """

    pixels: np.ndarray
    labels: np.ndarray
    cases: pd.DataFrame

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def patients(self) -> np.ndarray:
        """The patient of each X-ray, shape (n,): what an interval counts."""
        return self.cases["patient_id"].to_numpy()

    def take(self, positions: np.ndarray) -> Xrays:
        """The X-rays at these positions. Example: ``xrays.training.take(np.arange(8))``."""
        return Xrays(self.pixels[positions], self.labels[positions], self.cases.iloc[positions])

    def of(self, cases: pd.DataFrame) -> Xrays:
        """These cases' X-rays. Raises :class:`CXRLabError` where one is not ours, or two are."""
        names, wanted = pd.Index(self.cases["image_id"]), pd.Index(cases["image_id"])
        if strange := [*wanted.difference(names), *names[names.duplicated()]]:
            raise CXRLabError(
                f"{len(strange)} X-rays are not decoded or named alike, such as {strange[0]}. "
                "Decode a table that holds all of them, each once."
            )
        return self.take(names.get_indexer(wanted))


def decode(cases: pd.DataFrame, size: int = IMAGE_SIZE) -> Xrays:
    """Read every X-ray of ``cases`` once, on all cores, and keep it as one grey channel of bytes.

    Float images of three channels take twelve times the memory, and reading a file takes as long
    as training on it. A file that cannot be read is named and left out. Raises
    :class:`CXRLabError` where none can be read. Example: ``decode(split.test).pixels``.
    """
    pixels, problems = read_squares(cases["path"], size)
    named = [f"{path}: {why}" for path, why in zip(cases["path"], problems, strict=True) if why]
    if named and not len(pixels):
        raise CXRLabError(f"None of {len(cases)} X-rays can be read. The first: {named[0]}.")
    if named:
        print(f"{len(named)} of {len(cases)} X-rays cannot be read and are left out.")
        print(*named[:3], sep="\n")
        cases = cases[[why is None for why in problems]]
    return Xrays(pixels, cases["label"].to_numpy(dtype=int), cases)


def read_squares(
    paths: Iterable[str | Path], size: int = IMAGE_SIZE
) -> tuple[np.ndarray, list[str | None]]:
    """The readable images, uint8 (n, size, size, 1), and for every path why it is none, or None."""

    def read(path: str | Path) -> np.ndarray | str:
        try:
            return load_square(path, size)
        except UnreadableImage as error:
            return error.reason

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(read, paths))
    images = [image for image in found if not isinstance(image, str)]
    pixels = np.array(images, np.uint8).reshape(len(images), size, size, 1)
    return pixels, [why if isinstance(why, str) else None for why in found]


def batches(xrays: Xrays, batch_size: int = 32, shuffle_seed: int | None = None) -> tf.data.Dataset:
    """Batches for Keras: float32 images (batch, 224, 224, 3) within 0...1, and labels (batch, 1).

    With ``shuffle_seed`` each epoch comes in an order of its own, the same in every run.
    Example: ``training.batches(xrays.training, 32, shuffle_seed=0)``.
    """
    import tensorflow as tf

    pixels, labels = tf.constant(xrays.pixels), tf.constant(xrays.labels, tf.float32)

    def widen(positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        grey = tf.cast(tf.gather(pixels, positions), tf.float32) / 255.0
        return tf.repeat(grey, 3, axis=-1), tf.gather(labels, positions)[:, None]

    drawn = tf.data.Dataset.range(len(xrays))
    if shuffle_seed is not None:
        drawn = drawn.shuffle(len(xrays), seed=shuffle_seed)
    return drawn.batch(batch_size).map(widen).prefetch(1).with_options(_steady())


def drawn_batches(
    xrays: Xrays, shares: Mapping[str, int], steps: int, seed: int, changes: Sequence[Callable] = ()
) -> tf.data.Dataset:
    """``steps`` batches as of :func:`batches`, each with so many X-rays of every group.

    ``shares``: how many of each ``who`` (a column of the cases); several sources of a group give
    equally many. ``changes``, such as :func:`augment`, change an X-ray anew whenever it is drawn.
    """
    import tensorflow as tf

    pixels, labels = tf.constant(xrays.pixels), tf.constant(xrays.labels, tf.float32)
    who, source = (xrays.cases[name].to_numpy() for name in ("who", "source"))
    streams = []
    for group, places in shares.items():
        names = np.unique(source[who == group])
        for name, share in zip(names, np.array_split(np.arange(places), len(names)), strict=True):
            ours = np.flatnonzero((who == group) & (source == name))
            order = tf.data.Dataset.from_tensor_slices(ours)
            order = order.shuffle(len(ours), seed=seed + len(streams))
            streams.append(order.repeat().batch(len(share)))

    def made(number: tf.Tensor, parts: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, tf.Tensor]:
        positions = tf.concat(parts, axis=0)
        grey = tf.cast(tf.gather(pixels, positions), tf.float32) / 255.0
        grey = tf.ensure_shape(grey, (None, *xrays.pixels.shape[1:]))
        for change in changes:
            grey = change(grey, tf.cast(number, tf.int32) + 100_003 * seed)
        return tf.repeat(grey, 3, axis=-1), tf.gather(labels, positions)[:, None]

    together = tf.data.Dataset.zip(*streams).take(steps).enumerate()
    return together.map(made).prefetch(2).with_options(_steady())


def _steady() -> tf.data.Options:
    """Without the autotuner, which sleeps before every epoch: of 320 images 4 become 10 seconds."""
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """The X-rays as they might have been taken otherwise: float32 (n, size, size, 1), 0...1.

    Position, scale, tilt, side, exposure, contrast and sharpness, the cheapest cues to the source
    of an image (Zech 2018, 10.1371/journal.pmed.1002683), are drawn for every image from ``seed``,
    an integer scalar.
    """
    import tensorflow as tf

    def draw(number: int, low: float, high: float) -> tf.Tensor:
        return tf.random.stateless_uniform([tf.shape(images)[0]], [seed, number], low, high)

    def draw_grey(number: int, low: float, high: float) -> tf.Tensor:
        return draw(number, low, high)[:, None, None, None]  # one for all pixels of an image

    moved = tf.clip_by_value(_moved(images, draw), 0.0, 1.0)
    # Another film curve: a gamma of 0.78 to 1.28, then contrast and brightness.
    curved = moved ** tf.exp(draw_grey(6, -0.25, 0.25))
    exposed = (curved - 0.5) * draw_grey(7, 0.8, 1.15) + 0.5 + draw_grey(8, -0.075, 0.075)
    # Between the image itself and the same image stored at half its size.
    size = images.shape[1]
    small = tf.image.resize(exposed, [size // 2, size // 2], antialias=True)
    soft = tf.image.resize(small, [size, size])
    sharp = draw_grey(9, 0.0, 1.0)
    return tf.clip_by_value(exposed * sharp + soft * (1 - sharp), 0.0, 1.0)


def acquire(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """The X-rays as another hospital might have stored them; arguments as for :func:`augment`.

    Another film curve, the sharpness of 96 pixels for four in ten, a smaller range of greys, noise.
    """
    import tensorflow as tf

    def draw(number: int, low: float, high: float) -> tf.Tensor:
        shape = [tf.shape(images)[0], 1, 1, 1]
        return tf.random.stateless_uniform(shape, [seed, number], low, high)

    size = images.shape[1]
    images = images ** tf.exp(draw(20, -0.5, 0.5))
    small = tf.image.resize(tf.image.resize(images, [96, 96], antialias=True), [size, size])
    soft = tf.where(draw(21, 0.0, 1.0) < 0.4, draw(22, 0.0, 1.0), 0.0)
    images = images * (1 - soft) + small * soft
    black, white = draw(23, 0.0, 0.2), draw(24, 0.8, 1.0)
    noise = tf.random.stateless_normal(tf.shape(images), [seed, 25]) * draw(26, 0.0, 0.05)
    return tf.clip_by_value(black + images * (white - black) + noise, 0.0, 1.0)


def _moved(images: tf.Tensor, draw: Callable[[int, float, float], tf.Tensor]) -> tf.Tensor:
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
