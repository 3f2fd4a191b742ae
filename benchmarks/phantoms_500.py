"""How long 500 phantoms take, made as the course makes them: one collection, into files."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from measure import alternately, print_json, result

ALLOWED = 30.0  # seconds for 500


def seconds_for_500(seeds: list[int]) -> float:
    """Make one whole collection from a seed of its own, and scale its time to 500 images."""
    from cxrlab.files import read_json
    from cxrlab.phantoms import make_phantoms

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        made = make_phantoms(Path(folder) / "phantoms", seed=seeds.pop())
        taken = time.perf_counter() - started
        images = sum(read_json(made / "phantoms.json")["images"].values())
    print(f"{images} phantoms in {taken:.1f} s", file=sys.stderr)
    return taken * 500 / images


def main() -> None:
    """Three collections; the median counts."""
    seeds = [2, 1, 0]
    measured = alternately({"500 phantoms": lambda: seconds_for_500(seeds)})
    claim = result(
        "500 phantoms",
        "s",
        measured,
        needed=f"under {ALLOWED:.0f} s on two cores",
        of_a="collection of the course, scaled to 500 images",
    )
    print_json(claim | {"met": claim["median"]["500 phantoms"] < ALLOWED})


if __name__ == "__main__":
    main()
