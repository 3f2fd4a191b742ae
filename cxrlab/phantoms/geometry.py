"""Shadows of simple solids on a detector, and smooth random fields.

The X-rays run parallel along z. The image of a solid is its chord: the length in mm that each ray
spends in it. Curved bones and vessels are cut into small elements whose volume is shared out over
the four nearest pixels, which keeps the total exactly.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from PIL import Image
from scipy import fft


@dataclass(frozen=True)
class Detector:
    """A grid of pixels, and how the patient stands before it. Lengths in the patient's own mm."""

    shape: tuple[int, int]  # rows and columns
    pixel: float
    centre: tuple[float, float] = (0.0, 0.0)  # the patient's (x, y) in the middle of the image
    lean: float = 0.0  # sideways, mm per mm of height
    turn: float = 0.0  # sideways, mm per mm of depth: the front moves against the back
    lateral: bool = False  # seen from the side: z takes the place of x

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """The patient's x (rows, columns) and y (rows, 1) at every pixel."""
        rows, cols = (np.arange(n, dtype=np.float32) - (n - 1) / 2 for n in self.shape)
        y = (rows * self.pixel + self.centre[1])[:, None]
        return cols * self.pixel + self.centre[0] - self.lean * y, y

    def tube(self, curve, height, width, cortex=(0.0, 1.0), density=1.0) -> np.ndarray:
        """Chord (mm of the wall's material) through bones or vessels along ``curve`` (..., n, 3).

        ``height`` and ``width`` are half axes (mm, each (..., n)) of the oval cross-section;
        ``cortex`` is the wall's thickness (mm) and the core's density as a share of the wall's.
        """
        curve = np.asarray(curve, np.float32)[..., :: -1 if self.lateral else 1]
        slope = np.gradient(curve, axis=-2)
        flat = np.hypot(slope[..., 0], slope[..., 1]) + np.float32(1e-3)
        across_x, across_y = -slope[..., 1] / flat, slope[..., 0] / flat
        half = np.hypot(height * across_y, width * across_x).astype(np.float32)
        deep = height * width / half  # keeps the area of the cross-section
        strips = 3 + int(2 * half.max() / self.pixel)
        v = ((np.arange(strips) + 0.5) / strips * 2 - 1).astype(np.float32)
        wall, filling = cortex
        core = np.maximum(1 - (v / np.maximum(1 - wall / half, 0.3)[..., None]) ** 2, 0)
        core = np.maximum(deep - wall, 0.3 * deep)[..., None] * np.sqrt(core)
        chord = 2 * (deep[..., None] * np.sqrt(1 - v * v) - (1 - filling) * core)
        step = np.linalg.norm(slope, axis=-1) * half * density * (2 / strips)
        x = curve[..., :1] + (across_x * half)[..., None] * v
        y = curve[..., 1:2] + (across_y * half)[..., None] * v
        return self._share_out(x + self.turn * curve[..., 2:], y, chord * step[..., None])

    def _share_out(self, x, y, volume) -> np.ndarray:
        rows, cols = self.shape
        col = (x + self.lean * y - self.centre[0]) / self.pixel + (cols - 1) / 2
        row = (y - self.centre[1]) / self.pixel + (rows - 1) / 2
        inside = (col >= 0) & (col < cols - 1) & (row >= 0) & (row < rows - 1)
        col, row, volume = col[inside], row[inside], volume[inside]
        right, below, image = col % 1, row % 1, np.zeros(rows * cols)
        c, r = col.astype(np.intp), row.astype(np.intp)
        for down, share in ((0, volume * (1 - below)), (1, volume * below)):
            first = (r + down) * cols + c
            image += np.bincount(first, share * (1 - right), rows * cols)
            image += np.bincount(first + 1, share * right, rows * cols)
        return (image.reshape(rows, cols) / self.pixel**2).astype(np.float32)


def ellipsoid(x, y, centre, half_axes, depth: float, angle: float = 0.0) -> np.ndarray:
    """Chord (mm) through an ellipsoid of ``half_axes`` in the image plane and half ``depth``."""
    dx, dy, cos, sin = x - centre[0], y - centre[1], float(np.cos(angle)), float(np.sin(angle))
    u, v = (cos * dx + sin * dy) / half_axes[0], (cos * dy - sin * dx) / half_axes[1]
    return 2 * depth * np.sqrt(np.maximum(1 - u * u - v * v, 0))


def rounded(u, power: float = 2.0):
    """The outline of a rounded solid: 1 in its middle and 0 from |u| = 1 on."""
    return np.sqrt(np.maximum(1 - np.abs(u) ** power, 0))


def bend(corners, steps: int) -> np.ndarray:
    """A smooth curve (steps, 3) from the first corner to the last one, drawn towards the others."""
    t, n = np.linspace(0, 1, steps)[:, None], len(corners) - 1
    return sum(comb(n, i) * t**i * (1 - t) ** (n - i) * corners[i] for i in range(n + 1))


def smooth_noise(rng, shape, pixel: float, coarse: float, fine: float, slope: float = 1.5):
    """A random field (mean 0, standard deviation 1) of structures between two wavelengths in mm.

    The amplitude falls with the frequency to the power of ``slope``, as in tissue (Burgess 1999,
    10.1117/12.349650). A field without fine structures is made of larger pixels and enlarged.
    """
    step = max(1, int(fine / (2.1 * pixel)))
    rows, cols = (fft.next_fast_len(-(-n // step), real=True) for n in shape)
    fy, fx = fft.fftfreq(rows, step * pixel)[:, None], fft.rfftfreq(cols, step * pixel)
    square = (fy * fy + fx * fx).astype(np.float32)
    spectrum = fft.rfft2(rng.standard_normal((rows, cols), dtype=np.float32))
    spectrum *= (square + coarse**-2) ** (-slope / 2) * np.exp(-square * fine**2)
    spectrum[0, 0] = 0
    field = fft.irfft2(spectrum, s=(rows, cols))[: -(-shape[0] // step), : -(-shape[1] // step)]
    return resize(field / field.std(), shape)


def resize(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resample to ``shape`` (rows, columns), smoothly."""
    return np.asarray(Image.fromarray(image).resize(shape[::-1], Image.Resampling.BICUBIC))


def smoothstep(value: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, and a smooth rise between."""
    value = np.clip(value, 0, 1)
    return value * value * (3 - 2 * value)
