"""The two kinds of exercises that are declared: a function to write, and words to choose.

Each knows what is right and the slips that are usual, with a sentence for each. Every other answer
(a figure, a model) is judged by a function of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cxrlab.exercises.answers import (
    Wrong,
    called,
    close,
    compared,
    described,
    is_number,
    kind,
    wrong_if,
)
from cxrlab.exercises.engine import Exercise

# What gives a result for each case: a function of the case, or the list of results.
Source = Callable[..., Any] | Sequence


@dataclass(kw_only=True)
class FunctionExercise(Exercise):
    """The reader's function, run on ``cases`` and compared with ``right`` within ``tolerance``.

    ``right`` and each of ``slips`` is a function of a case, or the list of what it gives on all;
    the reader's function gets what ``arguments`` makes of a case. A slip is recognised when it
    explains all results, not a single one; where it divides by 0 it says nothing. A ``share`` may
    be given as a percentage or rounded, two slips more. ``otherwise`` is said of any other mistake.
    A right function also has to take whole ``columns``, and to pass ``also``, which gets it.
    """

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

    def judge_answer(self, function: Any) -> str:
        """The praise of a right function; raises :class:`Wrong` for another one."""
        given = [self.arguments(*case) for case in self.cases]
        ask, advice = partial(called, self.variable, function), self.if_it_stops
        results = [ask(*arguments, advice=advice) for arguments in given]
        rights = self._on_cases(self.right)
        for case, result, right in zip(given, results, rights, strict=True):
            if not close(result, right, self.tolerance):
                shown = ", ".join(map(str, case)) if all(map(is_number, case)) else "..."
                why = self._slip(results, rights) or self.otherwise
                raise Wrong(f"`{self.variable}({shown})` {compared(result, right)}: {why}")
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
        seen = f"`{self.variable}` is right for numbers, but not for a column of them (an array)"
        wrong_if(not fits, f"{seen}. {arithmetic}")


@dataclass(kw_only=True)
class WordsExercise(Exercise):
    """A dictionary that gives each name of ``right`` one of the ``allowed`` words.

    ``replies``: what to say of a wrong word (``{("A", "overfit"): "..."}``); ``slips``: what to say
    of wrong words for all of the names together.
    """

    right: Mapping[str, str]
    allowed: Sequence[str]
    replies: Mapping[tuple[str, str], str]
    praise: str
    slips: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def judge_answer(self, answer: Any) -> str:
        """The praise of the right words; raises :class:`Wrong` for others."""
        kind(self.variable, answer, Mapping, "a dictionary, a letter to a word")
        missing = ", ".join(key for key in self.right if key not in answer)
        wrong_if(missing, f"`{self.variable}` says nothing of {missing}.")
        words = {key: str(answer[key]).strip().lower() for key in self.right}
        for key, word in words.items():
            seen = f"`{self.variable}[{key!r}]` is {described(answer[key])}"
            allowed = ", ".join(self.allowed)
            wrong_if(word not in self.allowed, f"{seen}. Choose one of {allowed}.")
        for sentence, slip in self.slips.items():
            wrong_if(words == slip, f"`{self.variable}`: {sentence}")
        for key, word in words.items():
            if word != self.right[key]:
                raise Wrong(
                    f"`{self.variable}[{key!r}]` is not {word!r}: {self.replies[key, word]}"
                )
        return self.praise
