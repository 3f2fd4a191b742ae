"""The quiz that closes a notebook, and how far a reader has come over all of them.

Each question is an exercise whose answer is a letter. Its texts stand in ``texts/NN.json``, under
``quiz``: a ``key``, the ``question``, the letter that is ``right``, and ``options``, each a
``text`` and the ``reply`` to a reader who chooses it.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
from IPython.display import display

import cxrlab.exercises
from cxrlab.exercises.engine import (
    Exercise,
    as_html,
    described,
    read_texts,
    remembered,
    show_message,
)
from cxrlab.exercises.judge import wrong_if

HINTS = ("Rule out what cannot be.", "The recap of this notebook has the answer.")


@dataclass(kw_only=True)
class Question(Exercise):
    """A question (its title), the options ``{"text": …, "reply": …}``, and the right letter."""

    options: list[dict[str, str]]
    right: str

    @property
    def letters(self) -> list[str]:
        """The letters that name its options."""
        return [*"abcdef"][: len(self.options)]

    def judge_answer(self, answer: Any) -> str:
        """The reply to the right letter; raises ``Wrong`` with that to another one."""
        letter = answer.strip().lower() if isinstance(answer, str) else answer
        letters = f"one of the letters {', '.join(self.letters)}, in quotation marks"
        wrong_if(letter not in self.letters, f"It is {described(answer)}, but should be {letters}.")
        reply = self.options[self.letters.index(letter)]["reply"]
        wrong_if(letter != self.right, reply)
        return reply

    def in_words(self, number: int) -> str:
        """The question with its options, as Markdown."""
        pairs = zip(self.letters, self.options, strict=True)
        options = "\n".join(f"- **{letter}**: {option['text']}" for letter, option in pairs)
        return f"**Question {number}.** {self.texts['title']}\n\n{options}"

    def buttons(self) -> Any:
        """One button per option, and a line that replies."""
        import ipywidgets as widgets

        look = {"description": "Answer", "style": {"button_width": "3em"}}
        buttons = widgets.ToggleButtons(options=self.letters, value=None, **look)
        reply = widgets.HTML()

        def answered(change: dict) -> None:
            verdict = self.attempt(change["new"])
            reply.value = as_html(verdict.state, verdict.message)

        buttons.observe(answered, names="value")
        return widgets.VBox([buttons, reply])


class Quiz(list[Question]):
    """The questions of one notebook."""

    def show(self) -> None:
        """Show every question as text and, where a kernel answers, with buttons to choose from."""
        for number, question in enumerate(self, start=1):
            words = question.in_words(number)
            display({"text/markdown": words, "text/plain": words}, raw=True)
            display(question.buttons())

    def check(self, *letters: str) -> None:
        """The same without a mouse: ``quiz.check("b", "a", "c")``; ``...`` skips a question."""
        for number, (question, letter) in enumerate(zip(self, letters, strict=False), start=1):
            verdict = question.attempt(letter)
            show_message(verdict.state, f"Question {number}: {verdict.message}")


def load_quiz(notebook: str) -> Quiz:
    """The quiz of a notebook by its number (``"01"``)."""
    return Quiz(
        Question(
            key=entry["key"],
            texts={"title": entry["question"], "hints": HINTS},
            variable=f"question {number}",
            answer=repr(entry["right"]),
            right=entry["right"],
            options=entry["options"],
        )
        for number, entry in enumerate(read_texts(notebook)["quiz"], start=1)
    )


def exercises_by_notebook() -> dict[str, list[Exercise]]:
    """``{"04": [...]}`` for every module ``nb04``: its exercises in order, its questions last."""
    found = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(cxrlab.exercises.__path__)):
        if name.startswith("nb"):
            things = vars(importlib.import_module(f"cxrlab.exercises.{name}"))
            own = [thing for thing in things.values() if isinstance(thing, Exercise)]
            found[name.removeprefix("nb")] = own + things["quiz"]
    return found


class Overview(NamedTuple):
    """``notebooks``: one row per notebook. ``next_step``: a sentence on what is left."""

    notebooks: pd.DataFrame
    next_step: str


def overview() -> Overview:
    """Solved and all exercises and quiz questions of each notebook, from the workspace."""
    kept, rows, open_ones = remembered(), [], []
    for notebook, exercises in exercises_by_notebook().items():
        row = {"notebook": notebook}
        for name, in_quiz in (("exercises", False), ("quiz", True)):
            mine = [e for e in exercises if isinstance(e, Question) == in_quiz]
            to_do = [e for e in mine if not kept.get(e.key, {}).get("solved")]
            row[name] = f"{len(mine) - len(to_do)} of {len(mine)}"
            open_ones += to_do
        row["attempts"] = sum(kept.get(e.key, {}).get("attempts", 0) for e in exercises)
        rows.append(row)
    step = "Everything is solved."
    if open_ones:
        step = f"Next: notebook {open_ones[0].key[:2]}, “{open_ones[0].texts['title']}”."
    return Overview(pd.DataFrame(rows), step)
