"""Does a map point at the disease? Scored against masks of simulated opacities."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.ndimage import binary_dilation

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.intervals import Estimate
from cxrlab.evaluation.resampling import mean_estimate
from cxrlab.images import IMAGE_SIZE, read_image, to_square

#: Maps that look at no X-ray at all, as :func:`baseline_maps` calls them.
BASELINES = ("anywhere", "middle of the image", "usual place")

MEASURES = ("pointing game", "energy inside")


def opacity_masks(cases: pd.DataFrame, data: str | Path, size: int = IMAGE_SIZE) -> np.ndarray:
    """Where the opacities of these phantoms are: bool, shape (n, size, size), True inside.

    ``cases``: catalog rows of simulated COVID-19 X-rays. ``data``: the folder of phantoms, which
    holds ``masks/``, one PNG an X-ray under its own name.
    Raises :class:`CXRLabError` where there are no masks (real X-rays have none) or not for a case.
    """
    folder = Path(data) / "masks"
    if not folder.is_dir():
        raise CXRLabError(
            f"{data} has no folder masks: only simulated X-rays know where their opacities are. "
            "Take phantoms (leave CXRLAB_DATA unset)."
        )
    files = [folder / f"{Path(path).stem}.png" for path in cases["path"]]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise CXRLabError(
            f"{len(missing)} of {len(files)} cases have no mask, the first {missing[0]}. "
            "Keep the COVID-19 cases only: cases[cases['label'] == 1]."
        )
    return np.stack([to_square(read_image(file), size) >= 128 for file in files])


def pointing_hits(maps: np.ndarray, masks: np.ndarray, tolerance: int = 0) -> np.ndarray:
    """The pointing game (Zhang et al. 2018, 10.1007/s11263-017-1059-x), a number an X-ray.

    1 where a map's largest value lies in the mask or within ``tolerance`` pixels of it (Zhang
    allows 15, on photographs twice as large), 0 where not, NaN where the map is empty or the mask
    is. Of several equally large values the share that hits counts.
    ``maps``: shape (n, height, width). ``masks``: bool, the same shape. Returns float (n,).
    """
    maps, masks = _checked(maps, masks)
    if tolerance:
        rows, columns = np.ogrid[-tolerance : tolerance + 1, -tolerance : tolerance + 1]
        disc = rows**2 + columns**2 <= tolerance**2
        masks = np.stack([binary_dilation(mask, disc) for mask in masks])
    tops = (maps == maps.max(axis=(1, 2), keepdims=True)) & (maps > 0)
    return _ratios((tops & masks).sum(axis=(1, 2)), tops.sum(axis=(1, 2)), masks)


def energy_inside(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The share of a map's positive values that lies in the mask, within 0...1, one an X-ray.

    The energy-based pointing game (Wang et al. 2020, 10.1109/CVPRW50498.2020.00020). Negative
    values (evidence against) are left out. NaN where the map is empty or the mask is.
    Shapes as in :func:`pointing_hits`.
    """
    maps, masks = _checked(maps, masks)
    positive = np.maximum(maps, 0)
    return _ratios((positive * masks).sum(axis=(1, 2)), positive.sum(axis=(1, 2)), masks)


def baseline_maps(masks: np.ndarray, patients: ArrayLike | None = None) -> dict[str, np.ndarray]:
    """What a map must beat: three that never look at the X-ray, each shape (n, height, width).

    ``anywhere`` is the same everywhere: both measures then give what a random map gives on average,
    the mask's share of the image. ``middle of the image`` is a bell whose standard deviation is a
    quarter of each side. ``usual place`` is the mean mask of all *other* patients: whoever knows
    where opacities mostly are needs no network to score that well.
    """
    masks = np.asarray(masks, bool)
    n, height, width = masks.shape
    down = np.exp(-(np.linspace(-2, 2, height) ** 2) / 2)
    across = np.exp(-(np.linspace(-2, 2, width) ** 2) / 2)
    who = np.arange(n) if patients is None else np.asarray(patients)
    usual = np.zeros(masks.shape)
    for patient in pd.unique(pd.Series(who)):
        others = masks[who != patient]
        usual[who == patient] = others.mean(axis=0) if len(others) else 0
    middle = np.broadcast_to(np.outer(down, across), masks.shape)
    return dict(zip(BASELINES, (np.ones(masks.shape), middle, usual), strict=True))


def score_maps(
    maps: Mapping[str, np.ndarray],
    masks: np.ndarray,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
    tolerance: int = 0,
) -> pd.DataFrame:
    """Every kind of map and every baseline on both measures, with 95 % intervals over patients.

    ``maps``: name to maps of shape (n, height, width). One row a map and measure: ``map``,
    ``measure``, ``value`` (within 0...1), ``low``, ``high``, ``scored`` (X-rays whose map is not
    empty: an empty one points nowhere and is in no mean), ``of`` (all X-rays), ``baseline``.
    """
    every = {**maps, **baseline_maps(masks, patients)}
    rows = []
    for measure in MEASURES:
        for name, found in every.items():
            values = _measured(measure, found, masks, tolerance)
            mean = mean_estimate(values, patients, resamples, seed, share=_is_share(values))
            rows.append(
                {
                    "map": name,
                    "measure": measure,
                    "value": mean.value,
                    "low": mean.low,
                    "high": mean.high,
                    "scored": int((~np.isnan(values)).sum()),
                    "of": len(values),
                    "baseline": name in BASELINES,
                }
            )
    return pd.DataFrame(rows)


def map_lead(
    maps: np.ndarray,
    rival: np.ndarray,
    masks: np.ndarray,
    measure: str = "energy inside",
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """By how much ``maps`` score better than ``rival`` on the same X-rays, with its interval.

    Only X-rays for which both are defined count. Raises :class:`CXRLabError` for a measure other
    than ``pointing game`` and ``energy inside``.
    """
    ahead = _measured(measure, maps, masks) - _measured(measure, rival, masks)
    return mean_estimate(ahead, patients, resamples, seed)


def _measured(measure: str, maps: np.ndarray, masks: np.ndarray, tolerance: int = 0) -> np.ndarray:
    if measure not in MEASURES:
        raise CXRLabError(f"There is no measure {measure!r}. Choose one of {', '.join(MEASURES)}.")
    if measure == "energy inside":
        return energy_inside(maps, masks)
    return pointing_hits(maps, masks, tolerance)


def _is_share(values: np.ndarray) -> bool:
    """Whether the values are hits and misses only, so that their mean is a share of successes."""
    return bool(np.isin(values[~np.isnan(values)], [0, 1]).all())


def _checked(maps: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    maps, masks = np.asarray(maps, float), np.asarray(masks, bool)
    if maps.ndim != 3 or maps.shape != masks.shape:
        raise CXRLabError(
            f"Maps of shape {maps.shape} do not fit masks of shape {masks.shape}. "
            "Give both as (X-rays, height, width)."
        )
    return maps, masks


def _ratios(part: np.ndarray, whole: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Element by element ``part / whole``, NaN where the map or the mask is empty."""
    wanted = (whole > 0) & masks.any(axis=(1, 2))
    return np.divide(part, whole, out=np.full(len(masks), np.nan), where=wanted)
