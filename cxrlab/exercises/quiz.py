"""The quiz that closes a notebook: each question is an exercise whose answer is a letter.

The texts stand in ``quizzes/NN.json``: a list of questions, each with its ``key``, the
``question``, the letter that is ``right``, and ``options``, each a ``text`` and the ``reply`` to a
reader who chooses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.display import display

from cxrlab.exercises.answers import described, wrong_if
from cxrlab.exercises.engine import Exercise, as_html, show_message
from cxrlab.files import read_json

QUIZZES = Path(__file__).parent / "quizzes"


@dataclass(kw_only=True)
class Question(Exercise):
    """A question (its title), the options ``{"text": …, "reply": …}``, and the right letter."""

    options: list[dict[str, str]]
    right: str
    hints: tuple[str, ...] = (
        "Rule out what cannot be.",
        "The recap of this notebook has the answer.",
    )

    @property
    def letters(self) -> list[str]:
        """The letters that name its options."""
        return [*"abcdef"][: len(self.options)]

    def judge_answer(self, answer: Any) -> str:
        """The reply to the right letter; raises :class:`Wrong` with that to another one."""
        letter = answer.strip().lower() if isinstance(answer, str) else answer
        letters = f"one of the letters {', '.join(self.letters)}, in quotation marks"
        wrong_if(letter not in self.letters, f"It is {described(answer)}, but should be {letters}.")
        reply = self.options[self.letters.index(letter)]["reply"]
        wrong_if(letter != self.right, reply)
        return reply

    def in_words(self, number: int) -> str:
        """The question with its options, as Markdown."""
        options = (
            f"- **{letter}**: {option['text']}"
            for letter, option in zip(self.letters, self.options, strict=True)
        )
        return f"**Question {number}.** {self.title}\n\n" + "\n".join(options)

    def buttons(self) -> Any:
        """One button per option, and a line that replies."""
        import ipywidgets as widgets

        buttons = widgets.ToggleButtons(
            options=self.letters,
            value=None,
            description="Answer",
            style={"button_width": "3em"},
        )
        reply = widgets.HTML()

        def answered(change: dict) -> None:
            verdict = self.attempt(change["new"])
            reply.value = as_html(verdict.state, verdict.message)

        buttons.observe(answered, names="value")
        return widgets.VBox([buttons, reply])


@dataclass
class Quiz:
    """The questions of one notebook."""

    questions: tuple[Question, ...]

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

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
    questions = [
        Question(
            key=entry["key"],
            title=entry["question"],
            variable=f"question {number}",
            answer=repr(entry["right"]),
            right=entry["right"],
            options=entry["options"],
        )
        for number, entry in enumerate(read_json(QUIZZES / f"{notebook}.json"), start=1)
    ]
    return Quiz(tuple(questions))
