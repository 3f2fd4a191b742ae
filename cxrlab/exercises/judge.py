"""Judging answers: questions to ask of them, and the two kinds of exercises that are declared.

A function to write and words to choose know what is right and the slips that are usual, with a
sentence for each. Every other answer (a figure, a model) is judged by a function of its own.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.engine import Exercise, NotAttempted, Wrong, described, holds_dots


def wrong_if(condition: Any, sentence: str) -> None:
    """Raise :class:`Wrong` with the sentence where the condition holds."""
    if condition:
        raise Wrong(sentence)


def kind(name: str, value: Any, wanted: Any, words: str) -> Any:
    """An object of the wanted type; ``words`` name it for the reader (``a DataFrame``)."""
    fits = isinstance(value, wanted)
    wrong_if(not fits, f"`{name}` is {described(value)}, but should be {words}.")
    return value


def pair(name: str, value: Any) -> tuple[Any, Any]:
    """Two answers in one."""
    fits = isinstance(value, list | tuple | np.ndarray | pd.Series) and len(value) == 2
    wrong_if(not fits, f"`{name}` is {described(value)}, but should be two, with a comma.")
    return tuple(value)


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
    """Whether numbers, arrays, tables or collections agree; undefined agrees with itself."""
    if value is None or expected is None:
        return value is expected
    if isinstance(expected, pd.DataFrame | pd.Series):
        same_kind = type(value) is type(expected)
        return same_kind and value.convert_dtypes().equals(expected.convert_dtypes())
    if isinstance(expected, dict):
        same_keys = isinstance(value, dict) and value.keys() == expected.keys()
        return same_keys and all(close(value[key], expected[key], tolerance) for key in expected)
    if isinstance(expected, list | tuple):
        several = isinstance(value, list | tuple) or np.ndim(value) > 0
        same_length = several and len(value) == len(expected)
        return same_length and all(map(partial(close, tolerance=tolerance), value, expected))
    try:
        value, expected = np.asarray(value), np.asarray(expected)
    except ValueError:  # lists of unequal lengths
        return False
    numbers = all(each.dtype.kind in "biuf" for each in (value, expected))
    same_shape = numbers and value.shape == expected.shape
    return same_shape and np.allclose(value, expected, rtol=1e-5, atol=tolerance, equal_nan=True)


def is_number(value: Any) -> bool:
    """Whether it is a real number, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def compared(result: Any, right: Any) -> str:
    """What a result is and should be: ``is 0.5, but should be 0.4961``."""
    if isinstance(right, list | tuple):
        return "is not right"
    if np.ndim(right):
        seen, wanted = np.shape(result), np.shape(right)
        is_seen = f"has the shape {seen}" if seen else f"is {described(result)}"
        return "is not right" if seen == wanted else f"{is_seen}, but should have {wanted}"
    values = [f"{e:,.4g}" if is_number(e) else described(e) for e in (result, right)]
    return f"is {values[0]}, but should be {values[1]}"


@dataclass(kw_only=True)
class FunctionExercise(Exercise):
    """The reader's function, run on ``cases`` and compared with the solution.

    ``slips``: what a reader may return in place of the solution (``"1 - recall"``) or a piece of
    its code that is written otherwise (``"[:, 1] -> [:, 0]"``), and what to say of it. A slip is
    recognised when it explains all results, not a single one; where it stops, it explains any.
    What ``is_share`` may be a percentage or rounded, two slips more. Every function gets what
    ``arguments`` makes of a case, and ``seen_as`` makes of its result, and of these arguments,
    what is compared. The texts: ``otherwise``, of any other mistake, and ``if_it_stops``.
    """

    cases: Sequence[tuple]
    slips: Mapping[str, str]
    tolerance: float = 1e-6
    is_share: bool = False
    arguments: Callable[..., tuple] = lambda *case: case
    seen_as: Callable[..., Any] = lambda result, *arguments: result

    def judge_answer(self, function: Any) -> None:
        """Raise :class:`Wrong` for a function that does not do as the solution does."""
        found = [self._on(case, function) for case in self.cases]
        ours = [self._on(case, self.run()) for case in self.cases]
        for (given, result, seen), (_, our, right) in zip(found, ours, strict=True):
            if not close(seen, right, self.tolerance):
                shown = ", ".join(map(str, given)) if all(map(is_number, given)) else "..."
                why = self._slip([e[-1] for e in found], [e[-1] for e in ours])
                raise Wrong(f"`{self.variable}({shown})` {compared(result, our)}: {why}")

    def _on(self, case: tuple, function: Any) -> tuple[tuple, Any, Any]:
        """The arguments of a case, what the function returns, and what of that is compared."""
        given, advice = self.arguments(*deepcopy(case)), self.texts.get("if_it_stops", "")
        result = called(self.variable, function, *given, advice=advice)
        return given, result, self.seen_as(result, *given)

    def slip_code(self, slip: str) -> str:
        """The code of a reader who makes this slip."""
        old, replaced, new = slip.partition(" -> ")
        if replaced:
            return self.answer.replace(old, new)
        return f"{self.answer.rpartition('return ')[0]}return {slip}"

    def _slip(self, results: list, rights: list) -> str:
        """The sentence of the slip that explains all results, or what fits any other."""
        for slip, words in self.slips.items():
            if self._explains(self.run(self.slip_code(slip)), results):
                return words
        if self.is_share and close(results, [100 * e for e in rights], self.tolerance):
            return "a percentage. Return a share from 0 to 1."
        if self.is_share and close(results, [np.round(e, 2) for e in rights], self.tolerance):
            return "rounded. Return the whole number."
        return "did you `return` it?" if results[0] is None else self.texts["otherwise"]

    def _explains(self, function: Any, results: list) -> bool:
        """Whether the function of a slip gives all these results; where it stops, it gives any."""
        for case, result in zip(self.cases, results, strict=True):
            with suppress(Wrong):
                if not close(result, self._on(case, function)[-1], self.tolerance):
                    return False
        return True


@dataclass(kw_only=True)
class WordsExercise(Exercise):
    """A word to choose, or one for each name of a dictionary.

    The texts hold a reply to every wrong one, ``{"A": {"open": "..."}}``, under ``""`` for a
    single word.
    """

    def judge_answer(self, answer: Any) -> None:
        """Raise :class:`Wrong` for other words than the solution's."""
        right = self.run()
        if isinstance(right, str):
            right, answer = {"": right}, {"": answer}
        kind(self.variable, answer, Mapping, "a dictionary, a letter to a word")
        missing = ", ".join(name for name in right if name not in answer)
        wrong_if(missing, f"`{self.variable}` says nothing of {missing}.")
        for name, wanted in right.items():
            replies, word = self.texts["replies"][name], str(answer[name]).strip().lower()
            seen, words = f"`{self.variable}{[name] if name else ''}`", sorted([wanted, *replies])
            one_of = f"{seen} is {described(answer[name])}. Choose one of {', '.join(words)}."
            wrong_if(word not in words, one_of)
            wrong_if(word != wanted, f"{seen} is not {word!r}: {replies.get(word)}")
