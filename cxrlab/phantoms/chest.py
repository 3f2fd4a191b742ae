"""One simulated patient, and the path lengths through soft tissue, air and bone along every ray.

Coordinates are those of the reader, in mm: x grows towards the image's right (the patient's left),
y grows downwards, z grows forwards (from spine to breastbone). The origin lies in the midline, at
the height of the seventh thoracic vertebra. Typical adult lengths follow Gray's Anatomy, drawn more
widely than a clinic would see them, so that no two phantoms look alike.

Everything is soft tissue, minus the air in the lungs, plus the bones. The attenuation coefficients
are those of NIST (XCOM) at the 65 keV or so that a 120 kVp chest beam averages.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from cxrlab.phantoms.geometry import Detector, bend, ellipsoid, rounded, smooth_noise, smoothstep

SIDES = (-1, 1)  # the patient's right, which is the reader's left; the patient's left
# Heights (mm) of the first thoracic to the fourth lumbar vertebra in a person of medium size.
VERTEBRAE = np.array(
    [-174, -153, -131, -108, -84.5, -60.5, -36, -11, 15, 42, 70, 99, 130, 163, 197, 232.0]
)


class Patient:
    """One body: lengths in mm at medium ``size``; ``child`` from 0, an adult, to 1, a toddler."""

    def __init__(self, seed: int, child: float = 0.0) -> None:
        rng = np.random.default_rng([seed, 1])

        def around(mean, spread, low=-np.inf, high=np.inf) -> float:
            return float(np.clip(rng.normal(mean, spread), low, high))

        self.seed, self.child = seed, child
        female = rng.random() < 0.45
        self.sex = "F" if female else "M"
        self.age = int(around(52, 17, 18, 91))  # where it counts as an adult
        old = (self.age - 50) / 20 * (1 - child)
        medium = 0.965 if female else 1.02
        self.size = around(medium, 0.045, 0.86, 1.13) * (1 - 0.08 * child)
        self.habitus = around(0.35, 0.6, -0.9, 1.9)  # -1 very thin ... 2 obese
        self.fat = 18 + 13 * max(self.habitus, -0.6) * (1 - 0.6 * child)  # under the skin
        self.shoulder = around(0, 12, -24, 24)  # how high the shoulders stand
        self.arm = rng.random()  # 0 arms at the side ... 1 far from it
        self.breast = around(30 + 10 * self.habitus, 12, 5, 62) * (1 - child) * female  # thickness
        self.breast_y = around(62, 14)
        # The rib cage and the lungs in it.
        self.thorax_width = around(134, 7.5) + 8 * child  # half the inner width at the widest
        self.thorax_depth = around(91, 8) + 4 * self.habitus  # half the inner depth
        self.apex = around(-150, 6) + 12 * child  # y of the upper end of the lungs
        self.roundness = around(1.0, 0.16, 0.65, 1.4)  # how fast it widens below the apex
        self.base_flare = around(0.02, 0.045) + 0.06 * child  # widening towards the base
        self.dome = around(70, 11) - 8 * max(self.habitus, 0) - 12 * child  # y, right, in full
        self.dome_difference = around(11, 6)  # how far the left dome lies below the right one
        self.dome_height = around(46, 9, 26, 66)  # from the costophrenic angle to the dome
        self.vessels = around(1.0, 0.14, 0.65, 1.35)  # factor on the calibre of lung vessels
        self.marking = around(1.0, 0.3, 0.3, 2.0)  # amount of fine texture in the lungs
        # What lies between the lungs.
        self.heart = around(0.97 + 0.03 * old, 0.085, 0.76, 1.25) + 0.10 * child  # on its diameters
        self.heart_angle = around(0.68, 0.12) - 0.1 * self.habitus  # radians below the horizontal
        self.knob = around(15.5 + 2 * old, 2.2, 9, 23) * (1 - 0.45 * child)  # radius, aortic arch
        self.unfolding = around(3 + 4 * old, 4, low=0)  # how far the aorta bulges to the left
        self.mediastinum = around(27, 3.2) + 2.5 * self.habitus + 7 * child  # half width, upper
        self.windpipe = around(8, 1.2, 5.5, 11) * (1 - 0.3 * child)  # radius
        self.windpipe_drift = around(2, 5)  # how far the aortic arch pushes it to the right
        # Bones.
        self.collarbone = self.apex + 26 + 8 * child  # y of their inner ends
        self.rib_tilt = around(0.58 + 0.03 * old, 0.11, 0.3, 0.85) * (1 - 0.4 * child)
        self.rib_height = around(11.5, 1.2)
        self.bone = around(1.0 - 0.07 * old, 0.16, 0.5, 1.4) * (1 - 0.15 * child)  # density
        self.scoliosis = around(0, 4.5) * (1 - child)  # sideways swing of the spine

    def spine(self, y):
        """x and z of the spine at heights ``y``; its chest part curves backwards (kyphosis)."""
        bow = 16 * np.cos((y + 40) / 110.0)
        return self.scoliosis * np.sin((y + 40) / 75.0), -0.50 * self.thorax_depth - bow

    def thorax(self, y, inspiration: float = 0.0) -> tuple:
        """The inner half width and half depth of the rib cage at heights ``y``."""
        u = np.maximum((y - self.apex) / 200.0, 0.0)
        rise = 1 - (1 - np.minimum(u, 1.0)) ** (2.6 * self.roundness)
        top = 33  # half width of the first ring of ribs
        width = top + (self.thorax_width * (1 + 0.02 * inspiration) - top) * np.sqrt(rise + 1e-6)
        depth = np.sqrt(1 - (1 - np.clip(u * 1.25, 0.0, 1.0)) ** 2 + 1e-6)
        return width * (1 + self.base_flare * (u - 0.8)), self.thorax_depth * depth

    def between_lungs(self, y):
        """Half the width of the column between the lungs that holds spine and mediastinum."""
        above = np.clip((self.apex + 60 - y) / 60.0, 0.0, 1.0)
        return self.mediastinum * (0.66 + 0.10 * np.cos((y + 90) / 60.0)) + 23 * above**1.6

    def trunk(self, y) -> tuple:
        """Half width and half depth of neck, shoulders and trunk at heights ``y``."""
        chest, stout = self.thorax_width + 13 + self.fat, 4 * max(self.habitus, 0)
        neck, broad = 58 + 8 * self.habitus - 10 * self.child, chest + 48 - 22 * self.child
        deep = self.thorax_depth + 14 + 0.9 * self.fat
        heights = np.array([-300, -232, -205, -186, -168, -150, -128, -95, -45, 20, 110, 230.0])
        slope = [neck + 12, neck + 44, broad - 42]  # the trapezius muscle, from neck to shoulder
        width = [neck + 6, neck, *slope, broad - 6, broad + 4, broad - 6]
        width += [chest + 2, chest, chest + stout / 2, chest + 1.5 * stout]
        depth = [80, 78, 78, 82, 90, 97, 0.88 * deep, 0.96 * deep, deep, deep, deep + stout, deep]
        heights[1:7] -= self.shoulder
        heights[:6] += 14 * self.child
        profile = PchipInterpolator(heights, [width, depth], axis=1)(np.clip(y, heights[0], 230))
        return profile[0].astype(np.float32), profile[1].astype(np.float32)


# Bones and vessels are tubes along a curve.
# Bones: the thickness of the dense wall (mm), and how dense the spongy core is beside it.
RIB, VERTEBRA, COLLARBONE = (1.15, 0.28), (0.8, 0.10), (1.7, 0.30)
BREASTBONE, BLADE, UPPER_ARM = (0.35, 0.05), (0.8, 0.13), (1.5, 0.10)
# How far round the chest (radians from the spine) each rib reaches before it turns into cartilage.
RIB_ENDS = np.array([2.25, 2.38, 2.44, 2.42, 2.38, 2.30, 2.22, 2.06, 1.92, 1.78, 1.25, 0.9])
RIB_START, RIB_WIDTH = 0.14, 3.0  # where a rib leaves the spine, radians; half its width, mm

# The vessels that leave each hilum: angle (radians, 0 outwards, positive downwards), radius (mm).
ROOT_ANGLES = np.array([1.25, 1.0, 0.75, 0.45, 0.1, -0.35, -0.75, -1.1, -1.35, 1.45, 0.9])
ROOT_RADII = np.array([4.6, 3.6, 3.2, 2.6, 2.4, 2.5, 2.7, 2.6, 2.2, 2.6, 2.2])
HILA = np.array([-24.0, -38.0])  # mm: the left one (second) lies higher than the right one


def project_bones(patient: Patient, detector: Detector) -> np.ndarray:
    """Chord (mm of compact bone) through all bones of the patient."""
    rng = np.random.default_rng([patient.seed, 2])
    bones = _ribs(patient, detector, rng) + _spine_and_breastbone(patient, detector)
    return patient.bone * (bones + sum(_shoulder(patient, detector, rng, s) for s in SIDES))


def _ribs(patient: Patient, detector: Detector, rng, steps: int = 220) -> np.ndarray:
    """Twelve pairs, each on a ring that slopes forwards: its image turns at the flank and falls."""
    k, pair = np.arange(12), (2, 12)
    raised = (patient.apex + 150) * np.clip(1 - k / 5, 0, 1)
    start = VERTEBRAE[:12] + raised - 4 + rng.normal(0, 1.5, 12) + rng.normal(0, 1.0, pair)
    slope = patient.rib_tilt * (0.55 + 0.55 * np.minimum(k, 6) / 6) + rng.normal(0, 0.025, pair)
    depth = patient.thorax_depth * np.minimum(1.0, 0.42 + 0.12 * k) * rng.normal(1, 0.02, pair)
    fall = slope * depth
    width = patient.thorax(start + fall)[0] + RIB_WIDTH
    # The first rib is short and lies almost level.
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
    density = np.clip((end - angle) / 0.14, 0.1, 1)  # the front end turns into faint cartilage
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
    """Chord (mm of blood) through arteries and veins of both lungs."""
    # Branches divide by Murray's law (the cubes of the daughters' radii add up to the parent's),
    # bend at random, and end where they get too thin or reach the chest wall.
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
        keep = (radius > 0.68) & (x > 12) & (x < patient.thorax(y)[0] - 5)
        keep &= (y > patient.apex + 8) & (y < patient.dome + 62)
        angle, radius, x, y, side = (a[keep] for a in (angle, radius, x, y, side))
    return blood


SOFT = 0.0195  # 1/mm, muscle and water at 65 keV
BONE = 0.030  # 1/mm, what compact bone adds to the soft tissue whose place it takes
LUNG_AIR = 0.74  # share of a healthy, inflated lung that is air
BREATH = 12  # mm that the diaphragm moves from a usual to a deep breath
CARINA = -50  # mm, where the windpipe divides


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

    x: np.ndarray  # the patient's own coordinates, mm
    y: np.ndarray  # a column
    body: np.ndarray  # all tissue
    lung: np.ndarray  # aerated lung
    bones: np.ndarray  # compact bone
    vessels: np.ndarray  # blood in the lungs
    gas: np.ndarray  # windpipe, stomach
    texture: np.ndarray  # mm of soft tissue more or less

    def attenuation(self, opacity: np.ndarray | float = 0.0) -> np.ndarray:
        """Line integrals (no unit), with an ``opacity`` in the lungs."""
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
    pipe = (x - -5 * detector.turn - patient.spine(y)[0] + aside) / patient.windpipe
    gas = 1.8 * patient.windpipe * rounded(pipe) * smoothstep((CARINA - y) / 10)
    if rng.random() < 0.75:  # a bubble in the stomach, with its fluid level
        wide, high = rng.uniform(18, 36), rng.uniform(9, 20)
        bubble = rng.uniform(48, 82), pose.domes[1] + high + rng.uniform(7, 14)
        level = smoothstep((bubble[1] + high * pose.fluid_level - y) / 3)
        gas = gas + ellipsoid(x, y, bubble, (wide, high), 26) * level
    for _ in range(rng.integers(1, 4) if pose.bedside else 0):  # electrodes on the chest
        corners = np.stack([rng.uniform(-110, 110, 4), [-160, -60, 40, 140], [100] * 4], axis=1)
        # 12 mm of bone dim a ray like 1 mm of an electrode's wire.
        bones += 12 * detector.tube(bend(corners, 300), 0.8, 0.8)
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
    body = 2 * deep * rounded((x - -10 * detector.turn) / half, 3.5)
    for side in SIDES:  # the pectoral muscles cross the upper, outer lungs
        middle = side * (patient.thorax_width - 22), -62 - patient.shoulder * 0.5
        fold = ellipsoid(x, y, middle, (78, 46), 50, -side * 0.75) ** 2 / 60
        body += (0.10 if patient.sex == "M" else 0.05) * fold * smoothstep(body / 40)
        if patient.breast:  # it thickens slowly from above and ends in a fold below
            wide = 50 + 0.45 * patient.breast
            cx = side * (patient.thorax_width * 0.62 + rng.normal(0, 4)) + 110 * detector.turn
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
    beside = body + 0.8 * arms  # below the armpit trunk and arm add up; above it all are one
    return beside + (_merged(body, arms) - beside) * smoothstep((patient.apex + 120 - y) / 50)


def _lungs(patient, detector, x, y, pose, rng):
    """Path (mm) through the inside of the rib cage above the diaphragm."""
    width, depth = patient.thorax(y, pose.breath)
    for swing, wave in ((1.6, 17), (1.2, 9.3)):  # mm: the wall is no straight line
        width = width + swing * np.sin(y / wave + 6 * rng.random())
    x = x - -15 * detector.turn
    half = depth * smoothstep((y - patient.apex) / 16) * rounded(x / width)
    chord = 2 * half
    for side, dome in pose.domes.items():
        middle = side * (0.52 + 0.05 * rng.normal()) * patient.thorax_width
        reach = np.where((x - middle) * side > 0, 0.47, 0.92) * patient.thorax_width
        wave = 2.0 * rng.normal() * np.sin(x / 21 + 6 * rng.random())
        below = (y - dome + wave) / patient.dome_height - ((x - middle) / reach) ** 2
        filled = 78 * np.sqrt(np.maximum(below, 0))  # mm of abdomen before and behind the top
        # The domes are highest 22 mm behind the front of the lungs.
        free = np.clip(22 - filled + half, 0, 2 * half) + np.maximum(half - 22 - filled, 0)
        chord = np.where((filled > 0) & (x * side >= 0), free, chord)
    return chord


def _mediastinum(patient, detector, x, y, pose):
    """Heart and great vessels (mm), and a factor 0...1 that closes the column between the lungs."""
    s, xh = pose.heart, x - 35 * detector.turn
    yh = y - (0.75 * (patient.dome - 70) + 0.6 * BREATH * pose.breath)  # it sinks with the dome
    ventricles = ellipsoid(xh, yh, (25 * s, 38), (78 * s, 51 * s), 66 * s, patient.heart_angle)
    right_atrium = ellipsoid(xh, yh, (-11 * s, 34), (34 * s, 58 * s), 60 * s)
    outflow = ellipsoid(xh, yh, (15 * s, -12), (27 * s, 54 * s), 52 * s, -0.22)
    # The heart rests on the diaphragm: below it lies the abdomen, with lung only far behind.
    heart = _merged(ventricles, right_atrium, outflow) * smoothstep((pose.domes[1] + 22 - y) / 26)
    xm = x - 5 * detector.turn - 0.5 * patient.spine(y)[0]
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
