"""From a patient to attenuation line integrals on the detector, and on to transmitted X-rays.

Beer and Lambert: a ray keeps exp(-sum of attenuation x path) of its photons. Everything is soft
tissue, minus the air in the lungs, plus the bones; the attenuation coefficients are those of NIST
(XCOM) at the 65 keV or so that a 120 kVp chest beam averages.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from cxrlab.sources.phantom.anatomy import Patient, body_outline, medial_outline, thorax_outline
from cxrlab.sources.phantom.geometry import (
    Detector,
    ellipsoid,
    smooth_noise,
    smoothstep,
    window,
)
from cxrlab.sources.phantom.skeleton import project_bones, spine_x
from cxrlab.sources.phantom.vessels import project_vessels

SOFT = 0.195  # 1/cm, muscle and water at 65 keV
BONE = 0.30  # 1/cm, what compact bone adds to the soft tissue whose place it takes
LUNG_AIR = 0.74  # share of a healthy, inflated lung that is air
HEIGHTS = np.arange(-450.0, 450.0, 0.25)  # mm, where outlines are known


@dataclass(frozen=True)
class Pose:
    """What differs between two images of one patient, anatomy apart."""

    inspiration: float = 0.0  # -1 shallow ... 1 deep
    heart_scale: float = 1.0  # above 1 from AP views: the heart lies far from the detector
    supine: bool = False
    prominence: float = 1.0  # of the vessels
    texture_seed: int = 0


@dataclass(frozen=True)
class Projection:
    """Path lengths (mm, float32 arrays of the detector's shape) along every ray."""

    x: np.ndarray  # the patient's own coordinates, mm
    y: np.ndarray
    body: np.ndarray  # all tissue
    lung: np.ndarray  # aerated lung
    bones: np.ndarray  # compact bone
    gas: np.ndarray  # stomach, bowel, windpipe
    vessels: np.ndarray  # blood in the lungs
    texture: np.ndarray  # mm of soft tissue more or less

    def attenuation(self, opacity: np.ndarray | None = None) -> np.ndarray:
        """Line integrals (no unit). ``opacity`` is the share of the lung's air, 0...1, replaced by
        fluid along each ray."""
        lung = self.lung if opacity is None else self.lung * (1 - opacity)
        air = (lung - self.vessels) * np.float32(LUNG_AIR) + self.gas
        soft = np.maximum(self.body - np.maximum(air, 0) + self.texture, 0)
        return (soft * np.float32(SOFT) + self.bones * np.float32(BONE)) / np.float32(10)


def project(patient: Patient, detector: Detector, pose: Pose) -> Projection:
    """Line integrals through the patient in a frontal view."""
    x, y = detector.grid()
    level = _level(y)
    rng = np.random.default_rng([patient.seed, 4])
    body = _body(patient, detector, x, y, level, rng)
    chord = _lung_chord(patient, detector, x, y, level, pose, rng)
    heart, between = _heart_and_vessels(patient, detector, x, y, level, pose)
    lung = np.maximum(chord * between - heart, 0) * smoothstep(body / 30)
    bones = project_bones(patient, detector) * (body > 0)
    vessels = project_vessels(patient, detector, pose.prominence)
    vessels = vessels * smoothstep(lung / 45)
    gas = _gas(patient, detector, x, y, pose, rng)
    texture = _texture(patient, detector, body, lung, x, y, pose)
    return Projection(x, y, body, lung, bones, gas, vessels, texture)


def _level(y):
    """Which of ``HEIGHTS`` lies nearest to each pixel."""
    step = np.float32(HEIGHTS[1] - HEIGHTS[0])
    level = ((y - np.float32(HEIGHTS[0])) / step + np.float32(0.5)).astype(np.intp)
    return np.minimum(np.maximum(level, 0), len(HEIGHTS) - 1)


def _profile(level, values):
    """Values known at ``HEIGHTS``, read at every pixel."""
    return values.astype(np.float32)[level]


def _merged(*chords):
    """The chord through solids that overlap: little more than the longest one's."""
    return np.cbrt(sum(chord * chord * chord for chord in chords))


def _body(patient, detector, x, y, level, rng):
    """Trunk, neck, shoulders and head; breasts and muscles; and the arms (mm)."""
    half, deep = (_profile(level, outline) for outline in body_outline(patient, HEIGHTS))
    side = np.clip(np.abs(x - detector.shift(-10)) / half, 0, 1)
    body = 2 * deep * np.sqrt(1 - side * side * side * np.sqrt(side))
    # The front of the axilla: the pectoral muscles cross the upper, outer lungs.
    lift = patient.shoulder
    for sign in (-1, 1):
        muscle = patient.thorax_width - 22, -62 - lift * 0.5
        strength = 0.05 + 0.05 * (patient.sex == "M")
        fold = ellipsoid(x, y, (sign * muscle[0], muscle[1]), (78, 46), 50, -sign * 0.75)
        box = window(x, y, (sign * muscle[0], muscle[1]), (78, 78))
        body[box] += strength / 60 * np.square(fold[box]) * smoothstep(body[box] / 40)
        if patient.breast:
            cx = sign * (patient.thorax_width * 0.62 + rng.normal(0, 4)) + detector.shift(110)
            cy = patient.breast_y + 12 + rng.normal(0, 5)
            wide = 50 + 0.45 * patient.breast
            # Hanging: it thickens slowly from above and ends in a fold below.
            box = window(x, y, (cx, cy), (wide, 1.7 * wide))
            u, v = (x[box] - cx) / wide, (y[box] - cy) / wide
            lower = v > 0
            v = v / np.where(lower, np.float32(0.55), np.float32(1.7))
            rest = np.clip(1 - u * u - v * v, 0, None)
            body[box] += patient.breast * rest ** np.where(lower, np.float32(0.8), np.float32(1.3))
    # The arms: cylinders from the shoulders downwards and outwards, each other's mirror image.
    top = patient.thorax_width + 42, patient.apex + 26 - lift
    drop = np.clip(HEIGHTS - top[1], 0, None)
    middle = top[0] + 12 + (0.03 + 0.30 * patient.arm) * drop
    radius = (44 + 7 * patient.habitus - 6 * patient.child) * (1 - 0.0008 * np.clip(drop, 0, 200))
    cap = np.sqrt(np.clip(1 - (np.clip(top[1] - HEIGHTS, 0, None) / 40) ** 2, 0, 1))
    across = (np.abs(x) - _profile(level, middle)) * _profile(level, 1 / radius)
    arms = _profile(level, 2 * radius * cap) * np.sqrt(np.maximum(1 - across * across, 0))
    # Below the armpit, trunk and arm lie beside each other and their paths add up.
    both = body + np.float32(0.8) * arms
    armpit = patient.apex + 120
    box = window(x, y, (0, armpit - 500), (1000, 500))
    head = ellipsoid(x, y, (detector.shift(10), patient.apex - 128 - lift * 0.3), (68, 62), 80)
    together = _merged(body[box], arms[box], head[box])
    both[box] += (together - both[box]) * smoothstep((armpit - y[box]) / 50)
    return both


def _lung_chord(patient, detector, x, y, level, pose, rng):
    """Path (mm) through the rib cage's inside above the diaphragm."""
    width, depth = thorax_outline(patient, HEIGHTS, pose.inspiration)
    depth = depth * smoothstep((HEIGHTS - patient.apex) / 16)
    width = width + 1.6 * np.sin(HEIGHTS / 17 + 6 * rng.random())
    width = width + 1.2 * np.sin(HEIGHTS / 9.3 + 6 * rng.random())
    xs = x - detector.shift(-15)
    across = xs / _profile(level, width)
    half_z = _profile(level, depth) * np.sqrt(np.maximum(1 - across * across, 0))
    chord = 2 * half_z
    top = patient.dome + 12 * pose.inspiration - (16 if pose.supine else 0)
    for sign in (-1, 1):
        dome_y = top + (patient.dome_difference if sign > 0 else 0)
        cx = sign * (0.52 + 0.05 * rng.normal()) * patient.thorax_width
        phase, swing = 6 * rng.random(), 2.0 * rng.normal()
        box = window(x, y, (sign * 250, dome_y + 250), (270, 265))  # this side, from above the dome
        xb, zb = xs[box], half_z[box]
        outer, inner = np.float32(0.47), np.float32(0.92)
        off = (xb - cx) / (np.where((xb - cx) * sign > 0, outer, inner) * patient.thorax_width)
        below = (y[box] - dome_y + swing * np.sin(xb / 21 + phase)) / patient.dome_height
        reach = 78 * np.sqrt(np.maximum(below - off * off, 0))
        free = np.clip(22 - reach + zb, 0, 2 * zb) + np.maximum(zb - 22 - reach, 0)
        blocked = (reach > 0) & (xb * sign >= 0)
        chord[box] = np.where(blocked, free, chord[box])
    return chord


def _heart_and_vessels(patient, detector, x, y, level, pose):
    """Heart and great vessels (mm), and a factor 0...1 that closes the column between the lungs."""
    s = patient.heart * pose.heart_scale
    sink = 0.75 * (patient.dome - 70) + 7 * pose.inspiration
    xh = x - detector.shift(35)
    yh = y - np.float32(sink)
    a = patient.heart_angle
    parts = [
        ellipsoid(xh, yh, (25 * s, 38), (78 * s, 51 * s), 66 * s, a),
        ellipsoid(xh, yh, (-11 * s, 34), (34 * s, 58 * s), 60 * s),
        ellipsoid(xh, yh, (15 * s, -12), (27 * s, 54 * s), 52 * s, -0.22),
    ]
    heart = np.sqrt(np.sqrt(sum(np.square(np.square(p)) for p in parts)))
    # The heart rests on the diaphragm: below it lies the abdomen, with lung only far behind.
    floor = patient.dome + patient.dome_difference + 12 * pose.inspiration
    heart = heart * (1 - smoothstep((y - floor + 4) / 26))
    shift = detector.shift(5)
    xm = x - shift - _profile(level, 0.5 * spine_x(patient, HEIGHTS))
    beside = [shift + 0.5 * float(spine_x(patient, height)) for height in (-68, -27, -36)]
    arch = beside[0] + 20 + 0.5 * patient.unfolding, -68
    vessels = ellipsoid(x, y, arch, (patient.knob, patient.knob * 1.1), 34)
    # Aorta and superior vena cava are upright columns near the midline.
    box = window(x, y, (shift, 0), (60 + patient.unfolding, 500))
    xv = xm[box]
    lead = 17 + patient.unfolding * np.exp(-(((HEIGHTS + 30) / 50) ** 2))
    below_arch = _profile(level[box], smoothstep((HEIGHTS + 72) / 18))
    aorta = np.sqrt(np.maximum(11.5**2 - (xv - _profile(level[box], lead)) ** 2, 0))
    above_heart = _profile(level[box], smoothstep((10 - HEIGHTS) / 30))
    cava = np.sqrt(np.maximum(11**2 - (xv + 17) ** 2, 0))
    vessels[box] += 2 * aorta * below_arch + np.float32(3.2) * cava * above_heart
    hila = ellipsoid(x, y, (beside[1] - 33, -27), (13, 22), 9, 0.3)
    hila += ellipsoid(x, y, (beside[2] + 34, -36), (12, 19), 9, -0.3)
    medial = medial_outline(patient, HEIGHTS)
    # Above the heart the column has edges; behind it they fade into the heart's shadow.
    low = np.clip((HEIGHTS + 60) / 70, 0, 1)
    edge, fade = _profile(level, medial * (0.62 - 0.4 * low)), _profile(level, 1 / (20 + 18 * low))
    between = smoothstep((np.abs(xm + 1) - edge) * fade)
    total = heart + vessels
    total[box] = _merged(heart[box], vessels[box])
    return total * np.float32(1.05) + hila, between


def _gas(patient, detector, x, y, pose, rng):
    """Windpipe and main bronchi, the gastric bubble with its fluid level, bowel gas (mm of air)."""
    carina = -50.0
    gas = np.zeros_like(x)
    box = window(x, y, (detector.shift(-5), carina - 200), (72, 240))
    yp = y[box]
    drift = 3.5 * np.exp(-(((yp + 70) / 22) ** 2))
    xm = x[box] - detector.shift(-5) + drift + 1
    pipe = 2 * np.sqrt(np.maximum(8.5**2 - xm * xm, 0)) * (yp < carina)
    pipe = pipe * (1 - 0.05 * np.sin(yp * 1.4))
    for sign, slope, length in ((-1, 0.85, 30), (1, 1.5, 42)):
        run = np.maximum(yp - carina, 0)
        off = (xm - sign * (2 + run * slope)) / math.hypot(1, slope)
        tube = 2 * np.sqrt(np.maximum(6.2**2 - off * off, 0))
        pipe = pipe + tube * (yp >= carina) * smoothstep((length / slope - run) / 12) * 0.8
    gas[box] = pipe * 0.9
    bubble = rng.random()
    if bubble < 0.75:
        left_dome = patient.dome + patient.dome_difference + 12 * pose.inspiration
        wide, high = rng.uniform(18, 36), rng.uniform(9, 20)
        cy = left_dome + high + rng.uniform(7, 14)
        cx = rng.uniform(48, 82)
        level = cy + (high * rng.uniform(0.1, 0.8) if not pose.supine else 99)
        stomach = ellipsoid(x, y, (cx, cy), (wide, high), 26) * smoothstep((level - y) / 3)
        gas = gas + stomach
    flexure = rng.uniform(75, 115), patient.dome + rng.uniform(40, 75)
    for _ in range(int(rng.integers(0, 7))):
        centre = flexure[0] + rng.normal(0, 16), flexure[1] + rng.normal(0, 13)
        bowel = ellipsoid(x, y, centre, rng.uniform(7, 17, 2), 1.0, rng.uniform(0, 3))
        gas += bowel * bowel * rng.uniform(1, 4)
    return gas


def _texture(patient, detector, body, lung, x, y, pose):
    """Unevenness of soft tissue and lung, in mm of soft tissue more or less."""
    rng = np.random.default_rng([patient.seed, 5, pose.texture_seed])
    step = detector.pixel / detector.size
    broad = smooth_noise(rng, detector.shape, step, 90, 6, 1.9)
    fine = smooth_noise(rng, detector.shape, step, 9, 1.2, 1.1)
    inside = smoothstep(body / 60)
    airy = smoothstep(lung / 90)
    return inside * (3.2 * broad + 0.6 * fine) + airy * fine * np.float32(0.9 * patient.marking)


def transmit(attenuation: np.ndarray, pixel: float, scatter: float) -> np.ndarray:
    """Photons that arrive, as a share of those sent: primary plus scattered ones.

    Scatter is the primary image blurred over some 5 cm; ``scatter`` is the scattered photons' share
    of all in the mean (0.2 to 0.5 behind a grid).
    """
    primary = np.exp(-attenuation)
    rows, cols = primary.shape
    small = (max(2, cols // 8), max(2, rows // 8))
    coarse = np.asarray(Image.fromarray(primary).resize(small, Image.Resampling.BOX))
    coarse = np.minimum(coarse, np.float32(4) * np.median(coarse))
    blurred = ndimage.gaussian_filter(coarse, 50.0 / (8 * pixel), mode="nearest")
    wide = np.asarray(Image.fromarray(blurred).resize((cols, rows), Image.Resampling.BILINEAR))
    return (1 - scatter) * primary + scatter * wide
