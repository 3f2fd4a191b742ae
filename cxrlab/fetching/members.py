"""Which members of a zip archive may be taken out. The archive comes from strangers."""

from __future__ import annotations

import re
import stat
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LARGEST_MEMBER = 200_000_000  # bytes unpacked; an X-ray has 1 to 10 million
LARGEST_RATIO = 200  # unpacked to packed; X-rays reach 3, a column of zeros in a table 50
SMALL = 1_000_000  # bytes; below it any ratio does no harm
MOST_MEMBERS = 200_000

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
HEADER = 30  # bytes of a member's own header, before its name
DRIVE = re.compile(r"^[A-Za-z]:")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Windows opens a device for these, whatever their suffix.
DEVICE = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Member:
    """One file in an archive."""

    name: str  # relative, with / between folders, safe to join to a folder
    size: int  # bytes, unpacked
    packed: int  # bytes in the archive
    crc: int  # CRC-32 of the content


def safe_name(name: str) -> bool:
    """Whether ``name``, joined to a folder, stays inside it on every system."""
    if not name or len(name) > 400 or CONTROL.search(name) or "\\" in name or DRIVE.match(name):
        return False
    parts = name.split("/")
    return all(
        part not in ("", ".", "..")
        and ":" not in part
        and not part.endswith((".", " "))
        and not DEVICE.match(part)
        for part in parts
    )


def usable(infos: Sequence[zipfile.ZipInfo], end: int) -> tuple[list[zipfile.ZipInfo], Counter]:
    """The members that may be taken out, in the archive's order, and why the others may not.

    ``end`` is where the archive's directory begins. Of members with the same name, upper and lower
    case being one to some systems, none is taken: nobody can say which is meant.
    """
    names = Counter(info.filename.lower() for info in infos)
    overlapping = _overlapping(infos, end)
    kept, left_out = [], Counter()
    for info in infos:
        why = _objection(info)
        if why is None and names[info.filename.lower()] > 1:
            why = "twice"
        if why is None and info.header_offset in overlapping:
            why = "overlapping"
        if why is None:
            kept.append(info)
        else:
            left_out[why] += 1
    return kept, left_out


def _objection(info: zipfile.ZipInfo) -> str | None:
    """Why this member may not be taken out, whatever the others are like."""
    name = info.orig_filename  # as written: `filename` ends at a NUL and knows no backslash
    if info.filename.endswith("/"):  # is_dir fails on a member without a name
        return "folder"
    if name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith("._"):
        return "macOS"
    if not safe_name(name) or name != info.filename:
        return "unsafe name"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "link"
    if info.flag_bits & 0x2041:  # bits 0, 6 and 13: three ways to encrypt
        return "encrypted"
    if info.compress_type not in METHODS:
        return "unknown packing"
    packed = max(info.compress_size, 1)
    bomb = info.file_size > SMALL and info.file_size / packed > LARGEST_RATIO
    if info.file_size > LARGEST_MEMBER or info.compress_size > LARGEST_MEMBER or bomb:
        return "too large"
    return None


def _overlapping(infos: Sequence[zipfile.ZipInfo], end: int) -> set[int]:
    """Where members begin that share bytes with the next one, as only a zip bomb's do."""
    found = set()
    if not infos:
        return found
    places = sorted((info.header_offset, info.compress_size) for info in infos)
    for (start, packed), (following, _) in pairwise([*places, (end, 0)]):
        if start < 0 or start + HEADER + packed > following:
            found |= {start, following}
    return found
