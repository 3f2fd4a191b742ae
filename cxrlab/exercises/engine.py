"""An exercise: check an answer, give hints in stages, show a solution, remember what was solved.

What a reader writes in a notebook::

    specificity_of = ...  # replace the dots
    nb04.specificity_function.check(specificity_of)
    # nb04.specificity_function.hint()
    # nb04.specificity_function.solution()

Dots are *not attempted*, which is no mistake: a notebook runs to its end with all of them in
place. The idea of an exercise object with these three methods is that of Kaggle's learntools.
"""

from __future__ import annotations

import html
import json
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from filelock import FileLock, Timeout
from IPython import get_ipython
from IPython.display import display

from cxrlab.exercises.answers import NotAttempted, Wrong, described, holds_dots
from cxrlab.files import read_json, workspace_root, write_json

PROGRESS = "progress.json"


class State(StrEnum):
    """What an answer is."""

    CORRECT = "correct"
    WRONG = "not yet right"
    UNTOUCHED = "not attempted"


# A sign beside the colour, for readers who cannot tell the colours apart.
LOOKS = {
    State.CORRECT: ("✓", "#00664B"),
    State.WRONG: ("✗", "#A13F00"),
    State.UNTOUCHED: ("…", "#5A5A5A"),
}
LOOK_OF_A_HINT = ("→", "#004C8C")


@dataclass(frozen=True)
class Verdict:
    """A state and the sentence that goes with it."""

    state: State
    message: str


@dataclass(kw_only=True)
class Exercise:
    """One task of a notebook.

    ``key`` is unique in the course and begins with the notebook's number (``04.ppv``);
    ``variable`` is the name that the reader fills in; ``judged_by`` takes the answer, raises
    :class:`Wrong` and may return a sentence of praise that adds something. ``hints`` become more
    specific one after the other, two at the least. ``answer`` is code that sets ``variable``, as
    the reader would write it; ``imports`` stands before it where it runs outside of a notebook.
    """

    key: str
    title: str
    variable: str
    hints: tuple[str, ...]
    answer: str
    imports: str = "import numpy as np\nimport pandas as pd\n"
    judged_by: Callable[[Any], str | None] | None = None
    _shown_hints: int = field(default=0, repr=False)

    def judge_answer(self, answer: Any) -> str | None:
        """The praise of a right answer; raises :class:`Wrong` for another one."""
        return self.judged_by(answer)

    def judge(self, answer: Any) -> Verdict:
        """The verdict, without showing or remembering it."""
        words = f"Not attempted yet: replace the dots in `{self.variable}` and run the cell again."
        untouched = Verdict(State.UNTOUCHED, words)
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
        return Verdict(State.CORRECT, f"Correct. {praise or ''}".strip())

    def attempt(self, answer: Any) -> Verdict:
        """The verdict, remembered in the workspace unless nothing was attempted."""
        verdict = self.judge(answer)
        if verdict.state is not State.UNTOUCHED:
            remember(self.key, verdict.state is State.CORRECT)
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
        code = textwrap.dedent(self.answer).strip()
        title = f"A solution of “{self.title}”:"
        as_code = f"<p>{html.escape(title)}</p><pre>{html.escape(code)}</pre>"
        show(f"{title}\n\n{code}", as_code)


def show_message(state: str, message: str) -> None:
    """Show a sentence, marked by its state."""
    show(f"{LOOKS.get(state, LOOK_OF_A_HINT)[0]} {message}", as_html(state, message))


def as_html(state: str, message: str) -> str:
    """A sentence as HTML, marked by its state. Backticks become code."""
    sign, colour = LOOKS.get(state, LOOK_OF_A_HINT)
    body = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(message, quote=False))
    return (
        f'<div role="status" style="border-left: 4px solid {colour}; padding: 2px 10px">'
        f'<strong style="color: {colour}">{sign}</strong> {body}</div>'
    )


def show(plain: str, rich: str) -> None:
    """Show HTML in a notebook, and the plain text where no HTML is shown."""
    if get_ipython() is None:
        print(plain)
    else:
        display({"text/plain": plain, "text/html": rich}, raw=True)


def remember(key: str, solved: bool) -> None:
    """Count an attempt at the exercise ``key``. What was solved once stays solved.

    It goes to one small file in the workspace. A workspace that cannot be written loses the count
    and nothing else: the reader's check should not fail for it.
    """
    path = workspace_root() / PROGRESS
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=2):
            kept = remembered()
            before = kept.get(key, {"attempts": 0, "solved": False})
            solved = bool(before["solved"] or solved)
            kept[key] = {"attempts": before["attempts"] + 1, "solved": solved}
            write_json(path, dict(sorted(kept.items())))
    except (OSError, Timeout):
        pass


def remembered() -> dict[str, dict]:
    """``{key: {"attempts": n, "solved": bool}}``; empty where nothing readable is kept."""
    try:
        kept = read_json(workspace_root() / PROGRESS)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return {}
    if not isinstance(kept, dict):
        return {}
    wanted = {"attempts", "solved"}
    return {key: e for key, e in kept.items() if isinstance(e, dict) and wanted <= e.keys()}
