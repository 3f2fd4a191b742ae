"""One simulated X-ray from beginning to end: positioning, anatomy, findings, exposure, film, file.

An opacity is the share (0...1) of the lung's air along a ray that fluid replaces. COVID-19 follows
the pattern of Wong et al. 2020 (10.1148/radiol.2020201160): hazy, irregular patches in both lungs,
near the chest wall and in the lower zones.

With the confounder dial at 0 every setting here is drawn from one distribution, whatever the source
and the diagnosis. Turned up, a share of the images equal to the dial is taken in the manner of its
source: own markers, borders, exposure, file format and size, and children in one of them.

Whatever a marker says is true of its row. Where the course's filters keep an X-ray it holds
initials: they keep PA with COVID-19 and AP of children, so that "PA" would give the class away.
"""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from cxrlab.phantoms.chest import SIDES, Patient, Pose, Projection, frontal, lateral
from cxrlab.phantoms.cohort import COVID, KERMANY, NIH, Plan
from cxrlab.phantoms.geometry import Detector, ellipsoid, resize, smooth_noise, smoothstep

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
# Other findings: number of lungs, then ranges (low, high) of where the patches lie (mm outwards and
# downwards), of their half axes (mm), and of the share of air they replace.
OTHER_FINDINGS = {
    "pneumonia": (1, (45, 95), (-70, 60), (24, 50), (24, 50), (0.7, 0.8)),  # dense, in one lobe
    "perihilar": (2, (48, 70), (-30, 15), (30, 45), (55, 65), (0.3, 0.4)),  # oedema, Pneumocystis
    "diffuse": (2, (75, 75), (0, 0), (95, 95), (140, 140), (0.45, 0.75)),  # white lungs: ARDS
    "effusion": (1, (70, 95), (70, 100), (75, 95), (45, 70), (0.9, 0.95)),  # fluid at one base
}
AIR, LUNG, TISSUE, DENSE = 0.03, 0.14, 0.80, 1.0  # grey levels of a lung window


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


def simulate(plan: Plan, settings: Acquisition) -> tuple:
    """The X-ray ``plan`` asks for, taken with ``settings``: (image, mask), uint8 (height, width).

    The same patient keeps the same anatomy; another image of him differs in posture and exposure.
    The mask (0 or 255) shows where COVID-19 opacities are; it is None for everything else.
    """
    posture, film, file = (np.random.default_rng([k, plan.image]) for k in (10, 11, 12))
    patient, mask, from_side = Patient(plan.patient, settings.child), None, plan.view == "L"
    scale = 256 / max(settings.width, settings.height)  # pixels; files are resampled from them
    shape = round(settings.height * scale), round(settings.width * scale)
    if plan.view in ("Axial", "Coronal"):
        cut = _axial if plan.view == "Axial" else _coronal
        return finish(cut(patient, shape, posture), settings, file), None
    pixel = settings.field / shape[1] / patient.size
    where = settings.centre, settings.lean, float(np.sin(settings.turn)), from_side
    detector, pose = Detector(shape, pixel, *where), Pose(posture, patient, plan.view)
    projection = (lateral if from_side else frontal)(patient, detector, pose)
    air = 1 - (0 if from_side else _incidental(patient, projection, posture))  # what is left
    if plan.disease:
        opacity = _opacity(plan.disease, plan.severity, patient, projection, posture)
        air = air * (1 - opacity)
        if plan.disease == "covid":
            shown = np.uint8(255) * ((opacity > 0.06) & (projection.lung > 12))  # mm of lung
            mask = np.uint8(255) * (resize(shown, (settings.height, settings.width)) > 127)
    picture = expose(projection, 1 - air, settings, detector.pixel, film)
    return finish(picture, settings, file), mask


def _opacity(disease: str, severity: float, patient: Patient, image: Projection, rng):
    """The opacity of "covid", of a ``severity`` from 0 (subtle) to 1, or of another finding."""
    side, patches = rng.choice(SIDES), []
    if disease == "covid":  # peripheral patches in the lower zones, in turn right and left
        for i in range(4 + rng.poisson(1 + 6 * severity)):
            y = patient.apex + (patient.dome + 20 - patient.apex) * rng.beta(3.4, 1.5)
            x = side * (-1) ** i * float(patient.thorax(y)[0]) * rng.uniform(0.62, 0.93)
            long = rng.uniform(22, 34) + 30 * severity
            strength = rng.uniform(0.75, 1.0) * (0.17 + 0.41 * severity)
            patches.append((x, y, long * rng.uniform(0.5, 0.85), long, strength))
    else:
        lungs, *ranges = OTHER_FINDINGS[disease]
        for i in range(lungs):
            x, *rest = rng.uniform(*np.transpose(ranges))
            patches.append((side * (-1) ** i * x, *rest))
    return _haze(image, patches, rng)


def _incidental(patient: Patient, image: Projection, rng) -> np.ndarray:
    """What healthy and ill people have alike: crowded tissue at a base, a scar."""
    opacity, side = np.zeros_like(image.x), rng.choice(SIDES)
    if rng.random() < 0.5:
        u, v = (side * image.x - 62) / 48, (image.y - patient.dome) / rng.uniform(14, 30)
        opacity += rng.uniform(0.05, 0.22) * np.exp(-u * u - v * v) * (side * image.x > 0)
    if rng.random() < 0.4:
        x, *rest = rng.uniform((35, -110, 8, 8, 0.06), (110, 50, 24, 24, 0.22))
        opacity += _haze(image, [(side * x, *rest)], rng)
    return opacity


def _haze(image: Projection, patches: list, rng) -> np.ndarray:
    """Patches (x, y, half axes, strength) with ragged edges; where they overlap they add up."""
    shape, pixel = image.x.shape, float(image.y[1, 0] - image.y[0, 0])
    ragged = np.clip(1.35 + 0.30 * smooth_noise(rng, shape, pixel, 60, 12, 1.9), 0, 2.4)
    uneven = np.clip(0.92 + 0.12 * smooth_noise(rng, shape, pixel, 30, 3.5, 1.6), 0, 1.3)
    clear = np.ones_like(image.x)
    for x, y, a, b, strength in patches:
        away = np.hypot((image.x - float(x)) / float(a), (image.y - float(y)) / float(b))
        clear *= 1 - strength * smoothstep((ragged - away) / 1.25) * uneven
    return np.clip(1 - clear, 0, 0.95)


def _axial(patient: Patient, shape: tuple[int, int], rng) -> np.ndarray:
    """A slice of computed tomography across the heart: recognisable, and to be rejected."""
    x, z = Detector(shape, 390.0 / shape[1]).grid()
    wide, deep = patient.thorax_width, patient.thorax_depth
    body = np.abs(x / (wide + 38)) ** 2.6 + np.abs(z / (deep + 34)) ** 2.3 < 1
    heart = ellipsoid(x, z, (18, -24), (58, 44), 1, 0.5) + ellipsoid(x, z, (-10, -10), (36, 40), 1)
    lung = (np.abs(x / wide) ** 2.2 + np.abs(z / deep) ** 2.2 < 1) & (heart == 0)
    lung &= (np.abs(x) > 22 + 6 * (z > 20)) & (np.hypot(x - 24, z - 38) > 13)  # spine, aorta
    solid = ~lung
    for _ in range(130):  # vessels, which run outwards from the hila
        cx, cz, radius = rng.uniform((-wide, -deep, 0.8), (wide, deep, 3.6))
        half_axes = radius * rng.uniform(1, 3.5), radius
        solid |= ellipsoid(x, z, (cx, cz), half_axes, 1, np.arctan2(cz, cx)) > 0
    bone = ellipsoid(x, z, (0, deep - 22), (20, 15), 1)  # vertebra, then breastbone and ribs
    bone += ellipsoid(x, z, (0, -deep - 8), (22, 6), 1)
    for angle in np.linspace(0.35, 2 * np.pi - 0.35, 13) + rng.normal(0, 0.06, 13):
        rib = (wide + 8) * np.sin(angle), (deep + 8) * np.cos(angle)
        bone += ellipsoid(x, z, rib, (15, 4.2), 1, -angle)
    table = np.abs(z - deep - 52 + (x / 45) ** 2) < 1.6
    return _slice(body, solid, bone > 0, rng) + 0.6 * table


def _coronal(patient: Patient, shape: tuple[int, int], rng) -> np.ndarray:
    """A slice seen from the front."""
    detector = Detector(shape, 360.0 / shape[1], (0.0, -25.0))
    image = frontal(patient, detector, Pose(rng, patient))
    solid = (image.lung < 45) | (image.vessels > 3.6)
    return _slice(image.body > 60, solid, (image.bones > 7) & (image.lung < 45), rng)


def _slice(body, solid, bone, rng) -> np.ndarray:
    """The picture of where there is body, no air, and bone; with opacities and noise."""
    shape = body.shape
    haze = smoothstep(smooth_noise(rng, shape, 390 / shape[1], 70, 8, 1.8) - 0.8)
    picture = np.where(body, np.where(solid, TISSUE, LUNG + 0.32 * haze), AIR)
    picture = ndimage.gaussian_filter(np.where(bone & body, DENSE, picture), 0.7)
    return np.clip(picture + 0.02 * smooth_noise(rng, shape, 1, 8, 2), 0, 1).astype(np.float32)


def expose(image: Projection, opacity, settings: Acquisition, pixel: float, rng) -> np.ndarray:
    """From path lengths to a developed image: float32 within 0 (black) ... 1 (white)."""
    # Scattered photons and automatic exposure are those of the patient without ``opacity``: or the
    # film's blackness in the corners would tell of a disease in the lungs.
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
