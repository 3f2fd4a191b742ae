"""A sanity check of maps: a map that stays the same for random weights explains no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.resampling import mean_estimate
from cxrlab.explain.gradcam import grad_cam
from cxrlab.explain.network import as_stack, inner_layers
from cxrlab.model import float32_copy

if TYPE_CHECKING:
    import keras

TRAINED = "trained"
ALIKE = 0.5  # a mean rank correlation from which we call maps alike; ours, not a standard


@dataclass(frozen=True)
class Cascade:
    """What became of the maps while the weights were made random, from the last layer down.

    ``table``, one row a step, the first for the trained network: ``layer`` (made random in this
    step, with all above it), ``spearman`` (rank correlation with the trained network's map, mean
    over X-rays, -1...1) with ``low`` and ``high`` (95 %, over patients), ``ssim`` (structural
    similarity, mean, 1 for equal maps), ``compared`` (pairs of maps of which none is empty) and
    ``of`` (all pairs).
    ``maps``: those of the first X-ray, shape (steps, height, width), for a figure.
    """

    table: pd.DataFrame
    maps: np.ndarray

    @property
    def most_alike(self) -> pd.Series | None:
        """The step after which the maps are still most like the trained ones; None if all vanish.

        Every step counts: with its last layer random a network knows nothing of COVID-19 any
        more, whatever the layers below still see, and a map of its evidence should be another.
        """
        random = self.table.iloc[1:]
        compared = random[random["spearman"].notna()]
        return None if compared.empty else compared.loc[compared["spearman"].idxmax()]

    @property
    def passed(self) -> bool | None:
        """Whether the maps change with the weights at every step; None where nothing is left."""
        worst = self.most_alike
        return None if worst is None else bool(worst["spearman"] < ALIKE)

    @property
    def verdict(self) -> str:
        """The result in plain words."""
        worst = self.most_alike
        if worst is None:
            return "With random weights every map is empty: there is nothing to compare."
        interval = ""
        if pd.notna(worst["low"]):
            interval = f" (95 % interval {worst['low']:.2f} to {worst['high']:.2f})"
        found = (
            f"The maps stay most alike when everything from {worst['layer']} up is random: their "
            f"rank correlation with the trained network's is {worst['spearman']:.2f}{interval}."
        )
        if self.passed:
            return f"Passed: the map depends on what the network has learned. {found}"
        return f"Not passed: much of the map is there without what the network learned. {found}"


def cascade(
    model: keras.Model,
    pixels: np.ndarray,
    patients: ArrayLike | None = None,
    method: Callable[[keras.Model, np.ndarray], np.ndarray] = grad_cam,
    draws: int = 3,
    steps: int = 6,
    resamples: int = 1000,
    seed: int = 0,
) -> Cascade:
    """Cascading randomisation (Adebayo et al. 2018, arXiv 1810.03292).

    The weights are drawn anew from the last layer down to the first, and after each step the maps
    are compared with those of the trained network, ``draws`` times over.

    ``pixels``: uint8, shape (n, height, width, 1); a dozen X-rays are plenty. ``patients``: of
    each, shape (n,). ``method``: takes a model and the X-rays, gives maps (n, height, width).
    ``steps``: at the most so many are compared; a deeper network is randomised several layers
    at a time. Raises :class:`CXRLabError` for a model without weights, and as ``method`` does.
    """
    stack, _ = as_stack(model, pixels)
    named = [layer.name for layer in inner_layers(model) if layer.weights][::-1]
    if not named:
        raise CXRLabError(f"{model.name} has no weights to randomise. Give a trained network.")
    # The places in the cascade at which to look, spread evenly, the last one always among them.
    looks = np.unique(np.linspace(0, len(named), min(steps, len(named)) + 1).round().astype(int))
    before = method(model, stack)
    ranks = np.full((draws, len(looks), len(stack)), np.nan)
    likeness = ranks.copy()
    shown = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        copy = float32_copy(model)
        upwards = [layer for layer in inner_layers(copy) if layer.weights][::-1]
        for step, look in enumerate(looks):
            for layer in upwards[looks[step - 1] if step else 0 : look]:
                layer.set_weights(_random_weights(layer, rng))
            maps = method(copy, stack) if look else before
            ranks[draw, step] = [rank_correlation(*pair) for pair in zip(before, maps, strict=True)]
            likeness[draw, step] = [similarity(*pair) for pair in zip(before, maps, strict=True)]
            if draw == 0:
                shown.append(maps[0])
    layers = [TRAINED, *(named[look - 1] for look in looks[1:])]
    rows = [
        _row(layer, ranks[:, step], likeness[:, step], patients, resamples, seed)
        for step, layer in enumerate(layers)
    ]
    return Cascade(pd.DataFrame(rows), np.stack(shown))


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of two maps (height, width), -1...1; NaN where one is flat.

    Every fourth row and column is enough, as maps are stretched from far fewer cells.
    """
    step = 4 if min(one.shape) >= 64 else 1
    ranks = [rankdata(values[::step, ::step]) for values in (one, other)]
    centred = [values - values.mean() for values in ranks]
    spread = np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum())
    return float((centred[0] * centred[1]).sum() / spread) if spread > 0 else np.nan


def similarity(one: np.ndarray, other: np.ndarray, sigma: float = 1.5) -> float:
    """SSIM of two maps within 0...1 (Wang et al. 2004, 10.1109/TIP.2003.819861); NaN where one is
    flat.

    Gaussian windows of ``sigma`` pixels; 1 for equal maps, about 0 for unrelated ones.
    """
    one, other = np.asarray(one, float), np.asarray(other, float)
    if not (np.ptp(one) > 0 and np.ptp(other) > 0):
        return np.nan

    def blur(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, sigma, truncate=3.5)

    mean_one, mean_other = blur(one), blur(other)
    variances = blur(one**2) - mean_one**2 + blur(other**2) - mean_other**2
    covariance = blur(one * other) - mean_one * mean_other
    means = mean_one**2 + mean_other**2
    first, second = 0.01**2, 0.03**2  # Wang's constants, for values within 0...1
    found = (2 * mean_one * mean_other + first) * (2 * covariance + second)
    return float((found / ((means + first) * (variances + second))).mean())


def _random_weights(layer: keras.Layer, rng: np.random.Generator) -> list[np.ndarray]:
    """Weights as before any training: kernels as Glorot and Bengio (2010) draw them, the rest flat.

    Not the layer's own initialiser: that would draw from the global random state.
    """
    import keras

    fresh = []
    for variable in layer.weights:
        shape = tuple(variable.shape)
        if len(shape) >= 2:
            field = int(np.prod(shape[:-2]))
            # A depthwise convolution reads one map at a time, however many there are. Counted as
            # others are, its outputs shrink so much that a deep network's maps sink to 0.
            read = 1 if isinstance(layer, keras.layers.DepthwiseConv2D) else shape[-2]
            limit = np.sqrt(6 / (field * (read + shape[-1])))
            fresh.append(rng.uniform(-limit, limit, shape).astype(np.float32))
        elif variable.name in ("gamma", "moving_variance"):
            fresh.append(np.ones(shape, np.float32))
        else:
            fresh.append(np.zeros(shape, np.float32))
    return fresh


def _row(
    layer: str,
    ranks: np.ndarray,
    likeness: np.ndarray,
    patients: ArrayLike | None,
    resamples: int,
    seed: int,
) -> dict:
    """One step of the table, from values of shape (draws, X-rays)."""
    defined = ~np.isnan(ranks)
    counted = defined.sum(axis=0)
    # Draws are averaged first: the interval is to speak of other patients.
    each = np.divide(
        np.where(defined, ranks, 0).sum(axis=0),
        counted,
        out=np.full(counted.shape, np.nan),
        where=counted > 0,
    )
    mean = mean_estimate(each, patients, resamples, seed)
    similar = likeness[~np.isnan(likeness)]
    return {
        "layer": layer,
        "spearman": mean.value,
        "low": mean.low,
        "high": mean.high,
        "ssim": float(similar.mean()) if similar.size else None,
        "compared": int(defined.sum()),
        "of": ranks.size,
    }
