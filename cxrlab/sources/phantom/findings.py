"""What a radiologist would report: COVID-19 opacities with their mask, and other findings.

An opacity is the share (0...1) of the lung's air along a ray that fluid replaces. COVID-19 follows
the pattern of Wong et al. 2020 (10.1148/radiol.2020201160): hazy, irregular patches in both lungs,
near the chest wall and in the lower zones, from barely visible to confluent.
"""

from __future__ import annotations

import numpy as np

from cxrlab.sources.phantom.anatomy import Patient, thorax_outline
from cxrlab.sources.phantom.geometry import smooth_noise, smoothstep, window
from cxrlab.sources.phantom.projection import Projection

MASK_FROM = 0.06  # share of replaced air from which a pixel belongs to the mask


def covid(patient: Patient, image: Projection, severity: float, rng, pixel: float) -> np.ndarray:
    """Bilateral, peripheral, lower-zone patches; ``severity`` 0 (subtle) ... 1 (confluent)."""
    first = rng.choice([-1, 1])
    foci = []
    for i in range(4 + rng.poisson(1 + 6 * severity)):
        side = first if i % 2 else -first
        height = patient.apex + (patient.dome + 20 - patient.apex) * rng.beta(3.4, 1.5)
        width = float(thorax_outline(patient, np.array(height))[0])
        centre = side * width * rng.uniform(0.62, 0.93), height
        long = rng.uniform(22, 34) + 30 * severity
        axes = long * rng.uniform(0.5, 0.85), long
        strength = rng.uniform(0.75, 1.0) * (0.17 + 0.41 * severity)
        foci.append((centre, axes, strength))
    return _patches(image, foci, rng, pixel)


def pneumonia(patient: Patient, image: Projection, rng, pixel: float) -> np.ndarray:
    """One dense patch in one lobe."""
    side = rng.choice([-1, 1])
    centre = side * rng.uniform(45, 95), rng.uniform(-70, patient.dome)
    long = rng.uniform(28, 52)
    return _patches(image, [(centre, (long, long * rng.uniform(0.6, 1.0)), 0.75)], rng, pixel)


def perihilar(patient: Patient, image: Projection, rng, pixel: float) -> np.ndarray:
    """A haze that spreads from both hila, as in Pneumocystis pneumonia or oedema."""
    foci = [
        ((side * rng.uniform(48, 70), rng.uniform(-30, 15)), (rng.uniform(30, 45), 60), 0.35)
        for side in (-1, 1)
    ]
    return _patches(image, foci, rng, pixel)


def diffuse(patient: Patient, image: Projection, rng, pixel: float) -> np.ndarray:
    """White lungs, as in the acute respiratory distress syndrome."""
    foci = [((side * 75, 0), (95, 140), rng.uniform(0.45, 0.75)) for side in (-1, 1)]
    return _patches(image, foci, rng, pixel)


def effusion(patient: Patient, image: Projection, rng, pixel: float) -> np.ndarray:
    """Fluid at one lung base, its surface rising towards the chest wall."""
    side = int(rng.choice([-1, 1]))
    level = patient.dome + rng.uniform(-25, 25)
    rise = np.clip((side * image.x - 60) / 70, 0, 1.2) ** 2 * rng.uniform(15, 35)
    return (smoothstep((image.y - level + rise) / 22) * (side * image.x > 0) * 0.95).astype(
        np.float32
    )


OTHER_FINDINGS = {
    "pneumonia": pneumonia,
    "perihilar": perihilar,
    "diffuse": diffuse,
    "effusion": effusion,
}


def incidental(patient: Patient, image: Projection, rng, pixel: float) -> np.ndarray:
    """Small things that healthy and ill people have alike: a plate-like atelectasis, a scar,
    crowded tissue at the bases. Drawn independently of the diagnosis."""
    opacity = np.zeros_like(image.x)
    if rng.random() < 0.25:
        side, y0 = int(rng.choice([-1, 1])), patient.dome - rng.uniform(5, 40)
        slope, x0 = rng.normal(0, 0.25), rng.uniform(50, 105)
        along = (side * image.x - x0) / rng.uniform(15, 28)
        across = (image.y - y0 - slope * (side * image.x - x0)) / rng.uniform(1.3, 2.4)
        opacity += 0.16 * np.exp(-np.square(along * along) - across * across)
    if rng.random() < 0.45:
        side = int(rng.choice([-1, 1]))
        reach = rng.uniform(14, 30)
        base = np.exp(
            -(((side * image.x - 62) / 48) ** 2) - ((image.y - patient.dome) / reach) ** 2
        )
        opacity += rng.uniform(0.05, 0.22) * base * (side * image.x > 0)
    if rng.random() < 0.3:
        centre = int(rng.choice([-1, 1])) * rng.uniform(35, 110), rng.uniform(-110, 50)
        long = rng.uniform(10, 24)
        opacity += _patches(image, [(centre, (long, long), rng.uniform(0.06, 0.22))], rng, pixel)
    return np.clip(opacity, 0, 0.5).astype(np.float32)


def mask_of(opacity: np.ndarray, image: Projection) -> np.ndarray:
    """The pixels (bool) where an opacity can be seen through aerated lung."""
    return (opacity > MASK_FROM) & (image.lung > 12)


def _patches(image: Projection, foci: list, rng, pixel: float) -> np.ndarray:
    """Hazy patches with ragged edges and an uneven inside; where they overlap they add up."""
    ragged = smooth_noise(rng, image.x.shape, pixel, 60, 12, 1.9)
    uneven = smooth_noise(rng, image.x.shape, pixel, 30, 3.5, 1.6)
    ragged = np.clip(1.35 + 0.30 * ragged, 0, 2.4)
    uneven = np.clip(0.92 + 0.12 * uneven, 0, 1.3)
    clear = np.ones_like(image.x)
    for (cx, cy), (a, b), strength in foci:
        box = window(image.x, image.y, (cx, cy), (2.4 * a, 2.4 * b))
        u, v = (image.x[box] - float(cx)) / float(a), (image.y[box] - float(cy)) / float(b)
        patch = smoothstep((ragged[box] - np.sqrt(u * u + v * v)) / 1.25)
        clear[box] *= 1 - float(strength) * patch * uneven[box]
    return np.clip(1 - clear, 0, 0.95)
