"""Checks of a split: nobody in two parts, nothing lost, both classes everywhere, fair sizes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from cxrlab.exercises.engine import Wrong, described
from cxrlab.splits import PARTS, Split, check_split

COLUMNS = ("image_id", "patient_id", "label")
# Whole patients make the shares uneven, and all the more so in a small table.
TEST = (0.1, 0.3)  # of all images; asked for: 0.2
VALIDATION = (0.08, 0.25)  # of the images that are not for the test; asked for: 0.15


def leaking_patients(split: Split) -> set[str]:
    """The patients with images in more than one part."""
    table = _together(split)
    parts = table.groupby("patient_id")["part"].nunique()
    return set(parts.index[parts > 1])


def named_patients(name: str, answer: Any, split: Split) -> None:
    """Raise :class:`Wrong` unless ``answer`` names exactly the leaking patients of ``split``.

    ``answer`` is one name or any collection of names.
    """
    named = {answer} if isinstance(answer, str) else answer
    if not isinstance(named, Iterable):
        raise Wrong(f"`{name}` is {described(answer)}, but should be a set of patients' names.")
    named, table, leaking = set(named), _together(split), leaking_patients(split)
    images = named & set(table["image_id"])
    if images:
        raise Wrong(f"`{name}` names the image {sorted(images)[0]!r}. Name the patient behind it.")
    unknown = named - set(table["patient_id"])
    if unknown:
        raise Wrong(f"`{name}` names {next(iter(unknown))!r}, but no patient is called that.")
    innocent = sorted(named - leaking)
    if innocent:
        rows = table[table["patient_id"] == innocent[0]]
        several = "s, all of them" if len(rows) > 1 else ","
        raise Wrong(
            f"`{name}` names {innocent[0]!r}, who has {len(rows)} image{several} in the "
            f"{rows['part'].iloc[0]} part. That is no leak: a leak needs two parts."
        )
    if not named:
        raise Wrong(f"`{name}` is empty, but somebody is in two parts.")
    if leaking - named:
        raise Wrong(
            f"`{name}` is right so far, but {len(leaking - named)} more is in two parts. "
            "Compare every part with every other, validation as well."
        )


def repaired(name: str, answer: Any, before: Split) -> None:
    """Raise :class:`Wrong` unless ``answer`` holds the cases of ``before``, split by patient.

    ``answer`` is a :class:`cxrlab.splits.Split`, or a dictionary of three tables under the names
    of ``PARTS``.
    """
    split = as_split(name, answer)
    _nothing_lost(name, _together(split), _together(before))
    leaking = sorted(leaking_patients(split))
    if leaking:
        raise Wrong(
            f"In `{name}` {', '.join(leaking[:3])} still has images in more than one part. Move "
            "all images of a patient to the same part."
        )
    problems = check_split(split)
    if problems:
        raise Wrong(f"In `{name}` {problems[0]}. Each part needs patients of both classes.")
    _fair_sizes(name, split)


def as_split(name: str, answer: Any) -> Split:
    """The three tables of an answer. Raises :class:`Wrong`."""
    if isinstance(answer, Split):
        parts = answer.parts()
    elif isinstance(answer, dict) and set(answer) == set(PARTS):
        parts = answer
    elif isinstance(answer, dict):
        raise Wrong(
            f"`{name}` has the parts {', '.join(map(str, answer))}, not {', '.join(PARTS)}."
        )
    else:
        raise Wrong(
            f"`{name}` is {described(answer)}, but should be a Split, or a dictionary with the "
            f"tables {', '.join(PARTS)}."
        )
    for part, table in parts.items():
        if not isinstance(table, pd.DataFrame) or not set(COLUMNS) <= set(table):
            raise Wrong(f"The {part} part of `{name}` should be a table with {', '.join(COLUMNS)}.")
    return Split(**parts)


def _nothing_lost(name: str, after: pd.DataFrame, before: pd.DataFrame) -> None:
    lost = sorted(set(before["image_id"]) - set(after["image_id"]))
    if lost:
        raise Wrong(
            f"`{name}` has lost {len(lost)} of {len(before)} images, such as {lost[0]!r}. Move "
            "images to another part instead of deleting them: data is scarce."
        )
    invented = sorted(set(after["image_id"]) - set(before["image_id"]))
    if invented:
        raise Wrong(f"`{name}` holds {invented[0]!r}, which was in none of the three tables.")
    twice = after.loc[after["image_id"].duplicated(), "image_id"]
    if len(twice):
        raise Wrong(
            f"`{name}` holds the image {twice.iloc[0]!r} twice. Take an image out of its old part "
            "when you put it into another."
        )
    was = before.set_index("image_id")[["patient_id", "label"]].sort_index()
    now = after.set_index("image_id")[["patient_id", "label"]].sort_index()
    for column in was:
        if (was[column].astype(str) != now[column].astype(str)).any():
            raise Wrong(f"In `{name}` the values of `{column}` were changed. Only move rows.")


def _fair_sizes(name: str, split: Split) -> None:
    rest = len(split.train) + len(split.validation)
    shares = {
        "test": (len(split.test) / (rest + len(split.test)), TEST, "a fifth of all images"),
        "validation": (len(split.validation) / rest, VALIDATION, "15 % of the other images"),
    }
    for part, (share, (low, high), wanted) in shares.items():
        if not low <= share <= high:
            size = "small" if share < low else "large"
            raise Wrong(
                f"In `{name}` nobody leaks, but the {part} part is too {size}: {share:.0%} "
                f"instead of about {wanted}."
            )


def _together(split: Split) -> pd.DataFrame:
    return pd.concat([table.assign(part=name) for name, table in split.parts().items()])
