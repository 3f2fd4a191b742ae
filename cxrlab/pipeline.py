"""From a table of cases to batches: decode every image once, keep it small, widen it late."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlab.augmentation import augment, check_augmentation
from cxrlab.files import written_beside
from cxrlab.images import IMAGE_SIZE, load_square
from cxrlab.memory import MEMORY_SHARE, is_beyond_memory
from cxrlab.progress import LiveLine
from cxrlab.stored import is_stored, rows_of, store, taken

if TYPE_CHECKING:
    import tensorflow as tf

PORTION = 256  # X-rays


@dataclass(frozen=True)
class Xrays:
    """Decoded X-rays of one part of a split, in the order of its table.

    ``pixels``: uint8, shape (n, 224, 224, 1), 0 black to 255 white; mapped to a file where they
    are more than the memory should hold.
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
        """The patient of each X-ray, shape (n,): what a bootstrap resamples."""
        return self.cases["patient_id"].to_numpy()

    def take(self, positions: np.ndarray) -> Xrays:
        """The X-rays at these positions, in this order; too many for the memory stay on disk."""
        return Xrays(
            taken(self.pixels, positions), self.labels[positions], self.cases.iloc[positions]
        )

    def of(self, cases: pd.DataFrame) -> Xrays:
        """The X-rays of these cases, which have to be among ours, in their order."""
        return self.take(pd.Index(self.cases["image_id"]).get_indexer_for(cases["image_id"]))


def decode(
    cases: pd.DataFrame,
    cache: Path | None = None,
    size: int = IMAGE_SIZE,
    memory_share: float = MEMORY_SHARE,
) -> Xrays:
    """Read every X-ray of ``cases`` once and keep it as one grey channel of bytes.

    A float image of three channels takes twelve times the memory of these bytes, and reading a
    file takes as long as training on it. ``cache`` names a ``.npy`` file that keeps the pixels
    for the next notebook; its owner sees to it that it belongs to these cases.

    Pixels that would take more than ``memory_share`` of the available memory stay on the disk, in
    the cache or else in a temporary file of the workspace, and ``pixels`` is mapped to them:
    they are read when they are asked for. :func:`dataset` gives the same batches either way.

    Raises :class:`cxrlab.images.UnreadableImage` when a file cannot be read, and
    :class:`CXRLabError` where neither memory nor disk holds the pixels.
    """
    labels = cases["label"].to_numpy(dtype=int)
    shape = (len(cases), size, size, 1)
    on_disk = is_beyond_memory(math.prod(shape), memory_share)
    pixels = _cached(cache, shape, on_disk)
    if pixels is not None:
        return Xrays(pixels, labels, cases)
    if on_disk:
        return Xrays(store(shape, _read(cases, size), cache), labels, cases)
    pixels = np.empty(shape, np.uint8)
    for position, image in enumerate(_read(cases, size)):
        pixels[position] = image
    if cache is not None:
        with written_beside(cache) as beside:
            np.save(beside, pixels)
    return Xrays(pixels, labels, cases)


def _read(cases: pd.DataFrame, size: int) -> Iterator[np.ndarray]:
    """Every X-ray of the cases in turn, (size, size, 1), read on all cores."""
    line, paths = LiveLine(), list(cases["path"])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # In portions: the pool would read ahead until the memory is full.
        for start in range(0, len(paths), PORTION):
            portion = paths[start : start + PORTION]
            images = pool.map(lambda path: load_square(path, size), portion)
            for done, image in enumerate(images, start=start + 1):
                yield image[:, :, None]
                line.update(f"Reading X-rays: {done} of {len(paths)}")
    line.close(f"{len(paths)} X-rays read")


def _cached(cache: Path | None, shape: tuple[int, ...], on_disk: bool) -> np.ndarray | None:
    """The pixels in ``cache``, or None where there are none of this shape."""
    if cache is None or not cache.exists():
        return None
    try:
        pixels = np.load(cache, mmap_mode="r" if on_disk else None, allow_pickle=False)
    except (OSError, ValueError):  # damaged: it is only a copy, and is made anew
        return None
    return pixels if pixels.shape == shape and pixels.dtype == np.uint8 else None


def dataset(
    xrays: Xrays,
    batch_size: int = 32,
    shuffle_seed: int | None = None,
    augmentation: str = "none",
    balance_sources: bool = False,
) -> tf.data.Dataset:
    """Batches for Keras: float32 images (batch, 224, 224, 3) within 0...1, and labels (batch, 1).

    With ``shuffle_seed`` each epoch comes in an order of its own, the same in every run.
    ``augmentation`` is one of :data:`cxrlab.augmentation.AUGMENTATIONS`. With ``balance_sources``
    every batch holds as many X-rays of each source, however many there are of it: then no share
    of the labels can be had by telling the sources' sizes. Both are for training only, and need
    a ``shuffle_seed``. The one grey channel is copied to the three that the published network
    expects only here, inside the graph.
    """
    import tensorflow as tf

    check_augmentation(augmentation)
    gather, labels = _gatherer(xrays.pixels), tf.constant(xrays.labels, tf.float32)

    def widen(positions: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        grey = tf.cast(gather(positions), tf.float32) / 255.0
        if augmentation != "none":
            grey = augment(tf.ensure_shape(grey, (None, *xrays.pixels.shape[1:])), seed)
        return tf.repeat(grey, 3, axis=-1), tf.gather(labels, positions)[:, None]

    if balance_sources:
        batches = _in_equal_shares(xrays, batch_size, shuffle_seed)
    else:
        batches = tf.data.Dataset.range(len(xrays))
        if shuffle_seed is not None:
            batches = batches.shuffle(len(xrays), seed=shuffle_seed)
        batches = batches.batch(batch_size)
    seeds = tf.data.Dataset.random(shuffle_seed or 0, rerandomize_each_iteration=True)
    options = tf.data.Options()
    # The autotuner sleeps in doubling steps before the first batch of every epoch: see
    # the epochs of 320 images grow from 4 to 10 seconds with it.
    options.autotune.enabled = False
    return tf.data.Dataset.zip(batches, seeds).map(widen).prefetch(1).with_options(options)


def _gatherer(pixels: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function for the graph: positions (batch,) to pixels, uint8 (batch, height, width, 1)."""
    import tensorflow as tf

    if not is_stored(pixels):
        held = tf.constant(pixels)
        return lambda positions: tf.gather(held, positions)

    def gather(positions: tf.Tensor) -> tf.Tensor:
        batch = tf.numpy_function(
            lambda wanted: rows_of(pixels, wanted), [positions], tf.uint8, stateful=False
        )
        return tf.ensure_shape(batch, (None, *pixels.shape[1:]))

    return gather


def _in_equal_shares(xrays: Xrays, batch_size: int, seed: int | None) -> tf.data.Dataset:
    """Batches of positions with as many of each source; an epoch has as many batches as usual."""
    import tensorflow as tf

    sources = xrays.cases["source"].to_numpy()
    names = np.unique(sources)
    shares = [len(part) for part in np.array_split(np.arange(batch_size), len(names))]
    streams = []
    for number, (name, share) in enumerate(zip(names, shares, strict=True)):
        positions = np.flatnonzero(sources == name)
        shuffled = tf.data.Dataset.from_tensor_slices(positions).shuffle(
            len(positions), seed=(seed or 0) + number
        )
        streams.append(shuffled.repeat().batch(share))
    joined = tf.data.Dataset.zip(*streams).map(lambda *parts: tf.concat(parts, axis=0))
    return joined.take(math.ceil(len(xrays) / batch_size))
