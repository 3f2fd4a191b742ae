"""Files to begin with: phantoms in every format that the image reader knows, tables, archives."""

from __future__ import annotations

import io
import json
import random
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

METADATA = (
    "patientid,offset,sex,age,finding,view,modality,folder,filename,license\n"
    "p1,0,F,52,COVID-19,PA,X-ray,images,a.png,CC BY\n"
    'p1,3,F,52,"COVID-19, ARDS",AP,X-ray,images,b.jpg,\n'
    "p2,,M,,Pneumonia/Viral/COVID-19,PA,X-ray,images,sub/c.png,CC0\n"
    "p3,1,m,61.5,No Finding,Axial,CT,volumes,d.nii.gz,\n"
    "7,-2,,200,SARS,L,X-ray,images,\u00e9.png,\u00bf?\n"
)
CASES = (
    "path,label,patient_id,sex,age,view,source\n"
    "a.png,1,p1,F,52,PA,here\nsub/b.jpg,0,p2,M,,AP,there\nc.tif,0.0,,,3.5,,\n"
)


@dataclass(frozen=True)
class Sample:
    """A well-formed file: which reader it is for, and what is in it."""

    reader: str
    name: str
    data: bytes


def all_samples(data: Path, seed: int = 0, originals: int = 12) -> list[Sample]:
    """Samples for every reader. ``data`` is a folder of X-rays in the layout of the course.

    ``originals`` of its files are taken as they are. Three of them, made small so that ten
    thousand mutations take minutes, are also saved in every format.
    """
    files = sorted(
        path
        for path in data.rglob("*")
        if path.suffix.lower() in (".png", ".jpg", ".jpeg") and 0 < path.stat().st_size < 2**20
    )
    chosen = random.Random(seed).sample(files, min(originals, len(files)))
    images = [Sample("image", path.suffix.lower(), path.read_bytes()) for path in chosen]
    for path in chosen[:3]:
        try:
            images += in_every_format(Image.open(path).convert("L").resize((72, 64)))
        except OSError:  # phantoms include an unreadable file
            continue
    tables = [metadata_of(data), ("metadata", METADATA), ("cases", CASES)]
    tables = [Sample(reader, f"{reader}.csv", text.encode()) for reader, text in tables]
    return [
        *images,
        *tables,
        Sample("recording", "recording.json", recording()),
        *(Sample("archive", "a.zip", archive(kind)) for kind in (0, zipfile.ZIP_DEFLATED)),
    ]


def in_every_format(grey: Image.Image) -> list[Sample]:
    """The image in all of the reader's formats, and in the odd modes and depths of each."""
    values = np.asarray(grey)
    deep, floats = Image.fromarray(values.astype(np.uint16) * 16), Image.fromarray(values / 255.0)
    colour, palette, inks, bits = (grey.convert(mode) for mode in ("RGB", "P", "CMYK", "1"))
    several = {"save_all": True}
    turned = Image.Exif()
    turned[0x0112] = 6
    modes = {"JPEG": (grey, colour, inks), "PNG": (grey, colour, palette, deep, bits)}
    modes |= {"TIFF": (grey, deep, inks, floats), "BMP": (grey, colour, palette, bits)}
    modes |= {"GIF": (palette,), "WEBP": (colour,), "PPM": (grey, colour, deep, bits)}
    modes |= {"JPEG2000": (grey, colour, deep)}
    wanted = [(kind, image, {}) for kind, images in modes.items() for image in images]
    pages = {"MPO": colour, "PNG": colour, "TIFF": grey, "GIF": palette, "WEBP": colour}
    wanted += [(kind, image, several) for kind, image in pages.items()]
    packed = {"tiff_lzw": grey, "jpeg": grey, "packbits": grey, "group4": bits}
    wanted += [("TIFF", image, {"compression": kind}) for kind, image in packed.items()]
    wanted += [
        ("JPEG", grey, {"progressive": True, "exif": turned}),
        ("PNG", palette, {"transparency": bytes(range(256)), "exif": turned}),
        ("TIFF", deep, {"compression": "tiff_deflate", "exif": turned}),
        ("WEBP", colour, {"lossless": True, "exif": turned}),
        ("JPEG2000", colour, {"no_jp2": True, "tile_size": (32, 32)}),
    ]
    samples = []
    for kind, image, options in wanted:
        file = io.BytesIO()
        if options is several:
            options = {**several, "append_images": [grey.rotate(90), grey.rotate(180)]}
        image.copy().save(file, kind, **options)  # an image remembers how it was saved last
        samples.append(Sample("image", kind, file.getvalue()))
    plain = f"P2 {grey.width} {grey.height} 255\n" + " ".join(map(str, values.ravel()))
    return [*samples, Sample("image", "PPM", plain.encode())]


def metadata_of(data: Path) -> tuple[str, str]:
    """The first rows of a real ``metadata.csv``, all of whose columns come along."""
    text = (data / "covid-chestxray-dataset" / "metadata.csv").read_text(encoding="utf-8-sig")
    return "metadata", "\n".join(text.split("\n")[:40])


def recording() -> bytes:
    """A recorded search as ``cxrlab tune`` writes it."""
    columns = ["rank", "dense_units", "dropout", "learning_rate", "val_loss"]
    columns += ["recall_at_specificity", "epochs", "trial"]
    rows = [[1, 64, 0.2, 0.001, 0.41, 0.9, 3, 2], [2, 128, 0.5, 0.01, 0.6, 0.8, 1, 1]]
    about = {"command": "cxrlab tune", "seed": 0, "date": "2026-01-01", "versions": {"a": "1"}}
    content = {"objective": "val_loss", **about, "data": "x", "columns": columns, "rows": rows}
    return json.dumps(content, indent=1).encode()


def archive(compression: int) -> bytes:
    """A zip like the ones that are fetched: folders, images, a stray member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as packed:
        packed.writestr("chest_xray/train/NORMAL/", b"")
        for n in range(4):
            packed.writestr(f"chest_xray/train/NORMAL/IM-000{n}-0001.jpeg", bytes(range(256)) * n)
        packed.writestr("__MACOSX/chest_xray/._train", b"x")
    return file.getvalue()
