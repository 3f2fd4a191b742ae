"""An exercise: check an answer, give hints in stages, show a solution.

What a reader writes in a notebook::

    specificity_of = ...  # replace the dots
    nb04.specificity_function.check(specificity_of)
    # nb04.specificity_function.hint()
    # nb04.specificity_function.solution()

Dots are *not attempted*, which is no mistake: a notebook runs to its end with all of them in
place. The idea of an exercise object with these three methods is that of Kaggle's learntools.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cxrlab.exercises import progress
from cxrlab.exercises.display import show_code, show_message


class State(StrEnum):
    """What an answer is."""

    CORRECT = "correct"
    WRONG = "not yet right"
    UNTOUCHED = "not attempted"


@dataclass(frozen=True)
class Verdict:
    """A state and the sentence that goes with it."""

    state: State
    message: str


class Wrong(Exception):
    """Raised by a check: the variable, what was seen, what to change."""


class NotAttempted(Exception):
    """Raised by a check that finds the dots deep inside the answer, as in a function's result."""


@dataclass
class Exercise:
    """One task of a notebook.

    ``key`` is unique in the course and begins with the notebook's number (``04.ppv``);
    ``variable`` is the name that the reader fills in; ``judge_answer`` takes the answer, raises
    :class:`Wrong` and may return a sentence of praise that adds something. ``hints`` become more
    specific one after the other, two at the least. ``answer`` is code that sets ``variable``, as
    the reader would write it; ``imports`` stands before it where it runs outside of a notebook.
    """

    key: str
    title: str
    variable: str
    judge_answer: Callable[[Any], str | None]
    hints: tuple[str, ...]
    answer: str
    imports: str = "import numpy as np\nimport pandas as pd\n"
    _shown_hints: int = field(default=0, repr=False)

    def judge(self, answer: Any) -> Verdict:
        """The verdict, without showing or remembering it."""
        untouched = Verdict(
            State.UNTOUCHED,
            f"Not attempted yet: replace the dots in `{self.variable}` and run the cell again.",
        )
        if holds_dots(answer):
            return untouched
        try:
            praise = self.judge_answer(answer)
        except NotAttempted:
            return untouched
        except Wrong as wrong:
            return Verdict(State.WRONG, f"Not yet. {wrong}")
        except Exception as error:  # an answer of a kind that nobody thought of
            return Verdict(
                State.WRONG,
                f"Not yet. `{self.variable}` is {described(answer)}, which cannot be checked "
                f"({type(error).__name__}: {error}). Try a hint to see what is expected.",
            )
        return Verdict(State.CORRECT, " ".join(filter(None, ["Correct.", praise])))

    def attempt(self, answer: Any) -> Verdict:
        """The verdict, remembered in the workspace unless nothing was attempted."""
        verdict = self.judge(answer)
        if verdict.state is not State.UNTOUCHED:
            progress.remember(self.key, verdict.state is State.CORRECT)
        return verdict

    def check(self, answer: Any) -> None:
        """Show the verdict and, if the answer was attempted, remember it."""
        verdict = self.attempt(answer)
        show_message(verdict.state, verdict.message)

    def or_solution(self, answer: Any) -> Any:
        """The reader's answer where it is right, else what the solution gives.

        So a notebook goes on with the reader's own work, and runs to its end without it.
        """
        if self.judge(answer).state is State.CORRECT:
            return answer
        print(f"Going on with the course's solution in place of `{self.variable}`.")
        names: dict[str, Any] = {}
        exec(self.imports + textwrap.dedent(self.answer), names)
        values = [names[name.strip()] for name in self.variable.split(",")]
        return values[0] if len(values) == 1 else tuple(values)

    def hint(self) -> None:
        """Show the next hint; the last one stays."""
        number = min(self._shown_hints + 1, len(self.hints))
        self._shown_hints = number
        more = "" if number == len(self.hints) else " Call hint() again for the next one."
        show_message(f"hint {number} of {len(self.hints)}", self.hints[number - 1] + more)

    def solution(self) -> None:
        """Show code that solves it."""
        show_code(self.title, textwrap.dedent(self.answer).strip())


def holds_dots(answer: Any) -> bool:
    """Whether the answer is ``...`` or a list, tuple, set or dictionary in which one is left."""
    if answer is ...:
        return True
    if isinstance(answer, dict):
        return any(map(holds_dots, answer.values()))
    if isinstance(answer, list | tuple | set | frozenset):
        return any(map(holds_dots, answer))
    return False


def described(answer: Any) -> str:
    """An answer in a few words: ``a str ('0,9')``."""
    if answer is None:
        return "None"
    text = repr(answer)
    short = text if len(text) <= 40 and "\n" not in text else ""
    kind = type(answer).__name__
    article = "an" if kind[0].lower() in "aeiou" else "a"
    return f"{article} {kind} ({short})" if short else f"{article} {kind}"
