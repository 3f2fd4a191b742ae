"""What the benchmarks share: measure both sides in turn, and print one JSON object.

The machine is noisy and other work may share it. So the two sides of a claim run alternately in
one process or one script, and what counts is the ratio of their medians.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def alternately(sides: dict[str, Callable[[], float]], rounds: int = 3) -> dict[str, list[float]]:
    """Call each side once a round, in turn; each returns what it measured."""
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            measured[name].append(float(side()))
    return measured


def result(
    claim: str,
    unit: str,
    measured: dict[str, list[float]],
    *,
    needed: str,
    ratio: tuple[str, str] | None = None,
    met: bool | None = None,
    **notes: object,
) -> dict:
    """One claim as a dictionary: every measurement, the medians and, with two sides, the ratio.

    ``ratio`` names two sides: the median of the first over the median of the second. ``needed``
    says in words what the claim asks for, ``met`` whether it was reached.
    """
    medians = {name: median(values) for name, values in measured.items()}
    quotient = None if ratio is None else medians[ratio[0]] / medians[ratio[1]]
    return {
        "claim": claim,
        "unit": unit,
        "measured": {name: [round(v, 4) for v in values] for name, values in measured.items()},
        "median": {name: round(value, 4) for name, value in medians.items()},
        "ratio": quotient and round(quotient, 3),
        "of": ratio and f"{ratio[0]} / {ratio[1]}",
        "needed": needed,
        "met": met,
        **notes,
    }


def print_json(*results: dict) -> None:
    """Print one object, or a list where a script measures several claims in one run."""
    print(json.dumps(results[0] if len(results) == 1 else list(results), indent=2))


def class_folders(cases: pd.DataFrame, folder: Path) -> Path:
    """``folder/0`` and ``folder/1`` with a link to each X-ray, or a copy where links cannot be.

    So Keras's ``image_dataset_from_directory`` reads them; it knows images by their suffix.
    """
    for number, (path, label) in enumerate(zip(cases["path"], cases["label"], strict=True)):
        path = Path(path).resolve()
        place = folder / str(int(label)) / f"{number:05d}{path.suffix.lower()}"
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.symlink_to(path)
        except OSError:
            shutil.copyfile(path, place)
    return folder


def data_argument(description: str) -> Path:
    """The folder named by ``--data``, else by ``CXRLAB_DATA``, else the phantoms."""
    from cxrlab.sources import data_folder

    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=None, help="default: CXRLAB_DATA or phantoms")
    return data_folder(parser.parse_args().data)
