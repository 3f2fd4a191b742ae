"""Header only: can the class be told from the file's size and kind, without one pixel?"""

from __future__ import annotations

import pandas as pd

from cxrlab.images import read_header
from cxrlab.shortcuts.probe import COLUMNS, in_order, probe
from cxrlab.splits import Pairs

PARTS = {
    "width and height": ("width", "height"),
    "mode and format": ("mode", "format"),
    "bytes a pixel": ("bytes a pixel",),
}


def header_features(cases: pd.DataFrame) -> pd.DataFrame:
    """What each file says before a pixel is decoded, indexed by ``image_id``.

    ``width`` and ``height`` in pixels as stored, ``mode`` and ``format`` in Pillow's names,
    ``bytes a pixel``: size of the file over width times height. Raises
    :class:`cxrlab.images.UnreadableImage` where a file cannot be read.
    """
    headers = [read_header(path) for path in cases["path"]]
    table = pd.DataFrame(
        {
            "width": [header.width for header in headers],
            "height": [header.height for header in headers],
            "mode": [header.mode for header in headers],
            "format": [header.format for header in headers],
            "bytes a pixel": [h.bytes / (h.width * h.height) for h in headers],
        }
    )
    return table.set_index(pd.Index(cases["image_id"], name="image_id"))


def header_probe(
    cases: pd.DataFrame, seed: int = 0, together: Pairs | None = None, resamples: int = 1000
) -> pd.DataFrame:
    """The AUC of a probe that sees the header alone: all of it, then each part by itself.

    ``cases`` are labelled and readable, as from :func:`cxrlab.cases.prepare`, whose ``near`` is
    meant for ``together``. One row of ``COLUMNS`` a probe. Where images were scaled or stored
    anew on their way here, this measures whoever did that.
    """
    cases = in_order(cases)
    features = header_features(cases)
    rows = []
    for shown, names in {"whole header": tuple(features), **PARTS}.items():
        inputs = pd.get_dummies(features[list(names)], dtype=float).to_numpy()
        rows.append(probe(shown, inputs, cases, seed, together, resamples))
    return pd.DataFrame(rows, columns=list(COLUMNS))
