"""The views that the course rejects: lateral projections, and axial and coronal CT slices.

Simple on purpose: recognisable, and never used for learning.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cxrlab.sources.phantom.anatomy import Patient
from cxrlab.sources.phantom.geometry import Detector, ellipsoid, smooth_noise, smoothstep, window
from cxrlab.sources.phantom.projection import Pose, project, transmit


def lateral(patient: Patient, shape: tuple[int, int], rng) -> np.ndarray:
    """A lateral radiograph, float32 within 0...1, the patient facing right."""
    x, y = Detector(shape, 340.0 / shape[1], (5.0, 0.0)).grid()
    deep = patient.thorax_depth
    trunk = np.clip(1 - np.abs((x - 4 - 0.05 * y) / (deep + 28)) ** 3, 0, None) ** 0.5 * 290
    trunk = trunk * smoothstep((y + 205 + 0.5 * np.abs(x)) / 60)
    top = smoothstep((-y - 75) / 70) * smoothstep((deep + 50 - np.abs(x)) / 40) * 190
    lung = ellipsoid(x, y, (2, -5), (deep, 145), 105)
    dome = patient.dome - 10 + ((x - 20) / 70) ** 2 * 28
    lung = lung * smoothstep((dome - y) / 5)
    heart = ellipsoid(x, y, (30, 35), (45, 62), 52, 0.5) + ellipsoid(
        x, y, (5, -55), (20, 70), 24, 0.2
    )
    air = np.clip(lung - heart, 0, None) * 0.74
    spine = np.zeros_like(x)
    for k in range(16):
        level = -190 + 25 * k
        middle = -deep * 0.72 + 16 * np.sin((level + 30) / 120)
        u, v = (x - middle) / 15, (y - level) / (9.5 + 0.2 * k)
        box = smoothstep((1 - np.maximum(np.abs(u), np.abs(v))) * 6)
        spine += box * (9 + 9 * (np.abs(v) > 0.75))
    for k in range(9):
        start = -130 + 24 * k
        path = start + 0.35 * (x + deep) + 18 * np.sin((x + deep) / 50)
        spine += 3.0 * smoothstep((5 - np.abs(y - path)) / 2) * (np.abs(x) < deep)
    attenuation = (np.clip(trunk + top - air, 0, None) * 0.195 + spine * 0.28) / 10
    attenuation += 0.05 * smooth_noise(rng, shape, 340 / shape[1], 60, 4, 1.8) * (trunk > 5)
    signal = -np.log(transmit(attenuation.astype(np.float32), 340 / shape[1], 0.3))
    value = (signal - 1.0) / (np.percentile(signal, 97) - 1.0)
    picture = np.clip(value, 0, 1.05) ** 1.2 + 0.012 * smooth_noise(rng, shape, 1, 4, 0.8, 0.4)
    return np.clip(picture * 0.9, 0, 1).astype(np.float32)


def axial(patient: Patient, shape: tuple[int, int], rng) -> np.ndarray:
    """An axial CT slice in a lung window, float32 within 0...1; the patient's back is below."""
    x, y = Detector(shape, 390.0 / shape[1]).grid()
    wide, deep = patient.thorax_width, patient.thorax_depth
    body = ((np.abs(x) / (wide + 38)) ** 2.6 + (np.abs(y) / (deep + 34)) ** 2.3) < 1
    cage = ((np.abs(x) / wide) ** 2.2 + (np.abs(y) / deep) ** 2.2) < 1
    ragged = 3 * smooth_noise(rng, shape, 390 / shape[1], 60, 10, 1.5)
    heart = (
        ellipsoid(x, y, (18, -24), (58, 44), 1, 0.5) + ellipsoid(x, y, (-10, -10), (36, 40), 1)
        > 0.2
    )
    column = (np.abs(x + ragged) < 22 + 6 * (y > 20)) | (np.hypot(x - 24, y - 38) < 13)
    lung = cage & ~heart & ~column
    picture = np.where(body, 0.78, 0.03) + 0.03 * smooth_noise(rng, shape, 1, 9, 2, 0.8)
    inside = 0.13 + 0.02 * smooth_noise(rng, shape, 1, 6, 1, 0.6)
    for _ in range(130):
        cx, cy = rng.uniform(-wide, wide), rng.uniform(-deep, deep)
        r = rng.uniform(0.8, 3.6)
        long = r * rng.uniform(1, 3.5)
        box = window(x, y, (cx, cy), (long, long))
        vessel = ellipsoid(x[box], y[box], (cx, cy), (long, r), 0.5, np.arctan2(cy, cx)) > 0
        inside[box][vessel] = 0.75
    haze = smoothstep(smooth_noise(rng, shape, 390 / shape[1], 70, 8, 1.8) - 0.9)
    picture = np.where(lung, inside + 0.35 * haze * (np.hypot(x / wide, y / deep) > 0.6), picture)
    bone = np.zeros(shape, bool)
    for angle in np.linspace(0.35, 2 * np.pi - 0.35, 13) + rng.normal(0, 0.06, 13):
        cx, cy = (wide + 8) * np.sin(angle), (deep + 8) * np.cos(angle)
        bone |= ellipsoid(x, y, (cx, cy), (15, 4.2), 1, -angle) > 0
    bone |= ellipsoid(x, y, (0, deep - 22), (20, 15), 1) > 0
    bone |= (np.abs(x) < 4) & (y > deep - 10) & (y < deep + 20)
    bone |= ellipsoid(x, y, (0, -deep - 8), (22, 6), 1) > 0
    picture = np.where(bone & body, 0.98, picture)
    table = np.abs(y - deep - 52 + (x / 45) ** 2) < 1.6
    return np.clip(ndimage.gaussian_filter(np.where(table, 0.6, picture), 0.7), 0, 1).astype(
        np.float32
    )


def coronal(patient: Patient, shape: tuple[int, int], rng) -> np.ndarray:
    """A coronal CT slice in a lung window, float32 within 0...1."""
    detector = Detector(shape, 360.0 / shape[1], (0.0, -25.0))
    image = project(patient, detector, Pose())
    lung = image.lung > 45
    picture = np.where(image.body > 60, 0.85, 0.03) + 0.03 * smooth_noise(rng, shape, 1, 8, 2, 0.8)
    haze = smoothstep(smooth_noise(rng, shape, 360 / shape[1], 70, 8, 1.8) - 0.7)
    inside = 0.15 + 0.30 * haze + 0.02 * smooth_noise(rng, shape, 1, 6, 1, 0.6)
    picture = np.where(lung, np.where(image.vessels > 3.2, 0.85, inside), picture)
    picture = np.where((image.bones > 7) & ~lung, 1.0, picture)
    return np.clip(ndimage.gaussian_filter(picture, 0.7), 0, 1).astype(np.float32)
