"""Reading images: every mode and depth to grey values, every damage to a reason; preparing."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxrlab.errors import CXRLabError
from cxrlab.images import (
    LUNG_BOXES,
    LUNG_FIELD,
    PREPARATIONS,
    REASONS,
    UnreadableImage,
    decode_bytes,
    fit,
    load_square,
    prepare_pixels,
    read_image,
)
from cxrlab.shortcuts import region

RAMP = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))  # 64 wide, 48 high


def saved(tmp_path: Path, image: Image.Image, name: str, **options) -> Path:
    path = tmp_path / name
    image.save(path, **options)
    return path


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def reason(path: Path) -> str:
    """Why the file is refused, the same by every way of reading it that decodes pixels."""
    with pytest.raises(UnreadableImage) as refused:
        read_image(path)
    with pytest.raises(UnreadableImage) as again:
        load_square(path)
    assert refused.value.reason == again.value.reason
    assert refused.value.path == Path(path)
    assert refused.value.reason in REASONS
    return refused.value.reason


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("L", "a.png"),
        ("LA", "a.png"),
        ("RGB", "a.png"),
        ("RGBA", "a.png"),
        ("P", "a.gif"),
        ("CMYK", "a.tif"),
        ("L", "a.jpg"),
        ("RGB", "a.jpg"),
        ("L", "a.bmp"),
        ("RGB", "a.webp"),
    ],
)
def test_modes_give_the_same_grey_values(tmp_path, mode, name):
    path = saved(tmp_path, Image.fromarray(RAMP).convert(mode), name)
    pixels = read_image(path)
    assert pixels.dtype == np.uint8
    assert pixels.shape == RAMP.shape
    assert np.abs(pixels.astype(int) - RAMP).max() <= 6


def test_cmyk_jpeg_is_not_inverted(tmp_path):
    path = saved(tmp_path, Image.fromarray(RAMP).convert("CMYK"), "a.jpg", quality=95)
    assert np.abs(read_image(path).astype(int) - RAMP).max() <= 8


def test_transparency_is_ignored(tmp_path):
    rgba = Image.fromarray(RAMP).convert("RGBA")
    rgba.putalpha(Image.fromarray(np.zeros_like(RAMP)))
    assert np.array_equal(read_image(saved(tmp_path, rgba, "a.png")), RAMP)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_keep_their_exposure(tmp_path, bits, name):
    values = np.rint(RAMP / 255 * (2**bits - 1)).astype(np.uint16)
    pixels = read_image(saved(tmp_path, Image.fromarray(values), name))
    assert np.abs(pixels.astype(int) - RAMP).max() <= 1
    darker = np.rint(values * 0.7).astype(np.uint16)
    pixels = read_image(saved(tmp_path, Image.fromarray(darker), name))
    assert pixels.max() == pytest.approx(0.7 * 255, abs=1)


def test_big_endian_sixteen_bits():
    values = np.rint(RAMP / 255 * 65535).astype(">u2")
    image = Image.frombytes("I;16B", (64, 48), values.tobytes())
    file = io.BytesIO()
    image.save(file, "TIFF")
    assert np.abs(decode_bytes(file.getvalue(), "a.tif")[1].astype(int) - RAMP).max() <= 1


@pytest.mark.parametrize(
    "values",
    [
        RAMP.astype(np.float32) / 255,
        RAMP.astype(np.float32) * 1e6 - 5,
        RAMP.astype(np.int32) * 1000 - 1024,
    ],
    ids=["float 0 to 1", "float", "negative integers"],
)
def test_values_without_a_scale_are_stretched(tmp_path, values):
    pixels = read_image(saved(tmp_path, Image.fromarray(values), "a.tif"))
    assert np.abs(pixels.astype(int) - RAMP).max() <= 1


def test_floats_that_are_not_finite_or_flat(tmp_path):
    values = RAMP.astype(np.float32)
    values[0, :3] = [np.nan, np.inf, -np.inf]
    assert read_image(saved(tmp_path, Image.fromarray(values), "a.tif")).max() == 255
    flat = np.full((40, 40), 7, np.float32)
    assert (read_image(saved(tmp_path, Image.fromarray(flat), "flat.tif")) == 0).all()


def test_exif_orientation_is_honoured(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    path = saved(tmp_path, Image.fromarray(RAMP), "a.png", exif=exif)
    assert np.array_equal(read_image(path), np.rot90(RAMP, -1))
    broken = saved(tmp_path, Image.fromarray(RAMP), "b.jpg", exif=b"Exif\0\0MM\0*nonsense")
    assert read_image(broken).shape == RAMP.shape


def test_header_and_square(tmp_path):
    path = saved(tmp_path, Image.fromarray(RAMP).convert("RGB"), "a.png")
    header, _ = decode_bytes(path.read_bytes(), path)
    assert header == (64, 48, "RGB", "PNG")
    square = load_square(path, 32)
    assert square.shape == (32, 32)
    assert square.dtype == np.uint8
    assert load_square(path).shape == (224, 224)
    assert fit(RAMP, 32).shape == (24, 32)  # for human eyes, the proportions are kept
    assert fit(RAMP, 32, square=True).shape == (32, 32)


def test_square_is_antialiased(tmp_path):
    stripes = np.zeros((512, 512), np.uint8)
    stripes[:, ::2] = 255
    square = load_square(saved(tmp_path, Image.fromarray(stripes), "a.png"), 64)
    assert np.abs(square.astype(int) - 127).max() < 8


def test_what_is_no_file(tmp_path):
    assert reason(tmp_path / "nowhere.png") == "missing"
    assert reason(tmp_path) == "not a file"
    assert reason(Path("a\0b.png")) == "missing"
    assert reason(Path("x" * 5000)) == "missing"
    (tmp_path / "empty.png").touch()
    assert reason(tmp_path / "empty.png") == "empty"


def test_what_is_no_image(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("patientid,finding\n")
    assert reason(path) == "not an image"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n")
    assert reason(path) == "not an image"  # and no other program is started for it


@pytest.mark.parametrize(("name", "mode"), [("a.jpg", "RGB"), ("a.png", "L"), ("a.png", "RGBA")])
def test_truncated(tmp_path, name, mode):
    noise = np.random.default_rng(0).integers(0, 256, (100, 100), dtype=np.uint8)
    path = saved(tmp_path, Image.fromarray(noise).convert(mode), name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert reason(path) == "truncated"


def test_animated(tmp_path):
    frames = [Image.fromarray(np.roll(RAMP, step)) for step in (0, 9, 20)]
    for name in ("a.gif", "a.png", "a.webp", "a.tif"):
        path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
        assert reason(path) == "animated", name


def test_one_pixel_wide(tmp_path):
    assert reason(saved(tmp_path, Image.new("L", (1, 500)), "a.png")) == "too small"
    assert reason(saved(tmp_path, Image.new("L", (31, 500)), "a.png")) == "too small"
    assert read_image(saved(tmp_path, Image.new("L", (32, 500)), "a.png")).shape == (500, 32)


@pytest.mark.parametrize("side", [9_500, 11_000, 60_000, 2**31 - 1])
def test_decompression_bomb_is_refused_from_its_header_without_a_warning(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(side, side))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Pillow warns of 9,500, too, but it is below our limit: the pixels are what is missing.
        assert reason(path) == ("truncated" if side == 9_500 else "too large")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.bmp", "a.gif", "a.webp"])
def test_nothing_else_escapes_from_damaged_files(tmp_path, name):
    path = saved(tmp_path, Image.fromarray(RAMP), name)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 6):
            data[place] = rng.integers(0, 256)
        path.write_bytes(data[: rng.integers(1, len(data) + 1)])
        try:
            pixels = read_image(path)
        except UnreadableImage as error:
            assert error.reason in REASONS
        else:
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 2


@pytest.mark.real
def test_every_real_image_is_readable(real_data):
    files = [path for path in real_data.rglob("*") if path.suffix.lower() in (".png", ".jpg")]
    assert len(files) > 300
    for path in files:
        assert load_square(path).shape == (224, 224)


# --- preparing for training ------------------------------------------------------------------

SIDE = 224


@pytest.fixture(scope="module")
def xrays(phantom_data):
    """Three phantoms: uint8 (3, 224, 224, 1)."""
    files = sorted((phantom_data / "chest_xray").rglob("*.jp*g"))[:3]
    return np.stack([load_square(path) for path in files])[..., None]


def textured(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (1, SIDE, SIDE, 1), dtype=np.uint8)


@pytest.mark.parametrize("how", PREPARATIONS)
def test_type_and_shape_stay_and_the_original_is_left_alone(xrays, how):
    before = xrays.copy()
    prepared = prepare_pixels(xrays, how)
    assert prepared.dtype == np.uint8 and prepared.shape == xrays.shape
    np.testing.assert_array_equal(xrays, before)
    assert not np.shares_memory(prepared, xrays)
    assert (how == "none") == np.array_equal(prepared, xrays)


@pytest.mark.parametrize("how", PREPARATIONS)
def test_no_xrays_and_even_ones_do_no_harm(how):
    assert prepare_pixels(np.empty((0, SIDE, SIDE, 1), np.uint8), how).shape == (0, SIDE, SIDE, 1)
    for grey in (0, 7, 255):
        even = np.full((1, SIDE, SIDE, 1), grey, np.uint8)
        np.testing.assert_array_equal(prepare_pixels(even, how), even)


@pytest.mark.parametrize(("how", "left"), [("equalise", 0.2), ("clahe", 0.4)])
def test_little_of_the_exposure_is_left(xrays, how, left):
    """A brighter, flatter exposure of the same chest comes out much as the first did."""
    flat = (60 + 0.4 * xrays.astype(float)).astype(np.uint8)
    first, second = prepare_pixels(xrays, how), prepare_pixels(flat, how)
    apart = np.abs(xrays.astype(float) - flat).mean()
    assert np.abs(first.astype(float) - second).mean() < left * apart


def test_equalising_makes_grey_values_equally_frequent(xrays):
    prepared = prepare_pixels(xrays, "equalise")
    quarters = np.quantile(prepared[0], (0.25, 0.5, 0.75))
    np.testing.assert_allclose(quarters, (64, 128, 192), atol=12)


def test_the_lung_field_sees_nothing_of_the_frame():
    image = textured()
    other = image.copy()
    frame = region("frame")
    other[0][frame] = textured(1)[0][frame]
    lungs, others = prepare_pixels(image, "lung field"), prepare_pixels(other, "lung field")
    np.testing.assert_array_equal(lungs, others)
    for how in ("none", "equalise", "clahe"):  # the others do see it
        assert not np.array_equal(prepare_pixels(image, how), prepare_pixels(other, how))


def test_the_lung_field_holds_the_lungs_and_fills_the_image():
    top, bottom, left, right = LUNG_FIELD
    tops, bottoms, lefts, rights = zip(*LUNG_BOXES, strict=True)
    assert (top, bottom) == (min(tops), max(bottoms))
    assert (left, right) == (max(min(lefts), 0.1), min(max(rights), 0.9))  # less the outer tenth
    # Enlarged by much the same in both directions, so that a heart keeps its form.
    assert (bottom - top) / (right - left) == pytest.approx(1, abs=0.05)
    image = np.zeros((1, SIDE, SIDE, 1), np.uint8)
    rows, columns = slice(round(top * SIDE), round(bottom * SIDE)), slice(22, 202)
    image[:, rows, columns] = 200
    np.testing.assert_array_equal(prepare_pixels(image, "lung field"), 200)


def test_an_unknown_preparation_is_refused(xrays):
    with pytest.raises(CXRLabError, match="no preparation 'sharpen'.*lung field"):
        prepare_pixels(xrays, "sharpen")
