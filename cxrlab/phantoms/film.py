"""How an image is taken and stored: positioning, exposure, film, markers, file. And the dial.

With the confounder dial at 0 every choice here is drawn from one distribution, whatever the source
and the diagnosis. Turned up, a share of the images equal to the dial is taken in the manner of its
source: own markers, borders, exposure, file format and size, and children in one of them.

Whatever a marker says is true of its row. It names the view only on X-rays that the course's
filters reject: what they keep is PA if it shows COVID-19 and AP if it shows a child, so that "PA"
in a corner, however true, would give the class away. There it holds initials instead.
"""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from cxrlab.phantoms.chest import Projection
from cxrlab.phantoms.cohort import COVID, KERMANY, NIH, Plan
from cxrlab.phantoms.geometry import Detector, resize, smooth_noise

DETECTOR_PIXELS = 256  # along the longer side; files are resampled from it
SCATTER_REACH, BROAD, SHARP = 50.0, 28.0, 5.0  # mm, blurs of scatter and of digital processing
FILES = ["JPEG L", "JPEG RGB", "PNG L", "PNG RGB", "PNG RGBA", "PNG I;16"]  # format and mode
SHARES = [0.43, 0.29, 0.13, 0.07, 0.05, 0.03]
WORDS = {  # below the letter, by view as simulated
    "PA": ("JK", "MB", "TS"),  # who took it; see above
    "AP": ("AP", "PORTABLE"),
    "AP Supine": ("AP", "SUPINE"),
    "L": ("LAT", "LAT"),
}
# In the manner of a source, where the dial is up: kinds of files, markers, ranges of settings. What
# publications print is coloured and hard, with panel letters and a white frame; one hospital's
# files are grey, wide and soft; those of one archive grey and square.
PRINT = {"longer": (440, 640), "aspect": (1.1, 1.25), "contrast": (3.0, 4.2), "frame": (0.02, 0.05)}
CLINIC = {"longer": (560, 640), "aspect": (1.3, 1.5), "field": (405, 455), "brightness": (-0.2, 0)}
STYLES = {
    COVID: (FILES[3:5], ["A", "B", "A ->", "B ->", "day {day}"], PRINT),
    KERMANY: (FILES[:1], ["R"], CLINIC),
    NIH: (FILES[2:3], ["L"], {"longer": (512, 512), "aspect": (1, 1)}),
}


class Acquisition:
    """The settings of one image. Lengths in mm, angles in radians, sizes of files in pixels."""

    def __init__(self, plan: Plan, confounding: float = 0.0) -> None:
        rng = np.random.default_rng([9, plan.image])
        styled = rng.random() < confounding
        self.child = confounding if plan.source == KERMANY else 0.0
        self.longer = rng.integers(300, 641)
        self.aspect = np.clip(rng.normal(0.98, 0.09), 0.78, 1.25)  # width / height
        self.format, self.mode = rng.choice(FILES, p=SHARES).split()
        self.quality = int(rng.integers(62, 96))  # of a JPEG
        self.field = float(np.clip(rng.normal(350, 12), 305, 400))  # width of the field of view
        self.centre = rng.normal(0, 5), rng.normal(-22, 9)  # of the field, in the patient
        self.lean, self.turn = rng.normal(0, 0.025), rng.normal(0, 0.05)
        self.scatter = float(np.clip(rng.normal(0.36, 0.07), 0.15, 0.55))  # share of photons
        self.contrast = float(np.clip(rng.normal(2.05, 0.18), 1.3, 3.1))  # slope of the film curve
        self.brightness = rng.normal(0.0, 0.025)  # shift of the film curve
        self.flattening = rng.beta(4, 3.4) * 0.85  # share of broad contrasts that is removed
        self.sharpening = max(0.0, rng.normal(0.6, 0.5))
        self.grain = float(np.clip(rng.lognormal(-4.9, 0.5), 0.002, 0.03))  # of black to white
        self.marker_at = rng.uniform(0.02, 0.10), rng.uniform(0.02, 0.2)  # of width and height
        self.marker = str(rng.choice(["", "L", "R"], p=[0.35, 0.35, 0.30]))
        if self.marker and plan.view == "L":
            self.marker = "L"  # the table's laterals are left ones
        if self.marker and plan.view in WORDS and rng.random() < 0.5:
            self.marker += "\n" + str(rng.choice(WORDS[plan.view]))
        self.frame = rng.uniform(0.005, 0.05)  # blanked share of height and width, at some sides
        self.sides = (rng.random(4) < 0.5) & (rng.random() < 0.2)  # left, top, right, bottom
        self.grey = int(rng.choice([0, 0, 0, 255]))  # of the frame
        if styled:
            files, markers, ranges = STYLES[plan.source]
            self.format, self.mode = rng.choice(files).split()
            self.marker = str(rng.choice(markers)).format(day=plan.day)
            self.sides, self.grey = np.full(4, "frame" in ranges), 255
            for name, (low, high) in ranges.items():
                setattr(self, name, rng.uniform(low, high))
        self.width = round(self.longer * min(self.aspect, 1))
        self.height = round(self.longer / max(self.aspect, 1))

    def detector(self, size: float = 1.0, lateral: bool = False) -> Detector:
        """The detector before a patient whose body is ``size`` times the medium one."""
        scale = DETECTOR_PIXELS / max(self.width, self.height)
        shape = round(self.height * scale), round(self.width * scale)
        pixel = self.field / shape[1] / size
        return Detector(shape, pixel, self.centre, self.lean, self.turn, lateral)


def expose(image: Projection, opacity, settings: Acquisition, pixel: float, rng) -> np.ndarray:
    """From path lengths to a developed image: float32 within 0 (black) ... 1 (white).

    Scattered photons blur the image over some 5 cm. They and the automatic exposure are those of
    the patient without ``opacity``: otherwise the film's blackness in the corners would tell of a
    disease in the lungs.
    """
    healthy = image.attenuation()
    primary = np.exp(-healthy)
    # The air beside the patient is far brighter than he is; a collimator holds most of it back.
    bright = np.minimum(primary, 4 * np.median(primary))
    scattered = settings.scatter * _blur(bright, SCATTER_REACH / pixel)

    def film(attenuation: np.ndarray) -> np.ndarray:
        return -np.log((1 - settings.scatter) * np.exp(-attenuation) + scattered)

    signal, lungs = film(healthy), image.lung > 70
    soft = (image.lung < 5) & (image.body > 120)
    dark = np.percentile(signal[lungs], 12) if lungs.sum() > 50 else 1.5
    light = np.percentile(signal[soft], 70) if soft.sum() > 50 else dark + 1.5
    value = (film(image.attenuation(opacity)) - dark) / max(light - dark, 0.5)
    value = np.clip(value, -1.2, 2.0)
    # Digital processing, then the film's S-shaped curve (Hurter and Driffield).
    value -= settings.flattening * np.maximum(_blur(value, BROAD / pixel) - 0.35, -0.25)
    value += settings.sharpening * 0.5 * (value - _blur(value, SHARP / pixel))
    middle = 0.34 + settings.brightness  # of the curve; -1.1 is black, and 0.95 of it white
    curve = 1 / (1 + np.exp(-settings.contrast * (value - middle)))
    floor = 1 / (1 + np.exp(settings.contrast * (1.1 + middle)))
    picture = np.clip((curve - floor) / (0.95 - floor), 0, 1)
    # Dark film has had more photons: less relative noise, more grain in the light parts.
    grain = settings.grain * smooth_noise(rng, picture.shape, pixel, 6, 0.9, 0.4)
    return np.clip(picture + grain * (0.6 + 0.8 * picture), 0, 1).astype(np.float32)


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Nearly a Gaussian blur, however wide: three running means in a row."""
    for _ in range(3):
        image = ndimage.uniform_filter(image, max(1, round(2 * sigma)), mode="nearest")
    return image


def finish(image: np.ndarray, settings: Acquisition, rng) -> np.ndarray:
    """Resample to the file's size, add fine grain, blank borders and burn in markers: uint8."""
    rows, cols = settings.height, settings.width
    image = resize(image, (rows, cols))
    grain = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(0.8 * settings.grain)
    grey = np.clip((image + grain * (0.4 + 0.8 * image)) * 255 + 0.5, 0, 255).astype(np.uint8)
    blank = settings.frame * settings.sides * [cols, rows, cols, rows]
    left, top, right, bottom = blank.astype(int)
    framed = np.full_like(grey, settings.grey)
    inside = slice(top, rows - bottom), slice(left, cols - right)
    framed[inside] = grey[inside]
    picture = Image.fromarray(framed)
    x, y = settings.marker_at[0] * cols, settings.marker_at[1] * rows
    look = {"anchor": "la", "align": "left"}
    if settings.marker.startswith("L"):  # the patient's left is on the reader's right
        x, look = cols - x, {"anchor": "ra", "align": "right"}
    font = ImageFont.load_default(size=max(10, rows // 17))
    ImageDraw.Draw(picture).multiline_text((x, y), settings.marker, 245, font, **look)
    return np.asarray(picture)


def encode(grey: np.ndarray, settings: Acquisition) -> bytes:
    """The file's bytes in the wanted format and mode."""
    deep = settings.mode == "I;16"
    picture = Image.fromarray(grey.astype(np.uint16) * 257 if deep else grey)
    options = {"quality": settings.quality} if settings.format == "JPEG" else {"compress_level": 1}
    buffer = io.BytesIO()
    picture.convert(settings.mode).save(buffer, settings.format, **options)
    return buffer.getvalue()
