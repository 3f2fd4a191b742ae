"""``fetched.json``: what ``cxrlab data fetch`` brought into a folder, from where and which way."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrlab.files import read_json, write_json

if TYPE_CHECKING:
    from cxrlab.sources.fetching import Plan

NAME = "fetched.json"
KEYS = {"address", "commit", "way", "date", "limit", "asked", "wanted", "images"}


def read(folder: str | Path) -> dict[str, dict[str, Any]]:
    """One entry per source, by its name. Empty where nothing was fetched or the file is damaged.

    Each has ``address``, ``commit`` (None where there is none), ``way``, ``date``, ``limit``,
    ``asked`` (how many images were wished for, None for all), ``wanted`` (how many of these the
    source has) and ``images`` (sizes in bytes by path inside the source's folder).
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


def write_entry(folder: Path, plan: Plan, limit: int | None) -> None:
    """Write down those images of the plan that are there now; other sources stay."""
    home = folder / plan.source
    paths = sorted(one.path for one in plan.wanted if one.path.is_file())
    sources = read(folder)
    sources[plan.source] = {
        "address": plan.address,
        "commit": plan.commit,
        "way": plan.way,
        "date": datetime.date.today().isoformat(),
        "limit": limit,
        "asked": plan.asked,
        "wanted": len(plan.wanted),
        "images": {path.relative_to(home).as_posix(): path.stat().st_size for path in paths},
    }
    write_json(folder / NAME, {"about": "written by cxrlab data fetch", "sources": sources})


def covers(
    folder: Path,
    name: str,
    entry: dict[str, Any],
    commit: str | None,
    numbers: tuple[int | None, int | None],
) -> bool:
    """Whether an entry is complete, of this commit, and of no fewer images than are wanted now.

    ``numbers``: the most images of a source, and how many are wished for; None for all.
    """
    limit, asked = numbers
    enough = entry["limit"] is None or (limit is not None and limit <= entry["limit"])
    enough = enough and (asked is None or (entry["asked"] or 0) >= asked)
    return enough and entry["commit"] == commit and not absent(folder, name, entry)


def absent(folder: str | Path, name: str, entry: dict[str, Any]) -> list[str]:
    """Images of an entry that are gone or have another size now; wanted ones that never came."""
    home = Path(folder) / name
    gone = [
        image
        for image, size in entry["images"].items()
        if not (home / image).is_file() or (home / image).stat().st_size != size
    ]
    return gone + ["?"] * max(0, entry["wanted"] - len(entry["images"]))


def sentences(folder: str | Path, commits: dict[str, str]) -> list[str]:
    """For each fetched source whether it is complete or stale; only sizes are looked at.

    ``commits``: the state of each repository that this version of the course would fetch.
    """
    said = []
    for name, entry in read(folder).items():
        number = f"{entry['wanted']:,}"
        about = f"{number} images, {entry['date']}, {entry['way']}"
        if missing := len(absent(folder, name, entry)):
            said.append(f"{name}: {missing:,} of {number} fetched images are missing or changed.")
        elif entry["commit"] != commits.get(name, entry["commit"]):
            said.append(
                f"{name}: complete ({about}), but of another state of its source "
                f"({entry['commit']}) than this version of the course fetches."
            )
        else:
            limited = "" if entry["limit"] is None else f", limited to {entry['limit']:,}"
            said.append(f"{name}: complete as fetched ({about}{limited}).")
            continue
        said[-1] += " Run `cxrlab data fetch` for this folder again."
    return said
