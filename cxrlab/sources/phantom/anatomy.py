"""The shape of one simulated patient: a handful of lengths and proportions, drawn at random.

Coordinates are those of the reader, in mm: x grows towards the image's right (the patient's left),
y grows downwards, z grows forwards (from spine to sternum). The origin lies in the midline, at the
height of the seventh thoracic vertebra. Typical adult lengths follow Gray's Anatomy and the chest
measurements of standard radiographs; they are drawn more widely than a clinic would see them, so
that no two phantoms look alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Patient:
    """One body. Lengths in mm for a person of medium size; ``size`` scales the whole of it."""

    seed: int
    sex: str  # "M" or "F"
    age: int  # years
    child: float  # 0 an adult's proportions, 1 a toddler's
    size: float  # of the whole body, 1 is medium
    habitus: float  # -1 very thin ... 2 obese
    thorax_width: float  # half the inner width of the rib cage at its widest
    thorax_depth: float  # half the inner depth
    apex: float  # y of the lungs' upper end
    roundness: float  # how fast the chest widens below the apex
    base_flare: float  # widening (+) or narrowing (-) of the chest towards its base
    dome: float  # y of the right dome in full inspiration
    dome_difference: float  # how far the left dome lies below the right one
    dome_height: float  # from the costophrenic angle to the dome
    heart: float  # factor on the heart's diameters
    heart_angle: float  # radians, of its long axis below the horizontal
    knob: float  # radius of the aortic knob
    unfolding: float  # how far the aorta bulges to the left
    mediastinum: float  # half width of the upper mediastinum
    rib_tilt: float  # slope of the rings that the ribs lie on
    rib_height: float  # of one rib
    bone: float  # factor on the bones' density
    scoliosis: float  # sideways swing of the spine
    vessels: float  # factor on the calibre of the lung vessels
    breast: float  # thickness of each breast, 0 for none
    breast_y: float
    shoulder: float  # how high the shoulders stand
    arm: float  # 0 arms at the side ... 1 far from it
    marking: float  # amount of fine texture in the lungs


def draw_patient(seed: int, child: float = 0.0) -> Patient:
    """Draw a patient from a seed; ``child`` moves the proportions towards those of a toddler."""
    rng = np.random.default_rng([seed, 1])
    normal = rng.normal
    sex = "F" if rng.random() < 0.45 else "M"
    age = int(np.clip(normal(52, 17), 18, 91))
    if child > 0.5:
        age = int(rng.integers(1, 6))
    old = (age - 50) / 20 if age > 17 else 0.0
    female = sex == "F"
    habitus = float(np.clip(normal(0.35, 0.6), -0.9, 1.9))
    return Patient(
        seed=seed,
        sex=sex,
        age=age,
        child=child,
        size=float(np.clip(normal(0.965 if female else 1.02, 0.045), 0.86, 1.13)),
        habitus=habitus,
        thorax_width=normal(134, 7.5) + 8 * child,
        thorax_depth=normal(91, 8) + 4 * habitus,
        apex=normal(-150, 6) + 12 * child,
        roundness=float(np.clip(normal(1.0, 0.16), 0.65, 1.4)),
        base_flare=normal(0.02, 0.045) + 0.06 * child,
        dome=normal(70, 11) - 8 * max(habitus, 0) - 12 * child,
        dome_difference=normal(11, 6),
        dome_height=float(np.clip(normal(46, 9), 26, 66)),
        heart=float(np.clip(normal(0.97 + 0.03 * old, 0.085), 0.76, 1.25)) + 0.10 * child,
        heart_angle=normal(0.68, 0.12) - 0.1 * habitus,
        knob=float(np.clip(normal(15.5 + 2 * old, 2.2), 9, 23)) * (1 - 0.45 * child),
        unfolding=max(0.0, normal(3 + 4 * old, 4)),
        mediastinum=normal(27, 3.2) + 2.5 * habitus + 7 * child,
        rib_tilt=float(np.clip(normal(0.58 + 0.03 * old, 0.11), 0.3, 0.85)) * (1 - 0.4 * child),
        rib_height=normal(11.5, 1.2),
        bone=float(np.clip(normal(1.0 - 0.07 * old, 0.16), 0.5, 1.4)) * (1 - 0.15 * child),
        scoliosis=normal(0, 4.5) * (1 - child),
        vessels=float(np.clip(normal(1.0, 0.14), 0.65, 1.35)),
        breast=float(np.clip(normal(30 + 10 * habitus, 12), 5, 62)) * (1 - child)
        if female
        else 0.0,
        breast_y=normal(62, 14),
        shoulder=normal(0, 12),
        arm=rng.random(),
        marking=float(np.clip(normal(1.0, 0.3), 0.3, 2.0)),
    )


def thorax_outline(patient: Patient, y: np.ndarray, inspiration: float = 0.0) -> tuple:
    """The rib cage's inner half width and half depth (mm) at heights ``y``."""
    u = np.clip((y - patient.apex) / 200.0, 0.0, None)
    rise = 1 - (1 - np.minimum(u, 1.0)) ** (2.6 * patient.roundness)
    widest = patient.thorax_width * (1 + 0.02 * inspiration)
    width = 33 + (widest - 33) * np.sqrt(rise + 1e-6)
    width = width * (1 + patient.base_flare * (u - 0.8))
    depth = patient.thorax_depth * np.sqrt(1 - (1 - np.clip(u * 1.25, 0.0, 1.0)) ** 2 + 1e-6)
    return width, depth


def medial_outline(patient: Patient, y: np.ndarray) -> np.ndarray:
    """Half the width (mm) of the column between the lungs that holds spine and mediastinum."""
    above = np.clip((patient.apex + 60 - y) / 60.0, 0.0, 1.0)
    return patient.mediastinum * (0.66 + 0.10 * np.cos((y + 90) / 60.0)) + 23 * above**1.6


def body_outline(patient: Patient, y: np.ndarray) -> tuple:
    """Half width and half depth (mm) of neck, shoulders and trunk at heights ``y``."""
    fat = 18 + 13 * max(patient.habitus, -0.6) * (1 - 0.6 * patient.child)
    lift = patient.shoulder
    chest = patient.thorax_width + 13 + fat
    neck = 58 + 8 * patient.habitus - 10 * patient.child
    heights = np.array([-300, -232, -205, -186, -168, -150, -128, -95, -45, 20, 110, 230]) - 0.0
    heights[1:6] -= lift
    heights[:6] += 14 * patient.child
    broad = chest + (48 - 22 * patient.child)
    widths = np.array(
        [neck + 6, neck, neck + 12, neck + 44, broad - 42, broad - 6, broad + 4, broad - 6]
        + [chest + 2, chest, chest + 2 * max(patient.habitus, 0), chest + 6 * patient.habitus]
    )
    deep = patient.thorax_depth + 14 + 0.9 * fat
    depths = np.array(
        [80, 78, 78, 82, 90, 97, 0.88 * deep, 0.96 * deep, deep, deep]
        + [deep + 4 * patient.habitus, deep]
    )
    return _smooth_profile(y, heights, widths), _smooth_profile(y, heights, depths)


def _smooth_profile(y: np.ndarray, heights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Interpolate without corners: the mean of the polyline over some 22 mm around ``y``."""
    shifts = (-11.0, -5.5, 0.0, 5.5, 11.0)
    return sum(np.interp(y + s, heights, values) for s in shifts) / len(shifts)
