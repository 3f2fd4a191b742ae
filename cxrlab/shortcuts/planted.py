"""A planted shortcut: a lead letter on the films of one class, and what the network makes of it.

A letter R on every film of one hospital told Zech et al. (2018, 10.1371/journal.pmed.1002683) and
DeGrave et al. (2021, 10.1038/s42256-021-00338-7) that a network may read the film instead of the
patient. Here we put the letter there ourselves, so that we know the answer beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlab.budgets import Budget
from cxrlab.errors import CXRLabError
from cxrlab.evaluation import choose_threshold, evaluate
from cxrlab.explain import scores_now
from cxrlab.pipeline import Xrays
from cxrlab.training import predict, train

if TYPE_CHECKING:
    import keras

# The marker's upper left corner: shares of height and width. The patient's right is on the
# reader's left, and that is where an R belongs.
AT = (0.05, 0.08)
SIZE = 0.1  # the marker's height, as a share of the image's
LEAD = 255  # lead lets no X-ray through, and what no X-ray reaches stays white

# Seven rows of five, so that the letter is the same on every machine, whatever its fonts.
LETTER = np.array(
    [[pixel == "#" for pixel in row] for row in
     ("####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#")]
)  # fmt: skip

#: What the network is shown, in the order of ``Planted.table``.
SHOWN = (
    "marker on COVID-19, as trained",
    "no marker",
    "marker moved to another corner",
    "marker on the healthy",
)


@dataclass(frozen=True)
class Planted:
    """A network that was trained on a planted marker, and how it scores with the marker elsewhere.

    ``threshold``: the highest F1 on validation X-rays marked as in training, then frozen.
    ``table``: one row for each of ``SHOWN``, all of the same test X-rays: ``shown``, ``auc`` with
    ``low`` and ``high``, ``recall`` and ``specificity`` at the frozen threshold, each with its
    ``_low`` and ``_high`` (95 %, bootstrap over patients; NaN where undefined).
    ``test``: the test X-rays marked as in training. ``plain``: the same without a marker.
    ``marked``: which of them bear it, bool, shape (n,). ``at``, ``size``: where and how large.
    """

    model: keras.Model
    threshold: float
    table: pd.DataFrame
    test: Xrays
    plain: Xrays
    marked: np.ndarray
    at: tuple[float, float]
    size: float


def plant_marker(
    pixels: np.ndarray, at: tuple[float, float] = AT, size: float = SIZE
) -> np.ndarray:
    """A copy of the X-rays with a white letter R, as lead leaves it.

    ``pixels``: uint8, shape (height, width), (height, width, 1) or (n, height, width, 1).
    ``at``: the letter's upper left corner as shares of height and width, each from 0 to 1; the
    letter is pushed back inside where it would stick out. ``size``: its height as a share of the
    image's, above 0 and at most 0.5; it is 5/7 as wide.
    Raises :class:`CXRLabError` for other places, sizes or pixels.
    """
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3, 4):
        raise CXRLabError(
            f"Got pixels of type {pixels.dtype} and shape {pixels.shape}, but expected uint8 of "
            "shape (height, width) or (n, height, width, 1), as decode() gives."
        )
    single = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[-1] == 1)
    marked = pixels.copy()
    images = marked.reshape(-1, *(pixels.shape[:2] if single else pixels.shape[1:3]))
    images[:, marker_mask(images.shape[1:], at, size)] = LEAD
    return marked


def marker_mask(
    shape: tuple[int, int], at: tuple[float, float] = AT, size: float = SIZE
) -> np.ndarray:
    """The pixels that the letter of :func:`plant_marker` covers: bool, ``shape``."""
    if not (min(at) >= 0 and max(at) <= 1 and 0 < size <= 0.5):
        raise CXRLabError(
            f"A marker of size {size} at {at} does not fit. Give two shares from 0 to 1 for its "
            "upper left corner, and a size above 0 and at most 0.5."
        )
    tall = max(len(LETTER), round(size * shape[0]))
    wide = max(LETTER.shape[1], round(tall * LETTER.shape[1] / LETTER.shape[0]))
    rows = np.arange(tall) * len(LETTER) // tall
    columns = np.arange(wide) * LETTER.shape[1] // wide
    letter = LETTER[np.ix_(rows, columns)]
    if tall > shape[0] or wide > shape[1]:
        raise CXRLabError(f"A letter of {tall} × {wide} pixels does not fit on {shape}.")
    top = min(round(at[0] * shape[0]), shape[0] - tall)
    left = min(round(at[1] * shape[1]), shape[1] - wide)
    mask = np.zeros(shape, bool)
    mask[top : top + tall, left : left + wide] = letter
    return mask


def marked_xrays(
    xrays: Xrays, which: np.ndarray, at: tuple[float, float] = AT, size: float = SIZE
) -> Xrays:
    """The X-rays, those of ``which`` (bool, shape (n,)) with the marker."""
    pixels = xrays.pixels.copy()
    pixels[which] = plant_marker(pixels[which], at, size)
    return replace(xrays, pixels=pixels)


def some_positives(labels: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """A ``share`` (0...1) of the positives, drawn by lot: bool, shape (n,)."""
    if not 0 <= share <= 1:
        raise CXRLabError(f"The share is {share}. Choose a number from 0 to 1.")
    positives = np.flatnonzero(labels == 1)
    drawn = np.random.default_rng(seed).permutation(positives)[: round(share * len(positives))]
    return np.isin(np.arange(len(labels)), drawn)


def another_corner(at: tuple[float, float], size: float = SIZE) -> tuple[float, float]:
    """The place as far from the bottom as ``at`` is from the top, or the other way round.

    It lies on the same side of the patient: on a real film the letter could stand there as well.
    """
    return max(0.0, 1 - at[0] - size), at[1]


def planted_shortcut(
    training: Xrays,
    validation: Xrays,
    test: Xrays,
    budget: Budget,
    share: float = 1.0,
    at: tuple[float, float] = AT,
    seed: int = 0,
    size: float = SIZE,
) -> Planted:
    """Train the published network on films whose positives bear a marker; then move the marker.

    ``share`` is the dial: of the positives of each part, how many get the marker (0: none, a
    control). The healthy never do, but in the last row of the table.
    """
    parts = training, validation, test
    draws = [
        some_positives(part.labels, share, seed * 3 + number) for number, part in enumerate(parts)
    ]
    trained_on, chosen_on, shown = (
        marked_xrays(part, drawn, at, size) for part, drawn in zip(parts, draws, strict=True)
    )
    model = train(trained_on, chosen_on, budget, seed).model
    threshold = choose_threshold(chosen_on.labels, predict(model, chosen_on), rule="f1")
    marked = draws[-1]
    variants = (
        shown,
        test,
        marked_xrays(test, marked, another_corner(at, size), size),
        marked_xrays(test, test.labels == 0, at, size),
    )
    rows = [
        _row(name, model, xrays, threshold, budget.resamples, seed)
        for name, xrays in zip(SHOWN, variants, strict=True)
    ]
    table = pd.DataFrame(rows)
    table = table.astype(dict.fromkeys(table.columns.drop("shown"), float))
    return Planted(model, threshold, table, shown, test, marked, at, size)


def marker_scores(
    planted: Planted, xray: np.ndarray, rows: int = 6, columns: int = 6
) -> np.ndarray:
    """The score of one X-ray with the marker at each place of a grid: float64 (rows, columns).

    ``xray``: uint8, shape (height, width) or (height, width, 1), without a marker of its own. The
    grid's corners are the marker's place in training and the three that mirror it.
    """
    down, across = planted.at
    width = planted.size * LETTER.shape[1] / LETTER.shape[0]
    top, bottom = sorted((down, max(0.0, 1 - down - planted.size)))
    left, right = sorted((across, max(0.0, 1 - across - width)))
    places = [(down, across) for down in np.linspace(top, bottom, rows)
              for across in np.linspace(left, right, columns)]  # fmt: skip
    xray = np.asarray(xray).reshape(*np.asarray(xray).shape[:2], 1)
    marked = np.stack([plant_marker(xray, place, planted.size) for place in places])
    return scores_now(planted.model, marked).reshape(rows, columns)


def _row(
    name: str, model: keras.Model, xrays: Xrays, threshold: float, resamples: int, seed: int
) -> dict:
    """A row of ``Planted.table``."""
    scores = predict(model, xrays)
    report = evaluate(xrays.labels, scores, threshold, xrays.patients, resamples, seed)
    auc = report["roc_auc"]
    row = {"shown": name, "auc": auc.value, "low": auc.low, "high": auc.high}
    for metric in ("recall", "specificity"):
        found = report[metric]
        row |= {metric: found.value, f"{metric}_low": found.low, f"{metric}_high": found.high}
    return row
