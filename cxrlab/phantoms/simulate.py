"""One simulated X-ray from beginning to end: anatomy, projection, findings, exposure, film.

An opacity is the share (0...1) of the lung's air along a ray that fluid replaces. COVID-19 follows
the pattern of Wong et al. 2020 (10.1148/radiol.2020201160): hazy, irregular patches in both lungs,
near the chest wall and in the lower zones. Slices of computed tomography, which the course's
filters reject, are recognisable and no more.
"""

import numpy as np
from scipy import ndimage

from cxrlab.phantoms.anatomy import SIDES, Patient
from cxrlab.phantoms.chest import Pose, Projection, frontal, lateral
from cxrlab.phantoms.cohort import Plan
from cxrlab.phantoms.film import Acquisition, expose, finish
from cxrlab.phantoms.geometry import Detector, ellipsoid, resize, smooth_noise, smoothstep

# Other findings: number of lungs, then ranges (low, high) of where the patches lie (mm outwards and
# downwards), of their half axes (mm), and of the share of air they replace.
OTHER_FINDINGS = {
    "pneumonia": (1, (45, 95), (-70, 60), (24, 50), (24, 50), (0.7, 0.8)),  # dense, in one lobe
    "perihilar": (2, (48, 70), (-30, 15), (30, 45), (55, 65), (0.3, 0.4)),  # oedema, Pneumocystis
    "diffuse": (2, (75, 75), (0, 0), (95, 95), (140, 140), (0.45, 0.75)),  # white lungs: ARDS
    "effusion": (1, (70, 95), (70, 100), (75, 95), (45, 70), (0.9, 0.95)),  # fluid at one base
}
# A pixel belongs to the mask from this share of replaced air on, in so many mm of lung or more.
MASK_OPACITY, MASK_LUNG = 0.06, 12
AIR, LUNG, TISSUE, DENSE = 0.03, 0.14, 0.80, 1.0  # grey levels of a lung window


def simulate(plan: Plan, settings: Acquisition | None = None) -> tuple:
    """The X-ray ``plan`` asks for, taken with ``settings``: (image, mask), uint8 (height, width).

    The same patient keeps the same anatomy; another image of him differs in posture and exposure.
    The mask (0 or 255) shows where COVID-19 opacities are; it is None for everything else.
    """
    settings = settings or Acquisition(plan)
    posture, film, file = (np.random.default_rng([k, plan.image]) for k in (10, 11, 12))
    patient = Patient(plan.patient, settings.child)
    detector = settings.detector(patient.size, lateral=plan.view == "L")
    slices = {"Axial": _axial, "Coronal": _coronal}
    if plan.view in slices:
        return finish(slices[plan.view](patient, detector.shape, posture), settings, file), None
    project, mask = lateral if detector.lateral else frontal, None
    projection = project(patient, detector, Pose(posture, patient, plan.view))
    air = 1 - (0 if detector.lateral else incidental(patient, projection, posture))  # what is left
    if plan.disease:
        opacity = opacity_of(plan.disease, plan.severity, patient, projection, posture)
        air = air * (1 - opacity)
        if plan.disease == "covid":
            shown = np.uint8(255) * ((opacity > MASK_OPACITY) & (projection.lung > MASK_LUNG))
            mask = np.uint8(255) * (resize(shown, (settings.height, settings.width)) > 127)
    picture = expose(projection, 1 - air, settings, detector.pixel, film)
    return finish(picture, settings, file), mask


def opacity_of(disease: str, severity: float, patient: Patient, image: Projection, rng):
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


def incidental(patient: Patient, image: Projection, rng) -> np.ndarray:
    """Small things that healthy and ill people have alike: crowded tissue at a base, a scar. Drawn
    independently of the diagnosis."""
    opacity, side = np.zeros_like(image.x), rng.choice(SIDES)
    if rng.random() < 0.5:
        u, v = (side * image.x - 62) / 48, (image.y - patient.dome) / rng.uniform(14, 30)
        opacity += rng.uniform(0.05, 0.22) * np.exp(-u * u - v * v) * (side * image.x > 0)
    if rng.random() < 0.4:
        x, *rest = rng.uniform((35, -110, 8, 8, 0.06), (110, 50, 24, 24, 0.22))
        opacity += _haze(image, [(side * x, *rest)], rng)
    return opacity


def _haze(image: Projection, patches: list, rng) -> np.ndarray:
    """Patches (x, y, half axes, strength) with ragged edges and an uneven inside; where they
    overlap they add up."""
    shape, pixel = image.x.shape, float(image.y[1, 0] - image.y[0, 0])
    ragged = np.clip(1.35 + 0.30 * smooth_noise(rng, shape, pixel, 60, 12, 1.9), 0, 2.4)
    uneven = np.clip(0.92 + 0.12 * smooth_noise(rng, shape, pixel, 30, 3.5, 1.6), 0, 1.3)
    clear = np.ones_like(image.x)
    for x, y, a, b, strength in patches:
        away = np.hypot((image.x - float(x)) / float(a), (image.y - float(y)) / float(b))
        clear *= 1 - strength * smoothstep((ragged - away) / 1.25) * uneven
    return np.clip(1 - clear, 0, 0.95)


def _axial(patient: Patient, shape: tuple[int, int], rng) -> np.ndarray:
    """A slice across the heart; the patient's back is below, the table under it."""
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
