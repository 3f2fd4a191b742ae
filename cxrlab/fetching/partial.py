"""The file that is still coming: ``NAME.part`` beside its place, and a note of what it is part of.

The note, ``NAME.part.json``, holds the address, the whole size and what proves that a rest belongs
to the same file (ETag or date). Without that proof a partial file is not continued.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from cxrlab.fetching.faults import writing
from cxrlab.files import read_json, write_json


class Part:
    """What has come of ``path`` from ``url`` so far."""

    def __init__(self, path: Path, url: str) -> None:
        self.target = path
        self.url = url
        self.path = path.with_name(f"{path.name}.part")
        self.note = path.with_name(f"{path.name}.part.json")

    def so_far(self) -> tuple[int, str, int] | None:
        """Bytes that have come, their proof and the whole size; ``None`` where we start anew."""
        try:
            noted = read_json(self.note)
            come = self.path.stat().st_size
            url, proof, total = noted["url"], noted["proof"], noted["total"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        whole = isinstance(proof, str) and isinstance(total, int) and 0 < come <= total
        return (come, proof, total) if whole and url == self.url else None

    def begin(self, proof: str | None, total: int | None) -> BinaryIO:
        """Open an empty partial file for writing, its note beside it."""
        with writing(self.target):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # In this order, so that no note ever stands beside another file's bytes.
            self.remove()
            write_json(self.note, {"url": self.url, "proof": proof, "total": total})
            return self.path.open("wb")

    def go_on(self) -> BinaryIO:
        """Open the partial file for writing at its end."""
        with writing(self.target):
            return self.path.open("ab")

    def finish(self) -> None:
        """Give the file its final name."""
        with writing(self.target):
            os.replace(self.path, self.target)
            self.note.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget what has come."""
        with writing(self.target):
            self.path.unlink(missing_ok=True)
            self.note.unlink(missing_ok=True)
