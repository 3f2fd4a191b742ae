"""The reader against ten X-rays: the calls, kept in the workspace, and what they amount to.

The ten themselves come from :func:`cxrlab.course.get_ten`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import EllipsisType

import numpy as np
import pandas as pd

from cxrlab.course import Workspace
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_json
from cxrlab.images import fit, read_image
from cxrlab.metrics import Confusion, confusion, wilson

FILE = "reader.json"


def picture(path: str | Path, side: int, square: bool = False) -> np.ndarray:
    """An X-ray's file for human eyes: see :func:`cxrlab.images.fit`."""
    return fit(read_image(path), side, square)


def keep_calls(space: Workspace, calls: Mapping[str, int]) -> None:
    """Keep the reader's calls (image_id to 1, COVID-19, or 0, not), in place of earlier ones.

    Raises :class:`CXRLabError` where a call is neither 0 nor 1.
    """
    write_json(space.folder / FILE, {str(name): _call(call) for name, call in calls.items()})


def get_calls(space: Workspace) -> dict[str, int]:
    """The calls kept so far, perhaps of some X-rays only; empty where none can be read."""
    try:
        kept = read_json(space.folder / FILE)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {name: call for name, call in kept.items() if type(call) is int and call in (0, 1)}


def take_calls(
    space: Workspace, cases: pd.DataFrame, written: Sequence[int] | EllipsisType | None = None
) -> dict[str, int]:
    """The reader's calls: those ``written`` as a list in the order of the cases, else those kept.

    What was written is kept, too. Dots or ``None`` count as not written. Raises
    :class:`CXRLabError` where there is not one call of 0 or 1 for each case.
    """
    if written is not None and written is not ...:
        if len(written) != len(cases):
            raise CXRLabError(
                f"There are {len(written)} calls for {len(cases)} X-rays. "
                "Write one call for each, in the order of their numbers."
            )
        calls = zip(cases["image_id"], map(_call, written), strict=True)
        keep_calls(space, dict(calls))
    kept = get_calls(space)
    return {name: kept[name] for name in cases["image_id"] if name in kept}


def missing_calls(cases: pd.DataFrame, calls: Mapping[str, int]) -> int:
    """How many of the cases have no call yet."""
    return int((~cases["image_id"].isin(calls)).sum())


def reading(
    space: Workspace,
    ten: pd.DataFrame,
    others: pd.DataFrame,
    written: Sequence[int] | EllipsisType | None = None,
) -> pd.DataFrame:
    """Truth and call side by side once **all** ten are called; until then, an imaginary reader's.

    One row per X-ray, numbered from 1 in the index; columns ``truth`` and ``you``, each 0 or 1,
    and the ``path`` of the file. ``written`` are calls as for :func:`take_calls`. The truth of a
    case that is still to be called stays hidden: the imaginary reader reads some of ``others``.
    """
    calls = take_calls(space, ten, written)
    if left := missing_calls(ten, calls):
        print(f"Calls still to make: {left}. Until then: an imaginary reader, on other X-rays.")
        return example_reading(others)
    print("Your own calls.")
    return _side_by_side(ten, [calls[name] for name in ten["image_id"]])


def example_reading(cases: pd.DataFrame) -> pd.DataFrame:
    """An imaginary reader on ten of the cases, one per patient, in the form of :func:`reading`.

    Misses one of five positive cases and raises two false alarms on five negative ones.
    """
    one_each = cases.sort_values("image_id").drop_duplicates("patient_id")
    drawn = []
    for label, calls in ((1, (1, 0, 1, 1, 1)), (0, (0, 1, 0, 0, 1))):
        of_class = one_each[one_each["label"] == label].head(len(calls))
        drawn.append(of_class.assign(call=calls[: len(of_class)]))
    mixed = pd.concat(drawn).sample(frac=1, random_state=0)
    return _side_by_side(mixed, mixed["call"].to_list())


def reader_confusion(cases: pd.DataFrame, calls: Mapping[str, int]) -> Confusion:
    """The confusion matrix of the calls, over those of the cases that have one."""
    called = cases[cases["image_id"].isin(calls)]
    if called.empty:
        return Confusion(0, 0, 0, 0)
    return confusion(called["label"], [calls[name] for name in called["image_id"]], 0.5)


def in_a_sentence(counts: Confusion) -> str:
    """The recall and the specificity of the calls, and how little so few cases say."""
    sentences = []
    for name, hits, cases, done, kind in (
        ("recall", counts.tp, counts.tp + counts.fn, "found", "positive"),
        ("specificity", counts.tn, counts.tn + counts.fp, "correctly cleared", "negative"),
    ):
        if not cases:
            sentences.append(f"There was no {kind} case, so the {name} is undefined.")
            continue
        low, high = wilson(hits / cases, cases)  # fit for the ten, which come from ten patients
        sentences.append(
            f"{hits} of {cases} {kind} cases {'was' if hits == 1 else 'were'} {done}: a {name} of "
            f"{hits / cases:.2f}. A reader with a true {name} between {low:.2f} and {high:.2f} "
            "could easily score this."
        )
    return " ".join(sentences)


def _side_by_side(cases: pd.DataFrame, calls: list[int]) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "truth": cases["label"].astype(int).to_list(),
            "you": calls,
            "path": cases["path"].to_list(),
        }
    )
    table.index = pd.RangeIndex(1, len(table) + 1, name="X-ray")
    return table


def _call(call: int) -> int:
    if isinstance(call, str) or call not in (0, 1):
        raise CXRLabError(f"A call is {call!r}. Write 1 for COVID-19 and 0 for not COVID-19.")
    return int(call)
