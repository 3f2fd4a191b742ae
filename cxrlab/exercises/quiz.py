"""The quiz that closes a notebook: each question is an exercise whose answer is a letter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from cxrlab.exercises.display import as_html, show_message
from cxrlab.exercises.engine import Exercise, Wrong, described

LETTERS = "abcdef"


@dataclass(frozen=True)
class Option:
    """A possible answer, and what is to be said to a reader who chooses it."""

    text: str
    reply: str
    right: bool = False


@dataclass
class Question:
    """A question with its options, exactly one of which is right."""

    key: str
    text: str
    options: tuple[Option, ...]
    exercise: Exercise = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rights = [letter for letter, o in zip(LETTERS, self.options, strict=False) if o.right]
        if len(rights) != 1:
            raise ValueError(f"{self.key} has {len(rights)} right options instead of one.")
        self.exercise = Exercise(
            key=self.key,
            title=self.text,
            variable=f"question {self.key.rpartition('.')[2].removeprefix('quiz')}",
            judge_answer=self._judge,
            hints=("Rule out what cannot be.", "The recap of this notebook has the answer."),
            answer=f'"{rights[0]}"',
        )

    @property
    def letters(self) -> str:
        """The letters that name its options."""
        return LETTERS[: len(self.options)]

    def _judge(self, letter: Any) -> str:
        if not isinstance(letter, str) or letter.strip().lower() not in [*self.letters]:
            raise Wrong(
                f"The answer is {described(letter)}, but should be one of the letters "
                f"{', '.join(self.letters)}, in quotation marks."
            )
        option = self.options[self.letters.index(letter.strip().lower())]
        if not option.right:
            raise Wrong(option.reply)
        return option.reply


@dataclass
class Quiz:
    """The questions of one notebook."""

    questions: tuple[Question, ...]

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def show(self) -> None:
        """Show every question as text and, where a kernel answers, with buttons to choose from."""
        from IPython.display import display

        for number, question in enumerate(self, start=1):
            words = self._in_words(number, question)
            display({"text/markdown": words, "text/plain": words}, raw=True)
            display(self._buttons(question))

    def check(self, *letters: str) -> None:
        """The same without a mouse: ``quiz.check("b", "a", "c")``; ``...`` skips a question."""
        for number, (question, letter) in enumerate(zip(self, letters, strict=False), start=1):
            verdict = question.exercise.attempt(letter)
            show_message(verdict.state, f"Question {number}: {verdict.message}")

    @staticmethod
    def _in_words(number: int, question: Question) -> str:
        options = "\n".join(
            f"- **{letter}**: {option.text}"
            for letter, option in zip(question.letters, question.options, strict=True)
        )
        return f"**Question {number}.** {question.text}\n\n{options}"

    @staticmethod
    def _buttons(question: Question) -> Any:
        import ipywidgets as widgets

        buttons = widgets.ToggleButtons(
            options=[*question.letters],
            value=None,
            description="Answer",
            style={"button_width": "3em"},
        )
        reply = widgets.HTML()

        def answered(change: dict) -> None:
            verdict = question.exercise.attempt(change["new"])
            reply.value = as_html(verdict.state, verdict.message)

        buttons.observe(answered, names="value")
        return widgets.VBox([buttons, reply])


def exercises_in(module: ModuleType) -> list[Exercise]:
    """The exercises of a notebook's module in their order, its quiz's questions last."""
    things = vars(module).values()
    found = [thing for thing in things if isinstance(thing, Exercise)]
    quizzes = [thing for thing in things if isinstance(thing, Quiz)]
    return found + [question.exercise for quiz in quizzes for question in quiz]
