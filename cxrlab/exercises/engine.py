"""An exercise: check an answer, give hints in stages, show a solution, remember what was solved.

Dots are *not attempted*, which is no mistake: a notebook runs to its end with all of them in
place. The idea of an exercise object with these three methods is that of Kaggle's learntools.
"""

import html
import re
import textwrap
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from IPython import get_ipython
from IPython.display import display

from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, workspace_root, write_json

PROGRESS = "progress.json"
SET_BY_CODE = re.compile(r"^(?:def )?(\w+)(?:\(| = )", re.MULTILINE)


class State(Enum):
    """What an answer is: a white sign, for who cannot tell the colours apart, on a colour.

    No text has a colour of its own: none can be read both on white and on a dark theme.
    """

    CORRECT = "✓", "#007F5F"
    WRONG = "✗", "#B84A00"
    UNTOUCHED = "…", "#6E6E6E"
    HINT = "→", "#0068B8"


class Wrong(Exception):
    """A wrong answer. The message names the variable, what was seen, and what to change."""


class NotAttempted(Exception):
    """Raised where dots are found deep inside the answer, as in a function's result."""


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


def read_texts(notebook: str) -> dict:
    """Titles, hints, replies and quiz of a notebook by its number (``"01"``)."""
    return read_json(Path(__file__).parent / "texts" / f"{notebook}.json")


class Verdict(NamedTuple):
    """A state and the sentence that goes with it."""

    state: State
    message: str


@dataclass(kw_only=True)
class Exercise:
    """One task of a notebook; ``key`` begins with the notebook's number (``04.ppv``).

    ``answer`` is a solution as the reader would write it; ``imports`` stands before it where it
    runs outside of a notebook. ``variable`` is the name that the reader fills in, the last that
    ``answer`` sets. ``texts`` hold its ``title``, ``hints`` that become more specific, ``praise``,
    and ``replies`` to what is wrong.
    """

    key: str
    answer: str
    variable: str = ""
    imports: str = "import numpy as np\nimport pandas as pd\n"
    texts: dict = field(default_factory=dict)
    judged_by: Callable[[Any], str | None] | None = None
    _shown_hints: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self.answer = textwrap.dedent(self.answer).strip()
        self.variable = self.variable or SET_BY_CODE.findall(self.answer)[-1]
        self.texts = self.texts or read_texts(self.key[:2])["exercises"][self.key]

    def reply_if(self, condition: Any, which: str, **seen: Any) -> None:
        """Raise :class:`Wrong`, with that of the ``replies`` in its texts, where it holds."""
        if condition:
            raise Wrong(self.texts["replies"][which].format(**seen))

    def judge_answer(self, answer: Any) -> str | None:
        """Raise :class:`Wrong` for a wrong answer; what else to say of a right one than praise."""
        return self.judged_by(answer)

    def judge(self, answer: Any) -> Verdict:
        """The verdict, without showing or remembering it."""
        try:
            if holds_dots(answer):
                raise NotAttempted
            praise = self.judge_answer(answer) or self.texts.get("praise", "")
            return Verdict(State.CORRECT, f"Correct. {praise}".strip())
        except NotAttempted:
            to_do = f"replace the dots in `{self.variable}` and run the cell again."
            return Verdict(State.UNTOUCHED, f"Not attempted yet: {to_do}")
        except Wrong as wrong:
            return Verdict(State.WRONG, f"Not yet. {wrong}")
        except Exception as error:  # an answer of a kind that nobody thought of
            seen = f"`{self.variable}` is {described(answer)}, which cannot be checked"
            why = f"({type(error).__name__}: {error}). Try a hint to see what is expected."
            return Verdict(State.WRONG, f"Not yet. {seen} {why}")

    def attempt(self, answer: Any) -> Verdict:
        """The verdict, remembered in the workspace unless nothing was attempted."""
        verdict = self.judge(answer)
        if verdict.state is not State.UNTOUCHED:
            remember(self.key, verdict.state is State.CORRECT)
        return verdict

    def check(self, answer: Any) -> None:
        """Show the verdict and, if the answer was attempted, remember it."""
        show_message(*self.attempt(answer))

    def or_solution(self, answer: Any) -> Any:
        """The reader's answer where it is right, else what the solution gives.

        So a notebook goes on with the reader's own work, and runs to its end without it.
        """
        if self.judge(answer).state is State.CORRECT:
            return answer
        print(f"Going on with the course's solution in place of `{self.variable}`.")
        return self.run()

    def run(self, code: str = "") -> Any:
        """What the solution sets, or the code of a slip."""
        names: dict[str, Any] = {}
        exec(self.imports + (code or self.answer), names)
        values = [names[name] for name in self.variable.split(", ")]
        return values[0] if len(values) == 1 else tuple(values)

    def hint(self) -> None:
        """Show the next hint; the last one stays."""
        hints = self.texts["hints"]
        number = self._shown_hints = min(self._shown_hints + 1, len(hints))
        more = "" if number == len(hints) else " Call hint() again for the next one."
        show_message(State.HINT, hints[number - 1] + more)

    def solution(self) -> None:
        """Show code that solves it."""
        title = f"A solution of “{self.texts['title']}”:"
        as_code = f"<p>{html.escape(title)}</p><pre>{html.escape(self.answer)}</pre>"
        show(f"{title}\n\n{self.answer}", as_code)


def exercise(key: str, answer: str, **more: str) -> Callable[[Callable], Exercise]:
    """Make the function below an exercise: its :meth:`Exercise.judge_answer`."""
    return lambda judged_by: Exercise(key=key, answer=answer, judged_by=judged_by, **more)


def show_message(state: State, message: str) -> None:
    """Show a sentence, marked by its state."""
    show(f"{state.value[0]} {message}", as_html(state, message))


def as_html(state: State, message: str) -> str:
    """A sentence as HTML, marked by its state. Backticks become code."""
    sign, colour = state.value
    body = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(message, quote=False))
    badge = f"background-color: {colour}; color: #FFFFFF; padding: 1px 6px"
    return (
        f'<div role="status" style="border-left: 4px solid {colour}; padding: 2px 10px">'
        f'<strong style="{badge}">{sign}</strong> {body}</div>'
    )


def show(plain: str, rich: str) -> None:
    """Show HTML in a notebook, and the plain text where no HTML is shown."""
    if get_ipython() is None:
        print(plain)
    else:
        display({"text/plain": plain, "text/html": rich}, raw=True)


def remember(key: str, solved: bool) -> None:
    """Count an attempt in one small file of the workspace. What was solved once stays solved.

    A workspace that cannot be written loses the count; the reader's check should not fail for it.
    """
    kept = remembered()
    before = kept.get(key, {"attempts": 0, "solved": False})
    kept[key] = {"attempts": before["attempts"] + 1, "solved": before["solved"] or solved}
    with suppress(CXRLabError):
        write_json(workspace_root() / PROGRESS, dict(sorted(kept.items())))


def remembered() -> dict[str, dict]:
    """``{key: {"attempts": n, "solved": bool}}``; empty where nothing readable is kept."""
    try:
        kept = read_json(workspace_root() / PROGRESS)
        return {key: e for key, e in kept.items() if {"attempts", "solved"} <= e.keys()}
    except (OSError, ValueError, AttributeError):
        return {}
