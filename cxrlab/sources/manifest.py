"""``fetched.json``: what ``cxrlab data fetch`` brought into a folder, from where and which way."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from cxrlab.files import read_json, write_json

NAME = "fetched.json"


def read(folder: str | Path) -> dict[str, dict[str, Any]]:
    """One entry a source, by its name. Empty where nothing was fetched or the file is damaged.

    Each has ``address``, ``commit`` (None where there is none), ``way``, ``files``, ``bytes``
    (their size), ``travelled`` (bytes over the network), ``date``, ``limit``, ``asked`` (how many
    images were wished for, None for all), ``wanted`` (how many of these the source has) and
    ``images`` (sizes in bytes by path inside the source's folder).
    """
    try:
        sources = read_json(Path(folder) / NAME)["sources"]
        return {name: dict(entry) for name, entry in sources.items() if _is_whole(entry)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _is_whole(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("images"), dict)
        and isinstance(entry.get("wanted"), int)
        and {"address", "commit", "way", "date", "limit", "asked", "travelled"} <= set(entry)
    )


def write_entry(
    folder: Path,
    name: str,
    wanted: list[Path],
    *,
    address: str,
    commit: str | None,
    way: str,
    limit: int | None,
    asked: int | None,
    travelled: int,
) -> None:
    """Write down those of the ``wanted`` images that are there now; other sources stay."""
    home = folder / name
    images = {
        path.relative_to(home).as_posix(): path.stat().st_size
        for path in sorted(wanted)
        if path.is_file()
    }
    sources = read(folder)
    before = sources.get(name, {})
    sources[name] = {
        "address": address,
        "commit": commit,
        "way": way,
        "files": len(images),
        "bytes": sum(images.values()),
        "travelled": travelled + (before.get("travelled") or 0),
        "date": datetime.date.today().isoformat(),
        "limit": limit,
        "asked": asked,
        "wanted": len(wanted),
        "images": images,
    }
    write_json(folder / NAME, {"about": "written by cxrlab data fetch", "sources": sources})


def absent(folder: str | Path, name: str, entry: dict[str, Any]) -> list[str]:
    """Images of an entry that are gone or have another size now; wanted ones that never came."""
    home = Path(folder) / name
    gone = [
        image
        for image, size in entry["images"].items()
        if not (home / image).is_file() or (home / image).stat().st_size != size
    ]
    return gone + ["?"] * max(0, entry["wanted"] - len(entry["images"]))


def covers(entry: dict[str, Any], commit: str | None, limit: int | None) -> bool:
    """Whether an earlier fetch asked for the same state of the source and for no fewer images."""
    enough = entry["limit"] is None or (limit is not None and limit <= entry["limit"])
    return entry["commit"] == commit and enough


def sentences(folder: str | Path, commits: dict[str, str]) -> list[str]:
    """For each fetched source whether it is complete or stale.

    ``commits``: the state of each repository that this version of the course would fetch.
    """
    said = []
    for name, entry in read(folder).items():
        missing = len(absent(folder, name, entry))
        about = f"{entry['wanted']:,} images, {entry['date']}, {entry['way']}"
        if missing:
            said.append(
                f"{name}: {missing:,} of {entry['wanted']:,} fetched images are missing or were "
                "changed. Run `cxrlab data fetch` for this folder again."
            )
        elif name in commits and entry["commit"] != commits[name]:
            said.append(
                f"{name}: complete ({about}), but of another state of its source "
                f"({entry['commit']}) than this version of the course fetches. "
                "`cxrlab data fetch` brings it up to date."
            )
        else:
            limited = "" if entry["limit"] is None else f", limited to {entry['limit']:,}"
            said.append(f"{name}: complete as fetched ({about}{limited}).")
            if entry["way"] == "repository":
                said[-1] += " The rest of its table was filtered out before, and counts as missing."
    return said
