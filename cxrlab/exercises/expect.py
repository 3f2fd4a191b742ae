"""Questions that the checks of several exercises ask of an answer.

Each raises :class:`Wrong` with the variable, what was seen and what to change.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from cxrlab.exercises.engine import NotAttempted, Wrong, described, holds_dots


def number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """A real number within low...high, as a float."""
    if isinstance(value, bool) or not isinstance(value, Real) or math.isnan(value):
        raise Wrong(f"`{name}` is {described(value)}, but should be a number.")
    if 2 <= value <= 100 and (low, high) == (0, 1):
        raise Wrong(f"`{name}` is {value:g}: that is a percentage. Give a share from 0 to 1.")
    if not low <= value <= high:
        raise Wrong(f"`{name}` is {value:g}, but should lie between {low:g} and {high:g}.")
    return float(value)


def whole_number(name: str, value: Any) -> int:
    """A whole number of any type (``24``, ``24.0``, NumPy's), not a truth value."""
    value = number(name, value)
    if value != int(value):
        raise Wrong(f"`{name}` is {value:g}, but should be a whole number.")
    return int(value)


def called(name: str, function: Any, *arguments: Any) -> Any:
    """What the reader's function returns; its own errors become a :class:`Wrong`."""
    if not callable(function):
        raise Wrong(f"`{name}` is {described(function)}, but should be a function.")
    shown = ", ".join(described(argument) for argument in arguments)
    try:
        result = function(*arguments)
    except Exception as error:
        if "ellipsis" in str(error):  # the dots still stand in the function
            raise NotAttempted from error
        raise Wrong(
            f"`{name}` stops with {type(error).__name__} ({error}) when it gets {shown}."
        ) from error
    if holds_dots(result):
        raise NotAttempted
    return result


def pair(name: str, value: Any) -> tuple[Any, Any]:
    """Two answers in one."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise Wrong(f"`{name}` is {described(value)}, but should be two, in round brackets.")
    return value[0], value[1]


def kind(name: str, value: Any, wanted: type, words: str) -> Any:
    """An object of the wanted type; ``words`` name it for the reader (``a DataFrame``)."""
    if not isinstance(value, wanted):
        raise Wrong(f"`{name}` is {described(value)}, but should be {words}.")
    return value


def close(value: float, expected: float, tolerance: float = 0.005) -> bool:
    """Whether two numbers agree as far as a reader rounds (two digits)."""
    return math.isclose(value, expected, abs_tol=tolerance)
