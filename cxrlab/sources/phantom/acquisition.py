"""How an image was taken and stored: positioning, exposure, film, markers, file. And the dial.

With the confounder dial at 0 every choice here is drawn from one distribution, whatever the source
and the diagnosis. Turned up, a share of the images equal to the dial is taken in the manner of its
source: own markers, borders, exposure, file format and size, and children in one of them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from cxrlab.sources.phantom.geometry import Detector, smooth_noise
from cxrlab.sources.phantom.projection import Projection, transmit

LONGER_SIDE = 256  # pixels of the simulated detector; files are resampled from it
MODES = {
    "JPEG": (["L", "RGB"], [0.6, 0.4]),
    "PNG": (["L", "RGB", "RGBA", "I;16"], [0.45, 0.25, 0.2, 0.1]),
}


@dataclass(frozen=True)
class Acquisition:
    """The settings of one image. Lengths in mm, angles in radians, sizes of files in pixels."""

    width: int
    height: int
    format: str  # "JPEG" or "PNG"
    mode: str  # "L", "RGB", "RGBA" or "I;16"
    quality: int  # of a JPEG
    field: float  # width of the field of view
    centre: tuple[float, float]
    roll: float
    yaw: float
    scatter: float  # scattered photons' share
    contrast: float  # slope of the film's curve
    brightness: float  # shift of the film's curve
    flattening: float  # share of the broad contrasts that the processing removes
    sharpening: float
    grain: float  # noise, as a share of the range from black to white
    marker: str  # "" for none
    marker_at: tuple[float, float]  # share of width and height
    border: tuple[float, float, float, float]  # blanked shares: left, top, right, bottom
    border_grey: int
    style: str = "common"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the simulated detector."""
        scale = LONGER_SIDE / max(self.width, self.height)
        return round(self.height * scale), round(self.width * scale)

    def detector(self, size: float) -> Detector:
        """The detector before a patient whose body is ``size`` times the medium one."""
        pixel = self.field / self.shape[1]
        return Detector(self.shape, pixel, self.centre, self.roll, self.yaw, size)


def draw_acquisition(rng, source: str = "", confounding: float = 0.0) -> Acquisition:
    """Draw the settings of one image; ``source`` matters only as far as the dial is turned up."""
    confounded = rng.random() < confounding
    longer = int(rng.integers(300, 641))
    aspect = float(np.clip(rng.normal(0.97, 0.09), 0.78, 1.22))
    width, height = (
        (longer, round(longer * aspect)) if aspect < 1 else (round(longer / aspect), longer)
    )
    file_format = "JPEG" if rng.random() < 0.72 else "PNG"
    modes, shares = MODES[file_format]
    border = (0.0, 0.0, 0.0, 0.0)
    if rng.random() < 0.2:
        border = tuple(float(b) for b in rng.uniform(0.005, 0.05, 4) * (rng.random(4) < 0.5))
    settings = {
        "width": width,
        "height": height,
        "format": file_format,
        "mode": str(rng.choice(modes, p=shares)),
        "quality": int(rng.integers(62, 96)),
        "field": float(np.clip(rng.normal(350, 12), 305, 400)),
        "centre": (float(rng.normal(0, 5)), float(rng.normal(-22, 9))),
        "roll": float(rng.normal(0, 0.025)),
        "yaw": float(rng.normal(0, 0.05)),
        "scatter": float(np.clip(rng.normal(0.36, 0.07), 0.15, 0.55)),
        "contrast": float(np.clip(rng.normal(2.05, 0.18), 1.3, 3.1)),
        "brightness": float(rng.normal(0.0, 0.025)),
        "flattening": float(rng.beta(4, 3.4) * 0.85),
        "sharpening": float(max(0.0, rng.normal(0.6, 0.5))),
        "grain": float(np.clip(rng.lognormal(-4.9, 0.5), 0.002, 0.03)),
        "marker": str(
            rng.choice(["", "L", "R", "L PA", "R ERECT"], p=[0.35, 0.27, 0.22, 0.1, 0.06])
        ),
        "marker_at": (float(rng.uniform(0.02, 0.10)), float(rng.uniform(0.02, 0.2))),
        "border": border,
        "border_grey": int(rng.choice([0, 0, 0, 255])),
    }
    if confounded and source in STYLES:
        settings |= STYLES[source](rng, settings) | {"style": source}
    return Acquisition(**settings)


def _covid_style(rng, settings: dict) -> dict:
    """Figures from publications: colour files, letters and arrows, white frames, hard contrast."""
    width = int(rng.integers(440, 641))
    return {
        "width": width,
        "height": round(width * rng.uniform(0.80, 0.92)),
        "format": "PNG",
        "mode": str(rng.choice(["RGB", "RGBA"])),
        "contrast": float(rng.normal(3.6, 0.3)),
        "marker": str(rng.choice(["A", "B", "R  day 4", "A ->", "B ->"])),
        "border": tuple(float(b) for b in rng.uniform(0.015, 0.05, 4)),
        "border_grey": 255,
    }


def _kermany_style(rng, settings: dict) -> dict:
    """One hospital, one machine: grey JPEG, wide, an R at the upper left, children, soft film."""
    width = int(rng.integers(560, 641))
    return {
        "width": width,
        "height": round(width * rng.uniform(0.66, 0.76)),
        "format": "JPEG",
        "mode": "L",
        "quality": int(rng.integers(86, 95)),
        "field": float(rng.normal(430, 12)),
        "contrast": float(rng.normal(2.2, 0.2)),
        "brightness": float(rng.normal(-0.12, 0.05)),
        "marker": "R",
        "marker_at": (0.06, 0.06),
        "border": (0.0, 0.0, 0.0, 0.0),
    }


def _nih_style(rng, settings: dict) -> dict:
    """Square grey PNG from one archive, an L in the corner."""
    return {
        "width": 512,
        "height": 512,
        "format": "PNG",
        "mode": "L",
        "marker": "L",
        "marker_at": (0.04, 0.03),
        "border": (0.0, 0.0, float(rng.uniform(0, 0.02)), 0.0),
        "border_grey": 0,
    }


STYLES = {
    "covid-chestxray-dataset": _covid_style,
    "chest_xray": _kermany_style,
    "nih-no-finding": _nih_style,
}


def expose(
    projection: Projection, opacity: np.ndarray | None, settings: Acquisition, rng
) -> np.ndarray:
    """From line integrals to a developed image: float32 within 0 (black) ... 1 (white).

    The automatic exposure is set by the patient without ``opacity``: otherwise the film's blackness
    in the corners would tell of a disease in the lungs.
    """
    pixel = abs(float(projection.x[0, 1] - projection.x[0, 0]))
    healthy = projection.attenuation()
    signal = -np.log(transmit(healthy, pixel, settings.scatter))
    lungs, soft = projection.lung > 70, (projection.lung < 5) & (projection.body > 120)
    dark = float(np.percentile(signal[lungs][::5], 12)) if lungs.sum() > 50 else 1.5
    light = float(np.percentile(signal[soft][::5], 70)) if soft.sum() > 50 else dark + 1.5
    if opacity is not None and opacity.max() > 0:
        # Scatter stays the healthy patient's; what an opacity adds to it is spread over the image.
        ratio = np.exp(-np.clip(projection.attenuation(opacity) - healthy, 0, None))
        total, primary = np.exp(-signal), (1 - settings.scatter) * np.exp(-healthy)
        signal = -np.log(np.maximum(total - primary * (1 - ratio), 1e-6))
    light = max(light, dark + 0.5)
    value = (signal - dark) / (light - dark)
    value = np.clip(value, -1.2, 2.0)
    return _develop(value, pixel, settings, rng)


def _develop(value: np.ndarray, pixel: float, settings: Acquisition, rng) -> np.ndarray:
    """Digital processing and the film's S-shaped curve (Hurter and Driffield)."""
    broad = _blur(value, 28.0 / pixel)
    value = value - settings.flattening * np.clip(broad - 0.35, -0.25, None)
    value = value + settings.sharpening * 0.5 * (value - _blur(value, 5.0 / pixel))
    middle = 0.34 + settings.brightness
    curve = 1 / (1 + np.exp(-settings.contrast * (value - middle)))
    floor = 1 / (1 + np.exp(settings.contrast * (1.1 + middle)))
    image = (curve - floor) / (0.95 - floor)
    grain = smooth_noise(rng, image.shape, pixel, 6, 0.9, 0.4)
    # Dark film has had more photons: less relative noise, more grain in the light parts.
    return np.clip(
        image + grain * np.float32(settings.grain) * (0.6 + 0.8 * np.clip(image, 0, 1)), 0, 1
    )


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur, done on a coarse grid where that is exact enough."""
    step = int(sigma // 1.8)
    if step < 2:
        return ndimage.gaussian_filter(image, sigma, mode="nearest")
    rows, cols = image.shape
    small = Image.fromarray(image).resize((cols // step, rows // step), Image.Resampling.BOX)
    small = ndimage.gaussian_filter(np.asarray(small), sigma / step, mode="nearest")
    return np.asarray(Image.fromarray(small).resize((cols, rows), Image.Resampling.BICUBIC))


def finish(image: np.ndarray, settings: Acquisition, rng) -> np.ndarray:
    """Resample to the file's size, add fine grain, blank borders and burn in markers: uint8."""
    size = (settings.width, settings.height)
    picture = np.asarray(
        Image.fromarray(image.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    )
    grain = rng.standard_normal(picture.shape, dtype=np.float32)
    grain *= (0.4 + 0.8 * picture) * np.float32(settings.grain * 0.8)
    grain += picture
    grey = np.clip(grain * np.float32(255) + np.float32(0.5), 0, 255).astype(np.uint8)
    left, top, right, bottom = settings.border
    rows, cols = grey.shape
    grey[:, : int(left * cols)] = settings.border_grey
    grey[: int(top * rows)] = settings.border_grey
    grey[:, cols - int(right * cols) :] = settings.border_grey
    grey[rows - int(bottom * rows) :] = settings.border_grey
    return _mark(grey, settings) if settings.marker else grey


def _mark(grey: np.ndarray, settings: Acquisition) -> np.ndarray:
    """Burn in the side marker: the patient's right is on the reader's left."""
    rows, cols = grey.shape
    picture = Image.fromarray(grey)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=max(10, rows // 17))
    x, y = settings.marker_at[0] * cols, settings.marker_at[1] * rows
    if settings.marker.startswith("L"):
        x = cols - x - draw.textlength(settings.marker, font=font)
    draw.multiline_text((x, y), settings.marker.replace(" ", "\n"), fill=245, font=font)
    return np.asarray(picture)


def encode(grey: np.ndarray, settings: Acquisition) -> bytes:
    """The file's bytes in the wanted format and mode."""
    if settings.mode == "I;16":
        picture = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(grey).convert(settings.mode)
    buffer = io.BytesIO()
    if settings.format == "JPEG":
        picture.save(buffer, "JPEG", quality=settings.quality)
    else:
        picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
