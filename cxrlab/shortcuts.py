"""What the experiments of notebooks 06 and 07 need and no lesson is: people, regions, a letter."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cxrlab.errors import CXRLabError
from cxrlab.filters import published_candidates, usable
from cxrlab.images import IMAGE_SIZE, to_square
from cxrlab.sources import COVID19, ROLE_OF, ROLES, covid, load_catalog
from cxrlab.sources.tables import is_covid19

OTHER_FINDINGS = "other findings"  # a fourth kind of people, in the COVID-19 source
NO_OTHER = ("no finding", "todo", "unknown")  # a healthy person, and those not decided yet

#: The upper left corner of the planted letter, as shares of height and width. The patient's right
#: is on the reader's left, and that is where an R belongs.
AT = (0.05, 0.08)
SIZE = 0.1  # the letter's height, as a share of the image's
LEAD = 255  # lead lets no X-ray through, and what no X-ray reaches stays white
# Seven rows of five, so that the letter is the same on every machine, whatever its fonts.
ROWS = ("####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#")
LETTER = np.array([list(row) for row in ROWS]) == "#"
# Where the lungs lie: top, bottom, left, right as shares of the sides. Generous on purpose: drawn
# around the lungs in the mean image of 60 X-rays each of adults with and without COVID-19, of
# children, and of the phantoms, so that little of any lung is left when they are hidden.
LUNG_BOXES = ((0.12, 0.90, 0.08, 0.46), (0.12, 0.90, 0.54, 0.92))


def everyone(data: str | Path) -> pd.DataFrame:
    """All usable X-rays in ``data``, with the column ``who``.

    ``who`` is ``COVID-19``, ``children``, ``adults`` (both healthy) or ``other findings`` (of the
    COVID-19 source, where there are some). ``label`` is 1 for COVID-19. Of the COVID-19 source PA
    X-rays only; all of them as :func:`cxrlab.filters.usable` leaves them.
    Raises :class:`CXRLabError` where COVID-19, children or adults are missing.
    Example: ``people = shortcuts.everyone(space.data)``, then ``people["who"].value_counts()``.
    """
    catalog = load_catalog(Path(data), "mixed")
    finding = catalog["finding"]
    other = (catalog["source"] == covid.NAME) & (catalog["modality"] == "X-ray")
    other &= (catalog["view"] == "PA") & finding.notna() & ~is_covid19(finding)
    other &= ~finding.str.lower().isin(NO_OTHER)
    others = catalog[other.fillna(False)].assign(label=0)
    everybody = pd.concat([published_candidates(catalog, "mixed"), others], ignore_index=True)
    cases = usable(everybody.astype({"label": int}))
    healthy = cases["source"].map(ROLE_OF).replace(COVID19, OTHER_FINDINGS)
    cases["who"] = healthy.where(cases["label"] == 0, COVID19)
    for kind in ROLES:
        if not (cases["who"] == kind).any():
            raise CXRLabError(
                f"{data} has no usable X-rays of {kind}. This experiment needs some of each of "
                f"{', '.join(ROLES)}: see `cxrlab data status`."
            )
    return cases.sort_values("image_id", ignore_index=True)


def lung_boxes(shape: Sequence[int] = (IMAGE_SIZE, IMAGE_SIZE)) -> list[tuple[int, ...]]:
    """Two boxes around the lungs, (top, bottom, left, right) in pixels of an image of ``shape``.

    Example: ``boxes = shortcuts.lung_boxes()``.
    """
    height, width = shape[:2]
    return [
        (round(top * height), round(bottom * height), round(left * width), round(right * width))
        for top, bottom, left, right in LUNG_BOXES
    ]


def region(name: str, shape: Sequence[int] = (IMAGE_SIZE, IMAGE_SIZE)) -> np.ndarray:
    """A region as a mask: bool, ``shape`` (height, width), True inside.

    ``lungs`` (:func:`lung_boxes`), ``frame`` (the outer tenth of each side: no lung, but plates,
    letters and collimators) or ``centre`` (all but the frame). Raises :class:`CXRLabError` for
    another name. Example: ``shortcuts.region("frame", (10, 10)).sum()`` is 36.
    """
    mask = np.zeros(shape, bool)
    if name == "lungs":
        for top, bottom, left, right in lung_boxes(shape):
            mask[top:bottom, left:right] = True
        return mask
    if name not in ("frame", "centre"):
        raise CXRLabError(f"There is no region {name!r}. Choose one of frame, centre, lungs.")
    down, across = (max(1, round(0.1 * side)) for side in shape)
    mask[down:-down, across:-across] = True
    return mask if name == "centre" else ~mask


def hide(pixels: np.ndarray, name: str) -> np.ndarray:
    """A copy of X-rays, uint8 (n, height, width, 1), with a region filled in (:func:`fill`).

    A filled X-ray is unlike any of the training, and a lower score may partly be the surprise
    (Hooker et al. 2019, arXiv 1806.10758).
    """
    return fill(pixels, [region(name, pixels.shape[1:3])] * len(pixels))


def fill(pixels: np.ndarray, masks: Sequence[np.ndarray]) -> np.ndarray:
    """A copy of X-rays, each with its mask (bool, height and width) filled in evenly.

    The fill is the mean grey of what stays visible: it says nothing of what is hidden.
    """
    filled = pixels.copy()
    for image, mask in zip(filled, masks, strict=True):
        image[mask] = np.rint(image[~mask].mean())
    return filled


def read_mask(file: str | Path) -> np.ndarray:
    """A mask from its file, light inside: bool, shape (224, 224)."""
    return to_square(np.asarray(Image.open(file).convert("L")), IMAGE_SIZE) >= 128


def plant_letter(pixels: np.ndarray, at: tuple[float, float] = AT) -> np.ndarray:
    """A copy of X-rays, uint8 (n, height, width, 1), with a white R, like a lead letter on film.

    After Zech et al. (2018, 10.1371/journal.pmed.1002683). ``at``: its upper left corner as shares
    of height and width, from 0 to 1; it is pushed back inside where it would stick out. Raises
    :class:`CXRLabError` for other places or pixels.
    Example: ``marked = shortcuts.plant_letter(pixels, at=(0.85, 0.08))``.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or not 0 <= min(at) <= max(at) <= 1:
        raise CXRLabError(
            f"No letter at {at} on pixels of type {pixels.dtype} and shape {pixels.shape}. Give "
            "two shares from 0 to 1, and uint8 of shape (n, height, width, 1), as from decode()."
        )
    height, width = pixels.shape[1:3]
    rows, columns = LETTER.shape
    tall = max(rows, round(SIZE * height))
    wide = max(columns, round(tall * columns / rows))
    drawn = LETTER[np.ix_(np.arange(tall) * rows // tall, np.arange(wide) * columns // wide)]
    top, left = min(round(at[0] * height), height - tall), min(round(at[1] * width), width - wide)
    marked = pixels.copy()
    marked[:, top : top + tall, left : left + wide][:, drawn] = LEAD
    return marked


def opacity_masks(cases: pd.DataFrame, data: str | Path) -> np.ndarray:
    """Where the opacities of phantoms in the folder ``data`` are: bool (n, 224, 224), True inside.

    Raises :class:`CXRLabError` where a case has no mask: only simulated COVID-19 X-rays have one.
    Example: ``masks = shortcuts.opacity_masks(ill, space.data)``.
    """
    files = [Path(data) / "masks" / f"{Path(path).stem}.png" for path in cases["path"]]
    if missing := [file.name for file in files if not file.is_file()]:
        raise CXRLabError(
            f"{len(missing)} of {len(files)} X-rays in {data} have no mask of their opacities, "
            f"such as {missing[0]}. Only simulated X-rays with COVID-19 have one."
        )
    return np.stack([read_mask(file) for file in files])
