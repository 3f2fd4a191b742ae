"""What the benches of the site show: phantoms, and the scores of the network that is shipped.

Everything is made here with the course's own functions, so that a page needs no kernel and its
JavaScript no statistics.
"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from cxrlab import course, reader
from cxrlab.convolution import KERNELS, convolve, max_pool, relu, to_picture
from cxrlab.metrics import confusion, share, shares
from cxrlab.pipeline import Xrays, decode
from cxrlab.training import predict
from cxrlab.widgets import as_png
from cxrlab.widgets.threshold import PREVALENCES, QUESTIONS

STEP = 0.005  # of the threshold, as in the widget


def make_benches(folder: Path) -> dict[str, dict]:
    """The content of each bench by its name and notebook, and of the welcome page's picture.

    Pictures go into ``folder``; those whose pixels are read stand in the page itself, because a
    browser lets no script read the pixels of a file on a disk.
    """
    space = course.begin()
    xrays = course.get_xrays(space)
    network = course.load_network(space, xrays)
    threshold = course.get_threshold(network, xrays)
    elsewhere = course.hospital_b(space, xrays)
    return {
        "welcome": draw_welcome(xrays.validation, folder),
        "read_ten_01": ten_xrays(course.get_ten(space), network, folder),
        "convolution_bench_03": {
            "pictures": [in_page(pixels) for pixels in xrays.validation.pixels[:4]],
            "kernels": as_json({name: kernel.ravel().tolist() for name, kernel in KERNELS.items()}),
            "names": [*KERNELS],
        },
        "threshold_bench_04": threshold_data(xrays.test, network, threshold),
        "threshold_bench_07": threshold_data(elsewhere, network, threshold),
    }


def as_json(content: object) -> str:
    """For a script element: short, and never ending it."""
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def in_page(pixels: np.ndarray) -> str:
    """An X-ray (uint8, (224, 224, 1)) as an address that holds the picture itself."""
    return "data:image/png;base64," + base64.b64encode(as_png(np.squeeze(pixels))).decode()


def keep(pixels: np.ndarray, path: Path) -> str:
    """Write grey values as a JPEG with the word *simulated* in it; its address from a notebook."""
    Image.open(io.BytesIO(as_png(pixels, simulated=True))).save(path, quality=85)
    return f"../figures/{path.name}"


def ten_xrays(ten, network, folder: Path) -> dict:
    """The ten X-rays of notebook 01: picture, truth and score; what each count is worth."""
    scores = predict(network, decode(ten))
    truth = ten["label"].to_numpy(int)
    cases = [
        {"src": keep(reader.picture(path, 450, square=True), folder / f"ten-{number:02}.jpg")}
        | {"truth": int(label), "score": round(float(score), 3)}
        for number, (path, label, score) in enumerate(
            zip(ten["path"], truth, scores, strict=True), start=1
        )
    ]
    # The interval for each number of right calls among the ill, and among the healthy.
    worth = {
        name: [str(share([True] * right + [False] * (n - right))) for right in range(n + 1)]
        for name, n in (("recall", truth.sum()), ("specificity", (1 - truth).sum()))
    }
    return {"data": as_json({"cases": cases} | worth), "first": cases[0]["src"]}


def threshold_data(xrays: Xrays, network, threshold: float) -> dict:
    """Counts and shares at every threshold on the slider, the chosen one among them."""
    scores = predict(network, xrays)
    cuts = np.unique([*np.arange(0, 1 + STEP / 2, STEP).round(3), threshold])
    rows = []
    for cut in cuts:
        counts = confusion(xrays.labels, scores, cut)
        found = shares(xrays.labels, scores, cut, xrays.patients).values()
        ends = [[e.value, e.low, e.high] for e in found]
        rows.append([[counts.tp, counts.fp, counts.fn, counts.tn], ends])
    bins = np.linspace(0, 1, 26)
    heights = [np.histogram(scores[xrays.labels == label], bins)[0].tolist() for label in (1, 0)]
    data = {"cuts": cuts.tolist(), "rows": rows, "bins": heights, "prevalences": PREVALENCES}
    data["chosen"] = int(np.searchsorted(cuts, threshold))
    return {"data": as_json(data), "questions": QUESTIONS, "steps": len(cuts) - 1}


def draw_welcome(xrays: Xrays, folder: Path) -> dict:
    """Three tiles: a phantom, its vertical edges, and what pooling leaves of them."""
    xray = np.squeeze(xrays.pixels[np.flatnonzero(xrays.labels == 1)[0]])
    edges = relu(convolve(xray / 255, KERNELS["vertical edges"]))
    tiles = [xray, to_picture(edges), to_picture(max_pool(edges, 4))]
    sized = [Image.fromarray(tile).resize((300, 300), Image.Resampling.NEAREST) for tile in tiles]
    strip = np.full((300, 3 * 300 + 2 * 12), 255, np.uint8)
    for number, tile in enumerate(sized):
        strip[:, number * 312 : number * 312 + 300] = np.asarray(tile)
    keep(strip, folder / "welcome.jpg")
    return {"picture": "figures/welcome.jpg"}
