"""What a radiologist would report: COVID-19 opacities with their mask, and other findings.

An opacity is the share (0...1) of the lung's air along a ray that fluid replaces. COVID-19 follows
the pattern of Wong et al. 2020 (10.1148/radiol.2020201160): hazy, irregular patches in both lungs,
near the chest wall and in the lower zones, from barely visible to confluent.
"""

import numpy as np

from cxrlab.sources.phantom.anatomy import Patient
from cxrlab.sources.phantom.chest import Projection
from cxrlab.sources.phantom.geometry import smooth_noise, smoothstep
from cxrlab.sources.phantom.skeleton import SIDES

# Other findings: number of lungs, then ranges (low, high) of where the patches lie (mm outwards and
# downwards), of their half axes (mm), and of the share of air they replace.
OTHERS = {
    "pneumonia": (1, (45, 95), (-70, 60), (24, 50), (24, 50), (0.7, 0.8)),  # dense, in one lobe
    "perihilar": (2, (48, 70), (-30, 15), (30, 45), (55, 65), (0.3, 0.4)),  # oedema, Pneumocystis
    "diffuse": (2, (75, 75), (0, 0), (95, 95), (140, 140), (0.45, 0.75)),  # white lungs: ARDS
    "effusion": (1, (70, 95), (70, 100), (75, 95), (45, 70), (0.9, 0.95)),  # fluid at one base
}


def opacity_of(disease: str, severity: float, patient: Patient, image: Projection, rng):
    """The opacity of "covid", of a ``severity`` from 0 (subtle) to 1 (confluent), or of OTHERS."""
    side, patches = rng.choice(SIDES), []
    if disease == "covid":  # peripheral patches in the lower zones, in turn right and left
        for i in range(4 + rng.poisson(1 + 6 * severity)):
            y = patient.apex + (patient.dome + 20 - patient.apex) * rng.beta(3.4, 1.5)
            x = side * (-1) ** i * float(patient.thorax(y)[0]) * rng.uniform(0.62, 0.93)
            long = rng.uniform(22, 34) + 30 * severity
            strength = rng.uniform(0.75, 1.0) * (0.17 + 0.41 * severity)
            patches.append((x, y, long * rng.uniform(0.5, 0.85), long, strength))
    else:
        lungs, *ranges = OTHERS[disease]
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
