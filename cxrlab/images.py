"""Reading one image file, whatever its mode, depth or damage, to 8-bit grey values.

The files come from strangers. One that cannot be used raises :class:`UnreadableImage` with a short
reason, and nothing else, so that a catalog can count it and go on.
"""

import base64
import html
import io
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cxrlab.errors import CXRLabError

IMAGE_SIZE = 224  # pixels: what the published network reads
SMALLEST_SIDE = 32  # pixels
LARGEST_AREA = 100_000_000  # pixels; a detector of 43 cm at 0.1 mm has 18 million
LARGEST_FILE = 1_000_000_000  # bytes
# The eight commonest of 256 shades make up so much of a mask or a blank picture. On 1,668 real
# and simulated X-rays it was at most 0.66, on 383 masks at least 0.98.
FEW_SHADES = 0.9

# Named, because Pillow would otherwise try every format it knows, among them ones that start
# other programs (EPS starts Ghostscript).
FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000")

DICOM = "DICOM: export it as PNG or TIFF, with 0 for black"  # in MONOCHROME1 0 is white
# Pillow gives the upper 8 of 16 bits in colour; where these hold next to nothing:
SHALLOW = "few of its 16 bits per colour are used: save it in grey"
MASK = "blank or a mask"

# Pillow warns from inside ``open``; the filters of ``warnings`` belong to the whole process, so
# that only one thread at a time may change them.
_opening = threading.Lock()


class UnreadableImage(CXRLabError):
    """An image that cannot be used: ``path`` says which, ``reason`` says why in some words."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path} cannot be used as an X-ray: {reason}.")
        self.path, self.reason = Path(path), reason


def read_image(path: str | Path) -> np.ndarray:
    """The grey values of an image file: uint8, shape (height, width), 0 is black.

    Turned upright as its EXIF orientation says. Colour becomes luma (ITU-R 601-2), transparency
    is ignored. Depths beyond 8 bits: see :func:`to_uint8`. Raises :class:`UnreadableImage`.
    Example: ``pixels = images.read_image("a.png")``.
    """
    return decode_bytes(read_bytes(path), path)[1]


def load_square(path: str | Path, size: int = IMAGE_SIZE) -> np.ndarray:
    """An image file at the size the network reads: uint8, shape (size, size).

    The aspect ratio is not kept: neither the published project nor Keras keeps it. Raises
    :class:`UnreadableImage`. Example: ``pixels = images.load_square("a.png")``.
    """
    return to_square(read_image(path), size)


def to_square(pixels: np.ndarray, size: int = IMAGE_SIZE) -> np.ndarray:
    """Resize grey values, uint8 (height, width), to (size, size), bilinear with antialiasing.
    Example: ``small = to_square(pixels, 64)``.
    """
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))


def fit(pixels: np.ndarray, side: int, square: bool = False) -> np.ndarray:
    """Grey values, uint8 (height, width), for human eyes: the longer side becomes ``side`` pixels.

    The proportions are kept; ``square`` lays the image on a black square.
    """
    resize = ImageOps.pad if square else ImageOps.contain
    return np.asarray(resize(Image.fromarray(pixels), (side, side), Image.Resampling.BILINEAR))


def picture_html(png: bytes, alt: str) -> str:
    """The bytes of a PNG as HTML that says in words, ``alt``, what the picture shows.

    JupyterLab drops the ``alt`` in an output's metadata, and a widget's Image has none. The price:
    a PDF made through LaTeX has the words only. ``sync``: no blinking while a number is changed.
    """
    shown = base64.b64encode(png).decode("ascii")
    words = html.escape(" ".join(alt.split()))
    look = 'decoding="sync" style="max-width: 100%; height: auto"'
    return f'<img alt="{words}" {look} src="data:image/png;base64,{shown}">'


def read_bytes(path: str | Path) -> bytes:
    """The whole file, if it is one that can be opened without harm (a pipe would wait for ever).

    Raises :class:`UnreadableImage`.
    """
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableImage(path, "not a file")
        if not 0 < found.st_size <= LARGEST_FILE:
            raise UnreadableImage(path, "too large" if found.st_size else "empty")
        return Path(path).read_bytes()
    except PermissionError as error:
        raise UnreadableImage(path, "no permission") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UnreadableImage(path, "missing") from error


def decode_bytes(data: bytes, path: str | Path) -> tuple[dict[str, object], np.ndarray]:
    """The header and, as :func:`read_image` gives them, the grey values of a file's ``data``.

    The header: ``width`` and ``height`` in pixels, Pillow's names of ``mode`` and ``format``.
    ``path`` names the file in errors. Raises :class:`UnreadableImage`.
    """
    try:
        with _quietly():
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            # A JPEG may hold a preview or a gain map beside its picture: then Pillow says MPO.
            several = image.format != "MPO" and getattr(image, "is_animated", False)
    except Image.DecompressionBombError as error:
        raise UnreadableImage(path, "too large") from error
    except UnidentifiedImageError as error:
        reason = DICOM if data[128:132] == b"DICM" else "not an image"
        raise UnreadableImage(path, reason) from error
    except Exception as error:  # decoders raise whatever they like on a hostile file
        raise UnreadableImage(path, "damaged") from error
    with image:  # its header is read, no pixel is decoded yet
        if image.width * image.height > LARGEST_AREA:
            raise UnreadableImage(path, "too large")
        if min(image.size) < SMALLEST_SIDE:
            raise UnreadableImage(path, "too small")
        if several:  # none of several frames or pages is *the* X-ray
            raise UnreadableImage(path, "animated")
        kind, of_one_channel = image.format.replace("MPO", "JPEG"), image.mode[0] in "IF"
        header = {"width": image.width, "height": image.height, "mode": image.mode, "format": kind}
        try:
            deep = not of_one_channel and _bits(image, data) > 8
            image.load()
            pixels = to_uint8(_upright(image))
            # Pillow turns 8 bits round where a TIFF says that 0 is white, and no other depth.
            if kind == "TIFF" and of_one_channel and image.tag_v2.get(262) == 0:
                pixels = 255 - pixels
        except Exception as error:
            early = isinstance(error, EOFError) or "truncated" in str(error).lower()
            raise UnreadableImage(path, "truncated" if early else "damaged") from error
    if deep and pixels.max() < 2**14 >> 8:
        raise UnreadableImage(path, SHALLOW)
    if np.sort(np.bincount(pixels.ravel()))[-8:].sum() > FEW_SHADES * pixels.size:
        raise UnreadableImage(path, MASK)
    return header, pixels


def _bits(image: Image.Image, data: bytes) -> int:
    """How many bits per channel the file has room for; 8 where its format has no more."""
    if image.format == "PNG":
        return data[24]
    if image.format == "TIFF":
        bits = max(image.tag_v2.get(258, (1,)))
        if bits > 8 and image.tag_v2.get(284) == 2:
            raise ValueError("one plane per colour: Pillow takes its bytes for pixels")
        return bits
    if image.format == "JPEG2000":
        return (data[data.index(b"\xff\x4f\xff\x51") + 42] & 0x7F) + 1
    if image.format == "PPM" and isinstance(image.tile[0].args, tuple):
        return int(image.tile[0].args[1]).bit_length()
    return 8


@contextmanager
def _quietly() -> Iterator[None]:
    with _opening, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _upright(image: Image.Image) -> Image.Image:
    """Turned as the EXIF orientation says; broken EXIF data says nothing."""
    try:
        with _quietly():
            orientation = image.getexif().get(0x0112, 1)
    except Exception:  # the parser of EXIF data, too, raises whatever it likes
        return image
    return image if orientation == 1 else ImageOps.exif_transpose(image)


def to_uint8(image: Image.Image) -> np.ndarray:
    """Grey values of a Pillow image of any mode: uint8, shape (height, width).

    A 16-bit file often holds 10, 12 or 14 bits without saying so: the smallest of these depths
    that can hold its brightest pixel is taken for its own, which leaves the exposure as it was.
    Floating-point values, negative ones and those beyond 16 bits are stretched from darkest to
    brightest.
    """
    if image.mode[0] not in "IF":  # by way of RGBA, because a palette may hold transparency
        return np.array(image if image.mode == "L" else image.convert("RGBA").convert("L"))
    values = np.asarray(image)
    if image.mode != "F" and values.min() >= 0 and values.max() < 2**16:
        most = next(2**bits - 1 for bits in (8, 10, 12, 14, 16) if values.max() < 2**bits)
        return np.rint(np.arange(most + 1) * (255 / most)).astype(np.uint8)[values]
    with np.errstate(invalid="ignore"):  # signalling NaNs
        values = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    values -= values.min()  # in place, because of a large picture there is no room for two
    values *= 255 / values.max() if values.max() > 0 else 0
    return np.rint(values, out=values).astype(np.uint8)
