"""Checks of notebook 06: masks, what an experiment tells, and which controls are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises import toy_sources as toy
from cxrlab.exercises.engine import Wrong, described
from cxrlab.exercises.expect import called, close, kind, number


def frame(size: int, width: int) -> np.ndarray:
    """The mask that exercise 1 asks for."""
    mask = np.ones((size, size), bool)
    mask[width : size - width, width : size - width] = False
    return mask


def makes_frames(name: str, function: Any) -> None:
    """Exercise 1: True in the outer ``width`` pixels of all four sides, False within."""
    for size, width in ((6, 1), (9, 2), (32, 3)):
        found = called(name, function, size, width)
        call = f"`{name}({size}, {width})`"
        if not isinstance(found, np.ndarray):
            raise Wrong(f"{call} is {described(found)}, but should be a NumPy array.")
        if found.shape != (size, size):
            raise Wrong(f"{call} has shape {found.shape}, but should have ({size}, {size}).")
        if found.dtype != bool:
            raise Wrong(
                f"{call} holds {found.dtype}, but should hold bool: a mask of numbers would pick "
                "rows 0 and 1 instead of pixels. Begin with `np.ones((size, size), bool)`."
            )
        right = frame(size, width)
        if not np.array_equal(found, right):
            raise Wrong(_what_frame(call, found, right, size, width))


def _what_frame(call: str, found: np.ndarray, right: np.ndarray, size: int, width: int) -> str:
    band = np.zeros(size, bool)
    band[:width] = band[size - width :] = True
    slips = [
        (~right, "is True in the middle and False in the frame: turned inside out."),
        (band[:, None] & band, "marks the four corners. A pixel is in the frame when its row "
         "*or* its column is near an edge."),
        (band[:, None] | np.zeros(size, bool), "marks top and bottom only. Left and right, too."),
        (np.zeros((size, 1), bool) | band, "marks left and right only. Top and bottom, too."),
        (frame(size, width + 1), "is one pixel too wide. Where do the slices begin and end?"),
        (frame(size, width - 1) if width > 1 else None, "is one pixel too narrow."),
    ]  # fmt: skip
    for slip, words in slips:
        if slip is not None and np.array_equal(found, slip):
            return f"{call} {words}"
    return (
        f"{call} marks {found.sum()} pixels, but the frame has {right.sum()}, and "
        f"{(found != right).sum()} pixels are not as they should be."
    )


def hides_boxes(name: str, function: Any) -> None:
    """Exercise 3: a copy of the picture with every box filled, and nothing else changed."""
    for picture, boxes, grey in toy.pictures_to_hide():
        before = picture.copy()
        found = called(name, function, picture, boxes, grey)
        if not np.array_equal(picture, before):
            raise Wrong(
                f"`{name}` changes the picture that it is given, so the original X-ray is lost. "
                "Begin with `hidden = picture.copy()`."
            )
        if found is None:
            raise Wrong(f"`{name}` returns None. End the function with `return ...`.")
        if not isinstance(found, np.ndarray) or found.shape != picture.shape:
            raise Wrong(f"`{name}` returns {described(found)}, not a picture of the same shape.")
        if not np.array_equal(found, _filled(picture, boxes, grey)):
            raise Wrong(_what_hidden(name, found, picture, boxes, grey))


def _filled(picture: np.ndarray, boxes: Iterable[tuple], grey: int) -> np.ndarray:
    copy = picture.copy()
    for top, bottom, left, right in boxes:
        copy[top:bottom, left:right] = grey
    return copy


def _what_hidden(name: str, found: np.ndarray, picture: np.ndarray, boxes: tuple, grey: int) -> str:
    covered = _filled(np.zeros_like(picture), boxes, 1) == 1
    turned = [(left, right, top, bottom) for top, bottom, left, right in boxes]
    ordered = [(top, left, bottom, right) for top, bottom, left, right in boxes]
    slips = [
        (np.where(covered, picture, grey), "hides everything but the boxes: inside out."),
        (_filled(picture, turned, grey), "takes rows for columns. The first slice is "
         "`top:bottom`, the second `left:right`."),
        (_filled(picture, ordered, grey), "reads a box as top, left, bottom, right. It is "
         "(top, bottom, left, right)."),
        (_filled(picture, boxes[:1], grey), "fills the first box only. Is the `return` inside "
         "the loop?"),
        (_filled(picture, boxes, 0), "fills with black, not with `grey`."),
    ]  # fmt: skip
    for slip, words in slips:
        if np.array_equal(found, slip):
            return f"`{name}` {words}"
    wrong = (found != _filled(picture, boxes, grey)).sum()
    return f"`{name}` leaves {wrong} of {picture.size} pixels other than they should be."


def names_verdicts(name: str, answer: Any) -> None:
    """Exercise 2: what the table of four networks allows to say of each."""
    kind(name, answer, Mapping, "a dictionary, a letter to a word")
    if missing := toy.VERDICTS.keys() - answer.keys():
        raise Wrong(f"`{name}` says nothing of network {', '.join(sorted(missing))}.")
    for letter, (right, replies) in toy.VERDICTS.items():
        said = answer[letter]
        if said not in toy.WORDS:
            raise Wrong(
                f"`{name}[{letter!r}]` is {described(said)}. Choose one of {', '.join(toy.WORDS)}."
            )
        if said != right:
            raise Wrong(f"`{name}[{letter!r}]` is {said!r}. {replies[said]}")


def is_adults_called(name: str, answer: Any, people: pd.DataFrame) -> None:
    """Exercise 4: of the healthy adults, the share that is called positive."""
    adults = people[people["group"] == "adult"]
    wrong, calls = int(adults["called"].sum()), int(people["called"].sum())
    healthy = people[people["label"] == 0]
    if isinstance(answer, Real) and answer == wrong:
        raise Wrong(f"`{name}` is {answer}: a count. Divide by the number of healthy adults.")
    found = number(name, answer, 0, 1)
    if close(found, wrong / len(adults)):
        return
    slips = {
        wrong / calls: "that is the share of healthy adults among all who were called positive. "
        "Divide by the healthy adults instead.",
        healthy["called"].mean(): "that mixes children and adults. The children hide what "
        "happens to the adults.",
        1 - wrong / len(adults): "that is the share of adults correctly cleared: the "
        "specificity among adults. The false positives are the others.",
        wrong / len(people): "you divided by everybody, the ill and the children among them.",
    }
    for value, words in slips.items():
        if close(found, value):
            raise Wrong(f"`{name}` is {found:.3f}: {words}")
    raise Wrong(
        f"`{name}` is {found:.3f}, but {wrong} of {len(adults)} healthy adults were called "
        "positive. Keep the adults first, then take the mean of `called`."
    )


def names_set(
    name: str, answer: Any, right: frozenset, known: Mapping[str, str], why: Callable[[str], str]
) -> None:
    """Whether ``answer`` names exactly ``right``, of the ``known``; ``why`` explains a mistake."""
    named = {answer} if isinstance(answer, str) else answer
    if not isinstance(named, Iterable):
        raise Wrong(f"`{name}` is {described(answer)}, but should be a set of names.")
    named = set(named)
    if unknown := named - set(known):
        raise Wrong(
            f"`{name}` names {sorted(map(str, unknown))[0]!r}. Choose from {', '.join(known)}."
        )
    if not named:
        raise Wrong(f"`{name}` is empty, but there is at least one.")
    if extra := sorted(named - right):
        raise Wrong(f"`{name}` names {extra[0]!r}: {why(extra[0])}")
    if missing := sorted(right - named):
        raise Wrong(
            f"`{name}` is right so far, but {len(missing)} more should be in it. {why(missing[0])}"
        )
