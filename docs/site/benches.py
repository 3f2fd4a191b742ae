"""What the benches of the site show: phantoms, and the scores of the network that is shipped.

Made with the course's own functions, and filled into the macros of ``templates/parts.html``.
"""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cxrlab import course, reader
from cxrlab.convolution import KERNELS, convolve, max_pool, relu, to_picture
from cxrlab.metrics import confusion, share, shares
from cxrlab.pipeline import Xrays, decode
from cxrlab.training import predict
from cxrlab.widgets import as_png
from cxrlab.widgets.threshold import PREVALENCES, QUESTIONS

STEP = 0.005  # of the threshold on the page's slider


def make_benches(folder: Path) -> dict[str, dict]:
    """The content of each bench by its name and notebook; its pictures go into ``folder``."""
    space = course.begin()
    xrays = course.get_xrays(space)
    network = course.load_network(space, xrays)
    threshold = course.get_threshold(network, xrays)
    return {
        "welcome": draw_welcome(xrays.validation, folder),
        "read_ten_01": ten_xrays(course.get_ten(space), network, folder),
        "convolution_bench_03": kernels_and_xrays(xrays.validation.pixels[:4]),
        "threshold_bench_04": at_thresholds(xrays.test, network, threshold),
        "threshold_bench_07": at_thresholds(course.hospital_b(space, xrays), network, threshold),
    }


def as_json(content: object) -> str:
    """For a script element: short, and never ending it."""
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def keep(pixels: np.ndarray, path: Path) -> str:
    """Write grey values as a JPEG, the word *simulated* in it; its address from a notebook."""
    Image.open(io.BytesIO(as_png(pixels, simulated=True))).save(path, quality=85)
    return f"../figures/{path.name}"


def kernels_and_xrays(pixels: np.ndarray) -> dict:
    """The X-rays stand in the page: no script may read the pixels of a file on a disk."""
    kernels = {name: kernel.ravel().tolist() for name, kernel in KERNELS.items()}
    encoded = [base64.b64encode(as_png(np.squeeze(xray))).decode() for xray in pixels]
    pictures = [f"data:image/png;base64,{each}" for each in encoded]
    data = as_json({"kernels": kernels, "pictures": pictures})
    return {"data": data, "names": [*KERNELS], "pictures": pictures}


def ten_xrays(ten: pd.DataFrame, network, folder: Path) -> dict:
    """Picture, truth and score of each, and what every number of right calls is worth."""
    truth, scores, cases = ten["label"].to_numpy(int), predict(network, decode(ten)), []
    for path, label, score in zip(ten["path"], truth, scores, strict=True):
        picture = reader.picture(path, 450, square=True)
        src = keep(picture, folder / f"ten-{len(cases) + 1:02}.jpg")
        cases.append({"src": src, "truth": int(label), "score": round(float(score), 3)})
    worth = {
        name: [str(share([True] * right + [False] * (n - right))) for right in range(n + 1)]
        for name, n in (("recall", truth.sum()), ("specificity", (1 - truth).sum()))
    }
    return {"data": as_json({"cases": cases} | worth), "first": cases[0]["src"]}


def at_thresholds(xrays: Xrays, network, threshold: float) -> dict:
    """Counts and shares at every threshold on the slider, the chosen one among them."""
    scores, labels = predict(network, xrays), xrays.labels
    cuts = np.unique([*np.arange(0, 1 + STEP / 2, STEP).round(3), threshold])
    rows = []
    for cut in cuts:
        counts = confusion(labels, scores, cut)
        found = shares(labels, scores, cut, xrays.patients).values()
        ends = [[each.value, each.low, each.high] for each in found]
        rows.append([[counts.tp, counts.fp, counts.fn, counts.tn], ends])
    bars = [np.histogram(scores[labels == label], np.linspace(0, 1, 26))[0] for label in (1, 0)]
    data = {"cuts": cuts.tolist(), "chosen": int(np.searchsorted(cuts, threshold)), "rows": rows}
    data |= {"bars": [each.tolist() for each in bars], "prevalences": PREVALENCES}
    return {"data": as_json(data), "questions": QUESTIONS, "steps": len(cuts) - 1}


def draw_welcome(xrays: Xrays, folder: Path) -> dict:
    """Three tiles: a phantom, its vertical edges, and what pooling leaves of them."""
    xray = np.squeeze(xrays.pixels[np.flatnonzero(xrays.labels == 1)[0]])
    edges = relu(convolve(xray / 255, KERNELS["vertical edges"]))
    strip = Image.new("L", (3 * 312 - 12, 300), 255)
    for number, tile in enumerate((xray, to_picture(edges), to_picture(max_pool(edges, 4)))):
        large = Image.fromarray(tile).resize((300, 300), Image.Resampling.NEAREST)
        strip.paste(large, (312 * number, 0))
    keep(np.asarray(strip), folder / "welcome.jpg")
    return {"picture": "figures/welcome.jpg"}
