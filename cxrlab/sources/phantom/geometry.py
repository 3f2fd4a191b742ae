"""Line integrals of simple solids on a detector, and smooth random fields.

The X-rays run parallel along z. A solid's image is its chord: the length, in mm, that a ray spends
in it. Ellipsoids have a closed form; curved bones and vessels are sums of small elements whose
volume (mm³) is shared out over the four nearest pixels and divided by a pixel's area, which keeps
the total volume exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image
from scipy import fft


@dataclass(frozen=True)
class Detector:
    """A grid of pixels and how the patient stands before it.

    ``pixel`` is in mm; ``centre`` is the patient's (x, y) in the middle of the image; ``roll``
    tilts the patient in the image plane, ``yaw`` turns him about his long axis (both in radians),
    which moves what lies in front against what lies behind. ``size`` scales the patient.
    """

    shape: tuple[int, int]
    pixel: float
    centre: tuple[float, float] = (0.0, 0.0)
    roll: float = 0.0
    yaw: float = 0.0
    size: float = 1.0

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """The patient's x and y (mm) at every pixel, float32 arrays of ``shape``."""
        rows, cols = self.shape
        u = (np.arange(cols, dtype=np.float32) - (cols - 1) / 2) * np.float32(
            self.pixel / self.size
        )
        v = (np.arange(rows, dtype=np.float32) - (rows - 1) / 2) * np.float32(
            self.pixel / self.size
        )
        cos, sin = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        x = cos * u[None, :] + sin * v[:, None] + np.float32(self.centre[0])
        y = -sin * u[None, :] + cos * v[:, None] + np.float32(self.centre[1])
        return x, y

    def to_pixels(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column and row (fractions of pixels) of patient points (3, n) in mm."""
        x = points[0] + np.float32(np.sin(self.yaw)) * points[2] - np.float32(self.centre[0])
        y = points[1] - np.float32(self.centre[1])
        cos, sin = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        step = np.float32(self.pixel / self.size)
        col = (cos * x - sin * y) / step + np.float32((self.shape[1] - 1) / 2)
        row = (sin * x + cos * y) / step + np.float32((self.shape[0] - 1) / 2)
        return col, row

    def shift(self, z: float) -> float:
        """How far (mm) a turn of the patient moves something at depth ``z`` sideways."""
        return float(np.sin(self.yaw) * z)

    def splat(self, points: np.ndarray, volumes: np.ndarray) -> np.ndarray:
        """Chords (mm) of small elements: ``points`` (3, n) in mm, ``volumes`` (n,) in mm³."""
        rows, cols = self.shape
        col, row = self.to_pixels(points)
        inside = (col >= 0) & (col < cols - 1) & (row >= 0) & (row < rows - 1)
        col, row, volume = col[inside], row[inside], volumes[inside]
        c, r = col.astype(np.intp), row.astype(np.intp)
        right, below = col - c.astype(np.float32), row - r.astype(np.float32)
        first = r * cols + c
        lower, both = volume * below, volume * below * right
        shares = {0: volume - lower - volume * right + both, 1: volume * right - both}
        shares |= {cols: lower - both, cols + 1: both}
        image = np.zeros(rows * cols)
        for step, share in shares.items():
            image[step:] += np.bincount(first, share, rows * cols)[: rows * cols - step]
        area = (self.pixel / self.size) ** 2
        return (image.reshape(rows, cols) / area).astype(np.float32)


def window(x, y, centre, reach) -> tuple[slice, slice]:
    """The rows and columns of a detector's grid in which |x - cx| and |y - cy| are within reach.

    Small structures are computed in their window only. ``x`` and ``y`` must be those of
    :meth:`Detector.grid`, give or take a constant shift.
    """
    near_y = np.minimum(y[:, 0], y[:, -1]) < centre[1] + reach[1]
    near_y &= np.maximum(y[:, 0], y[:, -1]) > centre[1] - reach[1]
    near_x = np.minimum(x[0], x[-1]) < centre[0] + reach[0]
    near_x &= np.maximum(x[0], x[-1]) > centre[0] - reach[0]
    return _span(near_y), _span(near_x)


def _span(wanted: np.ndarray) -> slice:
    found = np.flatnonzero(wanted)
    return slice(found[0], found[-1] + 1) if len(found) else slice(0, 0)


def ellipsoid(x, y, centre, half_axes, depth: float, angle: float = 0.0) -> np.ndarray:
    """Chord (mm) through an ellipsoid of ``half_axes`` in the image plane and half ``depth``."""
    reach = max(half_axes)
    box = window(x, y, centre, (reach, reach))
    dx, dy = x[box] - np.float32(centre[0]), y[box] - np.float32(centre[1])
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u = (cos * dx + sin * dy) / np.float32(half_axes[0])
    v = (cos * dy - sin * dx) / np.float32(half_axes[1])
    image = np.zeros(x.shape, np.float32)
    image[box] = np.float32(2 * depth) * np.sqrt(np.maximum(1 - u * u - v * v, 0))
    return image


def enlarge(image: np.ndarray, shape: tuple[int, int], step: float) -> np.ndarray:
    """Resample to ``shape`` an image of the same view whose pixels are ``step`` times as large."""
    rows, cols = shape
    left = (image.shape[1] - cols / step) / 2
    top = (image.shape[0] - rows / step) / 2
    box = (left, top, left + cols / step, top + rows / step)
    return np.asarray(Image.fromarray(image).resize((cols, rows), Image.Resampling.BICUBIC, box))


def tube(curve, height, width, cortex=None, filling: float = 1.0, across: int = 9) -> tuple:
    """Elements of bones or vessels along ``curve`` (..., n, 3), seen along z.

    ``height`` and ``width`` are half axes (mm, broadcast to (..., n)) of the oval cross-section:
    the upright one and the one across. ``cortex`` is the wall's thickness (mm), ``filling`` the
    core's density as a share of the wall's; without a cortex the tube is solid. A hollow tube is
    brightest near its edges, as a rib is. Returns points (3, m) and volumes (m,) in mm³ of the
    wall's material.
    """
    height, width = np.asarray(height, np.float32), np.asarray(width, np.float32)
    x, y, z = (np.asarray(curve[..., k], np.float32) for k in range(3))
    dx, dy, dz = _slope(x), _slope(y), _slope(z)
    square = dx * dx + dy * dy
    step = np.sqrt(square + dz * dz) + np.float32(1e-6)
    flat = np.sqrt(square) + np.float32(1e-3)
    across_x, across_y = -dy / flat, dx / flat
    half = np.sqrt((height * across_y) ** 2 + (width * across_x) ** 2)
    deep = height * width / half  # keeps the area of the cross-section
    v = ((np.arange(across) + 0.5) / across * 2 - 1).astype(np.float32)
    solid = np.sqrt(1 - v**2)
    chord = (2 * deep * filling)[..., None] * solid
    if cortex is not None:
        inner = np.clip(
            1 - (v / (1 - cortex / np.maximum(half, 1.5 * cortex))[..., None]) ** 2, 0, None
        )
        shrink = 1 - cortex / np.maximum(deep, 1.5 * cortex)
        wall = solid - shrink[..., None] * np.sqrt(inner)
        chord = 2 * deep[..., None] * (wall + filling * (solid - wall))
    volume = chord * (step * half * np.float32(2 / across))[..., None]
    points = np.empty((3, *volume.shape), np.float32)
    points[0] = x[..., None] + (across_x * half)[..., None] * v
    points[1] = y[..., None] + (across_y * half)[..., None] * v
    points[2] = z[..., None]
    return points.reshape(3, -1), volume.reshape(-1)


def _slope(values: np.ndarray) -> np.ndarray:
    """Differences between neighbours along the last axis, as ``np.gradient`` does, but faster."""
    slope = np.empty_like(values)
    slope[..., 1:-1] = (values[..., 2:] - values[..., :-2]) * np.float32(0.5)
    slope[..., 0] = values[..., 1] - values[..., 0]
    slope[..., -1] = values[..., -1] - values[..., -2]
    return slope


def polyline(corners, steps: int) -> np.ndarray:
    """A smooth curve (steps, 3) near the given corners (k, 3): a Catmull-Rom spline."""
    return _spline_weights(len(corners), steps) @ np.asarray(corners, float)


@lru_cache(maxsize=64)
def _spline_weights(count: int, steps: int) -> np.ndarray:
    """The share (steps, count) that each corner has in each point of the curve."""
    corners = np.eye(count)
    padded = np.vstack([2 * corners[0] - corners[1], corners, 2 * corners[-1] - corners[-2]])
    t = np.linspace(0, count - 1 - 1e-9, steps)
    i = t.astype(int)
    f = (t - i)[:, None]
    a, b, c, d = (padded[i + k] for k in range(4))
    return b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)))


def smooth_noise(rng, shape, pixel: float, coarse: float, fine: float, slope: float = 1.5):
    """A random field (float32, mean 0, standard deviation 1) of structures between two sizes.

    ``coarse`` and ``fine`` are wavelengths in mm; between them the amplitude falls with the
    frequency to the power of ``slope``, as tissue does (Burgess 1999, 10.1117/12.349650). A field
    without fine structures is made of larger pixels and resampled.
    """
    step = int(fine / (2.1 * pixel))
    if step > 1 and min(shape) > 8 * step:
        small = (-(-shape[0] // step), -(-shape[1] // step))
        return enlarge(smooth_noise(rng, small, step * pixel, coarse, fine, slope), shape, step)
    rows, cols = (fft.next_fast_len(n, real=True) for n in shape)
    half = cols // 2 + 1
    spectrum = rng.standard_normal((rows, 2 * half), dtype=np.float32).view(np.complex64)
    fy = fft.fftfreq(rows, pixel).astype(np.float32)[:, None]
    fx = fft.rfftfreq(cols, pixel).astype(np.float32)[None, :]
    square = fy * fy + fx * fx
    # Both factors as one exponential: a power of the base and a Gaussian.
    spectrum *= np.exp(
        np.log(square + np.float32(coarse**-2)) * np.float32(-slope / 2)
        - square * np.float32(fine**2)
    )
    spectrum[0, 0] = 0
    field = fft.irfft2(spectrum, s=(rows, cols))[: shape[0], : shape[1]]
    return field / (field.std() + np.float32(1e-9))


def smoothstep(value: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, and a smooth rise between."""
    value = np.minimum(np.maximum(value, 0), 1)
    return value * value * (3 - 2 * value)
