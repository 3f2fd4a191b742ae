"""The image files below a folder, without the litter that operating systems leave."""

from __future__ import annotations

import os
from pathlib import Path

SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".tif", ".tiff", ".gif", ".webp")


def image_files(folder: Path) -> list[Path]:
    """Image files below ``folder``, sorted. ``__MACOSX`` and hidden ones (``._x``) are left out."""
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__MACOSX" and name[0] != "."]
        found += [
            Path(here, name) for name in files if name[0] != "." and name.lower().endswith(SUFFIXES)
        ]
    return sorted(found)
