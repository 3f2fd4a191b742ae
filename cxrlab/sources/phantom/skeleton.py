"""Bones in front of and behind the lungs: ribs, spine, shoulders, breastbone."""

from __future__ import annotations

import numpy as np

from cxrlab.sources.phantom.anatomy import Patient, thorax_outline
from cxrlab.sources.phantom.geometry import Detector, polyline, tube

# Heights (mm) of the first thoracic to the fourth lumbar vertebra in a person of medium size.
VERTEBRAE = np.array(
    [-174, -153, -131, -108, -84.5, -60.5, -36, -11, 15, 42, 70, 99, 130, 163, 197, 232.0]
)
# How far round the chest (radians from the spine) each rib reaches before it turns into cartilage.
RIB_ENDS = np.array([2.25, 2.38, 2.44, 2.42, 2.38, 2.30, 2.22, 2.06, 1.92, 1.78, 1.25, 0.9])


def spine_x(patient: Patient, y):
    """Sideways position (mm) of the spine at heights ``y``."""
    return patient.scoliosis * np.sin((y + 40) / 75.0)


def project_bones(patient: Patient, detector: Detector) -> np.ndarray:
    """Chord (mm of compact bone) through all bones of the patient."""
    rng = np.random.default_rng([patient.seed, 2])
    parts = [_ribs(patient, rng), *_spine(patient, rng), *_shoulders(patient, rng)]
    points = np.concatenate([p for p, _ in parts], axis=1, dtype=np.float32)
    volumes = np.concatenate([v for _, v in parts], dtype=np.float32)
    return detector.splat(points, volumes) * np.float32(patient.bone)


def _ribs(patient: Patient, rng, steps: int = 220) -> tuple:
    """Twelve pairs. Each rib lies on a ring that slopes forwards, so that its image is an arc which
    leaves the spine, turns at the flank and comes back lower down."""
    k = np.arange(12)
    start = (
        VERTEBRAE[:12]
        + (patient.apex + 150) * np.clip(1 - k / 5, 0, 1)
        - 4
        + rng.normal(0, 1.5, 12)
        + rng.normal(0, 1.0, (2, 12))
    )
    slope = patient.rib_tilt * (0.55 + 0.55 * np.minimum(k, 6) / 6) + rng.normal(0, 0.025, (2, 12))
    depth = patient.thorax_depth * np.minimum(1.0, 0.42 + 0.12 * k) * rng.normal(1, 0.02, (2, 12))
    fall = slope * depth
    width = thorax_outline(patient, start + fall)[0] + 3.0
    width[:, 0] = np.maximum(width[:, 0], 58)
    fall[:, 0] = 22 + 14 * patient.rib_tilt
    end = (RIB_ENDS + rng.normal(0, 0.07, (2, 12)))[..., None]
    angle = (0.14 + (end - 0.14) * np.linspace(0, 1, steps)).astype(np.float32)
    # A power below 1 squares the arc: straight behind, a tighter turn at the rib's angle.
    x = width[..., None] * np.sin(angle) ** 0.84
    y = start[..., None] + fall[..., None] * (1 - np.cos(angle)) ** rng.normal(
        1.10, 0.05, (2, 12, 1)
    )
    y -= 5 * np.exp(-(((angle - 0.45) / 0.3) ** 2))
    for turn in (1, 2, 3):
        y += rng.normal(0, 1.2, (2, 12, 1)) * np.sin(turn * angle + turn)
    z = -depth[..., None] * np.cos(angle)
    x = x * np.array([-1, 1])[:, None, None] + spine_x(patient, start)[..., None]
    curve = np.stack([x, y, z], axis=-1)
    along = angle / end
    flare = 1 + 0.22 * np.exp(-(((angle - end) / 0.16) ** 2))
    height = patient.rib_height / 2 * (0.74 + 0.26 * np.sin(along * np.pi)) * flare
    height = (
        height
        * rng.normal(1, 0.06, (2, 12, 1))
        * np.where(np.isin(k, (0, 10, 11)), 0.8, 1.0)[:, None]
    )
    points, volumes = tube(curve, height, 3.0, np.float32(1.15), 0.28, across=9)
    # The front end turns into cartilage, which is as faint as soft tissue.
    fade = np.clip((end - angle) / 0.14, 0.1, 1) * (1 - 0.25 * np.clip((angle - 1.7) / 0.4, 0, 1))
    fade = fade * np.where(k == 0, 0.45, 1.0)[:, None] * rng.normal(1, 0.08, (2, 12, 1))
    return points, volumes * np.repeat(fade.reshape(-1).astype(np.float32), 9)


def _spine(patient: Patient, rng) -> list:
    """Vertebral bodies with brighter end plates; transverse and spinous processes, pedicles."""
    k = np.arange(len(VERTEBRAE))
    y = VERTEBRAE
    height, width = 8.6 + 0.42 * k, 12.5 + 0.62 * k
    centre = np.stack(
        [spine_x(patient, y), y, np.full(len(k), -0.58 * patient.thorax_depth)], axis=1
    )
    lean = patient.scoliosis / 75.0 * np.cos((y + 40) / 75.0)
    u, v = np.meshgrid(np.linspace(-1, 1, 28), np.linspace(-1, 1, 18))
    waist = width[:, None, None] * (0.90 + 0.12 * v**2)
    box = np.stack(
        [u * waist, v * height[:, None, None] + lean[:, None, None] * u * waist, 0 * waist], -1
    )
    wall = 1 + 0.9 * (np.abs(v) > 0.88) + 0.5 * (np.abs(u) > 0.9)
    area = (2 * waist / 28) * (2 * height[:, None, None] / 18)
    parts = [((box + centre[:, None, None]).reshape(-1, 3).T, (3.4 * wall * area).reshape(-1))]
    turn = np.linspace(0, 2 * np.pi, 22)
    for side in (-1, 1):
        reach = 15 + 13 * np.exp(-(((k - 4) / 6) ** 2)) + rng.normal(0, 1.2, len(k))
        root = centre + np.stack([side * width * 0.62, -height * 0.3, 0 * k - 14], axis=1)
        tip = root + np.stack([side * reach, -height * 0.45, 0 * k - 12], axis=1)
        t = np.linspace(0, 1, 20)[None, :, None]
        curve = root[:, None] * (1 - t) + tip[:, None] * t
        parts.append(tube(curve, 3.8, 3.0, np.float32(0.6), 0.12, across=7))
        oval = np.stack([2.8 * np.cos(turn), 4.2 * np.sin(turn) + 1, 0 * turn], axis=1)
        parts.append(((root[:, None] + oval).reshape(-1, 3).T, np.full(22 * len(k), 3.5)))
    low = centre + np.stack(
        [rng.normal(0, 1, len(k)), height * (0.9 + 0.5 * ((k > 3) & (k < 9))), 0 * k - 40.0], 1
    )
    drop = np.stack([2.6 * np.cos(turn), 5.5 * np.sin(turn), 0 * turn], axis=1)
    parts.append(((low[:, None] + drop).reshape(-1, 3).T, np.full(22 * len(k), 3.5)))
    return parts


def _shoulders(patient: Patient, rng) -> list:
    """Clavicles, scapulae, upper arms and the breastbone."""
    parts = []
    high = patient.apex + 26 + 8 * patient.child
    for side in (-1, 1):
        glenoid, tip = (
            shoulder_joint(patient, side),
            np.array([side * (patient.thorax_width + 30), 0, 0.0]),
        )
        tip += [0, high - 24 - patient.shoulder + rng.normal(0, 4), -5]
        parts.append(_clavicle(patient, rng, side, high, tip))
        parts += _scapula(patient, rng, side, high, glenoid, tip)
        head = glenoid + [side * 22, 1, 8]
        out = side * (10 + 46 * patient.arm)
        shaft = [
            head + [side * 3, 8, 0],
            head + [side * 6 + out * 0.3, 62, 0],
            head + [side * 6 + out, 185, 0],
        ]
        thick = np.interp(np.linspace(0, 1, 190), [0, 0.25, 1], [16, 11.5, 10.5])
        parts.append(tube(polyline(shaft, 190), 12, thick, np.float32(1.7), 0.10, across=19))
        t = np.linspace(-1, 1, 40)
        ball = np.stack([head + [21.5 * s, 0, 0] for s in t])
        cap = 21.5 * np.sqrt(1.02 - t**2)
        parts.append(tube(ball, cap, cap, np.float32(0.9), 0.13, across=35))
    front = patient.thorax_depth * 0.85
    breastbone = polyline(
        [[0, high + 4, front], [0, high + 60, front + 8], [0, high + 165, front + 10]], 110
    )
    wide = np.interp(np.linspace(0, 1, 110), [0, 0.2, 0.3, 0.8, 1], [24, 19, 14, 17, 8])
    return [*parts, tube(breastbone, 4, wide, np.float32(0.35), 0.05, across=25)]


def shoulder_joint(patient: Patient, side: int) -> np.ndarray:
    """Where the upper arm meets the shoulder blade (mm)."""
    high = patient.apex + 26 + 8 * patient.child
    return np.array([side * (patient.thorax_width + 22), high + 4 - patient.shoulder, -20.0])


def _clavicle(patient: Patient, rng, side: int, high: float, tip: np.ndarray) -> tuple:
    """An S-shaped bone from the breastbone up and outwards to the top of the shoulder."""
    inner = np.array(
        [side * (12 + rng.normal(0, 1)), high + rng.normal(0, 2), 0.8 * patient.thorax_depth]
    )
    bow = rng.normal(6, 3)
    corners = [
        inner,
        inner * 0.70 + tip * 0.30 + [0, bow, 0],
        inner * 0.35 + tip * 0.65 + [0, -bow * 0.7, 0],
        tip,
    ]
    along = np.linspace(0, 1, 170)
    thick = 5.0 + 2.6 * np.exp(-6 * along) + 1.0 * along**4
    return tube(polyline(corners, 170), thick, 5.5, np.float32(1.7), 0.30, across=9)


def _scapula(patient: Patient, rng, side: int, high: float, glenoid, tip) -> list:
    """A thin triangular blade with stronger borders, its spine, the socket and the coracoid."""
    broad, lift = patient.thorax_width, patient.shoulder
    swing = rng.normal(0, 9) + 12 * patient.arm
    upper = np.array([side * (broad - 34 + swing * 0.6), high - 2 - lift * 0.7, -75.0])
    lower = np.array(
        [side * (broad - 6 + swing), high + 116 + rng.normal(0, 7) - lift * 0.5, -80.0]
    )
    edge = [glenoid, (glenoid + lower) / 2 + [-side * 5, 4, 0], lower]
    medial = (upper + lower) / 2 + [-side * (5 + rng.normal(0, 2)), 0, 0]
    ridge = [upper * 0.85 + lower * 0.15, (upper + glenoid) / 2 + [0, -2, 0], tip + [-side, 3, -25]]
    wall = np.float32(0.7)
    return [
        _blade(glenoid, upper, lower),
        tube(polyline(edge, 110), 4.2, 3.4, np.float32(1.0), 0.15),
        tube(polyline([upper, medial, lower], 110), 1.9, 1.7, wall, 0.15, across=5),
        tube(polyline(ridge, 100), 4.2, 4.0, wall, 0.12),
        tube(
            polyline([glenoid + [-side * 14, -7, 10], glenoid + [-side * 4, -4, 25]], 20),
            5,
            5,
            wall,
            0.15,
        ),
        tube(
            polyline([tip + [side * -4, 2, -10], tip + [side * 16, 10, -14]], 26), 6, 6, wall, 0.12
        ),
        tube(
            polyline([glenoid + [side, -15, 0], glenoid + [side * 2, 17, 0]], 30),
            5,
            3.4,
            wall,
            0.15,
        ),
    ]


def _blade(a, b, c, thickness: float = 1.4, steps: int = 56) -> tuple:
    """A thin triangular plate between three corners."""
    s, t = np.meshgrid((np.arange(2 * steps) + 0.5) / steps / 2, (np.arange(steps) + 0.5) / steps)
    keep = s + t < 1
    s, t = s[keep][:, None], t[keep][:, None]
    points = a + s * (b - a) + t * (c - a)
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a))
    return points.T, np.full(len(points), thickness * area / len(points))
