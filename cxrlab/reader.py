"""The reader against ten X-rays: which ten, the reader's calls, and what they amount to.

Notebook 01 asks the reader, notebook 04 asks the network about the same ten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import EllipsisType

import numpy as np
import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import Confusion, Estimate, confusion, wilson
from cxrlab.files import read_json, write_json
from cxrlab.images import fit, read_image
from cxrlab.splits import Split
from cxrlab.workspace import Workspace

TEN = 10
# How many of the ten are positive is drawn anew for each seed: a reader who counts the calls
# so far cannot work out the last one.
FEWEST_POSITIVES, MOST_POSITIVES = 4, 6
FILE = "reader.json"


def ten_xrays(split: Split, seed: int = 0) -> pd.DataFrame:
    """Ten cases of the test part, one a patient, in random order; always the same for a seed.

    Four to six of them are positive where the test part has as many. No network has trained on
    them. Raises :class:`CXRLabError` where the test part has too few patients.
    """
    rng = np.random.default_rng([seed, TEN])
    # Sorted first, so that the draw depends on the cases alone and not on the order of the rows.
    cases = split.test.sort_values("image_id", ignore_index=True)
    cases = cases.iloc[rng.permutation(len(cases))].drop_duplicates("patient_id")
    positive, negative = cases[cases["label"] == 1], cases[cases["label"] == 0]
    if len(cases) < TEN:
        raise CXRLabError(
            f"The test part holds {len(cases)} patients, but ten are needed, one an X-ray. "
            "Name a folder with more X-rays in CXRLAB_DATA, or unset it to use phantoms."
        )
    wanted = int(rng.integers(FEWEST_POSITIVES, MOST_POSITIVES + 1))
    count = min(max(wanted, TEN - len(negative)), len(positive))
    drawn = pd.concat([positive[:count], negative[: TEN - count]])
    return drawn.iloc[rng.permutation(TEN)].reset_index(drop=True)


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


def reader_confusion(cases: pd.DataFrame, calls: Mapping[str, int]) -> Confusion:
    """The confusion matrix of the calls, over those of the cases that have one."""
    called = cases[cases["image_id"].isin(calls)]
    if called.empty:
        return Confusion(0, 0, 0, 0)
    return confusion(called["label"], [calls[name] for name in called["image_id"]], 0.5)


def reading(cases: pd.DataFrame, calls: Mapping[str, int]) -> pd.DataFrame:
    """Truth and call side by side once **all** cases are called; until then, made-up ones.

    One row an X-ray, numbered from 1 in the index; columns ``truth`` and ``call``, each 0 or 1.
    The truth of a case that is still to be called stays hidden.
    """
    if missing_calls(cases, calls):
        return example_reading()
    return _numbered(
        cases["label"].astype(int).to_list(), [calls[name] for name in cases["image_id"]]
    )


def example_reading() -> pd.DataFrame:
    """An imaginary reader on ten imaginary X-rays, in the form of :func:`reading`."""
    return _numbered([1, 0, 1, 1, 0, 0, 1, 0, 1, 0], [1, 0, 0, 1, 1, 0, 1, 0, 1, 1])


def missing_calls(cases: pd.DataFrame, calls: Mapping[str, int]) -> int:
    """How many of the cases have no call yet."""
    return int((~cases["image_id"].isin(calls)).sum())


def confusion_of(read: pd.DataFrame) -> Confusion:
    """The confusion matrix of a table with the columns ``truth`` and ``call``."""
    return confusion(read["truth"], read["call"], 0.5)


def with_interval(hits: int, cases: int) -> Estimate:
    """The share ``hits / cases`` with Wilson's 95 % interval; undefined where there are no cases.

    Fit for the ten X-rays, which come from ten patients.
    """
    return Estimate(hits / cases, *wilson(hits / cases, cases)) if cases else Estimate(None)


def in_a_sentence(counts: Confusion) -> str:
    """What the calls found and spared, and how little so few cases say about a reader."""
    sentences = []
    for name, hits, cases, done, kind in (
        ("recall", counts.tp, counts.tp + counts.fn, "found", "positive"),
        ("specificity", counts.tn, counts.tn + counts.fp, "left in peace", "negative"),
    ):
        share = with_interval(hits, cases)
        if share.value is None:
            sentences.append(f"There was no {kind} case, so the {name} is undefined.")
            continue
        sentences.append(
            f"{hits} of {cases} {kind} cases {'was' if hits == 1 else 'were'} {done}: a {name} of "
            f"{share.value:.2f}. From so few it is uncertain: readers whose true {name} lies "
            f"anywhere from {share.low:.2f} to {share.high:.2f} could well come to this."
        )
    return " ".join(sentences)


def _numbered(truth: list[int], calls: list[int]) -> pd.DataFrame:
    numbers = pd.RangeIndex(1, len(truth) + 1, name="X-ray")
    return pd.DataFrame({"truth": truth, "call": calls}, index=numbers)


def _call(call: int) -> int:
    if isinstance(call, str) or call not in (0, 1):
        raise CXRLabError(f"A call is {call!r}. Write 1 for COVID-19 and 0 for not COVID-19.")
    return int(call)
