"""The quiz that closes a notebook: each question is an exercise whose answer is a letter.

The texts stand in ``quizzes/NN.json``: a list of questions, each with its ``key``, the
``question``, the letter that is ``right``, and ``options``, each a ``text`` and the ``reply`` to a
reader who chooses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from IPython.display import display

from cxrlab.exercises.engine import Exercise, as_html, show_message
from cxrlab.exercises.judge import Wrong, described
from cxrlab.files import read_json

QUIZZES = Path(__file__).parent / "quizzes"
LETTERS = "abcdef"


@dataclass
class Question:
    """A question, the letter of the right option, and the options: ``{"text": …, "reply": …}``."""

    key: str
    question: str
    right: str
    options: list[dict[str, str]]
    exercise: Exercise = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.right not in [*self.letters]:
            raise ValueError(f"{self.key} has no option {self.right!r}.")
        self.exercise = Exercise(
            key=self.key,
            title=self.question,
            variable=f"question {self.key.rpartition('.')[2].removeprefix('quiz')}",
            judge_answer=self._judge,
            hints=("Rule out what cannot be.", "The recap of this notebook has the answer."),
            answer=f'"{self.right}"',
        )

    @property
    def letters(self) -> str:
        """The letters that name its options."""
        return LETTERS[: len(self.options)]

    def _judge(self, answer: Any) -> str:
        letter = answer.strip().lower() if isinstance(answer, str) else ""
        if letter not in [*self.letters]:
            raise Wrong(
                f"The answer is {described(answer)}, but should be one of the letters "
                f"{', '.join(self.letters)}, in quotation marks."
            )
        reply = self.options[self.letters.index(letter)]["reply"]
        if letter != self.right:
            raise Wrong(reply)
        return reply

    def in_words(self, number: int) -> str:
        """The question with its options, as Markdown."""
        options = (
            f"- **{letter}**: {option['text']}"
            for letter, option in zip(self.letters, self.options, strict=True)
        )
        return f"**Question {number}.** {self.question}\n\n" + "\n".join(options)

    def buttons(self) -> Any:
        """One button per option, and a line that replies."""
        import ipywidgets as widgets

        buttons = widgets.ToggleButtons(
            options=[*self.letters],
            value=None,
            description="Answer",
            style={"button_width": "3em"},
        )
        reply = widgets.HTML()

        def answered(change: dict) -> None:
            verdict = self.exercise.attempt(change["new"])
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
            verdict = question.exercise.attempt(letter)
            show_message(verdict.state, f"Question {number}: {verdict.message}")


def load_quiz(notebook: str) -> Quiz:
    """The quiz of a notebook by its number (``"01"``)."""
    return Quiz(tuple(Question(**entry) for entry in read_json(QUIZZES / f"{notebook}.json")))
