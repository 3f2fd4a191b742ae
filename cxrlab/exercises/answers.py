"""Questions to ask of an answer: what it is, whether it agrees, what a function of it returns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd


class Wrong(Exception):
    """A wrong answer. The message names the variable, what was seen, and what to change."""


class NotAttempted(Exception):
    """Raised where dots are found deep inside the answer, as in a function's result."""


def wrong_if(condition: Any, sentence: str) -> None:
    """Raise :class:`Wrong` with the sentence where the condition holds."""
    if condition:
        raise Wrong(sentence)


def holds_dots(answer: Any) -> bool:
    """Whether the answer is ``...`` or a list, tuple, set or dictionary in which one is left."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, list | tuple | set | frozenset):
        return any(map(holds_dots, answer))
    return answer is ...


def described(answer: Any) -> str:
    """An answer in a few words: ``a str ('0,9')``."""
    if answer is None or isinstance(answer, dict):
        return str(answer)
    text, name = repr(answer), type(answer).__name__
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"{article} {name} ({text})" if len(text) <= 40 else f"{article} {name}"


def kind(name: str, value: Any, wanted: Any, words: str) -> Any:
    """An object of the wanted type; ``words`` name it for the reader (``a DataFrame``)."""
    fits = isinstance(value, wanted)
    wrong_if(not fits, f"`{name}` is {described(value)}, but should be {words}.")
    return value


def pair(name: str, value: Any) -> tuple[Any, Any]:
    """Two answers in one."""
    fits = isinstance(value, list | tuple) and len(value) == 2
    wrong_if(not fits, f"`{name}` is {described(value)}, but should be two, with a comma.")
    return value[0], value[1]


def called(name: str, function: Any, *arguments: Any, advice: str = "") -> Any:
    """What the reader's function returns; its own errors become a :class:`Wrong`, with advice."""
    wrong_if(not callable(function), f"`{name}` is {described(function)}; it should be a function.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn of what is judged here
            result = function(*arguments)
    except Exception as error:
        if "ellipsis" in str(error):  # the dots still stand in the function
            raise NotAttempted from error
        shown = ", ".join(map(described, arguments))
        stops = f"`{name}` stops with {type(error).__name__} ({error}) when it gets {shown}."
        raise Wrong(f"{stops} {advice}".strip()) from error
    if holds_dots(result):
        raise NotAttempted
    return result


def close(value: Any, expected: Any, tolerance: float = 0.005) -> bool:
    """Whether two numbers, arrays, dictionaries or tables agree; undefined agrees with itself."""
    if value is None or expected is None:
        return value is expected
    if isinstance(expected, pd.DataFrame | pd.Series):
        return type(value) is type(expected) and value.equals(expected)
    if isinstance(expected, dict) and isinstance(value, dict):
        same_keys = value.keys() == expected.keys()
        return same_keys and all(close(value[key], expected[key], tolerance) for key in expected)
    try:
        value, expected = np.asarray(value), np.asarray(expected)
    except ValueError:  # lists of unequal lengths
        return False
    numbers = all(each.dtype.kind in "biuf" for each in (value, expected))
    return (
        numbers
        and value.shape == expected.shape
        and np.allclose(value, expected, rtol=1e-5, atol=tolerance, equal_nan=True)
    )


def recognised(value: Any, known: Mapping[str, Any], tolerance: float = 1e-6) -> str:
    """The sentence of the first known value that this one agrees with, or nothing."""
    return next((words for words, slip in known.items() if close(value, slip, tolerance)), "")


def is_number(value: Any) -> bool:
    """Whether it is a real number, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def compared(result: Any, right: Any) -> str:
    """What a result is and should be: ``is 0.5, but should be 0.4961``."""
    if np.ndim(right):
        seen, wanted = np.shape(result), np.shape(right)
        is_seen = f"has the shape {seen}" if seen else f"is {described(result)}"
        return "is not right" if seen == wanted else f"{is_seen}, but should have {wanted}"
    seen, wanted = (
        f"{each:,.4g}" if is_number(each) else described(each) for each in (result, right)
    )
    return f"is {seen}, but should be {wanted}"
