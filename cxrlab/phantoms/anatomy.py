"""One simulated patient: a handful of lengths and proportions, drawn at random from a seed.

Coordinates are those of the reader, in mm: x grows towards the image's right (the patient's left),
y grows downwards, z grows forwards (from spine to breastbone). The origin lies in the midline, at
the height of the seventh thoracic vertebra. Typical adult lengths follow Gray's Anatomy and the
chest measurements of standard radiographs; they are drawn more widely than a clinic would see them,
so that no two phantoms look alike.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

# Heights (mm) of the first thoracic to the fourth lumbar vertebra in a person of medium size.
VERTEBRAE = np.array(
    [-174, -153, -131, -108, -84.5, -60.5, -36, -11, 15, 42, 70, 99, 130, 163, 197, 232.0]
)


class Patient:
    """One body. Lengths in mm for a person of medium size; ``size`` scales the whole of it.

    ``child`` moves an adult's proportions (0) towards those of a toddler (1).
    """

    def __init__(self, seed: int, child: float = 0.0) -> None:
        rng = np.random.default_rng([seed, 1])

        def around(mean: float, spread: float, low: float = -np.inf, high: float = np.inf) -> float:
            return float(np.clip(rng.normal(mean, spread), low, high))

        self.seed, self.child = seed, child
        self.sex = "F" if rng.random() < 0.45 else "M"
        self.age = int(around(52, 17, 18, 91))  # where it counts as an adult
        old = (self.age - 50) / 20 * (1 - child)
        medium = 0.965 if self.sex == "F" else 1.02
        self.size = around(medium, 0.045, 0.86, 1.13) * (1 - 0.08 * child)
        self.habitus = around(0.35, 0.6, -0.9, 1.9)  # -1 very thin ... 2 obese
        self.fat = 18 + 13 * max(self.habitus, -0.6) * (1 - 0.6 * child)  # under the skin
        self.shoulder = around(0, 12, -24, 24)  # how high the shoulders stand
        self.arm = rng.random()  # 0 arms at the side ... 1 far from it
        female = self.sex == "F"
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
