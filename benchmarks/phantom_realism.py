"""How like real chest X-rays the phantoms are, in two numbers that see no anatomy.

Usage: python benchmarks/phantom_realism.py REAL_FOLDER [PHANTOM_FOLDER]

Compares the grey-level histogram and the radial power spectrum of posteroanterior images, all
resampled to 224 x 224, with the 5th to 95th percentile of the real ones, and prints JSON:
``of_the_median`` is the share of bins in which the phantoms' median lies within that band,
``of_single_images`` the mean share over single phantoms (single real images reach 0.90 by
construction). Without a phantom folder a collection is made in a temporary one.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 224
GREY_BINS = 32
RINGS = 40


def pa_images(folder: Path) -> list[Path]:
    """COVID-19 PA X-rays and adults without a finding, as far as the folder has them."""
    source = folder / "covid-chestxray-dataset"
    with (source / "metadata.csv").open(encoding="utf-8", errors="replace", newline="") as table:
        rows = list(csv.DictReader(table))
    wanted = [r["filename"] for r in rows if r["view"] == "PA" and "COVID-19" in r["finding"]]
    paths = [source / "images" / name for name in wanted]
    return [p for p in paths if p.is_file()] + sorted((folder / "nih-no-finding").glob("*.*"))


def load(path: Path) -> np.ndarray | None:
    """One image as float (SIZE, SIZE) within 0...255, or None where it cannot be read."""
    try:
        with Image.open(path) as picture:
            if picture.mode.startswith("I"):
                picture = Image.fromarray((np.asarray(picture) / 257).astype(np.uint8))
            grey = picture.convert("L").resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    except OSError:
        return None
    return np.asarray(grey, dtype=float)


def grey_histogram(image: np.ndarray) -> np.ndarray:
    """Share of pixels in each of GREY_BINS bins."""
    return np.histogram(image, bins=GREY_BINS, range=(0, 256))[0] / image.size


def radial_spectrum(image: np.ndarray) -> np.ndarray:
    """Logarithm of the mean power in RINGS rings of spatial frequency, up to Nyquist's."""
    window = np.hanning(SIZE)[:, None] * np.hanning(SIZE)
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
    f = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.fftfreq(SIZE)[None, :])
    ring = np.minimum((f / 0.5 * RINGS).astype(int), RINGS)
    sums = np.bincount(ring.ravel(), power.ravel(), RINGS + 1)[:RINGS]
    return np.log10(sums / np.bincount(ring.ravel(), minlength=RINGS + 1)[:RINGS] + 1e-9)


def compare(real_folder: Path, phantom_folder: Path) -> dict:
    """The shares of bins within the real band, for both measures."""
    images = {}
    for name, folder in (("real", real_folder), ("phantom", phantom_folder)):
        images[name] = [image for p in pa_images(folder) if (image := load(p)) is not None]
    result: dict = {name: len(found) for name, found in images.items()}
    for name, measure in (("histogram", grey_histogram), ("spectrum", radial_spectrum)):
        real = np.array([measure(image) for image in images["real"]])
        phantom = np.array([measure(image) for image in images["phantom"]])
        low, high = np.percentile(real, [5, 95], axis=0)
        median = np.median(phantom, axis=0)
        result[name] = {
            "of_the_median": round(float(np.mean((median >= low) & (median <= high))), 3),
            "of_single_images": round(float(np.mean((phantom >= low) & (phantom <= high))), 3),
            "bins_outside": np.flatnonzero((median < low) | (median > high)).tolist(),
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("real", type=Path, help="folder with real X-rays")
    parser.add_argument("phantoms", type=Path, nargs="?", help="folder with phantoms")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.phantoms
        if folder is None:
            from cxrlab.phantoms import make_phantoms

            folder = make_phantoms(Path(scratch) / "phantoms")
        print(json.dumps(compare(given.real, folder), indent=2))


if __name__ == "__main__":
    main()
