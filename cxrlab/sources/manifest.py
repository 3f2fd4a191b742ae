"""``fetched.json``: what ``cxrlab data fetch`` brought into a folder, from where and which way."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrlab.files import read_json, write_json

if TYPE_CHECKING:
    from cxrlab.sources.fetching import Plan

NAME = "fetched.json"
KEYS = {"address", "commit", "way", "date", "limit", "wanted", "images"}


def read(folder: str | Path) -> dict[str, dict[str, Any]]:
    """One entry per source, by its name. Empty where nothing was fetched or the file is damaged.

    Each has ``address``, ``commit`` (None where there is none), ``way``, ``date``, ``limit``
    (the most images that were asked for, None for all), ``wanted`` (how many of these the source
    has) and ``images`` (sizes in bytes by path inside the source's folder).
    """
    try:
        sources = read_json(Path(folder) / NAME)["sources"]
        return {
            name: entry
            for name, entry in sources.items()
            if set(entry) >= KEYS and isinstance(entry["images"], dict)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_entry(folder: Path, plan: Plan) -> None:
    """Write down those images of the plan that are there now; other sources stay."""
    home = folder / plan.source
    paths = sorted(one.path for one in plan.wanted if one.path.is_file())
    sources = read(folder)
    sources[plan.source] = {
        "address": plan.address,
        "commit": plan.commit,
        "way": plan.way,
        "date": datetime.date.today().isoformat(),
        "limit": plan.limit,
        "wanted": len(plan.wanted),
        "images": {path.relative_to(home).as_posix(): path.stat().st_size for path in paths},
    }
    write_json(folder / NAME, {"about": "written by cxrlab data fetch", "sources": sources})


def absent(folder: str | Path, name: str, entry: dict[str, Any]) -> int:
    """How many images of an entry are gone, have another size now, or never came."""
    home = Path(folder) / name
    whole = [
        (home / image).is_file() and (home / image).stat().st_size == size
        for image, size in entry["images"].items()
    ]
    return max(entry["wanted"], len(whole)) - sum(whole)
