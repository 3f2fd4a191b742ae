"""What a probe may see: the whole image, its frame, its corners, or all but the centre.

Hiding the lungs and asking again is how Maguolo and Nanni (2021, 10.1016/j.inffus.2021.04.008)
showed that COVID-19 data sets can be told apart without them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxrlab.errors import CXRLabError


@dataclass(frozen=True)
class Region:
    """A part of the image. ``kind`` is one of ``KINDS``, ``share`` is of the image's side.

    The share is how wide the frame is, how long a corner's side, or how much of width and height
    the hidden centre takes. At least one pixel of every edge is seen and one is hidden.
    """

    kind: str
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise CXRLabError(
                f"There is no region {self.kind!r}. Choose one of {', '.join(KINDS)}."
            )
        if self.kind != "whole" and not 0 < self.share < LARGEST[self.kind]:
            raise CXRLabError(
                f"{self.kind} with a share of {self.share} leaves nothing to hide or nothing to "
                f"see. Choose a share between 0 and {LARGEST[self.kind]:g}."
            )

    @property
    def name(self) -> str:
        """What is seen, in words."""
        return KINDS[self.kind].format(percent=f"{100 * self.share:.0f} %")

    def mask(self, size: int) -> NDArray[np.bool_]:
        """Where the probe sees: shape (size, size)."""
        if self.kind == "whole":
            return np.ones((size, size), bool)
        width = (1 - self.share) / 2 if self.kind == "centre" else self.share
        width = min(max(1, round(width * size)), (size - 1) // 2)
        edge = np.ones(size, bool)
        edge[width:-width] = False
        if self.kind == "corners":
            return edge[:, None] & edge
        return edge[:, None] | edge

    def shown(self, pictures: NDArray) -> NDArray:
        """The pixels that the probe sees, of pictures (n, size, size): shape (n, pixels seen)."""
        return pictures[:, self.mask(pictures.shape[1])]


KINDS = {
    "whole": "whole image",
    "frame": "frame of {percent}",
    "corners": "corners of {percent}",
    "centre": "centre of {percent} blacked out",
}
LARGEST = {"frame": 0.5, "corners": 0.5, "centre": 1.0}


def whole_image() -> Region:
    """Everything."""
    return Region("whole")


def frame_only(width: float) -> Region:
    """The outer frame: ``width`` is the share of the side, 0.1 for the outer tenth."""
    return Region("frame", width)


def corners_only(width: float) -> Region:
    """Four squares in the corners, each side ``width`` of the image's."""
    return Region("corners", width)


def centre_blacked_out(width: float) -> Region:
    """All but a square in the middle that takes ``width`` of the image's width and height.

    The same family as the frame, told from the other end: a hidden centre of 0.8 leaves a frame
    of 0.1.
    """
    return Region("centre", width)


# From everything to next to nothing. Only a frame or corners of 10 % and less are free of lung: on
# phantoms with the dial off, where nothing but the lungs tells of the disease, 10 % of frame score
# 0.55, but 15 % score 0.76 and all but a centre of 60 % scores 0.89.
REGIONS = (
    whole_image(),
    centre_blacked_out(0.4),
    centre_blacked_out(0.6),
    frame_only(0.15),
    frame_only(0.1),
    frame_only(0.05),
    corners_only(0.2),
    corners_only(0.1),
)
