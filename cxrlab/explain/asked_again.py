"""A trained network asked again: how it scores X-rays with a part hidden, and with another part.

The network is not trained anew, so this asks what *this* network uses; the probes of
:mod:`cxrlab.shortcuts` ask what could be used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.ndimage import distance_transform_edt

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import evaluate
from cxrlab.explain.regions import hide, region
from cxrlab.pipeline import Xrays
from cxrlab.training import predict

if TYPE_CHECKING:
    import keras


def far_from(mask: np.ndarray) -> np.ndarray:
    """As many pixels as ``mask`` has, as far away from it as can be: bool, the same shape.

    For the frame that is a square in the middle. A mask of more than half of the image, as the
    boxes of the lungs are, leaves too little: then everything beside it is taken.
    Raises :class:`CXRLabError` for a mask that is empty or takes the whole image.
    """
    mask = np.asarray(mask, bool)
    if mask.all() or not mask.any():
        raise CXRLabError(
            f"The mask holds {mask.sum()} of {mask.size} pixels. Take one that hides something "
            "and leaves something."
        )
    wanted = min(mask.sum(), mask.size - mask.sum())
    apart = distance_transform_edt(~mask)
    other = np.zeros(mask.size, bool)
    other[np.argsort(-apart, axis=None, kind="stable")[:wanted]] = True
    return other.reshape(mask.shape)


def ask_again(
    model: keras.Model,
    xrays: Xrays,
    threshold: float,
    regions: Sequence[str] = ("frame", "corners", "lungs"),
    width: float = 0.1,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """The network's scores with nothing hidden, each region hidden, and as much elsewhere.

    ``regions`` are names of ``explain.REGIONS``, ``width`` as there. Columns: ``shown`` (the
    region, or ``nothing hidden``), ``hidden`` (``here`` or ``elsewhere``: :func:`far_from` the
    region), ``share`` of the image that is hidden, ``auc`` with ``low`` and ``high`` (95 %,
    bootstrap over patients), and ``recall`` and ``specificity`` at the frozen ``threshold``.
    Undefined is NaN.
    """
    shape = xrays.pixels.shape[1:3]
    rows = [("nothing hidden", "here", np.zeros(shape, bool))]
    for name in regions:
        mask = region(name, width, shape)
        rows.append((f"{name} hidden", "here", mask))
        rows.append((f"{name} hidden", "elsewhere", far_from(mask)))
    found = []
    for shown, kind, mask in rows:
        pixels = hide(xrays.pixels, mask) if mask.any() else xrays.pixels
        scores = predict(model, replace(xrays, pixels=pixels))
        report = evaluate(xrays.labels, scores, threshold, xrays.patients, resamples, seed)
        auc = report["roc_auc"]
        found.append(
            {
                "shown": shown,
                "hidden": kind,
                "share": float(mask.mean()),
                "auc": auc.value,
                "low": auc.low,
                "high": auc.high,
                "recall": report["recall"].value,
                "specificity": report["specificity"].value,
            }
        )
    numbers = ["share", "auc", "low", "high", "recall", "specificity"]
    return pd.DataFrame(found).astype(dict.fromkeys(numbers, float))
