"""Is an answer right, and if not, which known slip is it?

:class:`OnCases` compares a function that the reader has written with the right one and with known
slips; :class:`Words` compares words chosen from a list. Every other answer (a figure, a model) is
judged by a function of its own, which goes through its questions with :func:`wrong_if`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

# What gives a result for each case: a function of the case, or the list of results.
Source = Callable[..., Any] | Sequence


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
        value, expected = np.asarray(value, float), np.asarray(expected, float)
    except (TypeError, ValueError):  # no numbers
        return False
    return value.shape == expected.shape and bool(
        np.allclose(value, expected, rtol=1e-5, atol=tolerance, equal_nan=True)
    )


def recognised(value: Any, known: Mapping[str, Any], tolerance: float = 1e-6) -> str:
    """The sentence of the first known value that this one agrees with, or nothing."""
    return next((words for words, slip in known.items() if close(value, slip, tolerance)), "")


@dataclass(frozen=True)
class OnCases:
    """The reader's function, run on ``cases`` and compared with ``right`` within ``tolerance``.

    ``right`` and each of ``slips`` is a function of a case, or the list of what it gives on all;
    the reader's function gets what ``arguments`` makes of a case. A slip is recognised when it
    explains all results, not a single one; where it divides by 0 it says nothing. A ``share`` may
    be given as a percentage or rounded, two slips more. ``otherwise`` is said of any other mistake.
    A right function also has to take whole ``columns``, and to pass ``also``, which gets it.
    """

    name: str
    cases: Sequence[tuple]
    right: Source
    slips: Mapping[str, Source]
    otherwise: str
    praise: str = ""
    tolerance: float = 1e-6
    share: bool = False
    arguments: Callable[..., tuple] = lambda *case: case
    columns: tuple = ()
    also: Callable[[Any], Any] = lambda function: None
    if_it_stops: str = ""

    def __call__(self, function: Any) -> str:
        """The praise of a right function; raises :class:`Wrong` for another one."""
        given = [self.arguments(*case) for case in self.cases]
        results = [called(self.name, function, *each, advice=self.if_it_stops) for each in given]
        rights = self._on_cases(self.right)
        for case, result, right in zip(given, results, rights, strict=True):
            if not close(result, right, self.tolerance):
                shown = ", ".join(map(str, case)) if all(map(is_number, case)) else "..."
                why = self._slip(results, rights) or self.otherwise
                raise Wrong(f"`{self.name}({shown})` {compared(result, right)}: {why}")
        if self.columns:
            self._takes_columns(function)
        self.also(function)
        return self.praise

    def _on_cases(self, source: Source) -> list:
        """What the source gives on the cases; dots where it would divide by 0."""
        if not callable(source):
            return list(source)
        values = []
        for case in self.cases:
            try:
                values.append(source(*case))
            except ZeroDivisionError:
                values.append(...)
        return values

    def _slip(self, results: list, rights: list) -> str | None:
        """The sentence of the slip that explains all results."""
        slips = {words: self._on_cases(slip) for words, slip in self.slips.items()}
        if self.share:
            slips["a percentage. Return a share from 0 to 1."] = [100 * right for right in rights]
            slips["rounded. Return the whole number."] = [round(right, 2) for right in rights]
        for words, values in slips.items():
            pairs = zip(results, values, strict=True)
            if all(value is ... or close(found, value, self.tolerance) for found, value in pairs):
                return words
        return "did you `return` it?" if results[0] is None else None

    def _takes_columns(self, function: Any) -> None:
        try:
            fits = close(function(*self.columns), self.right(*self.columns), self.tolerance)
        except Exception:
            fits = False
        arithmetic = "Use arithmetic alone, without `if`, `round`, `int(...)` or `float(...)`."
        seen = f"`{self.name}` is right for single numbers, but not for a column of them (an array)"
        wrong_if(not fits, f"{seen}. {arithmetic}")


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


@dataclass(frozen=True)
class Words:
    """A dictionary that gives each name of ``right`` one of the ``allowed`` words.

    ``replies``: what to say of a wrong word (``{("A", "overfit"): "..."}``); ``slips``: what to say
    of wrong words for all of the names together.
    """

    name: str
    right: Mapping[str, str]
    allowed: Sequence[str]
    replies: Mapping[tuple[str, str], str]
    praise: str
    slips: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __call__(self, answer: Any) -> str:
        """The praise of the right words; raises :class:`Wrong` for others."""
        kind(self.name, answer, Mapping, "a dictionary, a letter to a word")
        missing = ", ".join(key for key in self.right if key not in answer)
        wrong_if(missing, f"`{self.name}` says nothing of {missing}.")
        words = {key: str(answer[key]).strip().lower() for key in self.right}
        for key, word in words.items():
            seen = f"`{self.name}[{key!r}]` is {described(answer[key])}"
            allowed = ", ".join(self.allowed)
            wrong_if(word not in self.allowed, f"{seen}. Choose one of {allowed}.")
        for sentence, slip in self.slips.items():
            wrong_if(words == slip, f"`{self.name}`: {sentence}")
        for key, word in words.items():
            if word != self.right[key]:
                raise Wrong(f"`{self.name}[{key!r}]` is not {word!r}: {self.replies[key, word]}")
        return self.praise
