"""From a table of cases to batches: decode every image once, keep it small, widen it late."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
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

AUGMENTATIONS = ("none", "strong")


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
        """The X-rays of these cases, in their order.

        Raises :class:`CXRLabError` where one is not among ours, or a name stands for several.
        """
        names = pd.Index(self.cases["image_id"])
        missing = cases.loc[~cases["image_id"].isin(names).to_numpy(), "image_id"]
        for strange, why in ((missing, "not decoded"), (names[names.duplicated()], "named alike")):
            if len(strange):
                raise CXRLabError(
                    f"{len(strange)} X-rays are {why}, such as {list(strange)[0]}. Decode a table "
                    "that holds all of them, each once."
                )
        return self.take(names.get_indexer(cases["image_id"]))


def decode(cases: pd.DataFrame, size: int = IMAGE_SIZE) -> Xrays:
    """Read every X-ray of ``cases`` once, on all cores, and keep it as one grey channel of bytes.

    A float image of three channels takes twelve times the memory of these bytes, and reading a
    file takes as long as training on it. A file that cannot be read is named and left out.
    Raises :class:`CXRLabError` where no file can be read. Example: ``decode(split.test).pixels``.
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


def batches(
    xrays: Xrays,
    batch_size: int = 32,
    shuffle_seed: int | None = None,
    augmentation: str = "none",
    balance_sources: bool = False,
) -> tf.data.Dataset:
    """Batches for Keras: float32 images (batch, 224, 224, 3) within 0...1, and labels (batch, 1).

    With ``shuffle_seed`` each epoch comes in an order of its own, the same in every run. For
    training only, and with a seed: ``augmentation`` is one of ``AUGMENTATIONS``; with
    ``balance_sources`` every batch holds as many X-rays of each source, however many there are, so
    that nothing is learned from the sources' sizes. The one grey channel is copied to the three
    that the published network expects only here. Raises :class:`CXRLabError` for an unknown
    augmentation. Example: ``training.batches(xrays.training, 32, shuffle_seed=0)``.
    """
    import tensorflow as tf

    if augmentation not in AUGMENTATIONS:
        raise CXRLabError(
            f"There is no augmentation {augmentation!r}. Choose one of {', '.join(AUGMENTATIONS)}."
        )
    pixels, labels = tf.constant(xrays.pixels), tf.constant(xrays.labels, tf.float32)

    def widen(positions: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        grey = tf.cast(tf.gather(pixels, positions), tf.float32) / 255.0
        if augmentation != "none":
            grey = augment(tf.ensure_shape(grey, (None, *xrays.pixels.shape[1:])), seed)
        return tf.repeat(grey, 3, axis=-1), tf.gather(labels, positions)[:, None]

    if balance_sources:
        drawn = _in_equal_shares(xrays, batch_size, shuffle_seed or 0)
    else:
        drawn = tf.data.Dataset.range(len(xrays))
        if shuffle_seed is not None:
            drawn = drawn.shuffle(len(xrays), seed=shuffle_seed)
        drawn = drawn.batch(batch_size)
    seeds = tf.data.Dataset.random(shuffle_seed or 0, rerandomize_each_iteration=True)
    options = tf.data.Options()
    # The autotuner sleeps in doubling steps before the first batch of every epoch: with it the
    # epochs of 320 images grow from 4 to 10 seconds.
    options.autotune.enabled = False
    return tf.data.Dataset.zip(drawn, seeds).map(widen).prefetch(1).with_options(options)


def _in_equal_shares(xrays: Xrays, batch_size: int, seed: int) -> tf.data.Dataset:
    """Batches of positions with as many of each source; an epoch has as many batches as usual."""
    import tensorflow as tf

    sources = xrays.cases["source"].to_numpy()
    names = np.unique(sources)
    shares = [len(part) for part in np.array_split(np.arange(batch_size), len(names))]
    streams = []
    for number, (name, share) in enumerate(zip(names, shares, strict=True)):
        ours = np.flatnonzero(sources == name)
        shuffled = tf.data.Dataset.from_tensor_slices(ours).shuffle(len(ours), seed=seed + number)
        streams.append(shuffled.repeat().batch(share))
    joined = tf.data.Dataset.zip(*streams).map(lambda *parts: tf.concat(parts, axis=0))
    return joined.take(math.ceil(len(xrays) / batch_size))


def augment(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """The X-rays as they might have been taken otherwise: float32 (n, size, size, 1), 0...1.

    Position, scale, tilt, side, exposure, contrast and sharpness are drawn for every image;
    ``seed``, an integer scalar, decides them all. A network that may rely on these will, because
    they are the cheapest cues to the source of an image (Zech 2018, 10.1371/journal.pmed.1002683).
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
