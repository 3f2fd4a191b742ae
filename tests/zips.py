"""What the tests of archives share: made zips of made X-rays, and where their members go."""

from __future__ import annotations

import random
import zipfile

FOLDER = "chest_xray/train/NORMAL"


def noise(size, seed):
    return random.Random(seed).randbytes(size)


def make_zip(path, files, packing=zipfile.ZIP_DEFLATED):
    """A zip of ``files``: pairs of a name or a ``ZipInfo`` and bytes."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return path


def xrays(count=40, size=30_000):
    """What macOS packs: behind each file a note of its own."""
    files = []
    for n in range(count):
        name = f"IM-{n:04d}-0001.jpeg"
        files.append((f"{FOLDER}/{name}", noise(size, n)))
        files.append((f"__MACOSX/{FOLDER}/._{name}", b"note" * 30))
    return files


def into(folder, found):
    return [(member, folder / member.name.rpartition("/")[2], None) for member in found]


def content(seed, size=30_000):
    return noise(size, seed)
