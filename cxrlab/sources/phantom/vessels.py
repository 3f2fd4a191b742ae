"""The branching vessels of the lungs, grown outwards from the hila."""

from __future__ import annotations

import numpy as np

from cxrlab.sources.phantom.anatomy import Patient, thorax_outline
from cxrlab.sources.phantom.geometry import Detector, tube

# The vessels that leave each hilum: angle (radians, 0 outwards, positive downwards), radius (mm).
ROOT_ANGLES = np.array([1.25, 1.0, 0.75, 0.45, 0.1, -0.35, -0.75, -1.1, -1.35, 1.45, 0.9])
ROOT_RADII = np.array([4.6, 3.6, 3.2, 2.6, 2.4, 2.5, 2.7, 2.6, 2.2, 2.6, 2.2])
THINNEST = 0.68  # mm, the radius below which a vessel is no longer followed


def project_vessels(patient: Patient, detector: Detector, prominence: float = 1.0) -> np.ndarray:
    """Chord (mm of blood) through arteries and veins of both lungs.

    Branches divide by Murray's law (the cubes of the daughters' radii add up to the parent's),
    bend at random, and end where they get too thin or reach the chest wall.
    """
    rng = np.random.default_rng([patient.seed, 3])
    side = np.repeat([-1.0, 1.0], len(ROOT_RADII))
    angle = np.tile(ROOT_ANGLES, 2) + rng.normal(0, 0.14, len(side))
    radius = np.tile(ROOT_RADII, 2) * patient.vessels
    level = np.where(side < 0, -24.0, -38.0) + rng.normal(0, 4)
    position = np.stack([27 + rng.normal(0, 4, len(side)), level + 13 * np.sin(angle)], axis=1)
    parts = []
    while len(radius):
        length = (10 + 9.5 * radius**0.8) * rng.uniform(0.6, 1.35, len(radius))
        curve, end_angle = _branch(position, angle, length, rng.normal(0, 0.3, len(radius)))
        calibre = radius[:, None] * np.linspace(1.08, 0.90, curve.shape[1])
        flat = np.stack(
            [side[:, None] * curve[..., 0], curve[..., 1], np.zeros_like(calibre)], axis=-1
        )
        parts.append(tube(flat, calibre, calibre, across=2 + int(0.8 * radius.max())))
        position, angle, radius, side = _divide(rng, curve, end_angle, radius, side)
        wall = thorax_outline(patient, position[:, 1])[0]
        keep = (radius > THINNEST) & (position[:, 0] < wall - 5) & (position[:, 0] > 12)
        keep &= (position[:, 1] > patient.apex + 8) & (position[:, 1] < patient.dome + 62)
        position, angle, radius, side = position[keep], angle[keep], radius[keep], side[keep]
    points = np.concatenate([p for p, _ in parts], axis=1)
    volumes = np.concatenate([v for _, v in parts])
    return detector.splat(points, volumes) * np.float32(prominence)


def _branch(position, angle, length, bend):
    """The middle lines (n, points, 2) of branches, and the angle in which each ends."""
    points = 5 + int(length.max() / 2.6)
    t = np.linspace(0, 1, points, dtype=np.float32)
    position, angle, length, bend = (a.astype(np.float32) for a in (position, angle, length, bend))
    turn = angle[:, None] + bend[:, None] * t + 0.16 * np.sin(7 * t + 9 * bend[:, None])
    step = length[:, None] / (points - 1)
    path = np.stack([np.cos(turn) * step, np.sin(turn) * step], axis=-1)
    path[:, 0] = 0
    return position[:, None] + np.cumsum(path, axis=1), turn[:, -1]


def _divide(rng, curve, angle, radius, side):
    """Two daughters at the end of each branch and a thin one from its middle."""
    n = len(radius)
    share = rng.uniform(0.25, 0.6, n)
    big, small = radius * (1 - share) ** (1 / 3), radius * share ** (1 / 3)
    lean = rng.choice([-1.0, 1.0], n)
    position = [curve[:, -1], curve[:, -1], curve[:, curve.shape[1] // 2]]
    angles = [
        angle + lean * rng.normal(0.18, 0.10, n),
        angle - lean * rng.normal(0.52, 0.16, n),
        angle + lean * rng.normal(0.85, 0.22, n),
    ]
    radii = [big * 0.92, small * 0.88, radius * rng.uniform(0.25, 0.48, n)]
    return np.concatenate(position), np.concatenate(angles), np.concatenate(radii), np.tile(side, 3)
