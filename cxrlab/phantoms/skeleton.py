"""Bones in front of and behind the lungs, and the vessels within. All are tubes along a curve."""

import numpy as np

from cxrlab.phantoms.anatomy import VERTEBRAE, Patient
from cxrlab.phantoms.geometry import Detector, bend

SIDES = (-1, 1)  # the patient's right, which is the reader's left; the patient's left

# Bones: the thickness of the dense wall (mm), and how dense the spongy core is beside it.
RIB, VERTEBRA, COLLARBONE = (1.15, 0.28), (0.8, 0.10), (1.7, 0.30)
BREASTBONE, BLADE, UPPER_ARM = (0.35, 0.05), (0.8, 0.13), (1.5, 0.10)
# How far round the chest (radians from the spine) each rib reaches before it turns into cartilage.
RIB_ENDS = np.array([2.25, 2.38, 2.44, 2.42, 2.38, 2.30, 2.22, 2.06, 1.92, 1.78, 1.25, 0.9])
RIB_START = 0.14  # radians, where a rib leaves the spine
RIB_WIDTH = 3.0  # mm, half

# The vessels that leave each hilum: angle (radians, 0 outwards, positive downwards), radius (mm).
ROOT_ANGLES = np.array([1.25, 1.0, 0.75, 0.45, 0.1, -0.35, -0.75, -1.1, -1.35, 1.45, 0.9])
ROOT_RADII = np.array([4.6, 3.6, 3.2, 2.6, 2.4, 2.5, 2.7, 2.6, 2.2, 2.6, 2.2])
HILA = np.array([-24.0, -38.0])  # mm: the left one (second) lies higher than the right one
THINNEST = 0.68  # mm, the radius below which a vessel is no longer followed


def project_bones(patient: Patient, detector: Detector) -> np.ndarray:
    """Chord (mm of compact bone) through all bones of the patient."""
    rng = np.random.default_rng([patient.seed, 2])
    bones = _ribs(patient, detector, rng) + _spine_and_breastbone(patient, detector)
    return patient.bone * (bones + sum(_shoulder(patient, detector, rng, s) for s in SIDES))


def _ribs(patient: Patient, detector: Detector, rng, steps: int = 220) -> np.ndarray:
    """Twelve pairs. Each rib lies on a ring that slopes forwards, so that its image is an arc which
    leaves the spine, turns at the flank and comes back lower down."""
    k, pair = np.arange(12), (2, 12)
    raised = (patient.apex + 150) * np.clip(1 - k / 5, 0, 1)
    start = VERTEBRAE[:12] + raised - 4 + rng.normal(0, 1.5, 12) + rng.normal(0, 1.0, pair)
    slope = patient.rib_tilt * (0.55 + 0.55 * np.minimum(k, 6) / 6) + rng.normal(0, 0.025, pair)
    depth = patient.thorax_depth * np.minimum(1.0, 0.42 + 0.12 * k) * rng.normal(1, 0.02, pair)
    fall = slope * depth
    width = patient.thorax(start + fall)[0] + RIB_WIDTH
    # The first rib is short, flat and lies almost level.
    width[:, 0], fall[:, 0] = np.maximum(width[:, 0], 58), 22 + 14 * patient.rib_tilt
    end = (RIB_ENDS + rng.normal(0, 0.07, pair))[..., None]
    angle = RIB_START + (end - RIB_START) * np.linspace(0, 1, steps)
    # The power squares the arc: ribs run straight behind and turn sharply at the flank.
    x = width[..., None] * np.sin(angle) ** 0.84 * np.reshape(SIDES, (2, 1, 1))
    power = rng.normal(1.10, 0.05, (2, 12, 1))
    y = start[..., None] + fall[..., None] * (1 - np.cos(angle)) ** power
    y -= 5 * np.exp(-(((angle - 0.45) / 0.3) ** 2))  # the rib's neck rises before it falls
    for turn in (1, 2, 3):
        y += rng.normal(0, 1.2, (2, 12, 1)) * np.sin(turn * angle + turn)
    x += patient.spine(start)[0][..., None]
    curve = np.stack([x, y, -depth[..., None] * np.cos(angle)], axis=-1)
    slim = np.where(np.isin(k, (0, 10, 11)), 0.8, 1.0)[:, None] * rng.normal(1, 0.06, (2, 12, 1))
    flare = 1 + 0.22 * np.exp(-(((angle - end) / 0.16) ** 2))
    height = patient.rib_height / 2 * (0.74 + 0.26 * np.sin(angle / end * np.pi)) * flare * slim
    # The front end turns into cartilage, which is as faint as soft tissue.
    density = np.clip((end - angle) / 0.14, 0.1, 1)
    density *= np.where(k == 0, 0.45, 1.0)[:, None] * rng.normal(1, 0.08, (2, 12, 1))
    return detector.tube(curve, height, RIB_WIDTH, RIB, density)


def _spine_and_breastbone(patient: Patient, detector: Detector) -> np.ndarray:
    t, k = np.linspace(-1, 1, 24), np.arange(len(VERTEBRAE))[:, None]
    y = VERTEBRAE[:, None] + (8.6 + 0.42 * k) * t  # bodies grow downwards; discs lie between them
    curve = np.stack([*patient.spine(y), y], axis=-1)[..., [0, 2, 1]]
    plates = 1 + 1.2 * (np.abs(t) > 0.82)
    wide = (12.5 + 0.62 * k) * (0.9 + 0.12 * t**2)
    bones = detector.tube(curve, 16 + 0 * y, wide, VERTEBRA, plates)
    high, front = patient.collarbone, patient.thorax_depth * 0.85
    corners = np.array([0, high, front]) + [[0, 4, 0], [0, 70, 10], [0, 165, 10]]
    wide = np.interp(np.linspace(0, 1, 110), [0, 0.2, 0.3, 0.8, 1], [24, 19, 14, 17, 8])
    return bones + detector.tube(bend(corners, 110), 4, wide, BREASTBONE)


def _shoulder(patient: Patient, detector: Detector, rng, side: int) -> np.ndarray:
    """Collarbone, shoulder blade and, where the arms hang down, the upper arm of one side."""
    high, broad, lift = patient.collarbone, patient.thorax_width, patient.shoulder
    out = np.array([side, 1, 1])  # so that positive x points away from the midline
    socket = out * [broad + 22, high + 4 - lift, -20]
    tip = out * [broad + 30, high - 24 - lift + rng.normal(0, 4), -5]
    inner = out * [12 + rng.normal(0, 1), high + rng.normal(0, 2), 0.8 * patient.thorax_depth]
    sag = np.array([0, rng.normal(13, 6), 0])  # the collarbone is S-shaped
    curve = bend([inner, 0.7 * inner + 0.3 * tip + sag, 0.35 * inner + 0.65 * tip - sag, tip], 170)
    thick = np.interp(np.arange(170), [0, 70, 169], [7.6, 5.2, 6])
    bones = detector.tube(curve, thick, 5.5, COLLARBONE)
    swing = rng.normal(0, 9) + 12 * patient.arm  # a raised arm turns the blade outwards
    upper = out * [broad - 34 + swing * 0.6, high - 2 - lift * 0.7, -75]
    lower = out * [broad - 6 + swing, high + 116 + rng.normal(0, 7) - lift * 0.5, -80]
    bones += detector.tube(bend([(socket + upper) / 2, lower], 90), 0.7, np.linspace(26, 3, 90))
    for top, thick in ((socket, 3.8), (upper, 1.8)):  # its outer and its inner border
        border = bend([top, (top + lower) / 2 - out * [10, 0, 0], lower], 110)
        bones += detector.tube(border, thick, thick, BLADE)
    bones += detector.tube(bend([upper, (upper + socket) / 2, tip], 100), 4.6, 4.4, BLADE)
    if not detector.lateral:
        away = 10 + 46 * patient.arm
        joints = ([20, -20, 8], [26, 45, 8], [28 + away, 185, 8])
        thick = np.interp(np.arange(200), [0, 8, 20, 36, 60, 199], [9, 19, 21, 17, 12, 10.5])
        bones += detector.tube(bend([socket + out * j for j in joints], 200), 12, thick, UPPER_ARM)
    return bones


def project_vessels(patient: Patient, detector: Detector) -> np.ndarray:
    """Chord (mm of blood) through arteries and veins of both lungs.

    Branches divide by Murray's law (the cubes of the daughters' radii add up to the parent's),
    bend at random, and end where they get too thin or reach the chest wall.
    """
    rng, n = np.random.default_rng([patient.seed, 3]), len(ROOT_RADII)
    side, y = np.repeat(SIDES, n), np.repeat(HILA, n) + rng.normal(0, 4)
    angle, radius = np.tile(ROOT_ANGLES, 2) + rng.normal(0, 0.14, 2 * n), np.tile(ROOT_RADII, 2)
    x, y, radius = 27 + rng.normal(0, 4, 2 * n), y + 13 * np.sin(angle), radius * patient.vessels
    blood = np.zeros(detector.shape, np.float32)
    while n := len(radius):  # one generation of branches; x is the distance from the midline
        length = (10 + 9.5 * radius**0.8) * rng.uniform(0.6, 1.35, n)
        t, twist = np.linspace(0, 1, 5 + int(length.max() / 2.6)), rng.normal(0, 0.3, n)[:, None]
        turn = angle[:, None] + twist * t + 0.16 * np.sin(7 * t + 9 * twist)
        step = length[:, None] / (len(t) - 1) * (t > 0)
        xs = x[:, None] + np.cumsum(np.cos(turn) * step, axis=1)
        ys = y[:, None] + np.cumsum(np.sin(turn) * step, axis=1)
        calibre = radius[:, None] * np.linspace(1.08, 0.90, len(t))
        curve = np.stack([side[:, None] * xs, ys, 0 * xs], axis=-1)
        blood += detector.tube(curve, calibre, calibre)
        # Two daughters at the end of each branch and a thin one from its middle.
        share, lean = rng.uniform(0.25, 0.6, n), rng.choice([-1.0, 1.0], n)
        forks = ((0.18, 0.10), (-0.52, 0.16), (0.85, 0.22))  # radians: mean and spread
        angle = np.concatenate([turn[:, -1] + lean * rng.normal(*fork, n) for fork in forks])
        shares = 0.92 * (1 - share) ** (1 / 3), 0.88 * share ** (1 / 3), rng.uniform(0.25, 0.48, n)
        radius, side = np.concatenate([radius * s for s in shares]), np.tile(side, 3)
        x, y = (np.concatenate([p[:, -1], p[:, -1], p[:, len(t) // 2]]) for p in (xs, ys))
        keep = (radius > THINNEST) & (x > 12) & (x < patient.thorax(y)[0] - 5)
        keep &= (y > patient.apex + 8) & (y < patient.dome + 62)
        angle, radius, x, y, side = (a[keep] for a in (angle, radius, x, y, side))
    return blood
