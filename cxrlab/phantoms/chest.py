"""From a patient to path lengths through soft tissue, air and bone along every ray.

Beer and Lambert: a ray keeps exp(-sum of attenuation x path) of its photons. Everything is soft
tissue, minus the air in the lungs, plus the bones; the attenuation coefficients are those of NIST
(XCOM) at the 65 keV or so that a 120 kVp chest beam averages.
"""

from dataclasses import dataclass

import numpy as np

from cxrlab.phantoms.anatomy import SIDES, Patient, project_bones, project_vessels
from cxrlab.phantoms.geometry import Detector, bend, ellipsoid, rounded, smooth_noise, smoothstep

SOFT = 0.0195  # 1/mm, muscle and water at 65 keV
BONE = 0.030  # 1/mm, what compact bone adds to the soft tissue whose place it takes
LUNG_AIR = 0.74  # share of a healthy, inflated lung that is air
BREATH = 12  # mm that the diaphragm moves from a usual to a deep breath
CARINA = -50  # mm, where the windpipe divides
WIRE = 12  # mm of bone that dim a ray like 1 mm of an electrode's wire


class Pose:
    """What differs between two images of one patient, anatomy apart."""

    def __init__(self, rng, patient: Patient, view: str = "PA") -> None:
        self.bedside = view in ("AP", "AP Supine")  # less breath, heart far from the detector
        self.breath = float(np.clip(rng.normal(-0.5 if self.bedside else 0, 0.5), -1.5, 1.2))
        self.heart = patient.heart * rng.normal(1.14 if self.bedside else 1.0, 0.025)
        self.vessels = float(np.clip(rng.normal(1.25, 0.25), 0.7, 2.0))  # factor on their blood
        top = patient.dome + BREATH * self.breath - (16 if view == "AP Supine" else 0)
        self.domes = {-1: top, 1: top + patient.dome_difference}  # y of the diaphragm by side
        self.fluid_level = rng.uniform(0.1, 0.8) if view != "AP Supine" else 9.0  # none lying down
        self.seed = int(rng.integers(1 << 30))


@dataclass(frozen=True)
class Projection:
    """Path lengths (mm, arrays of the detector's shape) along every ray."""

    x: np.ndarray  # the patient's own coordinates, mm; y is a column
    y: np.ndarray
    body: np.ndarray  # all tissue
    lung: np.ndarray  # aerated lung
    bones: np.ndarray  # compact bone
    vessels: np.ndarray  # blood in the lungs
    gas: np.ndarray  # windpipe, stomach
    texture: np.ndarray  # mm of soft tissue more or less

    def attenuation(self, opacity: np.ndarray | float = 0.0) -> np.ndarray:
        """Line integrals (no unit). ``opacity`` is the share of the lung's air, 0...1, replaced by
        fluid along each ray."""
        air = (self.lung * (1 - opacity) - self.vessels) * LUNG_AIR + self.gas
        soft = np.maximum(self.body - np.maximum(air, 0) + self.texture, 0)
        return (soft * SOFT + self.bones * BONE).astype(np.float32)


def frontal(patient: Patient, detector: Detector, pose: Pose) -> Projection:
    """Path lengths as seen from the front."""
    x, y = detector.grid()
    rng = np.random.default_rng([patient.seed, 4])
    body = _body(patient, detector, x, y, rng)
    heart, between = _mediastinum(patient, detector, x, y, pose)
    lung = np.maximum(_lungs(patient, detector, x, y, pose, rng) * between - heart, 0)
    bones = project_bones(patient, detector) * (body > 0)
    vessels = project_vessels(patient, detector) * pose.vessels * smoothstep(lung / 45)
    aside = patient.windpipe_drift * np.exp(-(((y - CARINA + 25) / 40) ** 2))  # by the aorta
    pipe = (x - detector.shift(-5) - patient.spine(y)[0] + aside) / patient.windpipe
    gas = 1.8 * patient.windpipe * rounded(pipe) * smoothstep((CARINA - y) / 10)
    if rng.random() < 0.75:  # a bubble in the stomach, with its fluid level
        wide, high = rng.uniform(18, 36), rng.uniform(9, 20)
        bubble = rng.uniform(48, 82), pose.domes[1] + high + rng.uniform(7, 14)
        level = smoothstep((bubble[1] + high * pose.fluid_level - y) / 3)
        gas = gas + ellipsoid(x, y, bubble, (wide, high), 26) * level
    for _ in range(rng.integers(1, 4) if pose.bedside else 0):  # electrodes on the chest
        corners = np.stack([rng.uniform(-110, 110, 4), [-160, -60, 40, 140], [100] * 4], axis=1)
        bones += WIRE * detector.tube(bend(corners, 300), 0.8, 0.8)
    texture = _texture(patient, detector, body, lung, pose)
    return Projection(x, y, body, lung, bones, vessels, gas, texture)


def lateral(patient: Patient, detector: Detector, pose: Pose) -> Projection:
    """Path lengths as seen from the left side, the arms raised; the patient faces right."""
    z, y = detector.grid()  # z takes the place of x
    half, deep = patient.trunk(y)
    width, depth = patient.thorax(y, pose.breath)
    arms = ellipsoid(z, y, (5, patient.apex - 70), (62, 75), 130, 0.5)
    body = _merged(2 * np.minimum(half, patient.thorax_width + 30) * rounded(z / deep, 3), arms)
    lung = np.zeros_like(z)
    for dome in pose.domes.values():
        floor = dome + patient.dome_height * 1.3 * ((z - 25) / depth) ** 2  # lowest behind
        side = (width - patient.between_lungs(y)) * rounded(z / depth) * smoothstep((floor - y) / 5)
        lung += side * smoothstep((y - patient.apex) / 30)
    heart = ellipsoid(z, y, (34, 30), (46 * pose.heart, 70 * pose.heart), 58, 0.6)
    great_vessels = ellipsoid(z, y, (8, -45), (22, 72), 26, 0.2)
    lung = np.maximum(lung - _merged(heart, great_vessels), 0) * smoothstep(body / 60)
    pipe = rounded((z + 6 + 0.12 * (y - CARINA)) / patient.windpipe) * (y < CARINA + 20)
    bones = 0.7 * project_bones(patient, detector) * (body > 0)
    texture = _texture(patient, detector, body, lung, pose)
    return Projection(z, y, body, lung, bones, 0 * z, 1.6 * patient.windpipe * pipe, texture)


def _merged(*chords):
    """The chord through solids that overlap: little more than the longest one's."""
    return np.cbrt(sum(chord * chord * chord for chord in chords))


def _body(patient, detector, x, y, rng):
    """Neck, shoulders and trunk; breasts and muscles; and the arms (mm)."""
    half, deep = patient.trunk(y)
    body = 2 * deep * rounded((x - detector.shift(-10)) / half, 3.5)
    for side in SIDES:
        # The pectoral muscles cross the upper, outer lungs: the front of the armpit.
        middle = side * (patient.thorax_width - 22), -62 - patient.shoulder * 0.5
        fold = ellipsoid(x, y, middle, (78, 46), 50, -side * 0.75) ** 2 / 60
        body += (0.10 if patient.sex == "M" else 0.05) * fold * smoothstep(body / 40)
        if patient.breast:
            # Hanging: it thickens slowly from above and ends in a fold below.
            wide = 50 + 0.45 * patient.breast
            cx = side * (patient.thorax_width * 0.62 + rng.normal(0, 4)) + detector.shift(110)
            v = (y - patient.breast_y - 12 - rng.normal(0, 5)) / wide
            u, v = (x - cx) / wide, np.where(v > 0, v / 0.55, v / 1.7)
            body += patient.breast * np.maximum(1 - u * u - v * v, 0) ** np.where(v > 0, 0.8, 1.3)
    # The arms: cylinders from the shoulders downwards and outwards.
    joint = patient.collarbone - 8 * patient.child - patient.shoulder
    drop = np.maximum(y - joint, 0)
    middle = patient.thorax_width + 54 + (0.03 + 0.30 * patient.arm) * drop
    radius = (44 + 7 * patient.habitus - 6 * patient.child) * (1 - 0.0008 * np.minimum(drop, 200))
    arms = 2 * radius * rounded((np.abs(x) - middle) / radius)
    arms = arms * rounded(np.maximum(joint - y, 0) / 40)  # their upper ends
    # Above the armpit all are one; below it, trunk and arm lie beside each other and add up.
    beside = body + 0.8 * arms
    return beside + (_merged(body, arms) - beside) * smoothstep((patient.apex + 120 - y) / 50)


def _lungs(patient, detector, x, y, pose, rng):
    """Path (mm) through the inside of the rib cage above the diaphragm."""
    width, depth = patient.thorax(y, pose.breath)
    for swing, wave in ((1.6, 17), (1.2, 9.3)):  # mm: the wall is no straight line
        width = width + swing * np.sin(y / wave + 6 * rng.random())
    x = x - detector.shift(-15)
    half = depth * smoothstep((y - patient.apex) / 16) * rounded(x / width)
    chord = 2 * half
    front = 22  # mm: the domes are highest this far behind the front of the lungs
    for side, dome in pose.domes.items():
        middle = side * (0.52 + 0.05 * rng.normal()) * patient.thorax_width
        reach = np.where((x - middle) * side > 0, 0.47, 0.92) * patient.thorax_width
        wave = 2.0 * rng.normal() * np.sin(x / 21 + 6 * rng.random())
        below = (y - dome + wave) / patient.dome_height - ((x - middle) / reach) ** 2
        filled = 78 * np.sqrt(np.maximum(below, 0))  # mm of abdomen before and behind the top
        free = np.clip(front - filled + half, 0, 2 * half) + np.maximum(half - front - filled, 0)
        chord = np.where((filled > 0) & (x * side >= 0), free, chord)
    return chord


def _mediastinum(patient, detector, x, y, pose):
    """Heart and great vessels (mm), and a factor 0...1 that closes the column between the lungs."""
    s, xh = pose.heart, x - detector.shift(35)
    yh = y - (0.75 * (patient.dome - 70) + 0.6 * BREATH * pose.breath)  # it sinks with the dome
    ventricles = ellipsoid(xh, yh, (25 * s, 38), (78 * s, 51 * s), 66 * s, patient.heart_angle)
    right_atrium = ellipsoid(xh, yh, (-11 * s, 34), (34 * s, 58 * s), 60 * s)
    outflow = ellipsoid(xh, yh, (15 * s, -12), (27 * s, 54 * s), 52 * s, -0.22)
    # The heart rests on the diaphragm: below it lies the abdomen, with lung only far behind.
    heart = _merged(ventricles, right_atrium, outflow) * smoothstep((pose.domes[1] + 22 - y) / 26)
    xm = x - detector.shift(5) - 0.5 * patient.spine(y)[0]
    knob = patient.knob, patient.knob * 1.1
    great = ellipsoid(xm, y, (20 + 0.5 * patient.unfolding, -68), knob, 34)
    # Aorta and superior vena cava are upright columns near the midline.
    lead = 17 + patient.unfolding * np.exp(-(((y + 30) / 50) ** 2))
    great += 23 * rounded((xm - lead) / 11.5) * smoothstep((y + 72) / 18)
    great += 35 * rounded((xm + 17) / 11) * smoothstep((10 - y) / 30)
    hila = sum(ellipsoid(xm, y, (s * 33, -31 - 5 * s), (13, 20), 9, -0.3 * s) for s in SIDES)
    # Above the heart the column has edges; behind it they fade into the heart's shadow.
    low = np.clip((y + 60) / 70, 0, 1)
    edge = patient.between_lungs(y) * (0.62 - 0.4 * low)
    return _merged(heart, great) + hila, smoothstep((np.abs(xm + 1) - edge) / (20 + 18 * low))


def _texture(patient, detector, body, lung, pose):
    """Unevenness of soft tissue and lung, in mm of soft tissue more or less."""
    rng = np.random.default_rng([patient.seed, 5, pose.seed])
    broad = smooth_noise(rng, detector.shape, detector.pixel, 90, 6, 1.9)
    fine = smooth_noise(rng, detector.shape, detector.pixel, 9, 1.2, 1.1)
    in_tissue = smoothstep(body / 60) * (3.2 * broad + 0.6 * fine)
    return in_tissue + smoothstep(lung / 90) * fine * (0.9 * patient.marking)
